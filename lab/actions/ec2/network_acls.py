"""Network ACLs (aws-facts §7.11): stateless rules in the order of their numbers, one ACL for each subnet."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.common import get_vpc, member, select, specified_tags
from lab.actions.ec2.quotas import check_room
from lab.core.ec2.model import NetworkAcl, NetworkAclEntry, Subnet
from lab.core.errors import LabError
from lab.core.store import Store
from lab.core.vpc.firewall import LAST_RULE

ANYWHERE = "0.0.0.0/0"
MOST_ENTRIES = 20
"""In each direction, the last one not counted (vpc:amazon-vpc-limits)."""
FIRST_NUMBER, LAST_NUMBER = 1, 32766
ICMP = "1"
WITH_PORTS = ("6", "17")
NUMBERS = {"tcp": "6", "udp": "17", "icmp": ICMP, "all": "-1"}


def default_acl(context: Context, vpc_id: str) -> NetworkAcl:
    """What every new VPC has: everything may pass both ways."""
    entries = tuple(NetworkAclEntry(100, egress, "-1", "allow", ANYWHERE) for egress in (False, True))
    return NetworkAcl(context.new_id("acl"), vpc_id, True, entries)


def acls_of(store: Store, vpc_id: str) -> list[NetworkAcl]:
    return [row for row in store.all(NetworkAcl) if row.vpc_id == vpc_id]


def forget_subnet(store: Store, subnet_id: str) -> None:
    """No ACL is associated with it any more."""
    for acl in store.all(NetworkAcl):
        if subnet_id in acl.associations:
            kept = {known: association for known, association in acl.associations.items() if known != subnet_id}
            store.put(replace(acl, associations=kept))


@reads("VpcId", "TagSpecifications", "ClientToken")
def create_network_acl(context: Context, request: Request) -> Response:
    """It denies everything until it has entries."""
    vpc = get_vpc(context.store, request["VpcId"])
    check_room(context.store, NetworkAcl, vpc.vpc_id)
    tags = specified_tags(request, "network-acl")
    acl = NetworkAcl(context.new_id("acl"), vpc.vpc_id, False, (), tags=tags)
    context.store.put(acl)
    return {"NetworkAcl": _acl(acl, context)}


@reads("NetworkAclIds", "Filters", "MaxResults", "NextToken")
def describe_network_acls(context: Context, request: Request) -> Response:
    described = [_acl(acl, context) for acl in context.store.all(NetworkAcl)]
    filters = {
        "vpc-id": member("VpcId"),
        "network-acl-id": member("NetworkAclId"),
        "default": lambda item: (str(item["IsDefault"]).lower(),),
        "association.subnet-id": lambda item: [row["SubnetId"] for row in item["Associations"]],
        "association.association-id": lambda item: [row["NetworkAclAssociationId"] for row in item["Associations"]],
    }
    ids = request.get("NetworkAclIds", ())
    code = "InvalidNetworkAclID.NotFound"
    return {"NetworkAcls": select(described, ids, "NetworkAclId", code, request.get("Filters", ()), filters)}


@reads("NetworkAclId")
def delete_network_acl(context: Context, request: Request) -> Response:
    acl = _get(context, request["NetworkAclId"])
    if acl.is_default:
        raise LabError(
            "InvalidParameterValue", f"{acl.network_acl_id} is the default network ACL of its VPC: it cannot be deleted"
        )
    if acl.associations:
        raise LabError(
            "DependencyViolation", f"The networkAcl '{acl.network_acl_id}' has dependencies and cannot be deleted."
        )
    context.store.delete(NetworkAcl, acl.key)
    return {}


ENTRY = ("NetworkAclId", "RuleNumber", "Protocol", "RuleAction", "Egress", "CidrBlock", "PortRange", "IcmpTypeCode")


@reads(*ENTRY)
def create_network_acl_entry(context: Context, request: Request) -> Response:
    acl, entry = _get(context, request["NetworkAclId"]), _entry(request)
    if _find(acl, entry.rule_number, entry.egress) is not None:
        raise LabError(
            "NetworkAclEntryAlreadyExists", f"The network acl entry identified by {entry.rule_number} already exists."
        )
    if sum(1 for known in acl.entries if known.egress == entry.egress) >= MOST_ENTRIES:
        raise LabError(
            "NetworkAclEntryLimitExceeded", f"A network ACL has at most {MOST_ENTRIES} entries in each direction"
        )
    context.store.put(replace(acl, entries=(*acl.entries, entry)))
    return {}


@reads(*ENTRY)
def replace_network_acl_entry(context: Context, request: Request) -> Response:
    acl, entry = _get(context, request["NetworkAclId"]), _entry(request)
    context.store.put(replace(acl, entries=(*_without(acl, entry.rule_number, entry.egress), entry)))
    return {}


@reads("NetworkAclId", "RuleNumber", "Egress")
def delete_network_acl_entry(context: Context, request: Request) -> Response:
    acl = _get(context, request["NetworkAclId"])
    context.store.put(replace(acl, entries=_without(acl, int(request["RuleNumber"]), bool(request["Egress"]))))
    return {}


@reads("AssociationId", "NetworkAclId")
def replace_network_acl_association(context: Context, request: Request) -> Response:
    """Another ACL for the subnet of the association. A subnet's first association is with its VPC's default ACL."""
    store, target = context.store, _get(context, request["NetworkAclId"])
    wanted = request["AssociationId"]
    known = {one: subnet for acl in store.all(NetworkAcl) for subnet, one in _associations(acl, context).items()}
    subnet_id = known.get(wanted)
    if subnet_id is None:
        raise LabError("InvalidAssociationID.NotFound", f"The association ID '{wanted}' does not exist")
    subnet = store.get(Subnet, subnet_id)
    if subnet is None or subnet.vpc_id != target.vpc_id:
        raise LabError("InvalidParameterValue", f"{target.network_acl_id} and {subnet_id} belong to different networks")
    forget_subnet(store, subnet_id)
    target = _get(context, request["NetworkAclId"])
    association = context.new_id("aclassoc")
    store.put(replace(target, associations={**target.associations, subnet_id: association}))
    return {"NewAssociationId": association}


def _get(context: Context, identity: str) -> NetworkAcl:
    message = f"The networkAcl ID '{identity}' does not exist"
    return require(context.store, NetworkAcl, identity, "InvalidNetworkAclID.NotFound", message)


def _find(acl: NetworkAcl, number: int, egress: bool) -> NetworkAclEntry | None:
    return next((one for one in acl.entries if (one.rule_number, one.egress) == (number, egress)), None)


def _without(acl: NetworkAcl, number: int, egress: bool) -> tuple[NetworkAclEntry, ...]:
    if _find(acl, number, egress) is None:
        raise LabError(
            "InvalidNetworkAclEntry.NotFound",
            f"The {'egress' if egress else 'ingress'} rule number {number} does not exist in {acl.network_acl_id}",
        )
    return tuple(one for one in acl.entries if (one.rule_number, one.egress) != (number, egress))


def _entry(request: Request) -> NetworkAclEntry:
    number = int(request["RuleNumber"])
    if not FIRST_NUMBER <= number <= LAST_NUMBER:
        raise LabError("InvalidParameterValue", f"RuleNumber must be {FIRST_NUMBER} to {LAST_NUMBER}, not {number}")
    if "CidrBlock" not in request:
        raise LabError("MissingParameter", "The request must contain the parameter cidrBlock: the lab has IPv4 only")
    try:
        block = str(IPv4Network(request["CidrBlock"], strict=False))
    except ValueError as error:
        raise LabError(
            "InvalidParameterValue", f"Value ({request['CidrBlock']}) for parameter cidrBlock is invalid."
        ) from error
    given = str(request["Protocol"])
    protocol = NUMBERS.get(given.lower(), given)
    if not protocol.removeprefix("-").isdigit() or not -1 <= int(protocol) <= 255:
        raise LabError("InvalidParameterValue", f"Invalid value '{protocol}' for IP protocol: a number, or -1 for all")
    if request["RuleAction"] not in ("allow", "deny"):
        raise LabError("InvalidParameterValue", f"RuleAction must be allow or deny, not {request['RuleAction']!r}")
    first, last = _range(protocol, request)
    return NetworkAclEntry(number, bool(request["Egress"]), protocol, request["RuleAction"], block, first, last)


def _range(protocol: str, request: Request) -> tuple[int, int]:
    if protocol in WITH_PORTS:
        ports: Mapping[str, Any] = request.get("PortRange", {})
        if "From" not in ports or "To" not in ports:
            raise LabError("MissingParameter", "TCP and UDP need a PortRange with From and To")
        first, last = int(ports["From"]), int(ports["To"])
        if not 0 <= first <= last <= 65535:
            raise LabError(
                "InvalidParameterValue", f"Invalid port range {first}-{last}: ports are 0 to 65535, from ≤ to"
            )
        return first, last
    if protocol == ICMP:
        kind: Mapping[str, Any] = request.get("IcmpTypeCode", {})
        if "Type" not in kind or "Code" not in kind:
            raise LabError("MissingParameter", "ICMP needs an IcmpTypeCode with Type and Code; -1 is all of them")
        return int(kind["Type"]), int(kind["Code"])
    return -1, -1


def _associations(acl: NetworkAcl, context: Context) -> dict[str, str]:
    """Subnet → association. Subnets of nobody else's are the default ACL's; theirs is named after the subnet."""
    if not acl.is_default:
        return dict(acl.associations)
    taken = {subnet for other in acls_of(context.store, acl.vpc_id) for subnet in other.associations}
    implicit = [
        row.subnet_id for row in context.store.all(Subnet) if row.vpc_id == acl.vpc_id and row.subnet_id not in taken
    ]
    return {**acl.associations, **{subnet: subnet.replace("subnet-", "aclassoc-") for subnet in implicit}}


def _acl(acl: NetworkAcl, context: Context) -> dict[str, Any]:
    last = tuple(NetworkAclEntry(LAST_RULE, egress, "-1", "deny", ANYWHERE) for egress in (False, True))
    entries = sorted((*acl.entries, *last), key=lambda entry: (not entry.egress, entry.rule_number))
    return {
        "NetworkAclId": acl.network_acl_id,
        "VpcId": acl.vpc_id,
        "IsDefault": acl.is_default,
        "OwnerId": context.account.account_id,
        "Entries": [_described(entry) for entry in entries],
        "Associations": [
            {"NetworkAclAssociationId": association, "NetworkAclId": acl.network_acl_id, "SubnetId": subnet_id}
            for subnet_id, association in _associations(acl, context).items()
        ],
        "Tags": tag_list(acl.tags),
    }


def _described(entry: NetworkAclEntry) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "RuleNumber": entry.rule_number,
        "Protocol": entry.protocol,
        "RuleAction": entry.rule_action,
        "Egress": entry.egress,
        "CidrBlock": entry.cidr_block,
    }
    if entry.protocol in WITH_PORTS:
        shape["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.protocol == ICMP:
        shape["IcmpTypeCode"] = {"Type": entry.from_port, "Code": entry.to_port}
    return shape
