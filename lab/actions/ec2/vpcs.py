"""VPCs and subnets (aws-facts §7.8)."""

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tag_list
from lab.actions.ec2.common import cidr, get_subnet, get_vpc, member, select, specified_tags
from lab.actions.ec2.network_acls import acls_of, default_acl, forget_subnet
from lab.actions.ec2.quotas import check_room
from lab.core.ec2.addresses import available_count
from lab.core.ec2.model import (
    Association,
    InternetGateway,
    NetworkAcl,
    NetworkInterface,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)
from lab.core.errors import LabError


@reads("CidrBlock", "InstanceTenancy", "TagSpecifications")
def create_vpc(context: Context, request: Request) -> Response:
    """A VPC with what AWS gives every new one: a main route table with the local route, a default network ACL, and a default
    security group."""
    if request.get("InstanceTenancy", "default") != "default":
        raise LabError("InvalidParameterValue", "the lab has no dedicated tenancy: leave InstanceTenancy at default")
    if "CidrBlock" not in request:
        raise LabError("MissingParameter", "The request must contain the parameter cidrBlock")
    block = str(cidr(request["CidrBlock"], "InvalidVpc.Range"))
    check_room(context.store, Vpc)
    vpc = Vpc(context.new_id("vpc"), block, tags=specified_tags(request, "vpc"))
    context.store.put(vpc)
    context.store.put(
        RouteTable(
            context.new_id("rtb"),
            vpc.vpc_id,
            (Route(block, "local", "CreateRouteTable"),),
            (Association(context.new_id("rtbassoc"), main=True),),
        )
    )
    context.store.put(default_acl(context, vpc.vpc_id))
    group_id = context.new_id("sg")
    context.store.put(
        SecurityGroup(
            group_id,
            "default",
            "default VPC security group",
            vpc.vpc_id,
            (
                SecurityGroupRule(context.new_id("sgr"), False, "-1", -1, -1, referenced_group_id=group_id),
                SecurityGroupRule(context.new_id("sgr"), True, "-1", -1, -1, cidr_ipv4="0.0.0.0/0"),
            ),
        )
    )
    return {"Vpc": _vpc(vpc, context)}


@reads("VpcIds", "Filters", "MaxResults", "NextToken")
def describe_vpcs(context: Context, request: Request) -> Response:
    described = [_vpc(vpc, context) for vpc in context.store.all(Vpc) if not vpc.deleting]
    filters = {
        "vpc-id": member("VpcId"),
        "cidr": member("CidrBlock"),
        "state": member("State"),
        "cidr-block-association.cidr-block": member("CidrBlock"),
    }
    ids = request.get("VpcIds", ())
    return {"Vpcs": select(described, ids, "VpcId", "InvalidVpcID.NotFound", request.get("Filters", ()), filters)}


@reads("VpcId", "EnableDnsSupport", "EnableDnsHostnames")
def modify_vpc_attribute(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    if "EnableDnsSupport" in request:
        vpc = replace(vpc, enable_dns_support=request["EnableDnsSupport"]["Value"])
    if "EnableDnsHostnames" in request:
        vpc = replace(vpc, enable_dns_hostnames=request["EnableDnsHostnames"]["Value"])
    context.store.put(vpc)
    return {}


@reads("VpcId", "Attribute")
def describe_vpc_attribute(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    attributes = {
        "enableDnsSupport": ("EnableDnsSupport", vpc.enable_dns_support),
        "enableDnsHostnames": ("EnableDnsHostnames", vpc.enable_dns_hostnames),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }
    if request["Attribute"] not in attributes:
        raise LabError("InvalidParameterValue", f"Value ({request['Attribute']}) for parameter attribute is invalid.")
    name, value = attributes[request["Attribute"]]
    return {"VpcId": vpc.vpc_id, name: {"Value": value}}


@reads("VpcId")
def delete_vpc(context: Context, request: Request) -> Response:
    """Refused while anything but what came with the VPC is in it. Its network is taken down by a reconciler."""
    vpc = get_vpc(context.store, request["VpcId"])
    store = context.store
    inside: list[object] = [
        *(row for row in store.all(Subnet) if row.vpc_id == vpc.vpc_id),
        *(row for row in store.all(InternetGateway) if row.vpc_id == vpc.vpc_id),
        *(row for row in store.all(SecurityGroup) if row.vpc_id == vpc.vpc_id and row.group_name != "default"),
        *(row for row in acls_of(store, vpc.vpc_id) if not row.is_default),
        *(row for row in _tables(context, vpc) if not any(a.main for a in row.associations)),
    ]
    if inside:
        raise LabError("DependencyViolation", f"The vpc '{vpc.vpc_id}' has dependencies and cannot be deleted.")
    for table in _tables(context, vpc):
        store.delete(RouteTable, table.key)
    for acl in acls_of(store, vpc.vpc_id):
        store.delete(NetworkAcl, acl.key)
    for group in [row for row in store.all(SecurityGroup) if row.vpc_id == vpc.vpc_id]:
        store.delete(SecurityGroup, group.key)
    store.put(replace(vpc, deleting=True))
    return {}


def _tables(context: Context, vpc: Vpc) -> list[RouteTable]:
    return [row for row in context.store.all(RouteTable) if row.vpc_id == vpc.vpc_id]


@reads("VpcId", "CidrBlock", "AvailabilityZone", "TagSpecifications")
def create_subnet(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    if "CidrBlock" not in request:
        raise LabError("MissingParameter", "The request must contain the parameter cidrBlock")
    block = cidr(request["CidrBlock"], "InvalidSubnet.Range")
    if not block.subnet_of(IPv4Network(vpc.cidr_block)):
        raise LabError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    for other in context.store.all(Subnet):
        if other.vpc_id == vpc.vpc_id and block.overlaps(IPv4Network(other.cidr_block)):
            raise LabError("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")
    zone = request.get("AvailabilityZone", context.account.zones[0])
    if zone not in context.account.zones:
        known = ", ".join(context.account.zones)
        raise LabError(
            "InvalidParameterValue",
            f"Value ({zone}) for parameter availabilityZone is invalid. "
            f"Subnets can currently only be created in the following availability zones: {known}.",
        )
    check_room(context.store, Subnet, vpc.vpc_id)
    subnet = Subnet(context.new_id("subnet"), vpc.vpc_id, str(block), zone, tags=specified_tags(request, "subnet"))
    context.store.put(subnet)
    return {"Subnet": _subnet(subnet, context)}


@reads("SubnetIds", "Filters", "MaxResults", "NextToken")
def describe_subnets(context: Context, request: Request) -> Response:
    described = [_subnet(subnet, context) for subnet in context.store.all(Subnet)]
    filters = {
        "vpc-id": member("VpcId"),
        "subnet-id": member("SubnetId"),
        "availability-zone": member("AvailabilityZone"),
        "cidr-block": member("CidrBlock"),
    }
    ids = request.get("SubnetIds", ())
    found = select(described, ids, "SubnetId", "InvalidSubnetID.NotFound", request.get("Filters", ()), filters)
    return {"Subnets": found}


@reads("SubnetId", "MapPublicIpOnLaunch")
def modify_subnet_attribute(context: Context, request: Request) -> Response:
    subnet = get_subnet(context.store, request["SubnetId"])
    if "MapPublicIpOnLaunch" in request:
        subnet = replace(subnet, map_public_ip_on_launch=request["MapPublicIpOnLaunch"]["Value"])
    context.store.put(subnet)
    return {}


@reads("SubnetId")
def delete_subnet(context: Context, request: Request) -> Response:
    subnet = get_subnet(context.store, request["SubnetId"])
    if any(eni.subnet_id == subnet.subnet_id for eni in context.store.all(NetworkInterface)):
        raise LabError(
            "DependencyViolation", f"The subnet '{subnet.subnet_id}' has dependencies and cannot be deleted."
        )
    for table in context.store.all(RouteTable):
        kept = tuple(a for a in table.associations if a.subnet_id != subnet.subnet_id)
        if kept != table.associations:
            context.store.put(replace(table, associations=kept))
    forget_subnet(context.store, subnet.subnet_id)
    context.store.delete(Subnet, subnet.subnet_id)
    return {}


@reads("ZoneNames", "Filters", "AllAvailabilityZones")
def describe_availability_zones(context: Context, request: Request) -> Response:
    described = [
        {
            "ZoneName": zone,
            "ZoneId": f"use1-az{index}",
            "ZoneType": "availability-zone",
            "RegionName": context.account.region,
            "GroupName": context.account.region,
            "NetworkBorderGroup": context.account.region,
            "State": "available",
            "OptInStatus": "opt-in-not-required",
            "Messages": [],
        }
        for index, zone in enumerate(context.account.zones, 1)
    ]
    filters = {
        "zone-name": member("ZoneName"),
        "state": member("State"),
        "zone-type": member("ZoneType"),
        "opt-in-status": member("OptInStatus"),
        "region-name": member("RegionName"),
    }
    names = request.get("ZoneNames", ())
    found = select(described, names, "ZoneName", "InvalidParameterValue", request.get("Filters", ()), filters)
    return {"AvailabilityZones": found}


def _vpc(vpc: Vpc, context: Context) -> dict[str, Any]:
    return {
        "VpcId": vpc.vpc_id,
        "CidrBlock": vpc.cidr_block,
        "State": "available",
        "DhcpOptionsId": "default",
        "InstanceTenancy": "default",
        "IsDefault": False,
        "OwnerId": context.account.account_id,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": vpc.vpc_id.replace("vpc-", "vpc-cidr-assoc-"),
                "CidrBlock": vpc.cidr_block,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "Tags": tag_list(vpc.tags),
    }


def _subnet(subnet: Subnet, context: Context) -> dict[str, Any]:
    vpc = get_vpc(context.store, subnet.vpc_id)
    taken = [eni.private_ip_address for eni in context.store.all(NetworkInterface) if eni.vpc_id == vpc.vpc_id]
    return {
        "SubnetId": subnet.subnet_id,
        "SubnetArn": context.account.arn("ec2", f"subnet/{subnet.subnet_id}"),
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr_block,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": f"use1-az{context.account.zones.index(subnet.availability_zone) + 1}",
        "AvailableIpAddressCount": available_count(subnet.cidr_block, vpc.cidr_block, taken),
        "State": "available",
        "DefaultForAz": False,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "OwnerId": context.account.account_id,
        "Tags": tag_list(subnet.tags),
    }
