"""What the parts of a VPC's network are told, each a whole document: a network interface, and the VPC's router.

`lab.core.vpc.plan` makes them from rows, `lab.control.vpc` hands them to the compute adapter whenever they have changed. A
document names everything it needs, so that whoever has it can go on without the control plane.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.core.vpc.firewall import Firewall


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an interface on purpose: it is cut off, or its packets are late (milliseconds) or lost (percent)."""

    partition: bool = False
    latency: float = 0.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface (ENI): `owner` is the machine that stands behind it, `address` its private address. `host` is the
    address that the lab's own machine has in the VPC: what comes from there came in through a published port, and counts as
    the internet."""

    interface_id: str
    vpc_id: str
    vpc_cidr: str
    host: str
    owner: str
    address: str
    hostname: str
    firewall: Firewall
    fault: Fault = field(default_factory=Fault)


class Hop(StrEnum):
    """Where a route leads. A route to what is not there any more is a black hole: packets are lost without an answer."""

    LOCAL = "local"
    INTERNET = "internet"
    ADDRESS = "address"
    BLACKHOLE = "blackhole"


@dataclass(frozen=True, slots=True)
class NextHop:
    """One route: `target` is AWS's id (`igw-…`, `nat-…`, `local`), `address` the private address that packets go to when `hop`
    is ADDRESS (a NAT gateway's)."""

    destination: str
    hop: Hop
    target: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class SubnetRoutes:
    """The routes in force in a subnet. The longest prefix wins; what no route is for is unreachable, and told so at once."""

    subnet_id: str
    cidr: str
    zone: str
    route_table_id: str
    routes: tuple[NextHop, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """A VPC's router: the routes of each subnet, and the public address of each private address that has one. `internet` is
    false without an attached internet gateway: the public addresses lead nowhere then. Packets from and to the zones in
    `failed_zones` are lost."""

    vpc_id: str
    cidr: str
    subnets: tuple[SubnetRoutes, ...] = ()
    public: Mapping[str, str] = field(default_factory=dict)
    internet: bool = False
    failed_zones: frozenset[str] = frozenset()


def body(document: Interface | Router) -> dict[str, Any]:
    """The document as JSON's own types, for whoever is told it."""
    return {name: _plain(getattr(document, name)) for name in document.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
