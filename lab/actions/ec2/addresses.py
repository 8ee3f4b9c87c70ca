"""Elastic IP addresses (ec2:elastic-ip-addresses-eip). Who has which public address is decided in `lab.core.ec2.public`."""

from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.common import member, select, specified_tags
from lab.core.ec2.model import Address, Instance, InternetGateway, NatGateway, NetworkInterface
from lab.core.ec2.public import ELASTIC_ADDRESSES, free_public, public_dns_name, taken
from lab.core.errors import LabError


@reads("Domain", "TagSpecifications")
def allocate_address(context: Context, request: Request) -> Response:
    if request.get("Domain", "vpc") != "vpc":
        raise LabError("InvalidParameterValue", "the lab has addresses of VPCs only: leave Domain at vpc")
    if len(context.store.all(Address)) >= ELASTIC_ADDRESSES:
        raise LabError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    public_ip = free_public(context.account.public_block, taken(context.store))
    if public_ip is None:
        raise LabError("InsufficientAddressCapacity", "The lab's public addresses are all in use: release some")
    address = Address(context.new_id("eipalloc"), public_ip, tags=specified_tags(request, "elastic-ip"))
    context.store.put(address)
    return {
        "PublicIp": address.public_ip,
        "AllocationId": address.allocation_id,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": context.account.region,
        "Domain": "vpc",
    }


@reads("AllocationId", "PublicIp", "InstanceId", "NetworkInterfaceId", "AllowReassociation")
def associate_address(context: Context, request: Request) -> Response:
    """An address moves at once; what the interface had before goes back."""
    address = find_address(context, request)
    interface = _interface(context, request)
    if address.network_interface_id and not request.get("AllowReassociation", True):
        raise LabError(
            "Resource.AlreadyAssociated",
            f"resource {address.allocation_id} is already associated with {address.network_interface_id}",
        )
    refuse_nat(context, address.network_interface_id)
    if not any(row.vpc_id == interface.vpc_id for row in context.store.all(InternetGateway)):
        raise LabError("Gateway.NotAttached", f"Network {interface.vpc_id} is not attached to any internet gateway")
    for other in context.store.all(Address):
        if other.network_interface_id == interface.network_interface_id and other.key != address.key:
            context.store.put(replace(other, association_id="", network_interface_id=""))
    address = associated(context, address, interface.network_interface_id)
    return {"AssociationId": address.association_id}


def associated(context: Context, address: Address, interface_id: str) -> Address:
    """The row, with its interface."""
    made = replace(address, association_id=context.new_id("eipassoc"), network_interface_id=interface_id)
    context.store.put(made)
    return made


@reads("AssociationId", "PublicIp")
def disassociate_address(context: Context, request: Request) -> Response:
    rows = context.store.all(Address)
    if "AssociationId" in request:
        identity = request["AssociationId"]
        address = next((row for row in rows if row.association_id == identity), None)
        if address is None:
            text = f"The association ID '{identity}' does not exist"
            raise LabError("InvalidAssociationID.NotFound", text)
    else:
        address = find_address(context, request)
    refuse_nat(context, address.network_interface_id)
    context.store.put(replace(address, association_id="", network_interface_id=""))
    return {}


@reads("AllocationId", "PublicIp")
def release_address(context: Context, request: Request) -> Response:
    address = find_address(context, request)
    if address.network_interface_id:
        raise LabError(
            "InvalidIPAddress.InUse",
            f"Address {address.public_ip} is in use. Disassociate it from {address.network_interface_id} first.",
        )
    context.store.delete(Address, address.key)
    return {}


@reads("AllocationIds", "PublicIps", "Filters")
def describe_addresses(context: Context, request: Request) -> Response:
    described = [_address(address, context) for address in context.store.all(Address)]
    filters = {
        "allocation-id": member("AllocationId"),
        "association-id": member("AssociationId"),
        "domain": member("Domain"),
        "instance-id": member("InstanceId"),
        "network-interface-id": member("NetworkInterfaceId"),
        "private-ip-address": member("PrivateIpAddress"),
        "public-ip": member("PublicIp"),
    }
    given = request.get("Filters", ())
    ids, addresses = request.get("AllocationIds", ()), request.get("PublicIps", ())
    found = select(described, ids, "AllocationId", "InvalidAllocationID.NotFound", given, filters)
    return {"Addresses": select(found, addresses, "PublicIp", "InvalidAddress.NotFound", (), filters)}


def find_address(context: Context, request: Request) -> Address:
    """By AllocationId or PublicIp. Raises InvalidAllocationID.NotFound or InvalidAddress.NotFound."""
    if "AllocationId" in request:
        identity = request["AllocationId"]
        message = f"The allocation ID '{identity}' does not exist"
        return require(context.store, Address, identity, "InvalidAllocationID.NotFound", message)
    public_ip = request["PublicIp"]
    found = next((row for row in context.store.all(Address) if row.public_ip == public_ip), None)
    if found is None:
        raise LabError("InvalidAddress.NotFound", f"Address '{public_ip}' not found.")
    return found


def refuse_nat(context: Context, interface_id: str) -> None:
    """The address of a NAT gateway is its own for life."""
    row = context.store.get(NetworkInterface, interface_id)
    if row is not None and context.store.get(NatGateway, row.owner) is not None:
        raise LabError(
            "AuthFailure", f"You do not have permission to access the specified resource: {row.owner} has it"
        )


def _interface(context: Context, request: Request) -> NetworkInterface:
    if "NetworkInterfaceId" in request:
        identity = request["NetworkInterfaceId"]
        message = f"The networkInterface ID '{identity}' does not exist"
        code = "InvalidNetworkInterfaceID.NotFound"
        return require(context.store, NetworkInterface, identity, code, message)
    instance_id = request["InstanceId"]
    message = f"The instance ID '{instance_id}' does not exist"
    instance = require(context.store, Instance, instance_id, "InvalidInstanceID.NotFound", message)
    interface = context.store.get(NetworkInterface, instance.network_interface_id)
    if interface is None or instance.state in ("shutting-down", "terminated"):
        raise LabError("IncorrectInstanceState", f"The instance '{instance_id}' is {instance.state}.")
    return interface


def _address(address: Address, context: Context) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "AllocationId": address.allocation_id,
        "PublicIp": address.public_ip,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": context.account.region,
        "Tags": tag_list(address.tags),
    }
    interface = context.store.get(NetworkInterface, address.network_interface_id)
    if interface is not None:
        shape |= {
            "AssociationId": address.association_id,
            "NetworkInterfaceId": interface.network_interface_id,
            "NetworkInterfaceOwnerId": context.account.account_id,
            "PrivateIpAddress": interface.private_ip_address,
            **({"InstanceId": interface.owner} if interface.owner.startswith("i-") else {}),
        }
    return shape


def association(interface: NetworkInterface, context: Context) -> dict[str, Any]:
    """The Association member of an interface's description; empty without a public address."""
    elastic = next(
        (
            row
            for row in context.store.all(Address)
            if row.network_interface_id and row.network_interface_id == interface.network_interface_id
        ),
        None,
    )
    public_ip = interface.public_ip if elastic is None else elastic.public_ip
    if not public_ip:
        return {}
    return {
        "PublicIp": public_ip,
        "PublicDnsName": public_dns_name(public_ip, context.account.region),
        "IpOwnerId": "amazon" if elastic is None else context.account.account_id,
        **({} if elastic is None else {"AllocationId": elastic.allocation_id, "AssociationId": elastic.association_id}),
    }
