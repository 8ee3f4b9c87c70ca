"""When a rule applies, and what it rewrites: conditions and transforms, checked, in the form in which AWS describes them.

Source: alb:rule-condition-types, alb:rule-transforms; bc:elbv2.RuleCondition, bc:elbv2.RuleTransform (aws-facts §1.3). AWS's
guide has at most three values in a condition; its API has only the limit of five in a rule, which is the one kept here.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.actions.elbv2.limits import CONDITION_VALUES, CONDITION_WILDCARDS
from lab.core.elbv2.attributes import TOKEN
from lab.core.elbv2.model import Described
from lab.core.elbv2.patterns import regex_problem
from lab.core.errors import ValidationError

CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
ONCE = ("host-header", "path-pattern", "http-request-method", "source-ip")
BARE = ("host-header", "path-pattern")
"""The fields whose values may stand in the condition itself, as they did before there were others."""
REGEX = ("host-header", "path-pattern", "http-header")
LONGEST = 128
PATTERNS = {
    "host-header": (
        re.compile(r"[A-Za-z0-9.*?_-]+\.[A-Za-z]+"),
        "letters, digits, - _ . * ? and letters after the last .",
    ),
    "path-pattern": (re.compile(r"""[A-Za-z0-9_.$/~"'@:+&*?-]+"""), "letters, digits and _ - . $ / ~ \" ' @ : + & * ?"),
    "http-header": (re.compile(r"[\x20-\x7e]+"), "printable ASCII characters"),
    "http-request-method": (re.compile(r"[A-Z_-]{1,40}"), "1 to 40 of A-Z, - and _"),
    "query-string": (re.compile(r"""[A-Za-z0-9_.$/~"'@:+&()!,;=*?%\\-]+"""), "characters of a query string, * and ?"),
}
WILDCARD = re.compile(r"\\[*?\\]|(?P<wild>[*?])")


def described_conditions(given: Iterable[Mapping[str, Any]]) -> tuple[Described, ...]:
    """The conditions of a rule. Raises ValidationError."""
    conditions = tuple(_condition(condition) for condition in given)
    if not conditions:
        raise ValidationError("A rule must have at least one condition")
    for field, count in Counter(condition["Field"] for condition in conditions).items():
        if field in ONCE and count > 1:
            raise ValidationError(f"A rule can have one {field} condition only")
    texts = [text for condition in conditions for text in _texts(condition)]
    if len(texts) > CONDITION_VALUES:
        raise ValidationError(f"A rule can only have '{CONDITION_VALUES}' condition values")
    if sum(texts) > CONDITION_WILDCARDS:
        raise ValidationError(f"A rule can only have '{CONDITION_WILDCARDS}' condition wildcards")
    return conditions


def _texts(condition: Described) -> list[int]:
    """For each value of the condition, how many wildcards it has."""
    field = condition["Field"]
    config = condition[CONFIGS[field]]
    if "RegexValues" in config or field in ("http-request-method", "source-ip"):
        return [0 for _ in config.get("RegexValues", config.get("Values"))]
    if field == "query-string":
        return [_wildcards(pair.get("Key", ""), field) + _wildcards(pair["Value"], field) for pair in config["Values"]]
    return [_wildcards(value, field) for value in config["Values"]]


def _wildcards(value: str, field: str) -> int:
    if field != "query-string":
        return value.count("*") + value.count("?")
    return sum(found.group("wild") is not None for found in WILDCARD.finditer(value))


def _condition(given: Mapping[str, Any]) -> Described:
    field = given.get("Field", "")
    if field not in CONFIGS:
        raise ValidationError(f"Condition field '{field}' must be one of {', '.join(CONFIGS)}")
    other = next((name for name in CONFIGS.values() if name in given and name != CONFIGS[field]), None)
    if other is not None:
        raise ValidationError(f"A condition of field {field} has no {other}")
    config = {**given.get(CONFIGS[field], {})}
    for name, fields in (("Values", BARE), ("RegexValues", REGEX)):
        if given.get(name):
            if field not in fields:
                raise ValidationError(f"A condition of field {field} has its {name} in {CONFIGS[field]}")
            if config.get(name, given[name]) != given[name]:
                raise ValidationError(f"{name} and {CONFIGS[field]} of the condition differ: give one of them")
            config[name] = given[name]
    if "IpAddressType" in config:
        raise ValidationError("IpAddressType is for network load balancers; give CIDR blocks in Values")
    values, regexes = config.get("Values", []), config.get("RegexValues", [])
    if bool(values) == bool(regexes):
        raise ValidationError(f"A condition of field {field} needs values, either in Values or in RegexValues")
    name = "RegexValues" if regexes else "Values"
    for value in regexes:
        _check_regex(value, LONGEST)
    checked = [_VALUES[field](value) for value in values] or list(regexes)
    header = {"HttpHeaderName": _header_name(config)} if field == "http-header" else {}
    bare = {name: checked} if field in BARE else {}
    return {"Field": field, **bare, CONFIGS[field]: {**header, name: checked}}


def _text(field: str) -> Callable[[Any], str]:
    pattern, wanted = PATTERNS[field]

    def check(value: str) -> str:
        if len(value) > LONGEST:
            raise ValidationError(f"Condition value '{value}' is longer than {LONGEST} characters")
        if pattern.fullmatch(value) is None:
            raise ValidationError(f"Condition value '{value}' for field '{field}' must consist of {wanted}")
        return value

    return check


def _pair(value: Mapping[str, str]) -> dict[str, str]:
    check = _text("query-string")
    key = {"Key": check(value["Key"])} if value.get("Key") else {}
    return {**key, "Value": check(value.get("Value", ""))}


def _block(value: str) -> str:
    if value == "255.255.255.255/32":
        raise ValidationError("The CIDR block 255.255.255.255/32 cannot be used")
    try:
        if "/" not in value:
            raise ValueError("it has no mask, as in 192.0.2.1/32")
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise ValidationError(f"Condition value '{value}' is not a CIDR block: {error}") from error
    return value


_VALUES: dict[str, Callable[[Any], Any]] = {
    **{field: _text(field) for field in PATTERNS},
    "query-string": _pair,
    "source-ip": _block,
}


def _header_name(config: Mapping[str, Any]) -> str:
    name = str(config.get("HttpHeaderName", ""))
    if len(name) > 40 or TOKEN.fullmatch(name) is None:
        raise ValidationError(f"HttpHeaderName '{name}' must be the name of a header field, of at most 40 characters")
    if name.lower() == "host":
        raise ValidationError("An http-header condition cannot be about Host: use a host-header condition")
    return name


def _check_regex(value: str, longest: int) -> None:
    if not 1 <= len(value) <= longest:
        raise ValidationError(f"The regular expression '{value}' must have 1 to {longest} characters")
    problem = regex_problem(value)
    if problem is not None:
        raise ValidationError(problem[0].upper() + problem[1:])


# ── transforms ────────────────────────────────────────────────────────────────────────────────────────────────────────

TRANSFORMS = {"host-header-rewrite": "HostHeaderRewriteConfig", "url-rewrite": "UrlRewriteConfig"}
LONGEST_REWRITE = 1024


def described_transforms(given: Iterable[Mapping[str, Any]]) -> tuple[Described, ...]:
    """The transforms of a rule: at most one of each type, with one rewrite. Raises ValidationError."""
    transforms = tuple(_transform(transform) for transform in given)
    for kind, count in Counter(transform["Type"] for transform in transforms).items():
        if count > 1:
            raise ValidationError(f"A rule can have one {kind} transform only")
    return transforms


def _transform(given: Mapping[str, Any]) -> Described:
    kind = given["Type"]
    if kind not in TRANSFORMS:
        raise ValidationError(f"Transform type '{kind}' must be one of {', '.join(TRANSFORMS)}")
    if set(given) != {"Type", TRANSFORMS[kind]}:
        raise ValidationError(f"A transform of type {kind} needs {TRANSFORMS[kind]}, and nothing else")
    rewrites = given[TRANSFORMS[kind]].get("Rewrites", [])
    if len(rewrites) != 1:
        raise ValidationError(f"A transform of type {kind} has exactly one rewrite")
    [rewrite] = rewrites
    _check_regex(rewrite["Regex"], LONGEST_REWRITE)
    replacement = rewrite["Replace"]
    if len(replacement) > LONGEST_REWRITE or re.fullmatch(r"[\x20-\x7e]*", replacement) is None:
        raise ValidationError(f"Replace must be at most {LONGEST_REWRITE} printable ASCII characters")
    return {"Type": kind, TRANSFORMS[kind]: {"Rewrites": [{"Regex": rewrite["Regex"], "Replace": replacement}]}}
