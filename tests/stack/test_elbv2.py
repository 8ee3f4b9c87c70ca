"""The types of Elastic Load Balancing over the actions themselves: created, changed in place, deleted."""

from typing import Any

import pytest

from lab.core.errors import LabError
from lab.stack.check import problems_of
from lab.stack.resolve import Setting
from lab.stack.resources import TYPES
from lab.stack.resources.base import DONE, Work, differing
from tests.actions.aws import Aws
from tests.stack.fakes import ZONES

LISTENER, RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
BALANCER, GROUP = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup"
FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]


class Site:
    """An AWS with a network, and resources of a template in it."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.vpc = self.aws.vpc()
        self.subnets = [self.aws.subnet(self.vpc, 1, "a"), self.aws.subnet(self.vpc, 2, "b")]

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return self.aws(service, operation, **request)

    def create(self, kind: str, **properties: Any) -> str:
        return TYPES[kind].create(Work(self.call, properties, name="web"))

    def update(self, kind: str, physical_id: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        TYPES[kind].update(Work(self.call, new, "web", physical_id, old, differing(old, new)))

    def delete(self, kind: str, physical_id: str) -> None:
        assert TYPES[kind].delete(Work(self.call, {}, physical_id=physical_id)) == DONE

    def read(self, kind: str, physical_id: str, attribute: str) -> Any:
        return TYPES[kind].attributes[attribute](self.call, physical_id, {})

    def balancer(self, **properties: Any) -> str:
        return self.create(BALANCER, Subnets=self.subnets, **properties)

    def listener(self, **properties: Any) -> str:
        listener = {"LoadBalancerArn": self.balancer(), "Port": 80, "Protocol": "HTTP", "DefaultActions": FIXED}
        return self.create(LISTENER, **{**listener, **properties})

    def attributes(self, what: str, arn: str) -> dict[str, str]:
        found = self.call("elbv2", f"Describe{what}Attributes", {f"{what}Arn": arn})["Attributes"]
        return {pair["Key"]: pair["Value"] for pair in found}


@pytest.fixture
def site() -> Site:
    return Site()


def pairs(**values: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]


@pytest.mark.parametrize(
    ("kind", "what", "name", "key", "value", "default"),
    [
        (BALANCER, "LoadBalancer", "LoadBalancerAttributes", "routing.http.xff_header_processing.mode", "remove", "append"),
        (LISTENER, "Listener", "ListenerAttributes", "routing.http.response.server.enabled", "false", "true"),
        (LISTENER, "Listener", "ListenerAttributes", "routing.http.response.x_frame_options.header_value", "DENY", ""),
        (GROUP, "TargetGroup", "TargetGroupAttributes", "slow_start.duration_seconds", "60", "0"),
        (GROUP, "TargetGroup", "TargetGroupAttributes", "stickiness.enabled", "true", "false"),
    ],
)  # fmt: skip
def test_attributes_are_set_and_fall_back(
    site: Site, kind: str, what: str, name: str, key: str, value: str, default: str
) -> None:
    chosen = {name: [{"Key": key, "Value": value}]}
    if kind == BALANCER:
        properties: dict[str, Any] = {"Subnets": site.subnets}
    elif kind == LISTENER:
        properties = {"LoadBalancerArn": site.balancer(), "Port": 80, "Protocol": "HTTP", "DefaultActions": FIXED}
    else:
        properties = {"VpcId": site.vpc, "Port": 80, "Protocol": "HTTP"}
    arn = site.create(kind, **properties, **chosen)
    assert site.attributes(what, arn)[key] == value
    site.update(kind, arn, {**properties, **chosen}, properties)
    assert site.attributes(what, arn)[key] == default


RULED = {"Priority": 5, "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}], "Actions": FIXED}
TRANSFORMS = [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "a", "Replace": "b"}]}}]


def test_a_rule_is_changed_in_place_and_deleted(site: Site) -> None:
    old = {"ListenerArn": site.listener(), **RULED, "Transforms": TRANSFORMS, "Tags": [{"Key": "a", "Value": "1"}]}
    arn = site.create(RULE, **old)
    assert site.read(RULE, arn, "RuleArn") == arn
    assert site.read(RULE, arn, "IsDefault") is False
    new = {
        "ListenerArn": old["ListenerArn"],
        "Priority": 6,
        "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.com"]}}],
        "Actions": [{"Type": "redirect", "RedirectConfig": {"Host": "b.com", "StatusCode": "HTTP_302"}}],
        "Tags": [{"Key": "b", "Value": "2"}],
    }
    site.update(RULE, arn, old, new)
    [rule] = site.call("elbv2", "DescribeRules", {"RuleArns": [arn]})["Rules"]
    assert (rule["Priority"], rule["Transforms"]) == ("6", [])
    assert (rule["Conditions"][0]["Values"], rule["Actions"][0]["Type"]) == (["a.com"], "redirect")
    [told] = site.call("elbv2", "DescribeTags", {"ResourceArns": [arn]})["TagDescriptions"]
    assert told["Tags"] == new["Tags"]
    site.delete(RULE, arn)
    site.delete(RULE, arn)  # it is gone already
    with pytest.raises(LabError, match="not found"):
        site.call("elbv2", "DescribeRules", {"RuleArns": [arn]})


def test_only_what_changed_is_asked_for(site: Site) -> None:
    old = {"ListenerArn": site.listener(), **RULED}
    arn = site.create(RULE, **old)
    asked: list[str] = []

    def call(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        return site.call(service, operation, request)

    new = {**old, "Priority": 9}
    TYPES[RULE].update(Work(call, new, "web", arn, old, differing(old, new)))
    assert asked == ["SetRulePriorities"]


def test_targets_by_address_come_and_go(site: Site) -> None:
    properties = {"VpcId": site.vpc, "Port": 80, "Protocol": "HTTPS", "TargetType": "ip"}
    old = {
        **properties,
        "Targets": [
            {"Id": "10.0.1.9"},
            {"Id": "10.0.1.9", "Port": 81},
            {"Id": "192.168.1.1", "AvailabilityZone": "all"},
        ],
    }
    arn = site.create(GROUP, **old)
    new = {
        **properties,
        "Targets": [
            {"Id": "10.0.1.9", "Port": 81},
            {"Id": "192.168.1.1", "AvailabilityZone": "us-east-1a"},
            {"Id": "10.0.2.9"},
        ],
    }
    site.update(GROUP, arn, old, new)
    found = site.call("elbv2", "DescribeTargetHealth", {"TargetGroupArn": arn})["TargetHealthDescriptions"]
    shown = {(one["Target"]["Id"], one["Target"]["Port"], one["Target"]["AvailabilityZone"]) for one in found}
    assert shown == {
        ("10.0.1.9", 80, "us-east-1a"),  # drains
        ("10.0.1.9", 81, "us-east-1a"),
        ("192.168.1.1", 80, "us-east-1a"),
        ("10.0.2.9", 80, "us-east-1b"),
    }


TEMPLATE = """
Parameters: {{}}
Resources:
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: arn:aws:elasticloadbalancing:us-east-1:1:listener/app/web/1/2
      Priority: 1
      Conditions:
        - Field: query-string
          QueryStringConfig: {{ Values: [{{ Key: a, Value: b }}] }}
        - Field: http-header
          HttpHeaderConfig: {{ HttpHeaderName: X-A, RegexValues: ["a+"] }}
      Actions:
        - Type: {action}
      Transforms:
        - Type: {transform}
          UrlRewriteConfig: {{ Rewrites: [{{ Regex: a, Replace: b }}] }}
"""


@pytest.mark.parametrize(
    ("action", "transform", "said"),
    [
        ("forward", "url-rewrite", None),
        ("authenticate-oidc", "url-rewrite", "the lab does not support Type authenticate-oidc yet"),
        ("forward", "url-rewrote", "url-rewrote is not a valid value"),
    ],
)
def test_a_rule_in_a_template_is_checked(action: str, transform: str, said: str | None) -> None:
    body = TEMPLATE.format(action=action, transform=transform)
    found = [str(problem) for problem in problems_of(body, {}, Setting("us-east-1", "1", ZONES))]
    assert found == [] if said is None else said in "\n".join(found)
