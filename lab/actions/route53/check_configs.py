"""A HealthCheckConfig, held to AWS's rules and with its defaults (bc:route53.HealthCheckConfig)."""

from collections.abc import Mapping
from typing import Any

from lab.actions.context import Context
from lab.actions.route53.common import get_check, invalid
from lab.core.cloudwatch.metric import STATISTICS
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.route53.checks import ENDPOINT, MATCHING, TYPES
from lab.core.route53.model import HealthCheck
from lab.core.route53.values import problem

CHILDREN = 255
INTERVALS = (10, 30)
REGIONS = (
    "us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1",
)  # fmt: skip
"""Where AWS's checkers are."""
INSUFFICIENT = ("Healthy", "Unhealthy", "LastKnownStatus")
PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_ENDPOINTS = {
    "IPAddress", "Port", "FullyQualifiedDomainName", "RequestInterval", "FailureThreshold", "MeasureLatency", "Regions",
    "EnableSNI",
}  # fmt: skip
_WEB = {*_ENDPOINTS, "ResourcePath"}
_MEMBERS = {
    "TCP": _ENDPOINTS,
    "HTTP": _WEB,
    "HTTP_STR_MATCH": {*_WEB, "SearchString"},
    "HTTPS": _WEB,
    "HTTPS_STR_MATCH": {*_WEB, "SearchString"},
    "CALCULATED": {"HealthThreshold", "ChildHealthChecks"},
    "CLOUDWATCH_METRIC": {"AlarmIdentifier", "InsufficientDataHealthStatus"},
}
"""By type, what may be given besides Type, Inverted and Disabled."""
_RANGES = {"Port": (1, 65535), "FailureThreshold": (1, 10), "HealthThreshold": (0, 256)}
_LENGTHS = {"ResourcePath": 255, "FullyQualifiedDomainName": 255, "SearchString": 255}


def checked(context: Context, given: Mapping[str, Any], own_id: str = "") -> dict[str, Any]:
    """The config as it is kept. `own_id` is the check's that is to have it. Raises InvalidInput, NoSuchHealthCheck."""
    kind = given["Type"]
    if kind not in TYPES:
        raise invalid(f"Type must be one of {', '.join(TYPES)}, not '{kind}'")
    if strange := sorted(set(given) - _MEMBERS[kind] - {"Type", "Inverted", "Disabled"}):
        raise invalid(f"A health check of type {kind} has no {', '.join(strange)}")
    _check_ranges(given)
    config = {"Inverted": False, "Disabled": False, **given}
    if kind in ENDPOINT:
        return _endpoint(config)
    return _calculated(context, config, own_id) if kind == "CALCULATED" else _of_alarm(context, config)


def _check_ranges(given: Mapping[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        if not low <= given.get(name, low) <= high:
            raise invalid(f"{name} must be from {low} to {high}, not {given[name]}")
    for name, most in _LENGTHS.items():
        if len(given.get(name, "")) > most:
            raise invalid(f"{name} has at most {most} characters")


def _endpoint(config: dict[str, Any]) -> dict[str, Any]:
    kind = config["Type"]
    if "IPAddress" not in config and "FullyQualifiedDomainName" not in config:
        raise invalid("A health check of an endpoint needs IPAddress or FullyQualifiedDomainName")
    if "IPAddress" in config and not _is_address(config["IPAddress"]):
        raise invalid(f"IPAddress must be an IPv4 address, not '{config['IPAddress']}'")
    if "FullyQualifiedDomainName" in config and not _is_name(config["FullyQualifiedDomainName"]):
        raise invalid(f"FullyQualifiedDomainName must be a domain name, not '{config['FullyQualifiedDomainName']}'")
    if kind == "TCP" and "Port" not in config:
        raise invalid("A health check of type TCP needs a Port")
    if (kind in MATCHING) != bool(config.get("SearchString")):
        raise invalid("A health check of a type that ends in STR_MATCH needs a SearchString, and no other has one")
    if config.get("RequestInterval", 30) not in INTERVALS:
        raise invalid(f"RequestInterval must be 10 or 30, not {config['RequestInterval']}")
    if not set(config.get("Regions", REGIONS)) <= set(REGIONS) or len(config.get("Regions", REGIONS)) < 3:
        raise invalid(f"Regions must be three or more of {', '.join(REGIONS)}")
    path = config.get("ResourcePath", "/")
    if not path.isascii() or any(character <= " " for character in path):
        raise invalid(f"ResourcePath must be of printable ASCII characters, not '{path}'")
    defaults = {
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "MeasureLatency": False,
        "EnableSNI": kind.startswith("HTTPS"),
    }
    port = {"Port": PORTS[kind]} if kind in PORTS else {}
    return {**defaults, **port, **config}


def _calculated(context: Context, config: dict[str, Any], own_id: str) -> dict[str, Any]:
    children = config.get("ChildHealthChecks", [])
    if len(set(children)) != len(children) or len(children) > CHILDREN:
        raise invalid(f"ChildHealthChecks are at most {CHILDREN}, each named once")
    for child in children:
        get_check(context, child)
    if own_id and own_id in _descendants(context, children):
        raise invalid(f"The health check {own_id} cannot be among its own ChildHealthChecks or below them")
    return {"HealthThreshold": len(children), **config, "ChildHealthChecks": list(children)}


def _descendants(context: Context, children: list[str]) -> set[str]:
    found: set[str] = set()
    rest = list(children)
    while rest:
        if (one := rest.pop()) not in found:
            found.add(one)
            row = context.store.get(HealthCheck, one)
            rest += row.children if row is not None else ()
    return found


def _of_alarm(context: Context, config: dict[str, Any]) -> dict[str, Any]:
    config = {"InsufficientDataHealthStatus": "LastKnownStatus", **config}
    alarm = config.get("AlarmIdentifier")
    if alarm is None:
        raise invalid("A health check of type CLOUDWATCH_METRIC needs an AlarmIdentifier")
    row = context.store.get(MetricAlarm, alarm["Name"]) if alarm["Region"] == context.account.region else None
    if row is None:
        raise invalid(f"There is no metric alarm '{alarm['Name']}' in {alarm['Region']}")
    if row.metric is None or row.statistic not in STATISTICS or row.period < 60:
        raise invalid(f"The alarm '{row.name}' must be on a metric of whole minutes, by one of {', '.join(STATISTICS)}")
    if config["InsufficientDataHealthStatus"] not in INSUFFICIENT:
        raise invalid(f"InsufficientDataHealthStatus must be one of {', '.join(INSUFFICIENT)}")
    return config


def _is_address(text: str) -> bool:
    return problem("A", text) is None


def _is_name(text: str) -> bool:
    return problem("CNAME", text) is None
