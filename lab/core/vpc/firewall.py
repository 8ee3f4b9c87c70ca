"""What may pass a network interface, as a value: the rules of its security groups and of its subnet's network ACL.

Security groups are stateful and only allow; all rules of all groups are united, without order (vpc:security-group-rules).
Network ACLs are stateless and ordered, and look only at what crosses the subnet's boundary (vpc:vpc-network-acls). Neither
stands between an instance and its metadata service or the VPC's resolver. What enforces a firewall is an adapter's affair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = "-1"
"""Every protocol, and every port, ICMP type or code."""
LAST_RULE = 32767
"""The number of an ACL's immovable rule that denies the rest; AWS shows it as `*`."""


@dataclass(frozen=True, slots=True)
class Match:
    """Packets of a protocol ("tcp", "udp", "icmp", an IANA number, or "-1") and, of TCP and UDP, of destination ports `first`
    to `last`; of ICMP `first` is the type and `last` the code. -1 is all of them."""

    protocol: str = ALL
    first: int = -1
    last: int = -1


@dataclass(frozen=True, slots=True)
class Allow:
    """One rule of one security group. The peer is `cidr`, or the members of the group `peer_group`: one of them is empty."""

    rule_id: str
    group_id: str
    match: Match
    cidr: str = ""
    peer_group: str = ""


@dataclass(frozen=True, slots=True)
class AclRule:
    """One numbered rule of a network ACL; `cidr` is the source of what comes in and the destination of what goes out."""

    number: int
    allow: bool
    match: Match
    cidr: str


@dataclass(frozen=True, slots=True)
class Acl:
    """Rules in the order of their numbers, without the last one, which denies."""

    acl_id: str
    ingress: tuple[AclRule, ...] = ()
    egress: tuple[AclRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Firewall:
    """`ingress` and `egress` are the rules of all groups of the interface; `members` are the private addresses of each group
    that a rule refers to."""

    subnet_cidr: str
    acl: Acl
    ingress: tuple[Allow, ...] = ()
    egress: tuple[Allow, ...] = ()
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
