"""Route tables, their routes, and which subnet has which (aws-facts §7.9)."""

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.common import get_subnet, get_vpc, member, select, specified_tags
from lab.actions.ec2.internet_gateways import get_internet_gateway
from lab.actions.ec2.nat_gateways import get_nat_gateway
from lab.actions.ec2.quotas import check_room
from lab.core.ec2.model import Association, Route, RouteTable
from lab.core.errors import LabError
from lab.core.vpc.routing import leads

TARGETS = ("GatewayId", "NatGatewayId")
ROUTES_PER_TABLE = 500
"""vpc:amazon-vpc-limits"""


@reads("VpcId", "TagSpecifications")
def create_route_table(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    check_room(context.store, RouteTable, vpc.vpc_id)
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


@reads("RouteTableId", "DestinationCidrBlock", *TARGETS)
def create_route(context: Context, request: Request) -> Response:
    table = _get_table(context, request["RouteTableId"])
    route = _route(context, request, table)
    if any(known.destination_cidr_block == route.destination_cidr_block for known in table.routes):
        raise LabError(
            "RouteAlreadyExists",
            f"The route identified by {route.destination_cidr_block} already exists.",
        )
    if len(table.routes) >= ROUTES_PER_TABLE:
        raise LabError("RouteLimitExceeded", f"a route table has at most {ROUTES_PER_TABLE} routes")
    context.store.put(replace(table, routes=(*table.routes, route)))
    return {"Return": True}


@reads("RouteTableId", "DestinationCidrBlock", *TARGETS)
def replace_route(context: Context, request: Request) -> Response:
    table = _get_table(context, request["RouteTableId"])
    route = _route(context, request, table)
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
    table, found = _association(context, request["AssociationId"])
    if found.main:
        text = f"cannot disassociate the main route table association {found.association_id}"
        raise LabError("InvalidParameterValue", text)
    context.store.put(replace(table, associations=tuple(row for row in table.associations if row is not found)))
    return {}


@reads("AssociationId", "RouteTableId")
def replace_route_table_association(context: Context, request: Request) -> Response:
    """Gives a subnet, or (with the main table's association) all subnets that have none of their own, another table."""
    wanted = _get_table(context, request["RouteTableId"])
    table, found = _association(context, request["AssociationId"])
    if table.vpc_id != wanted.vpc_id:
        raise LabError(
            "InvalidParameterValue",
            f"Route tables {table.route_table_id} and {wanted.route_table_id} belong to different networks",
        )
    context.store.put(replace(table, associations=tuple(row for row in table.associations if row is not found)))
    wanted = _get_table(context, wanted.route_table_id)
    moved = replace(found, association_id=context.new_id("rtbassoc"))
    context.store.put(replace(wanted, associations=(*wanted.associations, moved)))
    return {"NewAssociationId": moved.association_id, "AssociationState": {"State": "associated"}}


def _get_table(context: Context, identity: str) -> RouteTable:
    message = f"The routeTable ID '{identity}' does not exist"
    return require(context.store, RouteTable, identity, "InvalidRouteTableID.NotFound", message)


def _association(context: Context, identity: str) -> tuple[RouteTable, Association]:
    for table in context.store.all(RouteTable):
        for row in table.associations:
            if row.association_id == identity:
                return table, row
    raise LabError("InvalidAssociationID.NotFound", f"The association ID '{identity}' does not exist")


def _route(context: Context, request: Request, table: RouteTable) -> Route:
    given = [name for name in TARGETS if name in request]
    if "DestinationCidrBlock" not in request or len(given) != 1:
        raise LabError(
            "MissingParameter", f"The request must contain DestinationCidrBlock and one of {', '.join(TARGETS)}"
        )
    try:
        destination = IPv4Network(request["DestinationCidrBlock"], strict=False)
    except ValueError as error:
        raise LabError(
            "InvalidParameterValue",
            f"Value ({request['DestinationCidrBlock']}) for parameter destinationCidrBlock is invalid.",
        ) from error
    _check_beyond(destination, table)
    return Route(str(destination), _target(context, request, table))


def _check_beyond(destination: IPv4Network, table: RouteTable) -> None:
    """The lab's VPCs have one way inside, the local one: nothing can be put in its way."""
    for local in (IPv4Network(route.destination_cidr_block) for route in table.routes if route.target == "local"):
        if destination.subnet_of(local) and destination != local:
            raise LabError(
                "InvalidParameterValue",
                f"{destination} is inside the VPC's block {local}, and the lab routes everything there by the local route",
            )


def _target(context: Context, request: Request, table: RouteTable) -> str:
    if "NatGatewayId" in request:
        nat = get_nat_gateway(context, request["NatGatewayId"])
        if nat.vpc_id != table.vpc_id:
            text = (
                f"NAT gateway {nat.nat_gateway_id} and route table {table.route_table_id} belong to different networks"
            )
            raise LabError("InvalidParameterValue", text)
        return nat.nat_gateway_id
    gateway = get_internet_gateway(context, request["GatewayId"])
    if gateway.vpc_id != table.vpc_id:
        text = (
            f"route table {table.route_table_id} and gateway {gateway.internet_gateway_id} belong to different networks"
        )
        raise LabError("InvalidParameterValue", text)
    return gateway.internet_gateway_id


def _without(table: RouteTable, destination: str) -> tuple[Route, ...]:
    kept = tuple(
        route for route in table.routes if route.destination_cidr_block != destination or route.target == "local"
    )
    if len(kept) == len(table.routes):
        raise LabError("InvalidRoute.NotFound", f"no route with destination-cidr-block {destination} in route table")
    return kept


def _table(table: RouteTable, context: Context) -> dict[str, Any]:
    return {
        "RouteTableId": table.route_table_id,
        "VpcId": table.vpc_id,
        "OwnerId": context.account.account_id,
        "PropagatingVgws": [],
        "Routes": [
            {
                "DestinationCidrBlock": route.destination_cidr_block,
                "NatGatewayId" if route.target.startswith("nat-") else "GatewayId": route.target,
                "Origin": route.origin,
                "State": "active" if leads(context.store, route, table) else "blackhole",
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
