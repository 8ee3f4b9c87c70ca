"""A real node on loopback, with origins and clients around it, all in one event loop.

`in_world` turns `async def test_x(world)` into a test that runs on both selectors. Ports are picked by the kernel.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from lab.core.elbv2.config import (
    Attributes,
    HealthCheck,
    Listener,
    LoadBalancerConfig,
    Target,
    TargetGroup,
)
from lab.core.elbv2.report import NodeReport
from lab.core.elbv2.rules import Action, FixedResponse, Forward, Rule, default_rule
from services.lb.http1.chunked import ChunkedBody
from services.lb.node.allowance import UNLIMITED
from services.lb.node.messages import Orders
from services.lb.node.node import Identity, Node
from services.lb.node.worker import Worker
from services.lb.routing.table import TargetState
from services.lb.serving.downstream import Client
from services.lb.serving.listener import ListeningSocket
from services.lb.serving.outcome import Cause, Outcome, Phase
from services.lb.serving.plane import Plane
from services.lb.serving.upstream import Upstream
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import PlainSelector, ServingSelector, serving_selector
from tests.eventually import eventually

GROUP = "arn:group"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Message:
    """A request or a response as it was on the wire."""

    head: bytes
    body: bytes = b""

    @property
    def first(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    def field(self, name: str) -> list[bytes]:
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:]]
        return [value.strip() for found, _, value in lines if found.lower() == name.lower().encode()]

    @property
    def status(self) -> int:
        return int(self.head[9:12])


async def read_message(reader: asyncio.StreamReader, *, no_body: bool = False, until_close: bool = False) -> Message:
    """Reads one message; chunks are decoded."""
    message = Message((await reader.readuntil(b"\r\n\r\n"))[:-4])
    if no_body:
        return message
    if message.field("transfer-encoding"):
        decoder = ChunkedBody(decode=True)
        while not decoder.done:
            piece = decoder.feed(await reader.readexactly(1))
            assert piece is not None
            message.body += piece
    elif message.field("content-length"):
        message.body = await reader.readexactly(int(message.field("content-length")[0]))
    elif until_close:
        message.body = await reader.read()
    return message


def ok(body: bytes = b"hello", extra: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), extra, body)


@dataclass
class Origin:
    """A target. It answers with `answer` until told otherwise, on connections that stay open."""

    port: int = 0
    answer: bytes = field(default_factory=ok)
    connections: int = 0
    open: int = 0
    requests: list[Message] = field(default_factory=list)
    held: asyncio.Event | None = None
    """When set: requests are read and answered only after the event."""

    def release(self) -> None:
        assert self.held is not None
        self.held.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while True:
                self.requests.append(await read_message(reader))
                if self.held is not None:
                    await self.held.wait()
                writer.write(self.answer)
                await writer.drain()
        finally:
            self.open -= 1


class Peer:
    """A client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, no_body: bool = False, until_close: bool = False) -> Message:
        return await read_message(self.reader, no_body=no_body, until_close=until_close)

    async def ask(self, path: str = "/", fields: str = "") -> Message:
        self.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        return await self.answer()

    async def rest(self) -> bytes:
        """Everything until the node closes; a reset counts as an end."""
        data = b""
        try:
            while piece := await self.reader.read(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data


class OneProcess:
    """A whole node in this event loop: its only worker is told what to do by a call, and asked how it stands."""

    size = 1

    def __init__(self, identity: Identity, selector: ServingSelector) -> None:
        self.identity = identity
        self.worker = Worker(
            identity.zone,
            selector,
            UNLIMITED,
            clock=time.monotonic,
            wall_clock=time.time,
            random_bytes=os.urandom,
        )
        self.node = Node(identity, self, time.monotonic)
        self.offer = self.node.offer
        self.worker.swept = self._ask
        self._told: set[int] = set()

    def tell(self, orders: Orders, sockets: Mapping[int, list[socket.socket]]) -> None:
        fresh = {number: mine[0].dup() for number, mine in sockets.items() if number not in self._told}
        self._told |= set(fresh)
        self.worker.obey(orders, fresh)
        self._ask()

    def _ask(self) -> None:
        self.node.heard(0, self.worker.status())

    @property
    def config(self) -> LoadBalancerConfig:
        return self.node.config

    @property
    def plane(self) -> Plane:
        return self.worker.plane

    @property
    def listeners(self) -> dict[int, ListeningSocket]:
        return self.worker.listeners

    @property
    def changed(self) -> Callable[[], None]:
        return self.node.changed

    @changed.setter
    def changed(self, call: Callable[[], None]) -> None:
        self.node.changed = call

    def report(self) -> NodeReport:
        self._ask()
        return self.node.report()

    async def stop(self) -> None:
        await self.node.stop()
        await self.worker.stop()


class World:
    def __init__(self, node: OneProcess) -> None:
        self.node = node
        self.origins: list[Origin] = []
        self._servers: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._health_port = 0
        self._generation = 0

    async def server(self, handler: Handler) -> int:
        """Serves connections with `handler`; the port."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await handler(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass
            finally:
                self._tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def origin(self, handler: Handler | None = None) -> Origin:
        origin = Origin()
        origin.port = await self.server(handler or origin.serve)
        self.origins.append(origin)
        return origin

    def target(self, origin: Origin, **changes: Any) -> Target:
        return replace(Target(f"i-{origin.port}", 80, "a", "127.0.0.1", origin.port), **changes)

    def config(self, *targets: Target, action: Action | None = None, **changes: Any) -> LoadBalancerConfig:
        """A document with one listener and one group; health checks go to a server that is always well. `changes` are
        members of the document, of its attributes, of its listener (`rules`, `tls`) or of its group."""
        self._generation += 1
        check = changes.pop("health_check", HealthCheck(interval=0.5, port=self._health_port or None))
        mine = {
            kind: {f.name: changes.pop(f.name) for f in fields(kind) if f.name in changes}
            for kind in (LoadBalancerConfig, Attributes, TargetGroup, Listener)
        }
        assert not changes, changes
        group = TargetGroup(GROUP, "group", "HTTP", check, targets)
        default = default_rule(action or Forward(((GROUP, 1),)))
        listener = Listener("arn:listener", "HTTP", 80, (*mine[Listener].pop("rules", ()), default))
        document = LoadBalancerConfig(
            self._generation,
            "app/lb/1",
            "arn:lb",
            "lb.example",
            1.0,
            (replace(listener, **mine[Listener]),),
            (replace(group, **mine[TargetGroup]),),
            Attributes(**mine[Attributes]),
        )
        return replace(document, **mine[LoadBalancerConfig])

    async def run(self, *targets: Target, healthy: bool = True, **changes: Any) -> None:
        """Puts a configuration in force (by default: all origins as targets) and waits for the targets' health."""
        if not self._health_port:
            self._health_port = await self.server(Origin().serve)
        chosen = targets or tuple(self.target(origin) for origin in self.origins)
        assert self.node.offer(self.config(*chosen, **changes)), self.node.report().rejected_why
        if healthy:
            await eventually(lambda: all(target.health.healthy or target.draining for target in self.targets))

    @property
    def targets(self) -> list[TargetState]:
        return list(self.node.plane.table.targets())

    def pending(self) -> list[int]:
        """Bytes that wait in the node, for each connection for which some do."""
        return [len(link.pending) for link in self._links() if link.pending]

    def blocked(self) -> int:
        """How many connections do not take what they are sent, be it here or in a pipe."""
        return sum(link.is_blocked for link in self._links())

    def _links(self) -> list[Endpoint]:
        clients = [client.link for client in self.node.plane.clients if isinstance(client, Client)]
        targets = [one.link for target in self.targets for one in target.connections if isinstance(one, Upstream)]
        return clients + targets

    @property
    def counters(self) -> dict[str, int]:
        return dict(self.node.worker.status().counters)

    async def client(self) -> Peer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.node.listeners[80].bind_port, limit=1 << 20)
        self._writers.append(writer)
        return Peer(reader, writer)

    def keep(self, writer: asyncio.StreamWriter) -> None:
        """A client's connection, to be closed at the end."""
        self._writers.append(writer)

    async def ask(self, data: bytes) -> bytes:
        """Sends `data` on a new connection; everything that comes back until the node closes."""
        client = await self.client()
        client.send(data)
        return await client.rest()

    async def close(self) -> None:
        await self.node.stop()
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        open_ones = [writer for writer in self._writers if not writer.transport.is_closing()]
        for writer in open_ones:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in open_ones), return_exceptions=True)


def ended(world: World, phase: Phase, cause: Cause) -> int:
    """How many exchanges ended so."""
    return world.node.plane.counters.outcomes.get(Outcome(phase, cause), 0)


@asynccontextmanager
async def world_on(selector: ServingSelector) -> AsyncIterator[World]:
    world = World(OneProcess(Identity("node-1", "boot-1", "a", "127.0.0.1", {80: 0, 81: 0}), selector))
    try:
        yield world
    finally:
        await world.close()


Kind = Callable[[Callable[[], float]], ServingSelector]
SELECTORS: dict[str, Kind] = {"native": serving_selector, "plain": PlainSelector}


def run_in_world(kind: Kind, body: Callable[[World], Awaitable[None]]) -> None:
    selector = kind(time.monotonic)

    async def run() -> None:
        async with asyncio.timeout(20), world_on(selector) as world:
            await body(world)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(run())


def in_world(body: Callable[[World], Awaitable[None]]) -> Callable[[Any], None]:
    @pytest.mark.parametrize("kind", SELECTORS.values(), ids=SELECTORS)
    def test(kind: Kind) -> None:
        run_in_world(kind, body)

    test.__name__ = body.__name__
    test.__doc__ = body.__doc__
    return test


__all__ = [
    "GROUP",
    "SELECTORS",
    "FixedResponse",
    "Forward",
    "Message",
    "Origin",
    "Peer",
    "Rule",
    "World",
    "ended",
    "eventually",
    "in_world",
    "ok",
    "read_message",
    "run_in_world",
]
