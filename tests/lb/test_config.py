"""Configurations come into force, are refused, and are replaced under load without a request noticing."""

import asyncio
import gc
import json
import random
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.elbv2 import config as lb_config
from lab.core.elbv2.check import problems
from lab.core.elbv2.config import HealthCheck, Listener, LoadBalancerConfig
from lab.core.elbv2.rules import FixedResponse, Forward, default_rule
from services.lb.node import lastgood
from services.lb.node.control import ControlLink, ControlPlane
from services.lb.node.messages import Orders
from services.lb.serving.listener import open_sockets
from services.lb.sockets.selector import serving_selector
from tests.eventually import eventually
from tests.lb.world import Peer, World, in_world, read_message


class Control:
    """A control plane: publishes one document, remembers reports."""

    def __init__(self) -> None:
        self.document: LoadBalancerConfig | None = None
        self.reports: list[dict[str, object]] = []
        self.asked: list[bytes] = []
        self.tokens: set[bytes] = set()
        self.down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_message(reader)
        if self.down:
            return
        self.tokens.update(request.field("authorization"))
        if request.first.startswith(b"POST /lab/nodes/node-1/report "):
            self.reports.append(json.loads(request.body))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        self.asked.append(request.first)
        generation = int(request.first.partition(b"have=")[2].partition(b"&")[0])
        while self.document is None or self.document.generation == generation:
            await asyncio.sleep(0.01)
            if self.down:
                return
        body = json.dumps(lb_config.to_json(self.document)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    @property
    def last(self) -> dict[str, object]:
        return self.reports[-1] if self.reports else {}


class Linked:
    """A world whose node is linked to a control plane, for as long as the block lasts."""

    def __init__(self, world: World, data: Path) -> None:
        self.world = world
        self.control = Control()
        self.data = data
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Control:
        port = await self.world.server(self.control.serve)
        link = ControlLink(self.world.node.node, ControlPlane("127.0.0.1", port, "secret"), self.data, random.Random(1))
        self._tasks = [asyncio.create_task(link.follow_config()), asyncio.create_task(link.send_reports())]
        return self.control

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def test_a_published_document_comes_into_force_and_is_kept(tmp_path: Path) -> None:
    @in_world
    async def scenario(world: World) -> None:
        async with Linked(world, tmp_path) as control:
            origin = await world.origin()
            control.document = replace(world.config(world.target(origin)), generation=7)
            await eventually(lambda: control.last.get("applied") == 7)
            await eventually(lambda: lastgood.load(tmp_path) == control.document)
            assert control.tokens == {b"Bearer secret"}
            await eventually(lambda: len(control.asked) == 2)
            assert [line.split()[1] for line in control.asked] == [
                b"/lab/nodes/node-1/config?have=0&wait=20",
                b"/lab/nodes/node-1/config?have=7&wait=20",
            ]
            # A control plane that starts anew may count anew.
            control.document = replace(world.config(world.target(origin)), generation=2)
            await eventually(lambda: control.last.get("applied") == 2)

    scenario(serving_selector)


def test_the_control_plane_may_go_away(tmp_path: Path) -> None:
    @in_world
    async def scenario(world: World) -> None:
        await world.origin()
        async with Linked(world, tmp_path) as control:
            control.document = world.config(world.target(world.origins[0]))
            await eventually(lambda: world.node.config == control.document)
            control.down = True
            client = await world.client()
            for _ in range(20):
                assert (await client.ask()).status == 200
                await asyncio.sleep(0.01)
            control.down = False
            control.document = world.config(idle_timeout=33.0)
            await eventually(lambda: world.node.config.attributes.idle_timeout == 33.0)

    scenario(serving_selector)


def test_a_refused_document_changes_nothing_and_says_why(tmp_path: Path) -> None:
    @in_world
    async def scenario(world: World) -> None:
        async with Linked(world, tmp_path) as control:
            good = world.config()
            control.document = good
            await eventually(lambda: world.node.config == good)
            bad = world.config(listeners=(*good.listeners, *good.listeners))
            control.document = bad
            await eventually(lambda: control.last.get("rejected") == bad.generation)
            assert control.last["rejected_why"] == "two listeners have the same port"
            assert control.last["applied"] == good.generation
            await eventually(lambda: lastgood.load(tmp_path) == good)
            control.document = world.config()
            await eventually(lambda: control.last.get("rejected_why") == "")

    scenario(serving_selector)


def test_last_good_that_is_of_no_use(tmp_path: Path) -> None:
    assert lastgood.load(tmp_path) is None
    for content in ["", "{", "[]", '{"generation": 1}']:
        (tmp_path / "last-good.json").write_text(content)
        assert lastgood.load(tmp_path) is None


@in_world
async def test_a_thousand_swaps_under_load_cost_no_request_and_leave_nothing(world: World) -> None:
    origins = [await world.origin() for _ in range(3)]
    await world.run()
    stop = asyncio.Event()
    statuses: list[int] = []

    async def load() -> None:
        client = await world.client()
        while not stop.is_set():
            statuses.append((await client.ask()).status)

    async def swap(number: int) -> None:
        """One target after another drains and comes back; the order of the document changes, too; a listener comes and goes."""
        targets = [world.target(origin, draining=index == number % 4) for index, origin in enumerate(origins)]
        second = Listener("arn:second", "HTTP", 81, (default_rule(FixedResponse(200)),))
        config = world.config(*targets[number % 3 :], *targets[: number % 3])
        assert world.node.offer(replace(config, listeners=(*config.listeners, second)) if number % 2 else config)
        await asyncio.sleep(0)

    loads = [asyncio.create_task(load()) for _ in range(8)]
    for number in range(100):
        await swap(number)
    before = held()
    for number in range(1000):
        await swap(number)
    after = held()
    stop.set()
    await asyncio.gather(*loads)
    assert len(statuses) > 300
    assert set(statuses) == {200}
    assert all(target.health.healthy for target in world.targets)
    assert world.counters["RequestCount"] == len(statuses)
    # Give or take what is under way.
    assert {name: count - before[name] for name, count in after.items() if count - before[name] > 10} == {}


def held() -> Counter[str]:
    """How many objects of ours and descriptors there are."""
    gc.collect()
    ours = (type(one) for one in gc.get_objects())
    counts = Counter(kind.__qualname__ for kind in ours if str(kind.__module__).startswith(("lab.", "services.")))
    counts["sockets"] = sum(isinstance(one, socket.socket) and one.fileno() >= 0 for one in gc.get_objects())
    return counts


@in_world
async def test_who_came_in_by_a_listener_that_goes_is_served(world: World) -> None:
    """Connections that nobody has accepted yet, with their requests, more of them than are accepted at once."""
    await world.run(action=FixedResponse(200, "text/plain", "before"))
    port = world.node.listeners[80].bind_port
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for sock in waiting:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await world.run(listeners=())
    for sock in waiting:
        peer = Peer(*await asyncio.open_connection(sock=sock))
        assert (await peer.answer()).body == b"before"
        assert await peer.rest() == b""
        peer.writer.close()
        await peer.writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@in_world
async def test_what_a_worker_cannot_do_changes_nothing(world: World) -> None:
    """The supervisor has checked it; so this is a defect, but the worker is not to die of it."""
    await world.run(action=FixedResponse(200, "text/plain", "before"))
    worker, node = world.node.worker, world.node.node
    before = worker.status().serial
    good = world.config(action=FixedResponse(200, "text/plain", "after"))
    port = Listener("arn:second", "HTTP", 81, good.listeners[0].rules)
    bad = replace(good, listeners=(replace(port, rules=(default_rule(Forward((("arn:nowhere", 1),))),)),))
    [sock] = open_sockets("127.0.0.1", 0, 1)
    worker.obey(Orders(before + 1, bad, {}, {81: 1000}), {1000: sock})
    assert worker.status().serial == before
    node.heard(0, worker.status())
    report = node.report()
    assert (report.applied, report.rejected) == (node.config.generation, node.config.generation)
    assert "cannot put the configuration in force: KeyError('arn:nowhere')" in report.rejected_why
    client = await world.client()
    assert (await client.ask()).body == b"before"
    # The socket that came with it is there when better orders come.
    worker.obey(Orders(before + 2, replace(good, listeners=(port,)), {}, {81: 1000}), {})
    assert worker.status() == replace(worker.status(), serial=before + 2, refused="")
    assert list(worker.listeners) == [81]
    assert worker.listeners[81].bind_port == sock.getsockname()[1]


@in_world
async def test_listeners_open_and_close_without_touching_the_others(world: World) -> None:
    await world.run(action=FixedResponse(200, "text/plain", "80"))
    client = await world.client()
    assert (await client.ask()).body == b"80"
    first = world.node.config.listeners[0]
    second = Listener("arn:second", "HTTP", 81, (default_rule(FixedResponse(200, "text/plain", "81")),))
    await world.run(listeners=(first, second))
    other = await asyncio.open_connection("127.0.0.1", world.node.listeners[81].bind_port)
    other[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await read_message(other[0])).body == b"81"
    port = world.node.listeners[81].bind_port
    await world.run(listeners=(first,))
    assert await other[0].read() == b""
    other[1].close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert (await client.ask()).body == b"80"


@in_world
async def test_a_port_that_is_taken_is_reported_and_tried_again(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        listener = Listener("arn:taken", "HTTP", port, (default_rule(FixedResponse(200)),))
        await world.run(listeners=(listener,))
        report = world.node.report()
        assert report.applied == report.rejected == world.node.config.generation
        assert f"listener {port} cannot be bound to 127.0.0.1:{port}" in report.rejected_why
        assert "LB_PORTS" in report.rejected_why
    await eventually(lambda: port in world.node.listeners)
    assert world.node.report().rejected_why == ""


@in_world
async def test_what_a_node_cannot_do_is_refused(world: World) -> None:
    origin = await world.origin()
    target = world.target(origin)
    good = world.config(target)
    assert problems(good) == []
    listener = good.listeners[0]
    for config, why in [
        (replace(good, listeners=(replace(listener, protocol="HTTPS"),)), "must have certificates"),
        (world.config(replace(target, host="example.com")), "not an IPv4 address"),
        (world.config(replace(target, dial_port=0)), "ports are 1 to 65535"),
        (world.config(target, health_check=HealthCheck(matcher="2xx")), "matcher '2xx'"),
        (world.config(target, health_check=HealthCheck(path="/ x")), "health check path"),
        (world.config(target, idle_timeout=0.0), "above 0"),
        (world.config(target, speed="fast"), "wrong kind"),
        (world.config(action=FixedResponse(200, "a\r\nb")), "content type"),
    ]:
        assert why in problems(config)[0]
