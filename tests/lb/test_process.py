"""A node as a process: environment, boot from last-good, the way SIGTERM ends it."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.elbv2.config import LoadBalancerConfig
from services.lb.main import read_settings
from services.lb.node import lastgood
from services.lb.node.allowance import Allowance, Machine
from tests.eventually import eventually
from tests.lb.nodes import ENVIRONMENT, asked, document, origin, running

MACHINE = Machine(cores=3, memory=256 << 20, descriptors=1024)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_settings() -> None:
    settings = read_settings(ENVIRONMENT, "boot", MACHINE)
    assert settings.identity.bind_ports == {80: 8080, 443: 8443}
    assert (settings.control.host, settings.control.port, settings.drain_seconds) == ("127.0.0.1", 9, 10.0)
    assert settings.workers == 3
    # A third of each worker's descriptors, a quarter of the memory for the three together.
    assert settings.allowance == Allowance(309, 38, (64 << 20) // 3, 928)


def test_limits_are_set_for_the_whole_node() -> None:
    limits = {"LB_WORKERS": "2", "LB_MAX_CONNECTIONS": "500", "LB_MAX_BUFFERED_MIB": "10"}
    settings = read_settings(ENVIRONMENT | limits, "boot", MACHINE)
    assert (settings.workers, settings.allowance) == (2, Allowance(250, 31, 5 << 20, 928))


def test_more_connections_than_descriptors_cannot_be_had() -> None:
    limits = {"LB_WORKERS": "2", "LB_MAX_CONNECTIONS": "100000"}
    assert read_settings(ENVIRONMENT | limits, "boot", MACHINE).allowance.connections == 309


def test_memory_limits_connections_where_descriptors_do_not() -> None:
    machine = replace(MACHINE, cores=1, descriptors=1 << 20)
    assert read_settings(ENVIRONMENT | {"LB_WORKERS": "auto"}, "boot", machine).allowance.connections == 8192


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"LB_CONTROL_URL": "127.0.0.1:9"}, "LB_CONTROL_URL must look like"),
        ({"LB_PORTS": "80"}, "LB_PORTS must look like"),
        ({"LB_PORTS": "80=99999"}, "LB_PORTS must look like"),
        ({"LB_DRAIN_SECONDS": "soon"}, "LB_DRAIN_SECONDS must be"),
        ({"LB_WORKERS": "0"}, "LB_WORKERS must be a number above 0"),
        ({"LB_WORKERS": "many"}, "LB_WORKERS must be a number above 0"),
        ({"LB_MAX_CONNECTIONS": "-1"}, "LB_MAX_CONNECTIONS must be a number above 0"),
        ({"LB_MAX_BUFFERED_MIB": "1.5"}, "LB_MAX_BUFFERED_MIB must be a number above 0"),
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


@pytest.mark.parametrize("workers", [1, 3])
async def test_boot_from_last_good_and_drain_on_sigterm(tmp_path: Path, workers: int) -> None:
    async with origin() as target, running(tmp_path, document(target.port), workers=workers) as node:
        idle = await node.client()
        assert (await idle.ask()).status == 200
        busy = await node.client()
        target.held = asyncio.Event()
        busy.send(GET)
        await eventually(lambda: asked(target) == 2)
        # To all of its processes, as a terminal does it: only the supervisor's opinion counts.
        os.killpg(node.process.pid, signal.SIGTERM)
        assert await idle.rest() == b""  # closed at once
        await eventually(node.refuses)
        target.held.set()
        answer = await busy.answer()
        assert (answer.status, answer.field("connection")) == (200, [b"close"])
        assert await node.process.wait() == 0


async def test_requests_that_take_too_long_are_cut(tmp_path: Path) -> None:
    async with (
        origin() as target,
        running(tmp_path, document(target.port), environment={"LB_DRAIN_SECONDS": "0.2"}) as node,
    ):
        target.held = asyncio.Event()
        client = await node.client()
        client.send(GET)
        await eventually(lambda: asked(target) == 1)
        node.process.terminate()
        assert await client.rest() == b""
        assert await node.process.wait() == 0


async def test_the_second_sigterm_ends_at_once(tmp_path: Path) -> None:
    # Beyond the deadline of everything here: only the second signal can have ended it.
    async with (
        origin() as target,
        running(tmp_path, document(target.port), workers=2, environment={"LB_DRAIN_SECONDS": "3600"}) as node,
    ):
        target.held = asyncio.Event()
        client = await node.client()
        client.send(GET)
        await eventually(lambda: asked(target) == 1)
        node.process.terminate()
        await eventually(node.refuses)
        node.process.terminate()
        assert await node.process.wait() == 0
        assert node.workers == []


async def test_last_good_that_no_longer_fits_is_not_served(tmp_path: Path) -> None:
    lastgood.save(tmp_path, replace(LoadBalancerConfig(1, "", "", "", 1.0, (), ()), speed=-1.0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.lb",
        env=os.environ | ENVIRONMENT | {"LB_DATA": str(tmp_path), "LB_WORKERS": "1"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if b"is refused: speed must be above 0" in line:
            break
    process.send_signal(signal.SIGTERM)
    _, log = await process.communicate()
    assert b"in force" not in log
    assert process.returncode == 0


def test_nobody_else_may_read_last_good(tmp_path: Path) -> None:
    left = tmp_path / "last-good.json.new"  # by a crash, or by an older node that was less careful
    left.touch(0o644)
    before = os.umask(0)
    try:
        lastgood.save(tmp_path, document(9))
    finally:
        os.umask(before)
    path = tmp_path / "last-good.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert lastgood.load(tmp_path) == document(9)
    assert [one.name for one in tmp_path.iterdir()] == ["last-good.json"]
