"""Whether a listener's rules may be put in force: their order, their conditions, where they send a request."""

import ipaddress
import re
from collections.abc import Iterator, Sequence

from lab.core.elbv2.attributes import TOKEN
from lab.core.elbv2.patterns import regex_problem
from lab.core.elbv2.rules import (
    Condition,
    FixedResponse,
    Forward,
    HostHeader,
    HttpHeader,
    PathPattern,
    QueryString,
    Redirect,
    RequestMethod,
    Rule,
    SourceIp,
)

PRIORITIES = range(1, 50001)
WEIGHTS = range(1000)
PORT = re.compile(r"[1-9]\d{0,4}", re.ASCII)
METHOD = re.compile(r"[A-Z_-]+")
PRINTABLE = re.compile(r"[\x20-\x7e]+")
REDIRECT_PART = re.compile(r"[\x21-\x7e]*")
CONTENT_TYPE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
SINGLE = (HostHeader, PathPattern, RequestMethod, SourceIp)
"""What a rule has one condition on at most; a node's matcher counts on it."""
REDIRECT_PROTOCOLS = ("HTTP", "HTTPS", "#{protocol}")


def rule_problems(rules: Sequence[Rule], listener: str, arns: frozenset[str]) -> Iterator[str]:
    """`arns` are those of the document's target groups."""
    priorities = [rule.priority for rule in rules]
    if not rules or priorities[-1] != 0 or rules[-1].conditions or rules[-1].host_rewrite or rules[-1].url_rewrite:
        yield f"{listener} must have a default rule (priority 0, no conditions, no transforms), as its last one"
    first = priorities[:-1]
    if any(priority not in PRIORITIES for priority in first) or sorted(set(first)) != first:
        yield f"{listener} must have rules of ascending priority, each from 1 to 50000"
    for rule in rules:
        name = f"{listener}, rule {rule.priority or 'default'}"
        if rule.priority and not rule.conditions:
            yield f"{name} has no conditions"
        kinds = [type(condition) for condition in rule.conditions]
        yield from (f"{name} has two {kind.__name__} conditions" for kind in SINGLE if kinds.count(kind) > 1)
        for condition in rule.conditions:
            yield from (f"{name}: {problem}" for problem in _condition(condition))
        for rewrite in (rule.host_rewrite, rule.url_rewrite):
            if rewrite is not None and (problem := regex_problem(rewrite.regex)):
                yield f"{name}: {problem}"
            if rewrite is not None and rewrite.replace and not PRINTABLE.fullmatch(rewrite.replace):
                yield f"{name} has the replacement {rewrite.replace!r}"
        match rule.action:
            case Forward():
                yield from (f"{name} {problem}" for problem in _forward(rule.action, arns))
            case Redirect():
                yield from (f"{name} {problem}" for problem in _redirect(rule.action))
            case FixedResponse():
                yield from (f"{name} {problem}" for problem in _fixed(rule.action))
            case _:
                yield f"{name} has no action that nodes know"


def _condition(condition: Condition) -> Iterator[str]:
    if not condition.values:
        yield f"{type(condition).__name__} has no values"
    match condition:
        case HostHeader() | PathPattern() | HttpHeader():
            if isinstance(condition, HttpHeader) and not TOKEN.fullmatch(condition.name):
                yield f"{condition.name!r} is not a header name"
            for value in condition.values:
                problem = regex_problem(value) if condition.regex else _pattern(value)
                if problem:
                    yield problem
        case RequestMethod():
            yield from (f"{value!r} is not a method" for value in condition.values if not METHOD.fullmatch(value))
        case QueryString():
            for key, value in condition.values:
                yield from filter(None, (_pattern(text) for text in (key, value) if text is not None))
        case SourceIp():
            for value in condition.values:
                try:
                    ipaddress.ip_network(value)
                except ValueError as error:
                    yield f"{value!r} is not a CIDR block: {error}"
        case _:
            yield f"{type(condition).__name__} is no condition that nodes know"


def _pattern(value: str) -> str | None:
    return None if PRINTABLE.fullmatch(value) else f"the value {value!r} must be printable ASCII characters"


def _forward(action: Forward, arns: frozenset[str]) -> Iterator[str]:
    named = [arn for arn, _ in action.target_groups]
    if not named:
        yield "forwards to no target group"
    if len(set(named)) != len(named):
        yield "forwards to a target group twice"
    for arn, weight in action.target_groups:
        if arn not in arns:
            yield f"forwards to {arn}, which the document does not hold"
        if weight not in WEIGHTS:
            yield f"forwards to {arn} with the weight {weight}; weights are 0 to 999"
    if action.stickiness is not None and not 0 < action.stickiness < float("inf"):
        yield f"has a stickiness of {action.stickiness} seconds"


def _redirect(action: Redirect) -> Iterator[str]:
    if action.status_code not in (301, 302):
        yield f"redirects with the status {action.status_code}"
    if action.protocol not in REDIRECT_PROTOCOLS:
        yield f"redirects to the protocol {action.protocol!r}"
    if action.port != "#{port}" and not (PORT.fullmatch(action.port) and int(action.port) <= 65535):
        yield f"redirects to the port {action.port!r}"
    if not action.path.startswith("/") or not action.host:
        yield f"redirects to the host {action.host!r} and the path {action.path!r}"
    if not all(REDIRECT_PART.fullmatch(part) for part in (action.host, action.path, action.query)):
        yield "redirects to a URL with characters that no URL has"


def _fixed(action: FixedResponse) -> Iterator[str]:
    if not (200 <= action.status_code <= 299 or 400 <= action.status_code <= 599):
        yield f"has a fixed response with the status {action.status_code}"
    if not CONTENT_TYPE.fullmatch(action.content_type):
        yield f"has a fixed response with the content type {action.content_type!r}"
