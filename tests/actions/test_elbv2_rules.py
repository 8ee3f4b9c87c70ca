"""Rules: what is described is what was given, completed; every limit of AWS's, one row each."""

from typing import Any

import pytest

from lab.core.elbv2.model import Listener, ListenerRule
from tests.actions.aws import forward, path
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


# What is described.


def test_a_rule_is_described_as_aws_does(site: Site) -> None:
    rule = create(site, Actions=[forward(site.target_group)], Tags=[{"Key": "a", "Value": "b"}])
    assert rule["RuleArn"].startswith(site.listener.replace(":listener/", ":listener-rule/") + "/")
    assert (rule["Priority"], rule["IsDefault"], rule["Transforms"]) == ("20", False, [])
    assert rule["Conditions"] == [{"Field": "path-pattern", "Values": ["/x"], "PathPatternConfig": {"Values": ["/x"]}}]
    assert rule["Actions"] == [
        {
            "Type": "forward",
            "Order": 1,
            "TargetGroupArn": site.target_group,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": site.target_group, "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        }
    ]
    [told] = site.aws("elbv2", "DescribeTags", ResourceArns=[rule["RuleArn"]])["TagDescriptions"]
    assert told["Tags"] == [{"Key": "a", "Value": "b"}]


def test_the_default_rule_comes_last_and_is_the_listeners(site: Site) -> None:
    create(site, Priority=5)
    rules = site.aws("elbv2", "DescribeRules", ListenerArn=site.listener)["Rules"]
    assert [rule["Priority"] for rule in rules] == ["5", "10", "default"]
    assert [rule["IsDefault"] for rule in rules] == [False, False, True]
    [listener] = site.aws("elbv2", "DescribeListeners", ListenerArns=[site.listener])["Listeners"]
    assert rules[-1]["Actions"] == listener["DefaultActions"]
    named = site.aws("elbv2", "DescribeRules", RuleArns=[site.default_rule, site.rule])["Rules"]
    assert [rule["Priority"] for rule in named] == ["default", "10"]


def test_the_default_rule_has_tags_of_its_own(site: Site) -> None:
    site.aws("elbv2", "AddTags", ResourceArns=[site.default_rule], Tags=[{"Key": "a", "Value": "1"}])
    told = site.aws("elbv2", "DescribeTags", ResourceArns=[site.default_rule, site.listener])["TagDescriptions"]
    assert [one["Tags"] for one in told] == [[{"Key": "a", "Value": "1"}], []]


@pytest.mark.parametrize(
    ("given", "described"),
    [
        (
            {"Field": "host-header", "Values": ["*.Example.com"]},
            {"Field": "host-header", "Values": ["*.Example.com"], "HostHeaderConfig": {"Values": ["*.Example.com"]}},
        ),
        (
            {"Field": "path-pattern", "RegexValues": ["^/a"]},
            {"Field": "path-pattern", "RegexValues": ["^/a"], "PathPatternConfig": {"RegexValues": ["^/a"]}},
        ),
        (
            {"Field": "http-header", "RegexValues": ["a+"], "HttpHeaderConfig": {"HttpHeaderName": "X-A"}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "RegexValues": ["a+"]}},
        ),
        (query({"Key": "", "Value": "b"}), query({"Value": "b"})),
        (method("GET", "M-SEARCH"), method("GET", "M-SEARCH")),
        (source("10.1.2.3/8", "2001:db8::/32"), source("10.1.2.3/8", "2001:db8::/32")),
    ],
)
def test_conditions(site: Site, given: dict[str, Any], described: dict[str, Any]) -> None:
    assert create(site, Conditions=[given])["Conditions"] == [described]


@pytest.mark.parametrize(
    ("given", "described"),
    [
        (
            redirect(Protocol="HTTPS", Port="443"),
            {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"},
        ),
        (
            redirect(Path="/new/#{host}/#{port}/#{path}", Query="#{protocol}&#{query}"),
            {
                "Protocol": "#{protocol}",
                "Port": "#{port}",
                "Host": "#{host}",
                "Path": "/new/#{host}/#{port}/#{path}",
                "Query": "#{protocol}&#{query}",
            },
        ),
    ],
)
def test_a_redirect_is_described_whole(site: Site, given: dict[str, Any], described: dict[str, str]) -> None:
    [action] = create(site, Actions=[given])["Actions"]
    assert action == {"Type": "redirect", "Order": 1, "RedirectConfig": {**described, "StatusCode": "HTTP_301"}}


def test_a_weighted_forward(site: Site) -> None:
    other = site.aws.target_group(site.vpc, "other")
    pairs = [{"TargetGroupArn": site.target_group, "Weight": 9}, {"TargetGroupArn": other, "Weight": 0}]
    sticky = {"Enabled": True, "DurationSeconds": 600}
    config = {"TargetGroups": pairs, "TargetGroupStickinessConfig": sticky}
    [action] = create(site, Actions=[{"Type": "forward", "Order": 7, "ForwardConfig": config}])["Actions"]
    assert action == {"Type": "forward", "Order": 7, "ForwardConfig": config}
    [group] = site.aws("elbv2", "DescribeTargetGroups", TargetGroupArns=[other])["TargetGroups"]
    assert group["LoadBalancerArns"] == [site.balancer]


def test_transforms_come_and_go(site: Site) -> None:
    both = [rewrite("host-header-rewrite", r"^(.+)\.old$", "$1.new"), rewrite("url-rewrite", "^/a/(.*)$", "/$1")]
    rule = create(site, Transforms=both)
    assert rule["Transforms"] == both
    [kept] = site.aws("elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Conditions=[path("/y")])["Rules"]
    assert kept["Transforms"] == both
    [bare] = site.aws("elbv2", "ModifyRule", RuleArn=rule["RuleArn"], ResetTransforms=True)["Rules"]
    assert (bare["Transforms"], bare["Conditions"][0]["Values"], bare["Actions"]) == ([], ["/y"], rule["Actions"])


# Priorities.


def test_rules_change_places(site: Site) -> None:
    other = create(site)["RuleArn"]
    pairs = [{"RuleArn": site.rule, "Priority": 20}, {"RuleArn": other, "Priority": 10}]
    told = site.aws("elbv2", "SetRulePriorities", RulePriorities=pairs)["Rules"]
    assert [(rule["RuleArn"], rule["Priority"]) for rule in told] == [(site.rule, "20"), (other, "10")]
    rules = site.aws("elbv2", "DescribeRules", ListenerArn=site.listener)["Rules"]
    assert [rule["RuleArn"] for rule in rules] == [other, site.rule, site.default_rule]


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([("<rule>", 20)], "PriorityInUse"),
        ([("<rule>", 30), ("<other>", 30)], "PriorityInUse"),
        ([("<rule>", 30), ("<rule>", 31)], "ValidationError"),
        ([("<rule>", 0)], "ValidationError"),
        ([("<rule>", 50001)], "ValidationError"),
        ([("<default>", 1)], "OperationNotPermitted"),
        ([("arn:none", 1)], "RuleNotFound"),
    ],
)
def test_priorities_that_cannot_be(site: Site, pairs: list[tuple[str, int]], code: str) -> None:
    named = {"<rule>": site.rule, "<other>": create(site)["RuleArn"], "<default>": site.default_rule}
    asked = [{"RuleArn": named.get(arn, arn), "Priority": priority} for arn, priority in pairs]
    assert site.aws.refusal("elbv2", "SetRulePriorities", RulePriorities=asked) == code


def test_a_load_balancer_has_a_hundred_rules(site: Site) -> None:
    second = site.aws.listener(site.balancer, site.target_group, 81)
    for number in range(1, 100):
        create(site, ListenerArn=second, Priority=number)
    assert refused(site, Priority=500) == "TooManyRules"


# What is refused.


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
    named = {"<target_group>": site.target_group, "<other>": site.aws.target_group(site.vpc, "other"),
             "<elsewhere>": elsewhere}  # fmt: skip
    asked = filled(actions, named)
    assert refused(site, Actions=asked) == code
    assert site.aws.refusal("elbv2", "ModifyListener", ListenerArn=site.listener, DefaultActions=asked) == code


def filled(value: Any, named: dict[str, str]) -> Any:
    match value:
        case dict():
            return {key: filled(inner, named) for key, inner in value.items()}
        case list():
            return [filled(inner, named) for inner in value]
        case str():
            return named.get(value, value)
    return value


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
        ("ModifyRule", {"RuleArn": "<default>", "Actions": [FIXED]}, "OperationNotPermitted"),
        ("ModifyRule", {"RuleArn": "<rule>", "ResetTransforms": True, "Transforms": []}, "ValidationError"),
        ("DeleteRule", {"RuleArn": "arn:none"}, "RuleNotFound"),
        ("DeleteRule", {"RuleArn": "<default>"}, "OperationNotPermitted"),
    ],
)  # fmt: skip
def test_codes(site: Site, operation: str, request_: dict[str, Any], code: str) -> None:
    named = {"<rule>": site.rule, "<default>": site.default_rule}
    assert site.aws.refusal("elbv2", operation, **filled(request_, named)) == code


@pytest.mark.parametrize(
    ("priority", "code"), [(0, "ValidationError"), (50001, "ValidationError"), (10, "PriorityInUse")]
)
def test_a_priority_is_taken_or_out_of_range(site: Site, priority: int, code: str) -> None:
    assert refused(site, Priority=priority) == code


# Target groups in rules.


def test_a_target_group_of_a_rule_is_in_use(site: Site) -> None:
    other = site.aws.target_group(site.vpc, "other")
    rule = create(site, Actions=[forward(other)])["RuleArn"]
    assert site.aws.refusal("elbv2", "DeleteTargetGroup", TargetGroupArn=other) == "ResourceInUse"
    second = site.aws.load_balancer(site.a, site.b, name="second")
    taken = {"LoadBalancerArn": second, "Protocol": "HTTP", "Port": 80, "DefaultActions": [forward(other)]}
    assert site.aws.refusal("elbv2", "CreateListener", **taken) == "TargetGroupAssociationLimit"
    site.aws("elbv2", "DeleteRule", RuleArn=rule)
    site.aws("elbv2", "CreateListener", **taken)


def test_a_load_balancer_forwards_to_a_hundred_target_groups(site: Site) -> None:
    groups = [site.aws.target_group(site.vpc, f"g{number}") for number in range(101)]
    for number in range(0, 99, 5):
        config = {"TargetGroups": [{"TargetGroupArn": arn} for arn in groups[number : min(number + 5, 99)]]}
        last = create(site, Priority=100 + number, Actions=[{"Type": "forward", "ForwardConfig": config}])["RuleArn"]
    new = [forward(groups[99])]
    assert refused(site, Actions=new) == "TooManyUniqueTargetGroupsPerLoadBalancer"
    # Where they take the place of others there is room.
    site.aws("elbv2", "ModifyRule", RuleArn=last, Actions=new)


def test_sticky_target_groups_need_group_stickiness_to_share_an_action(site: Site) -> None:
    other = site.aws.target_group(site.vpc, "other")
    pairs = [{"TargetGroupArn": site.target_group}, {"TargetGroupArn": other}]
    sticky = {"Enabled": True, "DurationSeconds": 60}
    loose = {"Type": "forward", "ForwardConfig": {"TargetGroups": pairs}}
    tight = {"Type": "forward", "ForwardConfig": {"TargetGroups": pairs, "TargetGroupStickinessConfig": sticky}}
    on = [{"Key": "stickiness.enabled", "Value": "true"}]
    by_app = [*on, {"Key": "stickiness.type", "Value": "app_cookie"},
              {"Key": "stickiness.app_cookie.cookie_name", "Value": "session"}]  # fmt: skip
    rule = create(site, Actions=[loose])["RuleArn"]
    assert modify_group(site, other, on) == "InvalidConfigurationRequest"
    site.aws("elbv2", "ModifyRule", RuleArn=rule, Actions=[tight])
    assert modify_group(site, other, by_app) == "InvalidConfigurationRequest"
    site.aws("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=other, Attributes=on)
    assert refused(site, Actions=[loose]) == "InvalidConfigurationRequest"


def modify_group(site: Site, arn: str, changes: list[dict[str, str]]) -> str:
    return site.aws.refusal("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=changes)


@pytest.mark.parametrize("whole", ["listener", "load balancer"])
def test_rules_go_with_what_they_belong_to(site: Site, whole: str) -> None:
    if whole == "listener":
        site.aws("elbv2", "DeleteListener", ListenerArn=site.listener)
        site.aws("elbv2", "DeleteListener", ListenerArn=site.secure)
    else:
        site.aws("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer)
    assert site.aws.store.all(ListenerRule) == []
    assert site.aws.store.all(Listener) == []
    site.aws("elbv2", "DeleteTargetGroup", TargetGroupArn=site.target_group)
