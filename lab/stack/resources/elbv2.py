"""AWS::ElasticLoadBalancingV2::LoadBalancer, and what its types share: attributes and tags.

Source: AWS CloudFormation resource reference, Elastic Load Balancing V2.
"""

from collections.abc import Mapping
from typing import Any

from lab.core.elbv2.attributes import LOAD_BALANCER as ATTRIBUTES
from lab.core.elbv2.attributes import defaults
from lab.stack.context import Call
from lab.stack.resources.base import (
    DONE,
    WAITING,
    Attribute,
    Progress,
    ResourceType,
    Work,
    deleted_by,
    retag,
    the_id,
    words,
)  # fmt: skip
from lab.stack.schema import STRING, TAGS, fixed, free, list_of, map_of, need, one_of

PAIRS = list_of(map_of({"Key": STRING, "Value": STRING}))


def service(work: Work, operation: str, **request: Any) -> dict[str, Any]:
    """A call of Elastic Load Balancing."""
    return work.call("elbv2", operation, request)


def update_tags(work: Work) -> None:
    arns = [work.physical_id]

    def put(tags: list[dict[str, Any]]) -> None:
        service(work, "AddTags", ResourceArns=arns, Tags=tags)

    def take(keys: list[str]) -> None:
        service(work, "RemoveTags", ResourceArns=arns, TagKeys=keys)

    retag(work, put, take)


def attribute_changes(work: Work, name: str, defaults: Mapping[str, str]) -> list[dict[str, str]]:
    """Pairs to set so that the attributes in the property `name` come into force; what is no longer set goes back to AWS's
    default."""
    before, after = (
        {pair["Key"]: pair.get("Value", "") for pair in properties.get(name) or []}
        for properties in (work.previous, work.properties)
    )
    fallen = {key: defaults[key] for key in before if key not in after and key in defaults}
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return [{"Key": key, "Value": value} for key, value in (changed | fallen).items()]


def _create_lb(work: Work) -> str:
    request = {
        "Name": work.properties.get("Name", work.name),
        "Type": "application",
        **work.some("Subnets SecurityGroups Scheme IpAddressType Tags"),
    }
    arn = str(work.call("elbv2", "CreateLoadBalancer", request)["LoadBalancers"][0]["LoadBalancerArn"])
    _set_lb_attributes(work, arn)
    return arn


def _set_lb_attributes(work: Work, arn: str) -> None:
    changes = attribute_changes(work, "LoadBalancerAttributes", defaults(ATTRIBUTES))
    if changes:
        service(work, "ModifyLoadBalancerAttributes", LoadBalancerArn=arn, Attributes=changes)


def _update_lb(work: Work) -> None:
    for name, operation in (("Subnets", "SetSubnets"), ("SecurityGroups", "SetSecurityGroups")):
        if name in work.changed:
            service(work, operation, LoadBalancerArn=work.physical_id, **{name: work.properties.get(name, [])})
    _set_lb_attributes(work, work.physical_id)
    update_tags(work)


def _lb(call: Call, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = call("elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": [arn]})["LoadBalancers"][0]
    return found


def _lb_stable(work: Work) -> Progress:
    state = _lb(work.call, work.physical_id)["State"]
    if state["Code"] == "failed":
        return Progress("failed", str(state.get("Reason", "the load balancer failed to start")))
    return DONE if state["Code"] in ("active", "active_impaired") else WAITING


def _lb_member(member: str) -> Attribute:
    return lambda call, arn, _: _lb(call, arn)[member]


LOAD_BALANCER = ResourceType(
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    {
        "IpAddressType": free(one_of("ipv4 dualstack dualstack-without-public-ipv4", "ipv4")),
        "LoadBalancerAttributes": free(PAIRS),
        "Name": fixed(STRING),
        "Scheme": fixed(one_of("internet-facing internal")),
        "SecurityGroups": free(list_of(STRING)),
        "Subnets": need(free(list_of(STRING))),
        "Tags": free(TAGS),
        "Type": fixed(one_of("application network gateway", "application")),
    },
    create=_create_lb,
    update=_update_lb,
    stable=_lb_stable,
    delete=deleted_by("elbv2", "DeleteLoadBalancer", lambda work: {"LoadBalancerArn": work.physical_id}),
    attributes={
        "LoadBalancerArn": the_id,
        "DNSName": _lb_member("DNSName"),
        "CanonicalHostedZoneID": _lb_member("CanonicalHostedZoneId"),
        "LoadBalancerName": _lb_member("LoadBalancerName"),
        "LoadBalancerFullName": lambda call, arn, _: arn.partition(":loadbalancer/")[2],
    },
    elsewhere=words(
        """EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat Ipv4IpamPoolId
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic MinimumLoadBalancerCapacity SubnetMappings"""
    ),
    name_limit=32,
)

TYPES = (LOAD_BALANCER,)
