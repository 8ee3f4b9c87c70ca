"""Rows → what each network interface is told: the rules of its security groups, its subnet's network ACL, its faults. Pure.

Rules refer to groups; who is in a group is in the document, so a document changes when a member comes or goes. Members are
interfaces by their private addresses (vpc:security-group-rules).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from lab.core.ec2.addresses import private_host_name, vpc_gateway
from lab.core.ec2.model import (
    NetworkAcl,
    NetworkAclEntry,
    NetworkFault,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)
from lab.core.store import Store
from lab.core.vpc.documents import Fault, Interface
from lab.core.vpc.firewall import LAST_RULE, Acl, AclRule, Allow, Firewall, Match
from lab.core.vpc.resolver import resolver_address

KINDS = (NetworkAcl, NetworkFault, NetworkInterface, SecurityGroup, Subnet, Vpc)
"""The rows that interfaces are made of."""
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}
EVERYTHING = Acl("", (AclRule(100, True, Match(), "0.0.0.0/0"),), (AclRule(100, True, Match(), "0.0.0.0/0"),))
"""What is in force in a VPC without an ACL."""


def interfaces(store: Store) -> dict[str, Interface]:
    """The document of each network interface, by its owner: instances, nodes and databases have one each."""
    return store.derived(_interfaces, *KINDS)


def _interfaces(store: Store) -> dict[str, Interface]:
    rows = store.all(NetworkInterface)
    members = _members(rows)
    acl_of = acls(store)
    found = {}
    for row in rows:
        subnet, vpc = store.get(Subnet, row.subnet_id), store.get(Vpc, row.vpc_id)
        if subnet is None or vpc is None:
            continue
        groups = [group for group_id in row.group_ids if (group := store.get(SecurityGroup, group_id)) is not None]
        found[row.owner] = Interface(
            interface_id=row.network_interface_id,
            vpc_id=row.vpc_id,
            vpc_cidr=vpc.cidr_block,
            host=vpc_gateway(vpc.cidr_block),
            owner=row.owner,
            address=row.private_ip_address,
            hostname=private_host_name(row.private_ip_address),
            firewall=firewall(
                groups, members, acl_of.get(subnet.subnet_id, acl_of.get(vpc.vpc_id, EVERYTHING)), subnet
            ),
            fault=_fault(store.get(NetworkFault, row.network_interface_id)),
            resolver=resolver_address(vpc),
        )
    return found


def firewall(
    groups: Iterable[SecurityGroup], members: Mapping[str, tuple[str, ...]], acl: Acl, subnet: Subnet
) -> Firewall:
    rules = [(rule.is_egress, _allow(rule, group.group_id)) for group in groups for rule in group.rules]
    peers = {allow.peer_group for _, allow in rules if allow.peer_group}
    return Firewall(
        subnet_cidr=subnet.cidr_block,
        acl=acl,
        ingress=tuple(allow for egress, allow in rules if not egress),
        egress=tuple(allow for egress, allow in rules if egress),
        members={group_id: members.get(group_id, ()) for group_id in sorted(peers)},
    )


def _allow(rule: SecurityGroupRule, group_id: str) -> Allow:
    match = Match(rule.ip_protocol, rule.from_port, rule.to_port)
    return Allow(rule.security_group_rule_id, group_id, match, rule.cidr_ipv4, rule.referenced_group_id)


def _members(rows: Iterable[NetworkInterface]) -> dict[str, tuple[str, ...]]:
    """The private addresses in each group, in their order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        for group_id in row.group_ids:
            found[group_id].append(row.private_ip_address)
    return {group_id: tuple(sorted(addresses, key=IPv4Address)) for group_id, addresses in found.items()}


def acls(store: Store) -> dict[str, Acl]:
    """Network ACLs, by subnet for those that are associated, by VPC for the default one."""
    found = {}
    for row in store.all(NetworkAcl):
        acl = Acl(row.network_acl_id, _entries(row, egress=False), _entries(row, egress=True))
        found.update(dict.fromkeys((*row.associations, *([row.vpc_id] if row.is_default else [])), acl))
    return found


def _entries(acl: NetworkAcl, *, egress: bool) -> tuple[AclRule, ...]:
    entries = [entry for entry in acl.entries if entry.egress == egress and entry.rule_number < LAST_RULE]
    return tuple(
        AclRule(entry.rule_number, entry.rule_action == "allow", _match(entry), str(IPv4Network(entry.cidr_block)))
        for entry in sorted(entries, key=lambda entry: entry.rule_number)
    )


def _match(entry: NetworkAclEntry) -> Match:
    return Match(PROTOCOLS.get(entry.protocol, entry.protocol), entry.from_port, entry.to_port)


def _fault(row: NetworkFault | None) -> Fault:
    return Fault() if row is None else Fault(row.partition, row.latency, row.loss)
