"""EC2 and VPC: what the good paths answer, and the orders in which things can be deleted."""

from typing import Any

import pytest

from lab.core.ec2.model import NetworkInterface, Vpc
from lab.core.errors import LabError
from tests.actions.aws import Aws
from tests.actions.conftest import Site


def test_a_vpc_comes_with_a_main_route_table_and_a_default_group(aws: Aws) -> None:
    vpc = aws.vpc()
    [table] = aws("ec2", "DescribeRouteTables")["RouteTables"]
    assert [route["GatewayId"] for route in table["Routes"]] == ["local"]
    assert table["Associations"][0]["Main"]
    [group] = aws("ec2", "DescribeSecurityGroups", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]


def test_host_bits_of_a_block_are_masked(aws: Aws) -> None:
    assert aws("ec2", "CreateVpc", CidrBlock="10.0.1.2/16")["Vpc"]["CidrBlock"] == "10.0.0.0/16"


def test_a_deleted_vpc_is_gone_for_callers_and_kept_for_its_network(aws: Aws) -> None:
    vpc = aws.vpc()
    aws("ec2", "DeleteVpc", VpcId=vpc)
    assert aws("ec2", "DescribeVpcs")["Vpcs"] == []
    assert aws.refusal("ec2", "DeleteVpc", VpcId=vpc) == "InvalidVpcID.NotFound"
    assert [row.deleting for row in aws.store.all(Vpc)] == [True]


def test_a_vpc_can_go_when_what_is_in_it_has_gone(aws: Aws) -> None:
    vpc = aws.vpc()
    subnet, group = aws.subnet(vpc, 1), aws.security_group(vpc)
    gateway = aws("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    aws("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = aws("ec2", "CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("DeleteSubnet", {"SubnetId": subnet}),
        ("DeleteSecurityGroup", {"GroupId": group}),
        ("DetachInternetGateway", {"InternetGatewayId": gateway, "VpcId": vpc}),
        ("DeleteInternetGateway", {"InternetGatewayId": gateway}),
        ("DeleteRouteTable", {"RouteTableId": table}),
    ]
    for operation, members in steps:
        assert aws.refusal("ec2", "DeleteVpc", VpcId=vpc) == "DependencyViolation"
        aws("ec2", operation, **members)
    aws("ec2", "DeleteVpc", VpcId=vpc)


def test_a_route_table_in_use_stays(site: Site) -> None:
    association = site.aws("ec2", "AssociateRouteTable", RouteTableId=site.table, SubnetId=site.a)["AssociationId"]
    assert site.aws.refusal("ec2", "DeleteRouteTable", RouteTableId=site.table) == "DependencyViolation"
    assert site.aws.refusal("ec2", "AssociateRouteTable", RouteTableId=site.table, SubnetId=site.a) == (
        "Resource.AlreadyAssociated"
    )
    site.aws("ec2", "DisassociateRouteTable", AssociationId=association)
    site.aws("ec2", "DeleteRouteTable", RouteTableId=site.table)


def test_a_route_to_a_gateway_that_is_gone_is_a_black_hole(site: Site) -> None:
    members = {"RouteTableId": site.table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": site.gateway}
    site.aws("ec2", "CreateRoute", **members)
    site.aws("ec2", "DetachInternetGateway", InternetGatewayId=site.gateway, VpcId=site.vpc)
    site.aws("ec2", "DeleteInternetGateway", InternetGatewayId=site.gateway)
    [table] = site.aws("ec2", "DescribeRouteTables", RouteTableIds=[site.table])["RouteTables"]
    assert [route["State"] for route in table["Routes"]] == ["active", "blackhole"]


def test_the_local_route_cannot_be_deleted(site: Site) -> None:
    code = site.aws.refusal("ec2", "DeleteRoute", RouteTableId=site.table, DestinationCidrBlock="10.0.0.0/16")
    assert code == "InvalidRoute.NotFound"


def test_a_security_group_named_by_another_stays(aws: Aws) -> None:
    vpc = aws.vpc()
    first, second = aws.security_group(vpc, "first"), aws.security_group(vpc, "second")
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": first}]}
    aws("ec2", "AuthorizeSecurityGroupIngress", GroupId=second, IpPermissions=[permission])
    assert aws.refusal("ec2", "DeleteSecurityGroup", GroupId=first) == "DependencyViolation"
    again = aws.refusal("ec2", "AuthorizeSecurityGroupIngress", GroupId=second, IpPermissions=[permission])
    assert again == "InvalidPermission.Duplicate"
    aws("ec2", "RevokeSecurityGroupIngress", GroupId=second, IpPermissions=[permission])
    aws("ec2", "DeleteSecurityGroup", GroupId=first)


def test_the_default_group_stays(aws: Aws) -> None:
    aws.vpc()
    [group] = aws("ec2", "DescribeSecurityGroups")["SecurityGroups"]
    assert aws.refusal("ec2", "DeleteSecurityGroup", GroupId=group["GroupId"]) == "CannotDelete"


@pytest.mark.parametrize(
    ("permission", "wanted"),
    [
        ({"IpProtocol": "6", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, ("tcp", 80, 81)),
        ({"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.9/8"}]}, ("udp", 53, 53)),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, ("-1", None, None)),
    ],
)
def test_rules_are_kept_in_awss_form(aws: Aws, permission: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    group = aws.security_group(aws.vpc())
    aws("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])
    [shown] = aws("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert (shown["IpProtocol"], shown.get("FromPort"), shown.get("ToPort")) == wanted


def test_a_subnets_free_addresses_are_counted(site: Site) -> None:
    """One for the load balancer's node, the database and the instance each."""
    subnets = site.aws("ec2", "DescribeSubnets")["Subnets"]
    assert [subnet["AvailableIpAddressCount"] for subnet in subnets] == [251 - 3, 251 - 1]


def test_a_full_subnet_refuses_instances(aws: Aws) -> None:
    vpc = aws.vpc()
    made = aws("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/28")["Subnet"]["SubnetId"]
    template = aws.launch_template()
    for _ in range(11):
        aws.instance(template, made)
    with pytest.raises(LabError) as caught:
        aws.instance(template, made)
    assert caught.value.code == "InsufficientFreeAddressesInSubnet"


def test_versions_of_a_launch_template(aws: Aws) -> None:
    template = aws.launch_template()
    version = aws("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template, SourceVersion="1",
                  LaunchTemplateData={"InstanceType": "t3.small"})["LaunchTemplateVersion"]  # fmt: skip
    assert version["VersionNumber"] == 2
    assert version["LaunchTemplateData"]["ImageId"].startswith("ami-")
    numbers = [
        aws("ec2", "DescribeLaunchTemplateVersions", LaunchTemplateId=template, Versions=[name])[
            "LaunchTemplateVersions"
        ][0]["VersionNumber"]
        for name in ("$Default", "$Latest", "1")
    ]
    assert numbers == [1, 2, 1]
    aws("ec2", "ModifyLaunchTemplate", LaunchTemplateName="web", DefaultVersion="2")
    assert aws("ec2", "DescribeLaunchTemplates")["LaunchTemplates"][0]["DefaultVersionNumber"] == 2


def test_terminating_an_instance_starts_its_end(site: Site) -> None:
    [change] = site.aws("ec2", "TerminateInstances", InstanceIds=[site.instance])["TerminatingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "shutting-down")
    [again] = site.aws("ec2", "TerminateInstances", InstanceIds=[site.instance])["TerminatingInstances"]
    assert again["CurrentState"] == {"Code": 32, "Name": "shutting-down"}


def test_filters(site: Site) -> None:
    site.aws("ec2", "CreateTags", Resources=[site.instance], Tags=[{"Key": "Name", "Value": "one"}])
    for name, value in (
        ("tag:Name", "one"),
        ("tag-key", "Name"),
        ("instance-state-name", "running"),
        ("vpc-id", site.vpc),
    ):
        asked = [{"Name": name, "Values": [value]}]
        assert len(site.aws("ec2", "DescribeInstances", Filters=asked)["Reservations"]) == 1
        asked = [{"Name": name, "Values": ["other"]}]
        assert site.aws("ec2", "DescribeInstances", Filters=asked)["Reservations"] == []


def test_tags_come_and_go(site: Site) -> None:
    def tags() -> list[dict[str, str]]:
        found: list[dict[str, str]] = site.aws("ec2", "DescribeVpcs")["Vpcs"][0]["Tags"]
        return found

    site.aws("ec2", "CreateTags", Resources=[site.vpc], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    site.aws("ec2", "DeleteTags", Resources=[site.vpc], Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    assert tags() == [{"Key": "a", "Value": "1"}]
    site.aws("ec2", "DeleteTags", Resources=[site.vpc])
    assert tags() == []


def test_no_address_is_given_twice(site: Site) -> None:
    addresses = [row.private_ip_address for row in site.aws.store.all(NetworkInterface)]
    assert len(addresses) == len(set(addresses)) == 4


def test_metadata_options_are_checked_and_changed(site: Site) -> None:
    request = {
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": site.a,
        "ImageId": "ami-00000000000000a99",
        "InstanceType": "t3.micro",
    }
    made = site.aws("ec2", "RunInstances", **request, MetadataOptions={"HttpTokens": "optional"})["Instances"][0]
    options = {**made["MetadataOptions"]}
    assert (options["HttpTokens"], options["HttpEndpoint"], options["HttpPutResponseHopLimit"]) == (
        "optional",
        "enabled",
        2,
    )
    changed = site.aws(
        "ec2",
        "ModifyInstanceMetadataOptions",
        InstanceId=made["InstanceId"],
        HttpTokens="required",
        HttpPutResponseHopLimit=3,
    )["InstanceMetadataOptions"]
    assert (changed["HttpTokens"], changed["HttpPutResponseHopLimit"]) == ("required", 3)
    refused = site.aws.refusal(
        "ec2", "ModifyInstanceMetadataOptions", InstanceId=made["InstanceId"], HttpPutResponseHopLimit=65
    )
    assert refused == "InvalidParameterValue"


@pytest.mark.parametrize(
    "member",
    [
        {"NetworkInterfaces": [{"DeviceIndex": 0, "PrivateIpAddress": "10.0.1.9"}]},
        {"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 1}]},
        {"SecurityGroups": ["web"]},
    ],
)
def test_groups_of_a_launch_template_are_never_passed_over(aws: Aws, member: dict[str, Any]) -> None:
    data = {"ImageId": "ami-00000000000000a99", "InstanceType": "t3.micro"}
    named = {"LaunchTemplateName": "app"}
    refused = aws.refusal("ec2", "CreateLaunchTemplate", **named, LaunchTemplateData={**data, **member})
    assert refused == "UnsupportedOperation"
    aws("ec2", "CreateLaunchTemplate", **named, LaunchTemplateData=data)
    refused = aws.refusal("ec2", "CreateLaunchTemplateVersion", **named, LaunchTemplateData=member)
    assert refused == "UnsupportedOperation"
    assert aws("ec2", "DescribeLaunchTemplates")["LaunchTemplates"][0]["LatestVersionNumber"] == 1
