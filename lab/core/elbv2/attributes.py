"""The attributes of load balancers, listeners and target groups: AWS's keys and defaults, and which values a key takes.

Source: bc:elbv2.LoadBalancerAttribute, bc:elbv2.ListenerAttribute, bc:elbv2.TargetGroupAttribute (aws-facts §1.2, §1.4, §2.3,
§2.4). A key that the lab cannot obey takes its default only. What two attributes may not be together: `load_balancer_problem`,
`target_group_problem`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WEEK = 604800
TARGETS = 1000
RESERVED_COOKIES = ("AWSALB", "AWSALBAPP", "AWSALBTG")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")
LOGS = ("access_logs", "connection_logs", "health_check_logs")

Accepts = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Attribute:
    """`wanted` says in words what `accepts` tests. `fixed`: why the lab takes the default only ("": it takes all)."""

    default: str
    accepts: Accepts
    wanted: str
    fixed: str = ""

    def problem(self, key: str, value: str) -> str | None:
        """Why the key may not have the value, as a sentence; None if it may."""
        if not self.accepts(value):
            return f"{key} must be {self.wanted}, not '{value}'"
        if self.fixed and value != self.default:
            return f"the lab does not support {key} = '{value}': {self.fixed}; leave it at '{self.default}'"
        return None


Table = Mapping[str, Attribute]


def defaults(table: Table) -> dict[str, str]:
    """What an object has that nobody has changed."""
    return {key: attribute.default for key, attribute in table.items()}


def _one_of(default: str, *words: str, fixed: str = "") -> Attribute:
    return Attribute(default, words.__contains__, " or ".join(words), fixed)


def _switch(default: str, fixed: str = "") -> Attribute:
    return _one_of(default, "true", "false", fixed=fixed)


def _number(default: str, low: int, high: int, word: str = "") -> Attribute:
    """A number of the range, or the word where there is one."""

    def accepts(value: str) -> bool:
        return (word != "" and value == word) or (
            len(value) < 10 and value.isascii() and value.isdecimal() and low <= int(value) <= high
        )

    return Attribute(default, accepts, f"{word + ' or ' if word else ''}a number from {low} to {high}")


def _text(pattern: re.Pattern[str], wanted: str, default: str = "") -> Attribute:
    """Text of the pattern, or nothing."""
    return Attribute(default, lambda value: not value or pattern.fullmatch(value) is not None, wanted)


def _is_prefix(value: str) -> bool:
    parts = value.split("/")
    return not value or (
        len(value) <= 512
        and PREFIX.fullmatch(value) is not None
        and "AWSLogs" not in value
        and not {".", ".."} & set(parts)
    )


def _log(name: str) -> dict[str, Attribute]:
    return {
        f"{name}.s3.enabled": _switch("false"),
        f"{name}.s3.bucket": _text(BUCKET, "the name of a bucket"),
        f"{name}.s3.prefix": Attribute(
            "", _is_prefix, "a prefix without AWSLogs, without / at its ends, of at most 512 characters"
        ),
    }


LOAD_BALANCER: Table = {
    "idle_timeout.timeout_seconds": _number("60", 1, 4000),
    "client_keep_alive.seconds": _number("3600", 60, WEEK),
    "routing.http2.enabled": _switch("true"),
    "routing.http.drop_invalid_header_fields.enabled": _switch("false"),
    "routing.http.desync_mitigation_mode": _one_of("defensive", "monitor", "defensive", "strictest"),
    "routing.http.preserve_host_header.enabled": _switch("false"),
    "routing.http.xff_header_processing.mode": _one_of("append", "append", "preserve", "remove"),
    "routing.http.xff_client_port.enabled": _switch("false"),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _switch("false"),
    "deletion_protection.enabled": _switch("false"),
    **_log("access_logs"),
    **_log("connection_logs"),
    **_log("health_check_logs"),
    "zonal_shift.config.enabled": _switch("false"),
    "load_balancing.cross_zone.enabled": _switch("true", "it is always on for application load balancers"),
    "waf.fail_open.enabled": _switch("false", "it has no WAF"),
    "ipv6.deny_all_igw_traffic": _switch("false", "it has no IPv6"),
}

RENAMED = {
    f"routing.http.request.{name.lower().replace('-', '_')}.header_name": name
    for name in (
        "X-Amzn-Mtls-Clientcert-Serial-Number",
        "X-Amzn-Mtls-Clientcert-Issuer",
        "X-Amzn-Mtls-Clientcert-Subject",
        "X-Amzn-Mtls-Clientcert-Validity",
        "X-Amzn-Mtls-Clientcert-Leaf",
        "X-Amzn-Mtls-Clientcert",
        "X-Amzn-Tls-Version",
        "X-Amzn-Tls-Cipher-Suite",
    )
}
"""Keys of HTTPS listeners → the request field whose name they change."""

RESPONSE_FIELDS = {
    f"routing.http.response.{name.lower().replace('-', '_')}.header_value": name
    for name in (
        "Strict-Transport-Security",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    )
}
"""Keys → the response field they add."""

_VALUE = _text(HEADER_VALUE, "1 to 1024 printable ASCII characters, without space at its ends")
_VALUES = {
    "Access-Control-Allow-Credentials": _one_of("", "", "true"),
    "Access-Control-Max-Age": _text(re.compile(r"\d{1,9}", re.ASCII), "a number of seconds"),
    "X-Content-Type-Options": _one_of("", "", "nosniff"),
    "X-Frame-Options": _text(
        re.compile(r"DENY|SAMEORIGIN|ALLOW-FROM [\x21-\x7e]{1,512}"), "DENY, SAMEORIGIN or ALLOW-FROM and an origin"
    ),
}
LISTENER: Table = {
    **{key: _text(HEADER_NAME, "1 to 40 letters, digits, hyphens and underscores") for key in RENAMED},
    "routing.http.response.server.enabled": _switch("true"),
    **{key: _VALUES.get(name, _VALUE) for key, name in RESPONSE_FIELDS.items()},
}


def _is_cookie_name(value: str) -> bool:
    return not value or (
        len(value) <= 256 and TOKEN.fullmatch(value) is not None and not value.upper().startswith(RESERVED_COOKIES)
    )


_HEALTHY = "target_group_health"
TARGET_GROUP: Table = {
    "deregistration_delay.timeout_seconds": _number("300", 0, 3600),
    "stickiness.enabled": _switch("false"),
    "stickiness.type": _one_of("lb_cookie", "lb_cookie", "app_cookie"),
    "stickiness.lb_cookie.duration_seconds": _number("86400", 1, WEEK),
    "stickiness.app_cookie.cookie_name": Attribute(
        "", _is_cookie_name, "the name of a cookie that does not begin with AWSALB (that is the load balancer's own)"
    ),
    "stickiness.app_cookie.duration_seconds": _number("86400", 1, WEEK),
    "slow_start.duration_seconds": _number("0", 30, 900, "0"),
    "load_balancing.algorithm.type": _one_of(
        "round_robin", "round_robin", "least_outstanding_requests", "weighted_random"
    ),
    "load_balancing.algorithm.anomaly_mitigation": _one_of("off", "on", "off"),
    "load_balancing.cross_zone.enabled": _one_of(
        "use_load_balancer_configuration", "true", "false", "use_load_balancer_configuration"
    ),
    f"{_HEALTHY}.dns_failover.minimum_healthy_targets.count": _number("1", 1, TARGETS, "off"),
    f"{_HEALTHY}.dns_failover.minimum_healthy_targets.percentage": _number("off", 1, 100, "off"),
    f"{_HEALTHY}.unhealthy_state_routing.minimum_healthy_targets.count": _number("1", 1, TARGETS),
    f"{_HEALTHY}.unhealthy_state_routing.minimum_healthy_targets.percentage": _number("off", 1, 100, "off"),
}


def load_balancer_problem(values: Mapping[str, str]) -> str | None:
    """What no single attribute shows: logs need a bucket."""
    for name in LOGS:
        if values[f"{name}.s3.enabled"] == "true" and not values[f"{name}.s3.bucket"]:
            return f"{name}.s3.bucket is required when {name}.s3.enabled is true"
    return None


def listener_problem(values: Mapping[str, str], protocol: str) -> str | None:
    """Only an HTTPS listener has fields of TLS, and no two of them get one name."""
    renamed = {key: values[key] or name for key, name in RENAMED.items()}
    changed = [key for key in RENAMED if values[key]]
    if changed and protocol != "HTTPS":
        return f"{changed[0]} is for HTTPS listeners only"
    if len({name.lower() for name in renamed.values()}) < len(renamed):
        return "two request fields cannot have the same name"
    return None


def target_group_problem(values: Mapping[str, str]) -> str | None:
    """AWS's forbidden combinations (alb:edit-target-group-attributes)."""
    algorithm = values["load_balancing.algorithm.type"]
    sticky = values["stickiness.enabled"] == "true"
    if values["slow_start.duration_seconds"] != "0" and algorithm != "round_robin":
        return f"slow start works with the algorithm round_robin only, not with {algorithm}"
    if sticky and algorithm == "weighted_random":
        return "stickiness does not work with the algorithm weighted_random"
    if sticky and values["load_balancing.cross_zone.enabled"] == "false":
        return "stickiness does not work with cross-zone load balancing off"
    if sticky and values["stickiness.type"] == "app_cookie" and not values["stickiness.app_cookie.cookie_name"]:
        return "stickiness.app_cookie.cookie_name is required when stickiness.type is app_cookie"
    if values["load_balancing.algorithm.anomaly_mitigation"] == "on" and algorithm != "weighted_random":
        return f"anomaly mitigation works with the algorithm weighted_random only, not with {algorithm}"
    for unit in ("count", "percentage"):
        dns = values[f"{_HEALTHY}.dns_failover.minimum_healthy_targets.{unit}"]
        routing = values[f"{_HEALTHY}.unhealthy_state_routing.minimum_healthy_targets.{unit}"]
        if "off" not in (dns, routing) and int(dns) < int(routing):
            return f"the {unit} of dns_failover must not be below that of unhealthy_state_routing"
    return None
