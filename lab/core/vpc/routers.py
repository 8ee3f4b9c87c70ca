"""What a VPC's router is told: one whole document, from rows. Pure.

The router stands where packets leave a VPC: it knows each subnet's routes, does the internet gateway's one-to-one translation
and is its NAT gateways. Inside a VPC the local route leads from machine to machine without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network

from lab.core.ec2.model import (
    Address,
    InternetGateway,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    RouteTable,
    Subnet,
    Vpc,
)
from lab.core.ec2.public import public_addresses
from lab.core.store import Store
from lab.core.vpc.firewall import Acl
from lab.core.vpc.plan import EVERYTHING, acls
from lab.core.vpc.routing import beyond, leads, tables

KINDS = (Address, InternetGateway, NatGateway, NetworkAcl, NetworkInterface, RouteTable, Subnet, Vpc)
"""The rows that routers are made of."""


class Leads(StrEnum):
    """Where a route leads. A black hole drops without a word."""

    INTERNET = "internet"
    NAT = "nat"
    NOWHERE = "blackhole"


@dataclass(frozen=True, slots=True)
class Way:
    """`target` is the id of the gateway, also of one that has gone."""

    destination: str
    leads: Leads
    target: str


@dataclass(frozen=True, slots=True)
class Ways:
    """A subnet's routes out of the VPC, the longest prefix first; what none of them catches is unreachable."""

    subnet_cidr: str
    table_id: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT gateway that works: `ways` are those of its own subnet, of which only such as lead to the internet are of use."""

    nat_id: str
    zone: str
    public_ip: str
    subnet_cidr: str
    acl: Acl
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """`address` is the router's own and `gateway` what machines send to what is not theirs. `public` maps private addresses to
    public ones."""

    vpc_id: str
    vpc_cidr: str
    address: str
    gateway: str
    subnets: tuple[Ways, ...] = ()
    nats: tuple[Nat, ...] = ()
    public: Mapping[str, str] = field(default_factory=dict)


def own_address(cidr_block: str) -> str:
    """AWS keeps the fourth address of a block for later use (vpc:subnet-sizing)."""
    return str(IPv4Network(cidr_block)[3])


def router_address(cidr_block: str) -> str:
    """The VPC router's, of the first subnet."""
    return str(IPv4Network(cidr_block)[1])


def standing(router: Router, failed_zones: frozenset[str]) -> Router:
    """The router without the NAT gateways of failed zones."""
    return replace(router, nats=tuple(nat for nat in router.nats if nat.zone not in failed_zones))


def routers(store: Store) -> dict[str, Router]:
    """By VPC."""
    return store.derived(_routers, *KINDS)


def _routers(store: Store) -> dict[str, Router]:
    table_of, acl_of = tables(store), acls(store)
    subnets = {subnet.subnet_id: subnet for subnet in store.all(Subnet)}
    ways = {subnet_id: _ways(store, table) for subnet_id, table in table_of.items()}
    found = {}
    for vpc in store.all(Vpc):
        own = {subnet_id: row for subnet_id, row in subnets.items() if row.vpc_id == vpc.vpc_id and subnet_id in ways}
        default = acl_of.get(vpc.vpc_id, EVERYTHING)
        found[vpc.vpc_id] = Router(
            vpc_id=vpc.vpc_id,
            vpc_cidr=vpc.cidr_block,
            address=own_address(vpc.cidr_block),
            gateway=router_address(vpc.cidr_block),
            subnets=tuple(
                Ways(row.cidr_block, table_of[subnet_id].route_table_id, ways[subnet_id])
                for subnet_id, row in own.items()
            ),
            nats=tuple(
                Nat(
                    nat.nat_gateway_id,
                    own[nat.subnet_id].availability_zone,
                    nat.public_ip,
                    own[nat.subnet_id].cidr_block,
                    acl_of.get(nat.subnet_id, default),
                    ways[nat.subnet_id],
                )
                for nat in store.all(NatGateway)
                if nat.state == "available" and nat.public_ip and nat.subnet_id in own
            ),
            public=_public(store, vpc),
        )
    return found


def _ways(store: Store, table: RouteTable) -> tuple[Way, ...]:
    return tuple(
        Way(
            route.destination_cidr_block,
            _leads(route.target) if leads(store, route, table) else Leads.NOWHERE,
            route.target,
        )
        for route in beyond(table)
    )


def _leads(target: str) -> Leads:
    return Leads.NAT if target.startswith("nat-") else Leads.INTERNET


def _public(store: Store, vpc: Vpc) -> dict[str, str]:
    """Of who stands in the VPC; NAT gateways have theirs for others."""
    mapped = public_addresses(store)
    return {
        row.private_ip_address: mapped[row.network_interface_id]
        for row in store.all(NetworkInterface)
        if row.vpc_id == vpc.vpc_id and row.network_interface_id in mapped and not row.owner.startswith("nat-")
    }
