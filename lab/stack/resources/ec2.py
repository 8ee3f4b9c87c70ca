"""AWS::EC2: the network. VPC, internet gateway, subnets, route tables and routes.

Source: AWS CloudFormation resource reference, Amazon EC2; update behaviour as stated there for each property.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import DONE, WAITING, Progress, ResourceType, Work, deleted_by, retag, the_id, words
from lab.stack.schema import BOOLEAN, STRING, TAGS, fixed, free, need, one_of


def tag_specifications(kind: str, work: Work) -> dict[str, Any]:
    """The `TagSpecifications` member of a create request; empty without tags."""
    tags = work.properties.get("Tags")
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def update_tags(work: Work) -> None:
    """CreateTags and DeleteTags, as far as tags differ."""
    resources = [work.physical_id]
    retag(
        work,
        lambda tags: _void(work.call("ec2", "CreateTags", {"Resources": resources, "Tags": tags})),
        lambda keys: _void(
            work.call("ec2", "DeleteTags", {"Resources": resources, "Tags": [{"Key": key} for key in keys]})
        ),
    )


def _void(_: dict[str, Any]) -> None:
    return None


# ── VPC ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_DNS = "EnableDnsSupport EnableDnsHostnames"


def _create_vpc(work: Work) -> str:
    request = work.some("CidrBlock InstanceTenancy") | tag_specifications("vpc", work)
    vpc_id = str(work.call("ec2", "CreateVpc", request)["Vpc"]["VpcId"])
    for name, value in work.some(_DNS).items():
        work.call("ec2", "ModifyVpcAttribute", {"VpcId": vpc_id, name: {"Value": value}})
    return vpc_id


def _update_vpc(work: Work) -> None:
    defaults = {"EnableDnsSupport": True, "EnableDnsHostnames": False}
    for name in _DNS.split():
        if name in work.changed:
            value = {"Value": work.properties.get(name, defaults[name])}
            work.call("ec2", "ModifyVpcAttribute", {"VpcId": work.physical_id, name: value})
    update_tags(work)


def _vpc(call: Call, vpc_id: str) -> dict[str, Any]:
    found: dict[str, Any] = call("ec2", "DescribeVpcs", {"VpcIds": [vpc_id]})["Vpcs"][0]
    return found


def _default_group(call: Call, vpc_id: str, _: dict[str, Any]) -> str:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    return str(call("ec2", "DescribeSecurityGroups", {"Filters": filters})["SecurityGroups"][0]["GroupId"])


def _available(state: str) -> Progress:
    return DONE if state == "available" else WAITING


VPC = ResourceType(
    "AWS::EC2::VPC",
    {
        "CidrBlock": need(fixed(STRING)),
        "EnableDnsHostnames": free(BOOLEAN),
        "EnableDnsSupport": free(BOOLEAN),
        "InstanceTenancy": free(one_of("default dedicated host", "default")),
        "Tags": free(TAGS),
    },
    create=_create_vpc,
    update=_update_vpc,
    stable=lambda work: _available(_vpc(work.call, work.physical_id)["State"]),
    delete=deleted_by("ec2", "DeleteVpc", lambda work: {"VpcId": work.physical_id}),
    attributes={
        "VpcId": the_id,
        "CidrBlock": lambda call, vpc_id, _: _vpc(call, vpc_id)["CidrBlock"],
        "DefaultSecurityGroup": _default_group,
    },
    elsewhere=words("Ipv4IpamPoolId Ipv4NetmaskLength VpcEncryptionControl"),
)

# ── internet gateway ──────────────────────────────────────────────────────────────────────────────────────────────


def _create_gateway(work: Work) -> str:
    request = tag_specifications("internet-gateway", work)
    return str(work.call("ec2", "CreateInternetGateway", request)["InternetGateway"]["InternetGatewayId"])


INTERNET_GATEWAY = ResourceType(
    "AWS::EC2::InternetGateway",
    {"Tags": free(TAGS)},
    create=_create_gateway,
    update=update_tags,
    delete=deleted_by("ec2", "DeleteInternetGateway", lambda work: {"InternetGatewayId": work.physical_id}),
    attributes={"InternetGatewayId": the_id},
)


def _attach(work: Work) -> str:
    work.call("ec2", "AttachInternetGateway", work.some("InternetGatewayId VpcId"))
    return f"IGW|{work.properties['VpcId']}"


def _reattach(work: Work) -> None:
    old = {name: work.previous[name] for name in ("InternetGatewayId", "VpcId")}
    work.call("ec2", "DetachInternetGateway", old)
    _attach(work)


VPC_GATEWAY_ATTACHMENT = ResourceType(
    "AWS::EC2::VPCGatewayAttachment",
    {"InternetGatewayId": need(free(STRING)), "VpcId": need(fixed(STRING))},
    create=_attach,
    update=_reattach,
    delete=deleted_by("ec2", "DetachInternetGateway", lambda work: work.some("InternetGatewayId VpcId")),
    attributes={"AttachmentType": lambda call, physical_id, _: physical_id.partition("|")[0]},
    elsewhere=words("VpnGatewayId"),
)

# ── subnets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _create_subnet(work: Work) -> str:
    request = work.some("VpcId CidrBlock AvailabilityZone") | tag_specifications("subnet", work)
    subnet_id = str(work.call("ec2", "CreateSubnet", request)["Subnet"]["SubnetId"])
    if "MapPublicIpOnLaunch" in work.properties:
        _map_public(work, subnet_id)
    return subnet_id


def _map_public(work: Work, subnet_id: str) -> None:
    value = {"Value": work.properties.get("MapPublicIpOnLaunch", False)}
    work.call("ec2", "ModifySubnetAttribute", {"SubnetId": subnet_id, "MapPublicIpOnLaunch": value})


def _update_subnet(work: Work) -> None:
    if "MapPublicIpOnLaunch" in work.changed:
        _map_public(work, work.physical_id)
    update_tags(work)


def _subnet(call: Call, subnet_id: str) -> dict[str, Any]:
    found: dict[str, Any] = call("ec2", "DescribeSubnets", {"SubnetIds": [subnet_id]})["Subnets"][0]
    return found


SUBNET = ResourceType(
    "AWS::EC2::Subnet",
    {
        "AvailabilityZone": fixed(STRING),
        "CidrBlock": need(fixed(STRING)),
        "MapPublicIpOnLaunch": free(BOOLEAN),
        "Tags": free(TAGS),
        "VpcId": need(fixed(STRING)),
    },
    create=_create_subnet,
    update=_update_subnet,
    stable=lambda work: _available(_subnet(work.call, work.physical_id)["State"]),
    delete=deleted_by("ec2", "DeleteSubnet", lambda work: {"SubnetId": work.physical_id}),
    attributes={
        "SubnetId": the_id,
        "AvailabilityZone": lambda call, subnet_id, _: _subnet(call, subnet_id)["AvailabilityZone"],
        "CidrBlock": lambda call, subnet_id, _: _subnet(call, subnet_id)["CidrBlock"],
        "VpcId": lambda call, subnet_id, _: _subnet(call, subnet_id)["VpcId"],
    },
    elsewhere=words(
        """AssignIpv6AddressOnCreation AvailabilityZoneId EnableDns64 EnableLniAtDeviceIndex Ipv4IpamPoolId
        Ipv4NetmaskLength Ipv6CidrBlock Ipv6IpamPoolId Ipv6Native Ipv6NetmaskLength OutpostArn
        PrivateDnsNameOptionsOnLaunch"""
    ),
)

# ── routes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create_route_table(work: Work) -> str:
    request = work.some("VpcId") | tag_specifications("route-table", work)
    return str(work.call("ec2", "CreateRouteTable", request)["RouteTable"]["RouteTableId"])


ROUTE_TABLE = ResourceType(
    "AWS::EC2::RouteTable",
    {"Tags": free(TAGS), "VpcId": need(fixed(STRING))},
    create=_create_route_table,
    update=update_tags,
    delete=deleted_by("ec2", "DeleteRouteTable", lambda work: {"RouteTableId": work.physical_id}),
    attributes={"RouteTableId": the_id},
)


def _create_route(work: Work) -> str:
    work.call("ec2", "CreateRoute", work.some("RouteTableId DestinationCidrBlock GatewayId NatGatewayId"))
    return f"{work.properties['RouteTableId']}|{work.properties['DestinationCidrBlock']}"


def _update_route(work: Work) -> None:
    work.call("ec2", "ReplaceRoute", work.some("RouteTableId DestinationCidrBlock GatewayId NatGatewayId"))


ROUTE = ResourceType(
    "AWS::EC2::Route",
    {
        "DestinationCidrBlock": need(fixed(STRING)),
        "GatewayId": free(STRING),
        "NatGatewayId": free(STRING),
        "RouteTableId": need(fixed(STRING)),
    },
    create=_create_route,
    update=_update_route,
    delete=deleted_by("ec2", "DeleteRoute", lambda work: work.some("RouteTableId DestinationCidrBlock")),
    attributes={"CidrBlock": lambda call, physical_id, _: physical_id.partition("|")[2]},
    elsewhere=words(
        """CarrierGatewayId CoreNetworkArn DestinationIpv6CidrBlock DestinationPrefixListId EgressOnlyInternetGatewayId
        InstanceId LocalGatewayId NetworkInterfaceId OdbNetworkArn TransitGatewayId VpcEndpointId
        VpcPeeringConnectionId"""
    ),
)


def _associate(work: Work) -> str:
    return str(work.call("ec2", "AssociateRouteTable", work.some("RouteTableId SubnetId"))["AssociationId"])


SUBNET_ROUTE_TABLE_ASSOCIATION = ResourceType(
    "AWS::EC2::SubnetRouteTableAssociation",
    {"RouteTableId": need(fixed(STRING)), "SubnetId": need(fixed(STRING))},
    create=_associate,
    delete=deleted_by("ec2", "DisassociateRouteTable", lambda work: {"AssociationId": work.physical_id}),
    attributes={"Id": the_id},
)

TYPES = (
    VPC,
    INTERNET_GATEWAY,
    VPC_GATEWAY_ATTACHMENT,
    SUBNET,
    ROUTE_TABLE,
    ROUTE,
    SUBNET_ROUTE_TABLE_ASSOCIATION,
)
