"""Internet gateways (aws-facts §7.9)."""

from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.common import get_vpc, member, select, specified_tags
from lab.actions.ec2.quotas import check_room
from lab.core.ec2.model import InternetGateway, NetworkInterface
from lab.core.ec2.public import public_addresses
from lab.core.errors import LabError


@reads("TagSpecifications")
def create_internet_gateway(context: Context, request: Request) -> Response:
    check_room(context.store, InternetGateway)
    gateway = InternetGateway(context.new_id("igw"), tags=specified_tags(request, "internet-gateway"))
    context.store.put(gateway)
    return {"InternetGateway": _gateway(gateway, context)}


@reads("InternetGatewayIds", "Filters", "MaxResults", "NextToken")
def describe_internet_gateways(context: Context, request: Request) -> Response:
    described = [_gateway(gateway, context) for gateway in context.store.all(InternetGateway)]
    filters = {
        "internet-gateway-id": member("InternetGatewayId"),
        "attachment.vpc-id": lambda item: [attachment["VpcId"] for attachment in item["Attachments"]],
    }
    code = "InvalidInternetGatewayID.NotFound"
    ids = request.get("InternetGatewayIds", ())
    found = select(described, ids, "InternetGatewayId", code, request.get("Filters", ()), filters)
    return {"InternetGateways": found}


@reads("InternetGatewayId", "VpcId")
def attach_internet_gateway(context: Context, request: Request) -> Response:
    gateway = get_internet_gateway(context, request["InternetGatewayId"])
    vpc = get_vpc(context.store, request["VpcId"])
    taken = next((other for other in context.store.all(InternetGateway) if other.vpc_id == vpc.vpc_id), None)
    if gateway.vpc_id or taken is not None:
        raise LabError(
            "Resource.AlreadyAssociated",
            f"resource {gateway.internet_gateway_id if gateway.vpc_id else vpc.vpc_id} is already attached: "
            "a VPC has one internet gateway, and a gateway one VPC",
        )
    context.store.put(replace(gateway, vpc_id=vpc.vpc_id))
    return {}


@reads("InternetGatewayId", "VpcId")
def detach_internet_gateway(context: Context, request: Request) -> Response:
    gateway = get_internet_gateway(context, request["InternetGatewayId"])
    if gateway.vpc_id != request["VpcId"]:
        raise LabError(
            "Gateway.NotAttached",
            f"resource {gateway.internet_gateway_id} is not attached to network {request['VpcId']}",
        )
    mapped = public_addresses(context.store)
    used = [row for row in context.store.all(NetworkInterface) if row.vpc_id == gateway.vpc_id]
    if any(row.network_interface_id in mapped for row in used):
        raise LabError(
            "DependencyViolation",
            f"Network {gateway.vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway.",
        )
    context.store.put(replace(gateway, vpc_id=""))
    return {}


@reads("InternetGatewayId")
def delete_internet_gateway(context: Context, request: Request) -> Response:
    gateway = get_internet_gateway(context, request["InternetGatewayId"])
    if gateway.vpc_id:
        raise LabError(
            "DependencyViolation",
            f"The internetGateway '{gateway.internet_gateway_id}' has dependencies and cannot be deleted.",
        )
    context.store.delete(InternetGateway, gateway.key)
    return {}


def get_internet_gateway(context: Context, identity: str) -> InternetGateway:
    message = f"The internetGateway ID '{identity}' does not exist"
    return require(context.store, InternetGateway, identity, "InvalidInternetGatewayID.NotFound", message)


def _gateway(gateway: InternetGateway, context: Context) -> dict[str, Any]:
    attachments = [{"VpcId": gateway.vpc_id, "State": "available"}] if gateway.vpc_id else []
    return {
        "InternetGatewayId": gateway.internet_gateway_id,
        "Attachments": attachments,
        "OwnerId": context.account.account_id,
        "Tags": tag_list(gateway.tags),
    }
