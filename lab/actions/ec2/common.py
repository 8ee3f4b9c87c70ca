"""What EC2's actions share: filters, tag specifications, CIDR checks, network interfaces."""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, require, tags_of
from lab.actions.ec2.quotas import check_groups
from lab.core.ec2.addresses import free_address
from lab.core.ec2.model import NetworkInterface, SecurityGroup, Subnet, Vpc
from lab.core.errors import LabError
from lab.core.store import Store

Filterable = Mapping[str, Any]


def specified_tags(request: Request, resource_type: str) -> dict[str, str]:
    """The tags that TagSpecifications gives to this type of resource."""
    return tags_of(
        tag
        for specification in request.get("TagSpecifications", ())
        if specification.get("ResourceType", resource_type) == resource_type
        for tag in specification.get("Tags", ())
    )


def cidr(text: str, code: str) -> IPv4Network:
    """An IPv4 block of a VPC or subnet, /16 to /28, host bits masked (vpc:vpc-cidr-blocks). Raises LabError `code`."""
    try:
        network = IPv4Network(text, strict=False)
    except ValueError as error:
        raise LabError("InvalidParameterValue", f"Value ({text}) for parameter cidrBlock is invalid.") from error
    if not 16 <= network.prefixlen <= 28:
        raise LabError(code, f"The CIDR '{text}' is invalid.")
    return network


def select(
    described: Iterable[Filterable],
    ids: Iterable[str],
    identity: str,
    code: str,
    filters: Iterable[Mapping[str, Any]],
    values: Mapping[str, Callable[[Filterable], Iterable[str]]],
) -> list[Filterable]:
    """The descriptions with these ids (all, when none are named) that pass every filter. `values` maps filter names to
    what a description holds for them. Raises LabError `code` for an id that is not there."""
    found = list(described)
    wanted = list(ids)
    known = {item[identity] for item in found}
    for missing in (name for name in wanted if name not in known):
        raise LabError(code, f"The {identity} '{missing}' does not exist")
    if wanted:
        found = [item for item in found if item[identity] in wanted]
    for entry in filters:
        found = [item for item in found if _passes(item, entry, values)]
    return found


def _passes(
    item: Filterable, entry: Mapping[str, Any], values: Mapping[str, Callable[[Filterable], Iterable[str]]]
) -> bool:
    name, allowed = entry["Name"], entry.get("Values", ())
    if name.startswith("tag:"):
        return any(tag["Key"] == name[4:] and tag["Value"] in allowed for tag in item.get("Tags", ()))
    if name == "tag-key":
        return any(tag["Key"] in allowed for tag in item.get("Tags", ()))
    if name not in values:
        raise LabError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return any(value in allowed for value in values[name](item))


def member(name: str) -> Callable[[Filterable], Iterable[str]]:
    """A filter on one member of the description."""
    return lambda item: (str(item.get(name, "")),)


def get_vpc(store: Store, vpc_id: str) -> Vpc:
    vpc = require(store, Vpc, vpc_id, "InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    if vpc.deleting:
        raise LabError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    return vpc


def get_subnet(store: Store, subnet_id: str) -> Subnet:
    return require(store, Subnet, subnet_id, "InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")


def free_addresses(store: Store, subnet_id: str) -> int:
    """How many network interfaces the subnet has room for, the reserved addresses apart; 0 when there is no such subnet."""
    subnet = store.get(Subnet, subnet_id)
    if subnet is None:
        return 0
    return IPv4Network(subnet.cidr_block).num_addresses - len(store.where(NetworkInterface, "subnet_id", subnet_id))


def get_group(store: Store, group_id: str) -> SecurityGroup:
    return require(
        store, SecurityGroup, group_id, "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
    )


def default_group(store: Store, vpc_id: str) -> SecurityGroup:
    return next(g for g in store.all(SecurityGroup) if g.vpc_id == vpc_id and g.group_name == "default")


def attach_interface(
    context: Context,
    subnet_id: str,
    group_ids: Iterable[str],
    owner: str,
    description: str,
    *,
    public: bool = False,
) -> NetworkInterface:
    """A new network interface with the security groups (the VPC's default group when none are named). Raises
    InsufficientFreeAddressesInSubnet, InvalidGroup.NotFound."""
    store = context.store
    subnet = get_subnet(store, subnet_id)
    vpc = get_vpc(store, subnet.vpc_id)
    groups = tuple(group_ids) or (default_group(store, vpc.vpc_id).group_id,)
    check_members(store, groups, vpc.vpc_id)
    return new_interface(context, subnet_id, groups, owner, description, public=public)


def check_members(store: Store, group_ids: tuple[str, ...], vpc_id: str) -> None:
    """Whether an interface of the VPC may be in these groups. Raises InvalidGroup.NotFound or
    SecurityGroupsPerInterfaceLimitExceeded."""
    for group_id in group_ids:
        if get_group(store, group_id).vpc_id != vpc_id:
            raise LabError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist in VPC '{vpc_id}'")
    check_groups(group_ids)


def new_interface(
    context: Context, subnet_id: str, groups: tuple[str, ...], owner: str, description: str, *, public: bool = False
) -> NetworkInterface:
    """With the lowest free address of the subnet. Raises InsufficientFreeAddressesInSubnet."""
    store = context.store
    subnet = get_subnet(store, subnet_id)
    vpc = get_vpc(store, subnet.vpc_id)
    taken = (eni.private_ip_address for eni in store.where(NetworkInterface, "subnet_id", subnet_id))
    address = free_address(subnet.cidr_block, vpc.cidr_block, taken)
    if address is None:
        raise LabError(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet_id}' to satisfy the requested number of instances.",
        )
    identity = context.new_id("eni")
    interface = NetworkInterface(identity, subnet_id, vpc.vpc_id, address, groups, owner, description, public)
    store.put(interface)
    return interface
