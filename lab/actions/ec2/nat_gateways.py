"""NAT gateways (aws-facts §7.9; vpc:vpc-nat-gateway)."""

from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.addresses import associated, find_address
from lab.actions.ec2.common import get_subnet, member, new_interface, select, specified_tags
from lab.core.ec2.model import Address, NatGateway, NetworkInterface
from lab.core.errors import LabError
from lab.core.times import moment

PER_ZONE = 5
"""vpc:amazon-vpc-limits"""


@reads("SubnetId", "AllocationId", "ConnectivityType", "ClientToken", "TagSpecifications")
def create_nat_gateway(context: Context, request: Request) -> Response:
    """Comes up by itself, or fails with a code, as on AWS: `lab.core.ec2.nat`."""
    subnet = get_subnet(context.store, request["SubnetId"])
    public = request.get("ConnectivityType", "public") == "public"
    if public != ("AllocationId" in request):
        raise LabError(
            "MissingParameter" if public else "InvalidParameter",
            "A public NAT gateway needs the AllocationId of an elastic IP address, and a private one has none",
        )
    _check_quota(context, subnet.availability_zone)
    address = find_address(context, request) if public else None
    if address is not None and address.network_interface_id:
        raise LabError("Resource.AlreadyAssociated", f"resource {address.allocation_id} is already associated")
    nat_id = context.new_id("nat")
    interface = new_interface(context, subnet.subnet_id, (), nat_id, f"Interface for NAT Gateway {nat_id}")
    nat = NatGateway(
        nat_gateway_id=nat_id,
        subnet_id=subnet.subnet_id,
        vpc_id=subnet.vpc_id,
        network_interface_id=interface.network_interface_id,
        private_ip_address=interface.private_ip_address,
        state="pending",
        created=context.now,
        since=context.now,
        connectivity_type="public" if public else "private",
        allocation_id="" if address is None else address.allocation_id,
        public_ip="" if address is None else address.public_ip,
        tags=specified_tags(request, "natgateway"),
    )
    context.store.put(nat)
    if address is not None:
        associated(context, address, interface.network_interface_id)
    return {"NatGateway": _nat(nat, context)}


@reads("NatGatewayIds", "Filter", "MaxResults", "NextToken")
def describe_nat_gateways(context: Context, request: Request) -> Response:
    described = [_nat(nat, context) for nat in context.store.all(NatGateway)]
    filters = {
        "nat-gateway-id": member("NatGatewayId"),
        "state": member("State"),
        "subnet-id": member("SubnetId"),
        "vpc-id": member("VpcId"),
    }
    ids, code = request.get("NatGatewayIds", ()), "NatGatewayNotFound"
    return {"NatGateways": select(described, ids, "NatGatewayId", code, request.get("Filter", ()), filters)}


@reads("NatGatewayId")
def delete_nat_gateway(context: Context, request: Request) -> Response:
    """Its address is free again; routes to it become black holes."""
    nat = get_nat_gateway(context, request["NatGatewayId"])
    if nat.state not in ("deleting", "deleted"):
        context.store.put(replace(nat, state="deleting", since=context.now))
        address = context.store.get(Address, nat.allocation_id)
        if address is not None:
            context.store.put(replace(address, association_id="", network_interface_id=""))
        context.store.delete(NetworkInterface, nat.network_interface_id)
    return {"NatGatewayId": nat.nat_gateway_id}


def get_nat_gateway(context: Context, identity: str) -> NatGateway:
    message = f"NAT gateway {identity} was not found"
    return require(context.store, NatGateway, identity, "NatGatewayNotFound", message)


def _check_quota(context: Context, zone: str) -> None:
    alive = [nat for nat in context.store.all(NatGateway) if nat.state in ("pending", "available")]
    if sum(get_subnet(context.store, nat.subnet_id).availability_zone == zone for nat in alive) >= PER_ZONE:
        raise LabError(
            "NatGatewayLimitExceeded", f"Performing this operation would exceed the limit of {PER_ZONE} NAT gateways"
        )


def _nat(nat: NatGateway, context: Context) -> dict[str, Any]:
    address = context.store.get(Address, nat.allocation_id)
    return {
        "NatGatewayId": nat.nat_gateway_id,
        "SubnetId": nat.subnet_id,
        "VpcId": nat.vpc_id,
        "State": nat.state,
        "ConnectivityType": nat.connectivity_type,
        "CreateTime": moment(nat.created),
        **({"DeleteTime": moment(nat.since)} if nat.state in ("deleting", "deleted") else {}),
        **({"FailureCode": nat.failure_code, "FailureMessage": nat.failure_message} if nat.failure_code else {}),
        "NatGatewayAddresses": [
            {
                "NetworkInterfaceId": nat.network_interface_id,
                "PrivateIp": nat.private_ip_address,
                "IsPrimary": True,
                "Status": "succeeded",
                **({"AllocationId": nat.allocation_id, "PublicIp": nat.public_ip} if nat.allocation_id else {}),
                **({"AssociationId": address.association_id} if address is not None and address.association_id else {}),
            }
        ],
        "Tags": tag_list(nat.tags),
    }
