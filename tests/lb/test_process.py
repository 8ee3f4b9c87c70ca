"""A node as a process: environment, boot from last-good, the way SIGTERM ends it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.elbv2.config import HealthCheck, Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.rules import Forward, default_rule
from services.lb import lastgood
from services.lb.allowance import Machine
from services.lb.main import read_settings
from tests.eventually import eventually
from tests.lb.world import Origin, Peer

ENVIRONMENT = {
    "LB_NODE_ID": "node-1",
    "LB_ZONE": "a",
    "LB_CONTROL_URL": "http://127.0.0.1:9",
    "LB_NODE_TOKEN": "secret",
    "LB_BIND": "127.0.0.1",
    "LB_PORTS": "80=8080, 443=8443",
    "LB_DATA": "/nowhere",
}
MACHINE = Machine(cores=3, memory=256 << 20, descriptors=1024)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_settings() -> None:
    settings = read_settings(ENVIRONMENT, "boot", MACHINE)
    assert settings.identity.bind_ports == {80: 8080, 443: 8443}
    assert (settings.control.host, settings.control.port, settings.drain_seconds) == ("127.0.0.1", 9, 10.0)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"LB_CONTROL_URL": "127.0.0.1:9"}, "LB_CONTROL_URL must look like"),
        ({"LB_PORTS": "80"}, "LB_PORTS must look like"),
        ({"LB_PORTS": "80=99999"}, "LB_PORTS must look like"),
        ({"LB_DRAIN_SECONDS": "soon"}, "LB_DRAIN_SECONDS must be"),
    ],
)
def test_settings_that_are_wrong(changes: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_settings(ENVIRONMENT | changes, "boot", MACHINE)


def test_a_missing_setting_is_one_line_and_exit_2() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "services.lb"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("LB_NODE_ID, LB_ZONE")
    assert result.stderr.count("\n") == 1


@asynccontextmanager
async def running(tmp_path: Path, origin_port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A node that boots from last-good, with nobody at its control address; (process, port)."""
    port = free_port()
    group = TargetGroup("arn:g", "g", "HTTP", HealthCheck(), (Target("i-1", 80, "a", "127.0.0.1", origin_port),))
    listener = Listener("arn:l", "HTTP", 80, (default_rule(Forward((("arn:g", 1),))),))
    config = LoadBalancerConfig(3, "app/lb/1", "arn:lb", "lb", 1.0, (listener,), (group,))
    lastgood.save(tmp_path, config)
    environment = ENVIRONMENT | {
        "LB_DATA": str(tmp_path),
        "LB_PORTS": f"80={port}",
        "LB_CONTROL_URL": f"http://127.0.0.1:{free_port()}",
        "LB_DRAIN_SECONDS": "5",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.lb", env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async for line in process.stderr:
            if b"is in force" in line:
                break
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_boot_from_last_good_and_drain_on_sigterm(tmp_path: Path) -> None:
    origin = Origin()
    held = asyncio.Event()
    writers = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await origin.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    async with running(tmp_path, origin.port) as (process, port):
        idle = Peer(*await asyncio.open_connection("127.0.0.1", port))
        assert (await idle.ask()).status == 200
        busy = Peer(*await asyncio.open_connection("127.0.0.1", port))
        origin.held = held
        seen = len(origin.requests)
        busy.send(GET)
        await eventually(lambda: len(origin.requests) > seen)
        process.send_signal(signal.SIGTERM)
        assert await idle.rest() == b""  # closed at once
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        held.set()
        answer = await busy.answer()
        assert (answer.status, answer.field("connection")) == (200, [b"close"])
        assert await process.wait() == 0
        for peer in (idle, busy):
            peer.writer.close()
    server.close()
    for writer in writers:
        writer.close()


async def test_last_good_that_no_longer_fits_is_not_served(tmp_path: Path) -> None:
    lastgood.save(tmp_path, replace(LoadBalancerConfig(1, "", "", "", 1.0, (), ()), speed=-1.0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.lb",
        env=os.environ | ENVIRONMENT | {"LB_DATA": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"is refused: speed must be above 0" in await process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
