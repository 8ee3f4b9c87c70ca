"""A listener's rules as a node has them: conditions, transforms, actions (alb:rule-condition-types, alb:rule-action-types).

Values only. What AWS refuses never gets here: `lab.actions.elbv2` checks a request, `check.problems` the document.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostHeader:
    """`values` are wildcard patterns, or regular expressions where `regex`. Case does not matter."""

    values: tuple[str, ...]
    regex: bool = False


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Compared with the path alone, without the query. Case matters."""

    values: tuple[str, ...]
    regex: bool = False


@dataclass(frozen=True, slots=True)
class HttpHeader:
    """A field by name (case does not matter), its values as `HostHeader`'s."""

    name: str
    values: tuple[str, ...]
    regex: bool = False


@dataclass(frozen=True, slots=True)
class RequestMethod:
    """Exact, in upper case."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryString:
    """Pairs of (key or None for any, value pattern). Case does not matter; `\\*` and `\\?` are literal."""

    values: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True, slots=True)
class SourceIp:
    """CIDR blocks that hold the peer's own address; X-Forwarded-For is not looked at."""

    values: tuple[str, ...]


Condition = HostHeader | PathPattern | HttpHeader | RequestMethod | QueryString | SourceIp


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the target groups, by weight: pairs of (target group ARN, weight). `stickiness` is how
    many lab seconds a client stays with the group it got (cookie AWSALBTG); None: each request anew."""

    target_groups: tuple[tuple[str, int], ...]
    stickiness: float | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """The parts hold AWS's placeholders as they were given: `#{protocol}`, `#{host}`, `#{port}`, `#{path}`, `#{query}`."""

    status_code: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, slots=True)
class FixedResponse:
    status_code: int
    content_type: str = "text/plain"
    body: str = ""


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Where `regex` matches, its match becomes `replace`, in which `$1` … `$9` stand for groups (alb:rule-transforms)."""

    regex: str
    replace: str


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold. `priority` is 1 to 50000; 0 is the default rule, which has no conditions and comes last."""

    arn: str
    priority: int
    conditions: tuple[Condition, ...]
    action: Action
    host_rewrite: Rewrite | None = None
    url_rewrite: Rewrite | None = None


def default_rule(action: Action, arn: str = "") -> Rule:
    return Rule(arn, 0, (), action)


TAGS: dict[type, str] = {
    HostHeader: "host-header",
    PathPattern: "path-pattern",
    HttpHeader: "http-header",
    RequestMethod: "http-request-method",
    QueryString: "query-string",
    SourceIp: "source-ip",
    Forward: "forward",
    Redirect: "redirect",
    FixedResponse: "fixed-response",
}
"""AWS's names of what a document may hold in a union, which tell the members apart in JSON."""
