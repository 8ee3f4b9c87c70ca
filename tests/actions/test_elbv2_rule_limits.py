"""Rules that are refused: every limit of AWS's, one row each."""

from typing import Any

import pytest

from tests.actions.aws import forward, path
from tests.actions.conftest import Site
from tests.actions.rules import (
    FIXED,
    condition,
    create,
    header,
    host,
    method,
    query,
    redirect,
    refused,
    regex,
    rewrite,
    source,
)


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        [{"Field": "colour", "Values": ["red"]}],
        [{"Values": ["/x"]}],
        [{"Field": "path-pattern"}],
        [{"Field": "path-pattern", "Values": []}],
        [path("")],
        [path("/" + "x" * 128)],
        [path("/a b")],
        [path("/a%20b")],
        [path("/é")],
        [path("/a"), path("/b")],
        [host("localhost")],
        [host("example.c0m")],
        [host("exa mple.com")],
        [host("a.example.com"), host("b.example.com")],
        [header("Host", "x")],
        [header("x" * 41, "x")],
        [header("X A", "x")],
        [header("", "x")],
        [header("X-A", "x\n")],
        [method("get")],
        [method("G*T")],
        [method("A" * 41)],
        [method("GET"), method("PUT")],
        [query({"Key": "a"})],
        [query({"Value": "a b"})],
        [query({"Key": "a" * 129, "Value": "b"})],
        [source("10.0.0.1")],
        [source("10.0.0.0/33")],
        [source("255.255.255.255/32")],
        [source("10.0.0.*/32")],
        [source("10.0.0.0/8"), source("11.0.0.0/8")],
        [condition("source-ip", "SourceIpConfig", IpAddressType="ipv4")],
        [path("/1", "/2", "/3", "/4", "/5", "/6")],
        [path("/1", "/2", "/3"), method("GET", "PUT", "HEAD")],
        [path("/*/*/*"), host("*.*.*.com")],
        [query({"Key": "*?", "Value": "*??*"})],
        [{"Field": "path-pattern", "HostHeaderConfig": {"Values": ["a.com"]}, "PathPatternConfig": {"Values": ["/a"]}}],
        [{"Field": "http-request-method", "Values": ["GET"]}],
        [{"Field": "query-string", "RegexValues": ["a"]}],
        [{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/b"]}}],
        [{"Field": "path-pattern", "Values": ["/a"], "RegexValues": ["/b"]}],
        [regex("(?=a)")],
        [regex("(")],
        [regex("a" * 129)],
    ],
    ids=str,
)
def test_conditions_that_cannot_be(site: Site, conditions: list[dict[str, Any]]) -> None:
    assert refused(site, Conditions=conditions) == "ValidationError"


@pytest.mark.parametrize(
    "conditions",
    [
        [path("/1", "/2", "/3", "/4", "/5")],
        [path("/*/*/*/?/?")],
        [query({"Value": r"\*\?\*\?\*\?*"})],  # six literal, one wildcard
        [path("/a"), host("a.example.com"), method("GET"), source("10.0.0.0/8"), header("X-A", "y")],
        [header("X-A", "x"), header("X-A", "y"), query({"Value": "x"}), query({"Value": "y"})],
        [regex("*".join("abcdefgh"))],  # wildcards of regular expressions are not counted
    ],
    ids=str,
)
def test_conditions_at_the_limit(site: Site, conditions: list[dict[str, Any]]) -> None:
    assert create(site, Conditions=conditions)["Priority"] == "20"


ACTIONS: list[tuple[list[dict[str, Any]], str]] = [
    ([], "InvalidLoadBalancerAction"),
    ([FIXED, FIXED], "InvalidLoadBalancerAction"),
    ([FIXED, FIXED, FIXED], "TooManyActions"),
    ([{"Type": "authenticate-oidc", "Order": 1}, {**FIXED, "Order": 2}], "InvalidLoadBalancerAction"),
    ([{"Type": "authenticate-cognito"}], "InvalidLoadBalancerAction"),
    ([{"Type": "jwt-validation"}], "InvalidLoadBalancerAction"),
    ([{**FIXED, "Order": 0}], "ValidationError"),
    ([{**FIXED, "TargetGroupArn": "<target_group>"}], "InvalidLoadBalancerAction"),
    ([{**FIXED, "RedirectConfig": {"StatusCode": "HTTP_301"}}], "InvalidLoadBalancerAction"),
    ([{"Type": "forward"}], "InvalidLoadBalancerAction"),
    ([{"Type": "forward", "TargetGroupArn": "arn:none"}], "TargetGroupNotFound"),
    ([{"Type": "forward", "TargetGroupArn": "<target_group>",
       "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "<other>"}]}}], "InvalidLoadBalancerAction"),
    ([{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "<other>"}] * 2}}],
     "InvalidLoadBalancerAction"),
    ([{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": f"arn:{n}"} for n in range(6)]}}],
     "InvalidLoadBalancerAction"),
    ([{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "<other>", "Weight": 1000}]}}],
     "ValidationError"),
    ([{"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": "<other>"}], "TargetGroupStickinessConfig": {"Enabled": True}}}],
     "ValidationError"),
    ([{"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": "<other>"}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 604801}}}], "ValidationError"),
    ([forward("<elsewhere>")], "InvalidConfigurationRequest"),
    ([redirect()], "InvalidLoadBalancerAction"),
    ([redirect(Query="a=b")], "InvalidLoadBalancerAction"),
    ([redirect(Protocol="HTTP", Port="80")], "InvalidLoadBalancerAction"),  # which is where the request came from
    ([redirect(Protocol="FTP")], "InvalidLoadBalancerAction"),
    ([redirect(Port="0")], "InvalidLoadBalancerAction"),
    ([redirect(Port="65536")], "InvalidLoadBalancerAction"),
    ([redirect(Port="²")], "InvalidLoadBalancerAction"),
    ([redirect(Path="x")], "InvalidLoadBalancerAction"),
    ([redirect(Path="/" + "x" * 128)], "InvalidLoadBalancerAction"),
    ([redirect(Path="/a b")], "InvalidLoadBalancerAction"),
    ([redirect(Path="/#{query}")], "InvalidLoadBalancerAction"),
    ([redirect(Path="/#{pa")], "InvalidLoadBalancerAction"),
    ([redirect(Host="")], "ValidationError"),
    ([redirect(Host="a\r\nb")], "InvalidLoadBalancerAction"),
    ([redirect(Host="#{path}")], "InvalidLoadBalancerAction"),
    ([redirect(Host="a.com", Query="#{colour}")], "InvalidLoadBalancerAction"),
    ([redirect(Host="a.com", StatusCode="HTTP_307")], "InvalidLoadBalancerAction"),
    ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "302"}}], "InvalidLoadBalancerAction"),
    ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "x" * 1025}}],
     "InvalidLoadBalancerAction"),
    ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "image/png"}}],
     "InvalidLoadBalancerAction"),
]  # fmt: skip


@pytest.mark.parametrize(("actions", "code"), ACTIONS, ids=str)
def test_actions_that_cannot_be(site: Site, actions: list[dict[str, Any]], code: str) -> None:
    """Neither as a rule's nor as a listener's."""
    elsewhere = site.aws.target_group(site.aws.vpc("10.9.0.0/16"), "elsewhere")
    asked = site.filled(actions, other=site.aws.target_group(site.vpc, "other"), elsewhere=elsewhere)
    assert refused(site, Actions=asked) == code
    assert site.aws.refusal("elbv2", "ModifyListener", ListenerArn=site.listener, DefaultActions=asked) == code


@pytest.mark.parametrize(
    "transforms",
    [
        [{"Type": "url-rewrite"}],
        [{"Type": "colour", "UrlRewriteConfig": {"Rewrites": []}}],
        [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": []}}],
        [rewrite("url-rewrite", "a", "b")] * 2,
        [rewrite("url-rewrite", "(?<=a)b", "b")],
        [rewrite("url-rewrite", "a" * 1025, "b")],
        [rewrite("url-rewrite", "", "b")],
        [rewrite("url-rewrite", "a", "b" * 1025)],
        [rewrite("url-rewrite", "a", "b\r\n")],
        [{**rewrite("url-rewrite", "a", "b"), "HostHeaderRewriteConfig": {"Rewrites": []}}],
    ],
    ids=str,
)
def test_transforms_that_cannot_be(site: Site, transforms: list[dict[str, Any]]) -> None:
    assert refused(site, Transforms=transforms) == "ValidationError"


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("CreateRule", {"ListenerArn": "arn:none", "Priority": 1, "Conditions": [path("/")], "Actions": [FIXED]},
         "ListenerNotFound"),
        ("DescribeRules", {}, "ValidationError"),
        ("DescribeRules", {"ListenerArn": "arn:none", "RuleArns": ["arn:none"]}, "ValidationError"),
        ("DescribeRules", {"RuleArns": ["arn:none"]}, "RuleNotFound"),
        ("DescribeRules", {"ListenerArn": "arn:none"}, "ListenerNotFound"),
        ("ModifyRule", {"RuleArn": "arn:none"}, "RuleNotFound"),
        ("ModifyRule", {"RuleArn": "<default_rule>", "Actions": [FIXED]}, "OperationNotPermitted"),
        ("ModifyRule", {"RuleArn": "<rule>", "ResetTransforms": True, "Transforms": []}, "ValidationError"),
        ("DeleteRule", {"RuleArn": "arn:none"}, "RuleNotFound"),
        ("DeleteRule", {"RuleArn": "<default_rule>"}, "OperationNotPermitted"),
    ],
)  # fmt: skip
def test_codes(site: Site, operation: str, request_: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("elbv2", operation, **site.filled(request_)) == code


@pytest.mark.parametrize(
    ("priority", "code"), [(0, "ValidationError"), (50001, "ValidationError"), (10, "PriorityInUse")]
)
def test_a_priority_is_taken_or_out_of_range(site: Site, priority: int, code: str) -> None:
    assert refused(site, Priority=priority) == code
