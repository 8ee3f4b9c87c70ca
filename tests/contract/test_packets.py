"""Packets on Docker go where security groups and network ACLs let them, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import pytest
import pytest_asyncio
from docker.api.client import APIClient

from lab.adapters.docker import channel
from lab.core.compute import Machine, MachineSpec, Port
from lab.core.errors import Unavailable
from lab.core.vpc.documents import Fault, Interface, Metadata
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from tests.contract.worlds import NETWORK, SUBNET, World, ask_at, free_port
from tests.eventually import eventually

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("world", ["docker"], indirect=True)]

ANY = "0.0.0.0/0"
OPEN = Acl("acl-open", (AclRule(100, True, Match(), ANY),), (AclRule(100, True, Match(), ANY),))
ALL_OUT = (Allow("sgr-out", "sg-any", Match(), ANY),)
WEB = Match("tcp", 80, 80)
HOST = NETWORK.gateway
CONNECT = """
import socket, sys, time
began = time.monotonic()
try:
    s = socket.create_connection(("{address}", {port}), timeout=1.5)
    print("reached %.3f" % (time.monotonic() - began))
except TimeoutError:
    print("lost")
except OSError as error:
    print(type(error).__name__)
"""
ECHO = """
import socket, threading
def serve(c):
    while data := c.recv(100): c.sendall(data)
l = socket.create_server(("0.0.0.0", 7000))
while True:
    threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
"""
TALK = """
import socket, sys, time
s = socket.create_connection(("{address}", 7000), timeout=5)
s.sendall(b"one"); print(s.recv(10).decode(), flush=True)
open("/tmp/talked", "w")
import os
while not os.path.exists("/tmp/again"): time.sleep(0.05)
s.settimeout(3)
try:
    s.sendall(b"two"); print(s.recv(10).decode(), flush=True)
except TimeoutError:
    print("lost", flush=True)
"""


class Site:
    """Machines of one VPC with an interface each, all in one subnet unless it is said otherwise."""

    def __init__(self, world: World, engine: APIClient) -> None:
        self.world, self.engine = world, engine

    def interface(self, spec: MachineSpec, **firewall: object) -> Interface:
        """Rules that are not given let everything pass but new connections in."""
        rules = {"subnet_cidr": SUBNET, "acl": OPEN, "ingress": (), "egress": ALL_OUT, **firewall}
        return Interface(
            interface_id=f"eni-of-{spec.id}",
            vpc_id=spec.vpc_id,
            vpc_cidr=NETWORK.cidr_block,
            host=HOST,
            owner=spec.id,
            address=spec.address,
            hostname="ip-" + spec.address.replace(".", "-"),
            firewall=Firewall(**rules),  # type: ignore[arg-type]  # the names are checked by the dataclass itself
        )

    async def launch(self, *, published: int | None = None, **firewall: object) -> tuple[MachineSpec, Interface]:
        spec = self.world.spec(ports=(Port(80, published),))
        interface = self.interface(spec, **firewall)
        machine = await self.world.compute.launch(spec, interface)
        await eventually(lambda: self.reach(spec, spec.address), lambda said: said.startswith("reached"))
        assert machine.id == spec.id
        return spec, interface

    async def reach(self, source: MachineSpec, address: str, port: int = 80) -> str:
        return await self.run(source, CONNECT.format(address=address, port=port))

    async def run(self, machine: MachineSpec, code: str) -> str:
        """What a piece of Python prints in the machine."""

        def execute() -> str:
            command = self.engine.exec_create(machine.id, ["python", "-c", code])
            output: bytes = self.engine.exec_start(command["Id"])
            return output.decode().strip()

        return await asyncio.to_thread(execute)

    async def passes(self, source: MachineSpec, target: MachineSpec, port: int = 80) -> bool:
        return (await self.reach(source, target.address, port)).startswith("reached")


@pytest_asyncio.fixture
async def site(world: World, engine: APIClient) -> AsyncIterator[Site]:
    yield Site(world, engine)


async def test_a_group_admits_the_members_of_another_and_nobody_else(site: Site) -> None:
    balancer, _ = await site.launch()
    stranger, _ = await site.launch()
    admit = (Allow("sgr-in", "sg-app", WEB, peer_group="sg-lb"),)
    app, interface = await site.launch(ingress=admit, members={"sg-lb": (balancer.address,)})
    assert await site.passes(balancer, app)
    assert await site.reach(stranger, app.address) == "lost"
    assert await site.reach(app, balancer.address) == "lost"
    # A member comes, another goes: it is so as soon as it is said.
    members = {"sg-lb": (stranger.address,)}
    await site.world.compute.set_interface(replace(interface, firewall=replace(interface.firewall, members=members)))
    assert await site.passes(stranger, app)
    assert await site.reach(balancer, app.address) == "lost"


async def test_a_connection_that_is_tracked_outlives_its_rule(site: Site) -> None:
    client, _ = await site.launch()
    echo = (Allow("sgr-in", "sg-app", Match("tcp", 7000, 7009), NETWORK.cidr_block),)
    server, interface = await site.launch(ingress=echo)
    site.engine.exec_start(site.engine.exec_create(server.id, ["python", "-c", ECHO])["Id"], detach=True)
    await eventually(lambda: site.passes(client, server, 7000))
    talking = asyncio.create_task(site.run(client, TALK.format(address=server.address)))
    await eventually(lambda: site.run(client, "import os; print(os.path.exists('/tmp/talked'))"), "True".__eq__)
    await site.world.compute.set_interface(replace(interface, firewall=replace(interface.firewall, ingress=())))
    assert await site.reach(client, server.address, 7000) == "lost"
    await site.run(client, "open('/tmp/again', 'w')")
    assert (await talking).split() == ["one", "two"]


async def test_an_acl_is_stateless_and_cuts_what_is_tracked(site: Site) -> None:
    client, _ = await site.launch()
    # Of the server's own subnet is only the server: the client comes from outside, so the ACL looks at it.
    everything = (Allow("sgr-in", "sg-app", Match(), ANY),)
    server, interface = await site.launch(ingress=everything)
    narrow = replace(interface.firewall, subnet_cidr=f"{server.address}/32")
    web = (AclRule(100, True, WEB, ANY),)
    answers = (AclRule(100, True, Match("tcp", 1024, 65535), ANY),)
    cases = [
        (Acl("acl", web, answers), True),
        (Acl("acl", web, ()), False),  # the question comes in, the answer does not go out
        (Acl("acl", (AclRule(90, False, Match(), f"{client.address}/32"), *web), answers), False),
        (Acl("acl", (*web, AclRule(110, False, Match(), f"{client.address}/32")), answers), True),  # the first decides
        (Acl("acl"), False),
    ]
    for acl, passes in cases:
        await site.world.compute.set_interface(replace(interface, firewall=replace(narrow, acl=acl)))
        assert await site.passes(client, server) is passes, acl
    # Within the subnet it is not asked.
    within = replace(interface.firewall, acl=Acl("acl"))
    await site.world.compute.set_interface(replace(interface, firewall=within))
    assert await site.passes(client, server)


async def test_what_is_not_let_out_does_not_leave(site: Site) -> None:
    server, _ = await site.launch(ingress=(Allow("sgr-in", "sg-app", Match(), ANY),))
    client, interface = await site.launch(egress=())
    assert await site.reach(client, server.address) == "lost"
    assert await site.reach(client, HOST, 22) == "lost"
    to_web = (Allow("sgr-out", "sg", WEB, SUBNET),)
    await site.world.compute.set_interface(replace(interface, firewall=replace(interface.firewall, egress=to_web)))
    assert await site.passes(client, server)


async def test_the_rules_stand_before_the_machine_begins(site: Site, engine: APIClient) -> None:
    spec, _ = await site.launch()
    first = engine.logs(f"{spec.id}-eni", timestamps=True).decode().splitlines()[0]
    assert '"applied": true' in first
    applied = datetime.fromisoformat(first.split()[0][:26] + "+00:00")
    started = datetime.fromisoformat(engine.inspect_container(spec.id)["State"]["StartedAt"][:26] + "+00:00")
    assert applied < started


async def test_a_killed_machine_keeps_its_interface(site: Site, engine: APIClient) -> None:
    client, _ = await site.launch()
    server, interface = await site.launch()
    before = engine.inspect_container(f"{server.id}-eni")["Id"]
    await site.world.compute.kill(server.id)
    await site.world.compute.launch(server, interface)
    assert engine.inspect_container(f"{server.id}-eni")["Id"] == before
    await eventually(lambda: site.passes(server, server))
    assert await site.reach(client, server.address) == "lost"
    assert (await site.run(server, "import socket; print(socket.gethostname())")) == interface.hostname


async def test_a_machine_whose_interface_dies_has_stopped_and_is_made_anew(site: Site, engine: APIClient) -> None:
    spec, interface = await site.launch()
    engine.kill(f"{spec.id}-eni")

    async def state() -> str:
        return next(machine.state for machine in await site.world.compute.machines() if machine.id == spec.id)

    await eventually(state, "stopped".__eq__)
    machine: Machine = await site.world.compute.launch(spec, interface)
    assert machine.state == "running"
    await eventually(lambda: site.passes(spec, spec))


async def test_the_host_plays_the_internet(site: Site) -> None:
    for cidr, passes in ((ANY, True), (NETWORK.cidr_block, False)):
        port = free_port()
        spec, _ = await site.launch(published=port, ingress=(Allow("sgr-in", "sg", WEB, cidr),))
        if passes:
            assert await ask_at(("127.0.0.1", port), "starts") == "1"
        else:
            with pytest.raises((OSError, TimeoutError)):
                async with asyncio.timeout(2):
                    await ask_at(("127.0.0.1", port), "starts")
        await site.world.compute.terminate(spec.id, 0)


IMDS = """
import urllib.error, urllib.request as r
base = "http://169.254.169.254/latest/"
def get(path, **headers):
    try:
        return r.urlopen(r.Request(base + path, headers=headers), timeout=2).read().decode()
    except urllib.error.HTTPError as error:
        return str(error.code)
put = r.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
token = {"X-aws-ec2-metadata-token": r.urlopen(put, timeout=2).read().decode()}
print(get("meta-data/instance-id"), get("meta-data/instance-id", **token), get("meta-data/", **token).split())
"""


async def test_an_instance_hears_of_itself_and_of_nobody_else(site: Site) -> None:
    first, interface = await site.launch()
    other, _ = await site.launch()
    for spec in (first, other):
        tree = {"meta-data/instance-id": spec.id}
        await site.world.compute.set_interface(replace(site.interface(spec), metadata=Metadata(tree)))
        assert await site.run(spec, IMDS) == f"401 {spec.id} ['instance-id']"
    # Version 1 answers where it may; the machine's own port 80 is another; nothing of it is heard from outside.
    old = Metadata({"meta-data/instance-id": first.id}, tokens_required=False)
    await site.world.compute.set_interface(replace(interface, metadata=old))
    assert (await site.run(first, IMDS)).startswith(f"{first.id} ")
    assert await site.passes(first, first)
    assert await site.reach(other, first.address, 61680) == "lost"


async def test_an_interface_that_has_died_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who attaches to a container that does not run hears nothing, not even an end."""
    monkeypatch.setattr(channel, "SECONDS", 0.5)
    spec, interface = await site.launch()
    await asyncio.to_thread(site.engine.kill, f"{spec.id}-eni")
    async with asyncio.timeout(30):
        with pytest.raises(Unavailable):
            await site.world.compute.set_interface(interface)


async def test_faults_of_the_network(site: Site) -> None:
    server, interface = await site.launch(ingress=(Allow("sgr-in", "sg-app", Match(), ANY),))
    client, _ = await site.launch()
    await site.world.compute.set_interface(replace(interface, fault=Fault(partition=True)))
    assert await site.reach(client, server.address) == "lost"
    for latency in (300, 400):  # from none, and from another
        await site.world.compute.set_interface(replace(interface, fault=Fault(latency=latency)))
        said = await site.reach(client, server.address)
        assert float(said.removeprefix("reached ")) >= latency / 1000
    await site.world.compute.set_interface(replace(interface, fault=Fault(loss=100)))
    assert await site.reach(client, server.address) == "lost"
    await site.world.compute.set_interface(interface)
    assert await site.passes(client, server)


BULK = 3_000_000
SEND = """
import hashlib, socket
with socket.create_server(("0.0.0.0", 7001)) as listener:
    open("/tmp/listens", "w")
    peer, _ = listener.accept()
    data = bytes(range(256)) * ({bulk} // 256)
    peer.sendall(data)
    peer.close()
    print(hashlib.sha256(data).hexdigest())
"""
TAKE = """
import hashlib, socket
found = hashlib.sha256()
with socket.create_connection(("{address}", 7001), timeout=20) as peer:
    while data := peer.recv(65536): found.update(data)
print(found.hexdigest())
"""


async def test_what_is_late_comes_whole(site: Site) -> None:
    """Frames of all sizes, with checksums and segments that were still to be made when they were held back."""
    sender, interface = await site.launch(ingress=(Allow("sgr-in", "sg-app", Match(), ANY),))
    taker, _ = await site.launch()
    await site.world.compute.set_interface(replace(interface, fault=Fault(latency=20)))
    sending = asyncio.create_task(site.run(sender, SEND.format(bulk=BULK)))
    listens = "import os; print(os.path.exists('/tmp/listens'))"
    await eventually(lambda: site.run(sender, listens), lambda said: said == "True")
    taken = await site.run(taker, TAKE.format(address=sender.address))
    assert len(taken) == 64
    assert taken == await sending
    # And it ends: what was made for it is gone.
    await site.world.compute.set_interface(interface)
    assert await site.passes(taker, sender, 80)
    command = site.engine.exec_create(f"{sender.id}-eni", ["ip", "-brief", "link"])
    assert b"late" not in await asyncio.to_thread(site.engine.exec_start, command["Id"])
