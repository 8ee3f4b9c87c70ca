"""The network as the API tells of it and lets it be failed.

GET  /lab/reach?source=…&target=…&port=…    every hop of a packet by the model; with probe=true a real connection, too
POST /lab/network/{machine}/fail            cut a machine off ({}), or {"latency": 200, "loss": 10}: packets late or lost
POST /lab/network/{machine}/recover         end that
"""

from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from lab.api.bodies import told
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.ec2.model import NetworkFault, Vpc
from lab.core.ec2.public import public_addresses
from lab.core.elbv2.model import LoadBalancer
from lab.core.errors import LabError, Refused
from lab.core.rds.model import DBInstance
from lab.core.vpc.documents import Interface
from lab.core.vpc.plan import interfaces
from lab.core.vpc.reach import Packet, Path, named, reach
from lab.core.vpc.routers import Router, routers, standing

T = TypeVar("T")

INTERNET = "internet"
PROTOCOLS = ("tcp", "udp", "icmp")


class Wrong(BaseModel):
    """What is to be wrong: with neither, the machine is cut off. Milliseconds and percent."""

    latency: float = Field(0.0, ge=0, le=10_000)
    loss: float = Field(0.0, ge=0, le=100)


def add_network(app: FastAPI, world: World, loop: Loop) -> None:
    @app.get("/lab/reach")
    async def ways(source: str, target: str, port: int = -1, protocol: str = "tcp", probe: bool = False) -> Response:
        packet = _packet(protocol, port)
        sources, targets = _ends(world, source), _ends(world, target)
        if sources == targets == [None]:
            raise LabError("InvalidParameterCombination", "one end at least must be a machine of the lab's")
        public = target in public_addresses(world.store).values()
        found = [
            {
                **_shape(one, other, _path(one, other, packet, _router(world, loop, one or other), public)),
                **(await _probed(world, one, other, packet, target, public) if probe else {}),
            }
            for one in sources
            for other in targets
        ]
        return JSONResponse({"filtered": world.compute.filters, "paths": found})

    @app.post("/lab/network/{machine}/fail")
    async def fail(machine: str, request: Request) -> Response:
        wrong = await told(request, Wrong)
        if not world.compute.filters:
            raise LabError(
                "UnsupportedOperation",
                "processes share one loopback, so nothing can be cut off: run the lab on Docker, "
                "or let an instance hang or fail (POST /faults of the sample application)",
            )
        found = ends(world, machine)
        before = {end.interface_id: world.store.get(NetworkFault, end.interface_id) for end in found}
        cut = wrong.latency == 0 and wrong.loss == 0
        try:
            for end in found:
                world.store.put(NetworkFault(end.interface_id, cut, wrong.latency, wrong.loss))
                await loop.interfaces.tell(end.owner)
        except Refused:
            # Not every kernel can make packets late: then all is as it was, and who asked is told.
            for interface_id, fault in before.items():
                if fault is None:
                    world.store.delete(NetworkFault, interface_id)
                else:
                    world.store.put(fault)
            raise
        return _changed(found)

    @app.post("/lab/network/{machine}/recover")
    async def recover(machine: str) -> Response:
        found = ends(world, machine)
        for end in found:
            world.store.delete(NetworkFault, end.interface_id)
        return _changed(found)

    def _changed(found: list[Interface]) -> Response:
        loop.wake()
        return JSONResponse({"machines": [end.owner for end in found]})


def _ends(world: World, name: str) -> list[Interface] | list[None]:
    """None for the internet, also by an address that is nobody's here."""
    if name == INTERNET or _is_foreign(world, name):
        return [None]
    return ends(world, name)


def _path(
    source: Interface | None, target: Interface | None, packet: Packet, router: Router | None, public: bool
) -> Path:
    """To a public address the way leads out of the VPC and in again."""
    if source is None or target is None or not public:
        return reach(source, target, packet, router)
    out = reach(source, None, packet, router)
    return Path(out.hops + reach(None, target, packet, router).hops) if out.passes else out


def _is_foreign(world: World, name: str) -> bool:
    try:
        address = IPv4Address(name)
    except ValueError:
        return False
    inside = any(address in IPv4Network(vpc.cidr_block) for vpc in world.store.all(Vpc))
    return not inside and name not in public_addresses(world.store).values()


def _router(world: World, loop: Loop, end: Interface | None) -> Router | None:
    found = None if end is None else routers(world.store).get(end.vpc_id)
    return None if found is None else standing(found, loop.failed_zones)


def ends(world: World, name: str) -> list[Interface]:
    """The interfaces of a name: a machine's id, an interface's, a private or public address, a database's identifier, or a
    load balancer's name, which has one for each node; of the last two the beginning is enough, where it is only one's. Raises
    LabError when there is none."""
    known = interfaces(world.store)
    held = {public: interface_id for interface_id, public in public_addresses(world.store).items()}
    name = held.get(name, name)
    database = _called(name, {row.identifier: row for row in world.store.all(DBInstance)})
    balancers = world.store.all(LoadBalancer)
    balancer = _called(name, {**{row.name: row for row in balancers}, **{row.dns_name: row for row in balancers}})
    if database is not None:
        found = [known.get(database.machine_id)]
    elif balancer is not None:
        found = [known.get(node.node_id) for node in balancer.nodes]
    else:
        found = [named(known, name)]
    there = [one for one in found if one is not None]
    if not there:
        raise LabError(
            "InvalidParameterValue",
            f"'{name}' has no network interface here: name an instance, a load balancer, a database, a private address, "
            f"or {INTERNET}",
        )
    return there


def _called(name: str, known: Mapping[str, T]) -> T | None:
    """By the whole name, or by a beginning that is only one's: CloudFormation ends names with what nobody can remember."""
    if name in known:
        return known[name]
    found = {id(row): row for whole, row in known.items() if name and whole.startswith(name)}
    return next(iter(found.values())) if len(found) == 1 else None


def _packet(protocol: str, port: int) -> Packet:
    if protocol not in PROTOCOLS:
        raise LabError("InvalidParameterValue", f"protocol must be one of {', '.join(PROTOCOLS)}, not {protocol!r}")
    if protocol == "icmp":
        return Packet(protocol, -1)
    if not 0 < port <= 65535:
        raise LabError("InvalidParameterValue", f"{protocol} needs a port, 1 to 65535, as in i-0123:8000")
    return Packet(protocol, port)


def _shape(source: Interface | None, target: Interface | None, path: Path) -> dict[str, Any]:
    return {
        "source": INTERNET if source is None else source.owner,
        "target": INTERNET if target is None else target.owner,
        "passes": path.passes,
        "hops": [asdict(hop) for hop in path.hops],
    }


async def _probed(
    world: World, source: Interface | None, target: Interface | None, packet: Packet, name: str, public: bool
) -> dict[str, str]:
    if packet.protocol != "tcp":
        raise LabError("InvalidParameterCombination", "only tcp can be probed: it alone says whether packets arrived")
    if source is None:
        raise LabError("InvalidParameterCombination", "the internet here is your own machine: probe from it with curl")
    if target is None and name == INTERNET:
        raise LabError(
            "InvalidParameterCombination", "to probe, name an address on the internet, as in 198.51.100.200:80"
        )
    address = name if target is None or public else target.address
    return {"probe": await world.compute.probe(source.owner, address, packet.port)}
