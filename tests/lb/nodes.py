"""Nodes as processes, for tests that kill, stop, starve and flood them. Each boots from last-good; nobody is at its control
address unless a test puts one there."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.adapters.process.processes import table
from lab.core.elbv2.config import HealthCheck, Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.rules import Forward, default_rule
from services.lb.node import lastgood
from tests.eventually import eventually
from tests.lb.world import Message, Origin, Peer

ENVIRONMENT = {
    "LB_NODE_ID": "node-1",
    "LB_ZONE": "a",
    "LB_CONTROL_URL": "http://127.0.0.1:9",
    "LB_NODE_TOKEN": "secret",
    "LB_BIND": "127.0.0.1",
    "LB_PORTS": "80=8080, 443=8443",
    "LB_DATA": "/nowhere",
}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def document(*origin_ports: int, generation: int = 3) -> LoadBalancerConfig:
    targets = tuple(Target(f"i-{port}", 80, "a", "127.0.0.1", port) for port in origin_ports)
    group = TargetGroup("arn:g", "g", "HTTP", HealthCheck(path="/health", interval=1.0), targets)
    listener = Listener("arn:l", "HTTP", 80, (default_rule(Forward((("arn:g", 1),))),))
    return LoadBalancerConfig(generation, "app/lb/1", "arn:lb", "lb", 1.0, (listener,), (group,))


@asynccontextmanager
async def origin() -> AsyncIterator[Origin]:
    one = Origin()
    writers: set[asyncio.StreamWriter] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await one.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def asked(target: Origin) -> int:
    """How many requests a target has had, but for health checks."""
    return sum(not request.first.startswith(b"GET /health ") for request in target.requests)


@dataclass
class RunningNode:
    """`lines` are those of its log so far, and of its workers'."""

    process: asyncio.subprocess.Process
    port: int
    lines: list[str] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    @property
    def workers(self) -> list[int]:
        """The pids of its workers that live."""
        return sorted(one.pid for one in table().values() if one.parent == self.process.pid and not one.zombie)

    async def worker(self) -> int:
        """The pid of its only worker."""
        [pid] = await eventually(lambda: self.workers, lambda pids: len(pids) == 1)
        return pid

    async def misses(self, pid: int) -> None:
        """Waits until a worker is no more."""
        await eventually(lambda: pid not in self.workers)

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    async def client(self) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        return peer

    async def ask(self) -> Message:
        """The answer to one request on a new connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await Peer(reader, writer).ask()
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def refuses(self) -> bool:
        """Whether nobody listens any more."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return True
        writer.transport.abort()
        return False

    async def follow(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode())


@asynccontextmanager
async def running(
    folder: Path,
    config: LoadBalancerConfig,
    *,
    workers: int = 1,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = (sys.executable, "-m", "services.lb"),
) -> AsyncIterator[RunningNode]:
    """A node that has put `config` in force. At the end nothing of it must be left."""
    port = port or free_port()
    lastgood.save(folder, config)
    own = {
        "LB_DATA": str(folder),
        "LB_PORTS": f"80={port}",
        "LB_CONTROL_URL": f"http://127.0.0.1:{free_port()}",
        "LB_DRAIN_SECONDS": "5",
        "LB_WORKERS": str(workers),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | ENVIRONMENT | own | dict(environment or {}),
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    node = RunningNode(process, port)
    follower = asyncio.create_task(node.follow())
    try:
        await eventually(lambda: node.said("is in force") or process.returncode, deadline=20.0)
        yield node
    finally:
        if process.returncode is None:
            process.kill()
        for peer in node.peers:
            peer.writer.transport.abort()
        await asyncio.gather(*(peer.writer.wait_closed() for peer in node.peers), return_exceptions=True)
        try:
            await eventually(
                lambda: [one for one in table().values() if one.group == process.pid and not one.zombie] == []
            )
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await follower
