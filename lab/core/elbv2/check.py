"""Whether a configuration may be put in force. The control plane asks before it publishes one, a node before it obeys one.

A document that passes closes: every reference is to something that it holds, every value is one that a node can use. What
AWS refuses for other reasons is the actions' business.
"""

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lab.core.elbv2.attributes import BUCKET, HEADER_NAME, HEADER_VALUE, LOAD_BALANCER, TARGET_GROUP, TOKEN
from lab.core.elbv2.check_rules import rule_problems
from lab.core.elbv2.config import (
    Attributes,
    Certificate,
    HealthCheck,
    Listener,
    LoadBalancerConfig,
    LogTarget,
    Stickiness,
    Target,
    TargetGroup,
    Tls,
)
from lab.core.elbv2.health import Matcher
from lab.core.elbv2.rules import Forward

PORTS = range(1, 65536)
PROTOCOLS = ("HTTP", "HTTPS")
COOKIE_KEY = re.compile(r"[0-9a-f]{64}")
WORD = re.compile(r"[\x21-\x7e]+")


def problems(config: LoadBalancerConfig) -> list[str]:
    """Why the document must not be put in force, as sentences; empty when it is sound."""
    try:
        return list(_problems(config))
    except (TypeError, ValueError, AttributeError) as error:
        return [f"the document holds a value of the wrong kind: {error}"]


def _problems(config: LoadBalancerConfig) -> Iterator[str]:
    arns = [group.arn for group in config.target_groups]
    if len(set(arns)) != len(arns):
        yield "two target groups have the same ARN"
    ports = [listener.port for listener in config.listeners]
    if len(set(ports)) != len(ports):
        yield "two listeners have the same port"
    if not _positive(config.speed):
        yield f"speed must be above 0, not {config.speed}"
    if config.generation < 0:
        yield f"generation must not be below 0, as {config.generation} is"
    for what, text in (("a name", config.name), ("an ARN", config.arn), ("a DNS name", config.dns_name)):
        if not WORD.fullmatch(text):
            yield f"{text!r} is not {what}"
    if config.shifted_zone and not WORD.fullmatch(config.shifted_zone):
        yield f"{config.shifted_zone!r} is not a zone"
    yield from _cookie_key(config)
    yield from _attributes(config.attributes)
    for listener in config.listeners:
        yield from _listener(listener, frozenset(arns))
    for group in config.target_groups:
        yield from _group(group)


def _cookie_key(config: LoadBalancerConfig) -> Iterator[str]:
    actions = (rule.action for listener in config.listeners for rule in listener.rules)
    sticky = any(group.stickiness is not None for group in config.target_groups) or any(
        isinstance(action, Forward) and action.stickiness is not None for action in actions
    )
    if sticky and not config.cookie_key:
        yield "stickiness needs a cookie_key"
    if config.cookie_key and not COOKIE_KEY.fullmatch(config.cookie_key):
        yield "cookie_key must be 64 hexadecimal digits"


def _attributes(attributes: Attributes) -> Iterator[str]:
    if not (_positive(attributes.idle_timeout) and _positive(attributes.client_keep_alive)):
        yield "idle_timeout and client_keep_alive must be above 0"
    modes = (
        ("routing.http.desync_mitigation_mode", attributes.desync_mode),
        ("routing.http.xff_header_processing.mode", attributes.xff_mode),
    )
    for key, value in modes:
        if not LOAD_BALANCER[key].accepts(value):
            yield f"{key} must be {LOAD_BALANCER[key].wanted}, not {value!r}"
    for log in (attributes.access_logs, attributes.connection_logs, attributes.health_check_logs):
        if log is not None:
            yield from _log(log)


def _log(log: LogTarget) -> Iterator[str]:
    """Both name files in the end: neither may lead out of their directory."""
    if not BUCKET.fullmatch(log.bucket):
        yield f"{log.bucket!r} is not the name of a bucket"
    if not LOAD_BALANCER["access_logs.s3.prefix"].accepts(log.prefix):
        yield f"{log.prefix!r} is not a prefix for log files"


# ── listeners ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _listener(listener: Listener, arns: frozenset[str]) -> Iterator[str]:
    name = f"listener {listener.port}"
    if listener.port not in PORTS:
        yield f"{name} has port {listener.port}; ports are 1 to 65535"
    if listener.protocol not in PROTOCOLS:
        yield f"{name} has protocol {listener.protocol}; nodes speak HTTP and HTTPS"
    if (listener.protocol == "HTTPS") != (listener.tls is not None):
        yield f"{name} must have certificates if its protocol is HTTPS, and only then"
    if listener.tls is not None:
        yield from _tls(listener.tls, name)
    for given, wanted in listener.renamed:
        if not (TOKEN.fullmatch(given) and HEADER_NAME.fullmatch(wanted)):
            yield f"{name} gives the request field {given!r} the name {wanted!r}"
    yield from _repeated((given.lower() for given, _ in listener.renamed), f"{name} renames")
    yield from _repeated((wanted.lower() for _, wanted in listener.renamed), f"{name} has the new name")
    for field, value in listener.response_fields:
        if not (TOKEN.fullmatch(field) and HEADER_VALUE.fullmatch(value)):
            yield f"{name} adds the response field {field!r} with the value {value!r}"
    yield from _repeated((field.lower() for field, _ in listener.response_fields), f"{name} adds")
    yield from rule_problems(listener.rules, name, arns)


def _tls(tls: Tls, name: str) -> Iterator[str]:
    if not tls.certificates:
        yield f"{name} has no certificate"
    if not WORD.fullmatch(tls.policy):
        yield f"{name} has the security policy {tls.policy!r}"
    yield from _repeated((certificate.arn for certificate in tls.certificates), f"{name} has the certificate")
    for certificate in tls.certificates:
        yield from _certificate(certificate, name)
    mutual = tls.mutual
    if mutual is not None and mutual.mode not in ("passthrough", "verify"):
        yield f"{name} has the mutual authentication mode {mutual.mode!r}"
    if mutual is not None and mutual.mode == "verify" and "-----BEGIN CERTIFICATE-----" not in mutual.authorities:
        yield f"{name} verifies client certificates, and has no authorities to do it by"


def _certificate(certificate: Certificate, name: str) -> Iterator[str]:
    """That chain and key belong together, the node finds when it loads them."""
    if "-----BEGIN CERTIFICATE-----" not in certificate.chain:
        yield f"{name}: certificate {certificate.arn} is not PEM"
    if "PRIVATE KEY-----" not in certificate.private_key:
        yield f"{name}: the private key of certificate {certificate.arn} is not PEM"


# ── target groups ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _group(group: TargetGroup) -> Iterator[str]:
    name = f"target group {group.name}"
    if not (WORD.fullmatch(group.arn) and WORD.fullmatch(group.name)):
        yield f"{name} needs a name and an ARN"
    if group.protocol not in PROTOCOLS:
        yield f"{name} has protocol {group.protocol}; nodes speak HTTP and HTTPS"
    if not TARGET_GROUP["load_balancing.algorithm.type"].accepts(group.algorithm):
        yield f"{name} has the algorithm {group.algorithm!r}"
    if not (math.isfinite(group.slow_start) and group.slow_start >= 0):
        yield f"{name} has a slow start of {group.slow_start} seconds"
    if group.minimum_healthy < 1 or not (
        group.minimum_healthy_percent is None or 1 <= group.minimum_healthy_percent <= 100
    ):
        yield f"{name} must want at least 1 healthy target and 1 to 100 percent"
    if group.stickiness is not None:
        yield from _stickiness(group.stickiness, name)
    yield from _health_check(group.health_check, name)
    yield from _repeated((f"{target.id}:{target.port}" for target in group.targets), f"{name} lists a target twice:")
    for target in group.targets:
        yield from _target(target)


def _stickiness(stickiness: Stickiness, name: str) -> Iterator[str]:
    if not _positive(stickiness.duration):
        yield f"{name} has a stickiness of {stickiness.duration} seconds"
    if stickiness.app and not (
        stickiness.cookie and TARGET_GROUP["stickiness.app_cookie.cookie_name"].accepts(stickiness.cookie)
    ):
        yield f"{name} sticks by the cookie {stickiness.cookie!r}"


def _health_check(check: HealthCheck, name: str) -> Iterator[str]:
    if check.protocol not in PROTOCOLS:
        yield f"{name} has health checks of protocol {check.protocol}; nodes speak HTTP and HTTPS"
    if check.port is not None and check.port not in PORTS:
        yield f"{name} has the health check port {check.port}; ports are 1 to 65535"
    if not (_positive(check.interval) and _positive(check.timeout)):
        yield f"{name} has a health check without interval or timeout"
    if min(check.healthy_threshold, check.unhealthy_threshold) < 1:
        yield f"{name} has a health check threshold below 1"
    if not (check.path.startswith("/") and WORD.fullmatch(check.path)):
        yield f"{name} has the health check path {check.path!r}"
    try:
        Matcher(check.matcher)
    except ValueError as error:
        yield f"{name}: {error}"


def _target(target: Target) -> Iterator[str]:
    try:
        ipaddress.IPv4Address(target.host)
    except ValueError:
        # A name would have to be resolved in the middle of a request, which would stop all the others.
        yield f"target {target.id} has the host {target.host!r}, which is not an IPv4 address"
    if target.dial_port not in PORTS or target.port not in PORTS:
        yield f"target {target.id} has the ports {target.port} and {target.dial_port}; ports are 1 to 65535"
    if not (WORD.fullmatch(target.id) and WORD.fullmatch(target.zone)):
        yield f"target {target.id!r} of zone {target.zone!r} needs an id and a zone"


def _repeated(names: Iterable[str], what: str) -> Iterator[str]:
    yield from (f"{what} {name} twice" for name, count in Counter(names).items() if count > 1)


def _positive(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds > 0
