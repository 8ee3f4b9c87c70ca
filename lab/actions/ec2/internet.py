"""Internet gateways and route tables (aws-facts §7.9)."""

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.common import get_subnet, get_vpc, member, select, specified_tags
from lab.core.ec2.model import Association, InternetGateway, Route, RouteTable
from lab.core.errors import LabError


@reads("TagSpecifications")
def create_internet_gateway(context: Context, request: Request) -> Response:
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
    gateway = _get_gateway(context, request["InternetGatewayId"])
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
    gateway = _get_gateway(context, request["InternetGatewayId"])
    if gateway.vpc_id != request["VpcId"]:
        raise LabError(
            "Gateway.NotAttached",
            f"resource {gateway.internet_gateway_id} is not attached to network {request['VpcId']}",
        )
    context.store.put(replace(gateway, vpc_id=""))
    return {}


@reads("InternetGatewayId")
def delete_internet_gateway(context: Context, request: Request) -> Response:
    gateway = _get_gateway(context, request["InternetGatewayId"])
    if gateway.vpc_id:
        raise LabError(
            "DependencyViolation",
            f"The internetGateway '{gateway.internet_gateway_id}' has dependencies and cannot be deleted.",
        )
    context.store.delete(InternetGateway, gateway.key)
    return {}


@reads("VpcId", "TagSpecifications")
def create_route_table(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    local = Route(vpc.cidr_block, "local", "CreateRouteTable")
    table = RouteTable(context.new_id("rtb"), vpc.vpc_id, (local,), tags=specified_tags(request, "route-table"))
    context.store.put(table)
    return {"RouteTable": _table(table, context)}


@reads("RouteTableIds", "Filters", "MaxResults", "NextToken")
def describe_route_tables(context: Context, request: Request) -> Response:
    described = [_table(table, context) for table in context.store.all(RouteTable)]
    filters = {
        "vpc-id": member("VpcId"),
        "route-table-id": member("RouteTableId"),
        "association.subnet-id": lambda item: [row.get("SubnetId", "") for row in item["Associations"]],
        "association.main": lambda item: [str(row["Main"]).lower() for row in item["Associations"]],
        "association.route-table-association-id": lambda item: [
            row["RouteTableAssociationId"] for row in item["Associations"]
        ],
    }
    ids = request.get("RouteTableIds", ())
    code = "InvalidRouteTableID.NotFound"
    found = select(described, ids, "RouteTableId", code, request.get("Filters", ()), filters)
    return {"RouteTables": found}


@reads("RouteTableId")
def delete_route_table(context: Context, request: Request) -> Response:
    table = _get_table(context, request["RouteTableId"])
    if table.associations:
        raise LabError(
            "DependencyViolation",
            f"The routeTable '{table.route_table_id}' has dependencies and cannot be deleted.",
        )
    context.store.delete(RouteTable, table.key)
    return {}


@reads("RouteTableId", "DestinationCidrBlock", "GatewayId")
def create_route(context: Context, request: Request) -> Response:
    table, route = _get_table(context, request["RouteTableId"]), _route(context, request)
    if any(known.destination_cidr_block == route.destination_cidr_block for known in table.routes):
        raise LabError(
            "RouteAlreadyExists",
            f"The route identified by {route.destination_cidr_block} already exists.",
        )
    context.store.put(replace(table, routes=(*table.routes, route)))
    return {"Return": True}


@reads("RouteTableId", "DestinationCidrBlock", "GatewayId")
def replace_route(context: Context, request: Request) -> Response:
    table, route = _get_table(context, request["RouteTableId"]), _route(context, request)
    kept = _without(table, route.destination_cidr_block)
    context.store.put(replace(table, routes=(*kept, route)))
    return {}


@reads("RouteTableId", "DestinationCidrBlock")
def delete_route(context: Context, request: Request) -> Response:
    table = _get_table(context, request["RouteTableId"])
    context.store.put(replace(table, routes=_without(table, request["DestinationCidrBlock"])))
    return {}


@reads("RouteTableId", "SubnetId")
def associate_route_table(context: Context, request: Request) -> Response:
    table = _get_table(context, request["RouteTableId"])
    subnet = get_subnet(context.store, request["SubnetId"])
    if subnet.vpc_id != table.vpc_id:
        raise LabError(
            "InvalidParameterValue",
            f"Route table {table.route_table_id} and subnet {subnet.subnet_id} belong to different networks",
        )
    for other in context.store.all(RouteTable):
        if any(row.subnet_id == subnet.subnet_id for row in other.associations):
            raise LabError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {other.route_table_id} conflicts with an existing association",
            )
    association = Association(context.new_id("rtbassoc"), subnet.subnet_id)
    context.store.put(replace(table, associations=(*table.associations, association)))
    return {"AssociationId": association.association_id, "AssociationState": {"State": "associated"}}


@reads("AssociationId")
def disassociate_route_table(context: Context, request: Request) -> Response:
    identity = request["AssociationId"]
    for table in context.store.all(RouteTable):
        found = next((row for row in table.associations if row.association_id == identity), None)
        if found is None:
            continue
        if found.main:
            raise LabError("InvalidParameterValue", f"cannot disassociate the main route table association {identity}")
        context.store.put(replace(table, associations=tuple(row for row in table.associations if row is not found)))
        return {}
    raise LabError("InvalidAssociationID.NotFound", f"The association ID '{identity}' does not exist")


def _get_gateway(context: Context, identity: str) -> InternetGateway:
    message = f"The internetGateway ID '{identity}' does not exist"
    return require(context.store, InternetGateway, identity, "InvalidInternetGatewayID.NotFound", message)


def _get_table(context: Context, identity: str) -> RouteTable:
    message = f"The routeTable ID '{identity}' does not exist"
    return require(context.store, RouteTable, identity, "InvalidRouteTableID.NotFound", message)


def _route(context: Context, request: Request) -> Route:
    if "DestinationCidrBlock" not in request or "GatewayId" not in request:
        raise LabError("MissingParameter", "The request must contain DestinationCidrBlock and GatewayId")
    try:
        destination = str(IPv4Network(request["DestinationCidrBlock"], strict=False))
    except ValueError as error:
        raise LabError(
            "InvalidParameterValue",
            f"Value ({request['DestinationCidrBlock']}) for parameter destinationCidrBlock is invalid.",
        ) from error
    return Route(destination, _get_gateway(context, request["GatewayId"]).internet_gateway_id)


def _without(table: RouteTable, destination: str) -> tuple[Route, ...]:
    kept = tuple(
        route for route in table.routes if route.destination_cidr_block != destination or route.target == "local"
    )
    if len(kept) == len(table.routes):
        raise LabError("InvalidRoute.NotFound", f"no route with destination-cidr-block {destination} in route table")
    return kept


def _gateway(gateway: InternetGateway, context: Context) -> dict[str, Any]:
    attachments = [{"VpcId": gateway.vpc_id, "State": "available"}] if gateway.vpc_id else []
    return {
        "InternetGatewayId": gateway.internet_gateway_id,
        "Attachments": attachments,
        "OwnerId": context.account.account_id,
        "Tags": tag_list(gateway.tags),
    }


def _table(table: RouteTable, context: Context) -> dict[str, Any]:
    return {
        "RouteTableId": table.route_table_id,
        "VpcId": table.vpc_id,
        "OwnerId": context.account.account_id,
        "PropagatingVgws": [],
        "Routes": [
            {
                "DestinationCidrBlock": route.destination_cidr_block,
                "GatewayId": route.target,
                "Origin": route.origin,
                "State": "active" if _there(route, context) else "blackhole",
            }
            for route in table.routes
        ],
        "Associations": [
            {
                "RouteTableAssociationId": row.association_id,
                "RouteTableId": table.route_table_id,
                "Main": row.main,
                "AssociationState": {"State": "associated"},
                **({"SubnetId": row.subnet_id} if row.subnet_id else {}),
            }
            for row in table.associations
        ],
        "Tags": tag_list(table.tags),
    }


def _there(route: Route, context: Context) -> bool:
    return route.target == "local" or context.store.get(InternetGateway, route.target) is not None
