"""Packets leave a VPC by its subnets' routes, through gateways, and by no other way. Three machines and somebody on the
internet: a public address, a private one behind a NAT gateway, and an isolated subnet."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Network

import pytest
import pytest_asyncio
from docker.api.client import APIClient

from lab.adapters.docker import DockerCompute
from lab.adapters.docker.routers import ensure_internet
from lab.core.compute import MachineSpec
from lab.core.vpc.documents import Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Match
from lab.core.vpc.reach import Packet, reach
from lab.core.vpc.routers import Leads, Nat, Router, Way, Ways, own_address, router_address
from tests.contract.test_packets import ANY, OPEN, Site
from tests.contract.worlds import INTERNET, NETWORK, World
from tests.eventually import eventually

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("world", ["docker"], indirect=True)]

EVERYTHING = (Allow("sgr-all", "sg-any", Match(), ANY),)
OUT = (Way(ANY, Leads.INTERNET, "igw-1"),)
PUBLIC, FIRST_NAT, SECOND_NAT = (str(IPv4Network(INTERNET)[number]) for number in (9, 4, 5))
NAT_SUBNET = str(list(IPv4Network(NETWORK.cidr_block).subnets(new_prefix=24))[7])
SHOW = """
import http.server
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 80), H).serve_forever()
"""
GET = """
import time, urllib.request
began = time.monotonic()
try:
    print(urllib.request.urlopen("http://{}/", timeout=2).read().decode())
except Exception as error:
    reason = getattr(error, "reason", error)
    print("lost" if isinstance(reason, TimeoutError) else getattr(reason, "strerror", repr(reason)))
"""
KEPT = """
import http.client, os, time
c = http.client.HTTPConnection("{}", timeout=3)
c.request("GET", "/"); print(c.getresponse().read().decode(), flush=True)
open("/tmp/first", "w")
while not os.path.exists("/tmp/second"): time.sleep(0.05)
try:
    c.request("GET", "/"); print(c.getresponse().read().decode(), flush=True)
except OSError as error:
    print("lost", flush=True)
"""


class Outside(Site):
    """A machine in each subnet, and somebody out there who tells each caller its address."""

    def __init__(self, world: World, engine: APIClient, somebody: str) -> None:
        super().__init__(world, engine)
        self.somebody = somebody

    async def begin(self) -> None:
        self.public, self.private, self.isolated = [await self._machine() for _ in range(3)]

    async def _machine(self) -> MachineSpec:
        spec = self.world.spec()
        await self.world.compute.launch(spec, self.interface(spec, **self.alone(spec)))
        await eventually(lambda: self.reach(spec, spec.address), lambda said: said.startswith("reached"))
        return spec

    def alone(self, spec: MachineSpec) -> dict[str, object]:
        """A subnet of its own, and groups that let everything pass."""
        return {"subnet_cidr": f"{spec.address}/32", "ingress": EVERYTHING}

    @property
    def machines(self) -> list[MachineSpec]:
        return [self.public, self.private, self.isolated]

    def router(self, *nats: str) -> Router:
        """With NAT gateways of these public addresses, the private subnet behind the first."""
        made = tuple(Nat(f"nat-{n}", "us-east-1a", address, NAT_SUBNET, OPEN, OUT) for n, address in enumerate(nats))
        through = (Way(ANY, Leads.NAT, "nat-0"),)
        return Router(
            vpc_id=NETWORK.vpc_id,
            vpc_cidr=NETWORK.cidr_block,
            address=own_address(NETWORK.cidr_block),
            gateway=router_address(NETWORK.cidr_block),
            subnets=(
                Ways(f"{self.public.address}/32", "rtb-public", OUT),
                Ways(f"{self.private.address}/32", "rtb-private", through),
                Ways(f"{self.isolated.address}/32", "rtb-isolated", ()),
            ),
            nats=made,
            public={self.public.address: PUBLIC},
        )

    async def outside(self, machine: MachineSpec) -> str:
        """The address by which somebody on the internet sees it, or why he does not."""
        return await self.run(machine, GET.format(self.somebody))

    async def inside(self, address: str) -> str:
        """What he gets who asks for it from out there."""
        command = self.engine.exec_create(f"{self.somebody_name}", ["python", "-c", GET.format(f"{address}/starts")])
        output: bytes = await asyncio.to_thread(self.engine.exec_start, command["Id"])
        return output.decode().strip()

    somebody_name = ""


@pytest_asyncio.fixture
async def out(world: World, engine: APIClient, docker_image: str) -> AsyncIterator[Outside]:
    assert isinstance(world.compute, DockerCompute)
    settings = world.compute.settings
    internet = ensure_internet(engine, settings)
    name = f"{settings.owner}-somebody-{secrets.token_hex(3)}"
    engine.create_container(
        docker_image,
        ["python", "-c", SHOW],
        name=name,
        labels={"lab.owner": settings.owner},
        host_config=engine.create_host_config(network_mode=internet, init=True),
        user="0:0",
    )
    engine.start(name)
    address = engine.inspect_container(name)["NetworkSettings"]["Networks"][internet]["IPAddress"]
    site = Outside(world, engine, address)
    site.somebody_name = name
    await site.begin()
    yield site
    engine.remove_container(name, force=True)


async def test_each_subnet_goes_out_by_its_own_way(out: Outside) -> None:
    compute = out.world.compute
    await compute.set_router(out.router(FIRST_NAT))
    assert await compute.routers() == frozenset({NETWORK.vpc_id})
    assert await out.outside(out.public) == PUBLIC
    assert await out.outside(out.private) == FIRST_NAT
    # Told at once, not after a wait.
    assert await out.outside(out.isolated) == "Network is unreachable"
    # In by the public address, and by nothing else: not the private address, not the NAT gateway's.
    assert await out.inside(PUBLIC) == "1"
    assert await out.inside(out.private.address) != "1"
    assert await out.inside(FIRST_NAT) != "1"
    # Inside the VPC nothing of this matters.
    assert await out.passes(out.isolated, out.private)
    # By its public address a neighbour is reached the long way round.
    assert await out.run(out.private, GET.format(f"{PUBLIC}/starts")) == "1"


async def test_a_nat_gateway_that_goes_takes_its_connections_along(out: Outside) -> None:
    compute = out.world.compute
    both = out.router(FIRST_NAT, SECOND_NAT)
    other = replace(both.subnets[2], ways=(Way(ANY, Leads.NAT, "nat-1"),))
    both = replace(both, subnets=(*both.subnets[:2], other))
    await compute.set_router(both)
    assert [await out.outside(out.private), await out.outside(out.isolated)] == [FIRST_NAT, SECOND_NAT]
    asking = asyncio.create_task(out.run(out.private, KEPT.format(out.somebody)))
    await eventually(lambda: out.run(out.private, "import os; print(os.path.exists('/tmp/first'))"), "True".__eq__)
    await compute.set_router(replace(both, nats=both.nats[1:]))
    await out.run(out.private, "open('/tmp/second', 'w')")
    assert (await asking).split() == [FIRST_NAT, "lost"]
    assert [await out.outside(out.private), await out.outside(out.isolated)] == ["lost", SECOND_NAT]


async def test_the_acl_of_a_nat_gateways_subnet_counts(out: Outside) -> None:
    router = out.router(FIRST_NAT)
    for acl, passes in (
        (OPEN, True),
        (Acl("acl", OPEN.ingress, (AclRule(100, True, Match("tcp", 80, 80), ANY),)), False),  # the answer's way back
        (Acl("acl", (AclRule(100, True, Match("tcp", 1024, 65535), ANY),), OPEN.egress), False),
    ):
        await out.world.compute.set_router(replace(router, nats=(replace(router.nats[0], acl=acl),)))
        assert (await out.outside(out.private) == FIRST_NAT) is passes, acl


async def test_model_and_packets_agree(out: Outside) -> None:
    """Random routes, gateways and network ACLs: what `lab reach` says of a way out, and a real request for each."""
    passed = total = 0
    for seed in range(8):
        rng = random.Random(seed)
        interfaces = [_with_acl(out.interface(spec, **out.alone(spec)), rng) for spec in out.machines]
        router = _random_router(out, rng)
        await out.world.compute.set_router(router)
        await asyncio.gather(*(out.world.compute.set_interface(interface) for interface in interfaces))
        said = await asyncio.gather(*(out.outside(spec) for spec in out.machines))
        for interface, outcome in zip(interfaces, said, strict=True):
            path = reach(interface, None, Packet("tcp", 80), router)
            assert path.passes is outcome.startswith("10."), (seed, outcome, path)
            passed += path.passes
            total += 1
    assert 0.1 < passed / total < 0.9, "worlds in which all or nothing passes prove nothing"


def _acl(rng: random.Random) -> Acl:
    """Mostly one that lets the question and the answer pass."""
    web = (AclRule(100, True, Match("tcp", 80, 80), ANY), AclRule(110, True, Match("tcp", 1024, 65535), ANY))
    return Acl("acl", *(web if rng.random() < 0.85 else web[rng.randint(0, 1) :][:1] for _ in range(2)))


def _with_acl(interface: Interface, rng: random.Random) -> Interface:
    return replace(interface, firewall=replace(interface.firewall, acl=_acl(rng)))


def _random_router(out: Outside, rng: random.Random) -> Router:
    router = out.router(FIRST_NAT, SECOND_NAT)
    nats = tuple(replace(nat, acl=_acl(rng), ways=OUT if rng.random() < 0.9 else ()) for nat in router.nats)
    kinds = [OUT, (), (Way(ANY, Leads.NOWHERE, "nat-9"),), *((Way(ANY, Leads.NAT, f"nat-{n}"),) for n in (0, 0, 1, 1))]
    subnets = tuple(replace(one, ways=rng.choice(kinds)) for one in router.subnets)
    public = {spec.address: PUBLIC for spec in out.machines[: rng.randint(0, 1)]}
    return replace(router, nats=nats[rng.randint(0, 1) :], subnets=subnets, public=public)


async def test_nobody_leads_to_this_machine(out: Outside) -> None:
    host = str(IPv4Network(INTERNET)[-2])
    await out.world.compute.set_router(out.router(FIRST_NAT))
    for machine in (out.public, out.private):
        assert await out.reach(machine, host, 22) == "lost"


async def test_a_router_that_died_is_made_anew(out: Outside, engine: APIClient) -> None:
    compute = out.world.compute
    await compute.set_router(out.router())
    assert isinstance(compute, DockerCompute)
    engine.kill(f"{compute.settings.owner}-{NETWORK.vpc_id}-router")

    async def gone() -> bool:
        return await compute.routers() == frozenset()

    await eventually(gone)
    assert await out.outside(out.public) != PUBLIC
    await compute.set_router(out.router())
    # Who asked for the old one in vain a moment ago is told so once more.
    await eventually(lambda: out.outside(out.public), PUBLIC.__eq__)
