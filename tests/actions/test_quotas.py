"""How many there may be (vpc:amazon-vpc-limits), and what of groups and interfaces can be changed (aws-facts §7.10)."""

from typing import Any

import pytest

from lab.actions.ec2.quotas import QUOTAS
from lab.core.ec2.model import Instance, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup
from tests.actions.aws import Aws
from tests.actions.conftest import Site


def rule(port: int, cidr: str = "10.0.0.0/16") -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}


def test_five_vpcs_and_gateways(aws: Aws) -> None:
    for number in range(5):
        aws.vpc(f"10.{number}.0.0/16")
        aws("ec2", "CreateInternetGateway")
    assert aws.refusal("ec2", "CreateVpc", CidrBlock="10.9.0.0/16") == "VpcLimitExceeded"
    assert aws.refusal("ec2", "CreateInternetGateway") == "InternetGatewayLimitExceeded"


@pytest.mark.parametrize(
    ("kind", "operation", "members", "code"),
    [
        (RouteTable, "CreateRouteTable", {}, "RouteTableLimitExceeded"),
        (NetworkAcl, "CreateNetworkAcl", {}, "NetworkAclLimitExceeded"),
    ],
)
def test_two_hundred_in_a_vpc(aws: Aws, kind: type[Any], operation: str, members: dict[str, Any], code: str) -> None:
    full, other = aws.vpc(), aws.vpc("10.1.0.0/16")
    there = sum(row.vpc_id == full for row in aws.store.all(kind))
    for _ in range(QUOTAS[kind].most - there):
        aws("ec2", operation, VpcId=full, **members)
    assert aws.refusal("ec2", operation, VpcId=full, **members) == code
    aws("ec2", operation, VpcId=other, **members)


def test_sixty_rules_each_way(site: Site) -> None:
    group = site.security_group
    site.aws("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule(p) for p in range(1, 60)])
    more = {"GroupId": group, "IpPermissions": [rule(100), rule(101)]}
    refused = site.aws.refusal("ec2", "AuthorizeSecurityGroupIngress", **more)
    assert refused == "RulesPerSecurityGroupLimitExceeded"
    site.aws("ec2", "AuthorizeSecurityGroupEgress", **more)
    site.aws("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule(100)])


def test_five_groups_of_an_interface(site: Site) -> None:
    groups = [site.aws.security_group(site.vpc, f"g{number}") for number in range(6)]
    change = {"InstanceId": site.instance, "Groups": groups}
    refused = site.aws.refusal("ec2", "ModifyInstanceAttribute", **change)
    assert refused == "SecurityGroupsPerInterfaceLimitExceeded"
    site.aws("ec2", "ModifyInstanceAttribute", InstanceId=site.instance, Groups=groups[:5])
    instance = site.aws.store.get(Instance, site.instance)
    assert instance is not None
    assert instance.group_ids == tuple(groups[:5])
    interface = site.aws.store.get(NetworkInterface, instance.network_interface_id)
    assert interface is not None
    assert interface.group_ids == tuple(groups[:5])


def test_an_interfaces_groups_and_words(site: Site) -> None:
    instance = site.aws.store.get(Instance, site.instance)
    assert instance is not None
    named = {"NetworkInterfaceId": instance.network_interface_id}
    other = site.aws.security_group(site.vpc, "other")
    site.aws("ec2", "ModifyNetworkInterfaceAttribute", **named, Description={"Value": "the web server's"})
    site.aws("ec2", "ModifyNetworkInterfaceAttribute", **named, Groups=[other])
    [found] = site.aws("ec2", "DescribeNetworkInterfaces", NetworkInterfaceIds=[instance.network_interface_id])[
        "NetworkInterfaces"
    ]
    assert (found["Description"], [group["GroupId"] for group in found["Groups"]]) == ("the web server's", [other])
    missing = site.aws.refusal("ec2", "ModifyNetworkInterfaceAttribute", **named, Groups=["sg-none"])
    assert missing == "InvalidGroup.NotFound"
    node = next(row for row in site.aws.store.all(NetworkInterface) if row.owner.startswith("lb-"))
    refused = site.aws.refusal(
        "ec2", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=node.network_interface_id, Groups=[other]
    )
    assert refused == "AuthFailure"


def test_a_rule_changes_and_keeps_its_id(site: Site) -> None:
    made = site.aws("ec2", "AuthorizeSecurityGroupIngress", GroupId=site.security_group, IpPermissions=[rule(80)])
    [old] = made["SecurityGroupRules"]
    said = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0", "Description": "https"}
    update = {"SecurityGroupRuleId": old["SecurityGroupRuleId"], "SecurityGroupRule": said}
    change = {"GroupId": site.security_group, "SecurityGroupRules": [update]}
    site.aws("ec2", "ModifySecurityGroupRules", **change)
    [new] = site.aws(
        "ec2", "DescribeSecurityGroupRules", SecurityGroupRuleIds=[old["SecurityGroupRuleId"]]
    )["SecurityGroupRules"]  # fmt: skip
    assert (new["FromPort"], new["CidrIpv4"], new["Description"]) == (443, "0.0.0.0/0", "https")
    unknown = [{**update, "SecurityGroupRuleId": "sgr-none"}]
    refused = site.aws.refusal("ec2", "ModifySecurityGroupRules", **{**change, "SecurityGroupRules": unknown})
    assert refused == "InvalidSecurityGroupRuleId.NotFound"
    both = [{**update, "SecurityGroupRule": {**said, "ReferencedGroupId": site.security_group}}]
    refused = site.aws.refusal("ec2", "ModifySecurityGroupRules", **{**change, "SecurityGroupRules": both})
    assert refused == "MissingParameter"


def test_groups_of_a_vpc(site: Site) -> None:
    other = site.aws.vpc("10.1.0.0/16")
    site.aws.security_group(other, "elsewhere")
    found = site.aws("ec2", "GetSecurityGroupsForVpc", VpcId=site.vpc)["SecurityGroupForVpcs"]
    assert {row["GroupName"] for row in found} == {
        group.group_name for group in site.aws.store.all(SecurityGroup) if group.vpc_id == site.vpc
    }
    named = {"Filters": [{"Name": "group-name", "Values": ["default"]}]}
    assert len(site.aws("ec2", "GetSecurityGroupsForVpc", VpcId=site.vpc, **named)["SecurityGroupForVpcs"]) == 1
