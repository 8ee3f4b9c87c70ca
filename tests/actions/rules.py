"""The parts of a rule as a request has them, and rules of a site's listener."""

from typing import Any

from tests.actions.aws import path
from tests.actions.conftest import Site

FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


def condition(field: str, config: str, **members: Any) -> dict[str, Any]:
    return {"Field": field, config: members}


def host(*values: str) -> dict[str, Any]:
    return condition("host-header", "HostHeaderConfig", Values=list(values))


def header(name: str, *values: str) -> dict[str, Any]:
    return condition("http-header", "HttpHeaderConfig", HttpHeaderName=name, Values=list(values))


def method(*values: str) -> dict[str, Any]:
    return condition("http-request-method", "HttpRequestMethodConfig", Values=list(values))


def query(*values: dict[str, str]) -> dict[str, Any]:
    return condition("query-string", "QueryStringConfig", Values=list(values))


def source(*values: str) -> dict[str, Any]:
    return condition("source-ip", "SourceIpConfig", Values=list(values))


def regex(text: str) -> dict[str, Any]:
    return condition("path-pattern", "PathPatternConfig", RegexValues=[text])


def rewrite(kind: str, regex: str, to: str) -> dict[str, Any]:
    config = {"host-header-rewrite": "HostHeaderRewriteConfig", "url-rewrite": "UrlRewriteConfig"}[kind]
    return {"Type": kind, config: {"Rewrites": [{"Regex": regex, "Replace": to}]}}


def redirect(**members: str) -> dict[str, Any]:
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **members}}


def create(site: Site, **members: Any) -> dict[str, Any]:
    request = {"ListenerArn": site.listener, "Priority": 20, "Conditions": [path("/x")], "Actions": [FIXED], **members}
    [rule] = site.aws("elbv2", "CreateRule", **request)["Rules"]
    return dict(rule)


def refused(site: Site, **members: Any) -> str:
    request = {"ListenerArn": site.listener, "Priority": 20, "Conditions": [path("/x")], "Actions": [FIXED], **members}
    return site.aws.refusal("elbv2", "CreateRule", **request)
