"""Rules: what is described is what was given, completed; priorities; the target groups that rules use."""

from typing import Any

import pytest

from lab.core.elbv2.model import Listener, ListenerRule
from tests.actions.aws import forward, path
from tests.actions.conftest import Site
from tests.actions.rules import create, method, query, redirect, refused, rewrite, source

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
