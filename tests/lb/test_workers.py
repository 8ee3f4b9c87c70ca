"""Workers as processes: they die, hang, are replaced; their supervisor dies; nothing is left behind, nobody waits in vain."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lab.adapters.process.processes import family, look, signal_family, table
from services.lb.serving.listener import open_sockets
from tests.eventually import eventually
from tests.lb.nodes import RunningNode, asked, document, free_port, origin, running
from tests.lb.world import ok

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_worker_that_is_killed_costs_its_own_connections_only(tmp_path: Path, workers: int) -> None:
    """Every connection that is made after its death is served: it waits in the listening socket for the successor."""
    async with origin() as target, running(tmp_path, document(target.port), workers=workers) as node:
        before = await eventually(lambda: node.workers, lambda pids: len(pids) == workers)
        others = [await node.client() for _ in range(16)]
        for peer in others:
            assert (await peer.ask()).status == 200
        os.kill(before[0], signal.SIGKILL)
        answers = await asyncio.gather(*(node.ask() for _ in range(40)))
        assert {answer.status for answer in answers} == {200}
        now = await eventually(lambda: node.workers, lambda pids: len(pids) == workers and before[0] not in pids)
        assert set(before[1:]) <= set(now)
        await eventually(lambda: node.said("was killed by signal 9; another one is started"))
        lost = sum([await _is_lost(node, peer.writer) for peer in others])
        assert lost == 16 if workers == 1 else lost < 16


async def _is_lost(node: RunningNode, writer: asyncio.StreamWriter) -> bool:
    peer = next(peer for peer in node.peers if peer.writer is writer)
    try:
        return (await peer.ask()).status != 200
    except (OSError, asyncio.IncompleteReadError):
        return True


async def test_a_successor_knows_which_targets_are_ill(tmp_path: Path) -> None:
    async with origin() as well, origin() as ill, running(tmp_path, document(well.port, ill.port)) as node:
        ill.answer = ok(status=b"503 Service Unavailable")
        await eventually(lambda: node.said(f"target i-{ill.port}:80 is unhealthy"))
        before = asked(ill)
        os.kill(await node.worker(), signal.SIGKILL)
        for _ in range(6):
            assert (await node.ask()).status == 200
        assert asked(ill) == before


async def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    """They finish what they have; meanwhile a fresh node takes the ports. (That nothing is left, `running` makes sure.)"""
    async with origin() as target, running(tmp_path, document(target.port), workers=2) as node:
        idle, busy = await node.client(), await node.client()
        assert (await idle.ask()).status == 200
        target.held = asyncio.Event()
        busy.send(GET)
        await eventually(lambda: asked(target) == 2)
        node.process.kill()
        assert await idle.rest() == b""
        await eventually(node.refuses)
        async with running(tmp_path, document(target.port), workers=2, port=node.port) as fresh:
            target.held.set()
            assert (await busy.answer()).field("connection") == [b"close"]
            assert (await fresh.ask()).status == 200


async def test_a_worker_is_of_the_machine_that_its_supervisor_is(tmp_path: Path) -> None:
    """What the process adapter samples, signals and kills."""
    async with origin() as target, running(tmp_path, document(target.port), workers=2) as node:
        await eventually(lambda: node.workers, lambda pids: len(pids) == 2)
        found = look(node.process.pid)
        assert found is not None
        leader = found.leader
        members = family(leader, table())
        assert {one.pid for one in members} == {node.process.pid, *node.workers}
        assert {one.group for one in members} == {node.process.pid}
        signal_family(leader, signal.SIGKILL)
        assert await node.process.wait() == -signal.SIGKILL


async def test_a_worker_obeys_no_signal_of_its_own(tmp_path: Path) -> None:
    async with origin() as target, running(tmp_path, document(target.port)) as node:
        assert (await node.ask()).status == 200  # it has begun
        worker = await node.worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(worker, number)
        assert (await node.ask()).status == 200
        assert node.workers == [worker]


def test_a_worker_that_hangs_ends() -> None:
    program = "from services.lb import main; main.HANG_SECONDS = 0.1; main.alive()\nwhile True: pass"
    result = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert result.returncode == -signal.SIGPROF


FEW = ("/bin/sh", "-c", f"ulimit -n 24; exec {sys.executable} -m services.lb")
"""Descriptors for a dozen connections: less than a node plans with."""


async def test_out_of_descriptors(tmp_path: Path) -> None:
    """Idle connections make room for those who ask; everybody is served."""
    async with origin() as target, running(tmp_path, document(target.port), command=FEW) as node:
        for _ in range(100):
            peer = await node.client()
            assert (await peer.ask()).status == 200
        assert node.said("listener 80 is short: Too many open files; idle connections are closed")


async def test_out_of_descriptors_with_everybody_busy(tmp_path: Path) -> None:
    """Nobody can make room; it passes as soon as somebody is done."""
    async with origin() as target, running(tmp_path, document(target.port), command=FEW) as node:
        target.held = asyncio.Event()
        peers = [await node.client() for _ in range(50)]
        for peer in peers:
            peer.send(GET)
        await eventually(lambda: asked(target) > 0)
        target.held.set()
        # An accepted client for whose target no descriptor was left cannot be served.
        statuses = [(await peer.answer()).status for peer in peers]
        assert set(statuses) <= {200, 502, 503}
        assert 200 in statuses
        assert (await node.ask()).status == 200


def test_the_ports_of_another_program_are_not_shared() -> None:
    """SO_REUSEPORT would let two programs of one user have the same port, each with half of the clients."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        for count in (1, 2):
            with pytest.raises(OSError, match="Address already in use"):
                open_sockets("127.0.0.1", other.getsockname()[1], count)


def test_the_sockets_of_a_listener_share_a_port() -> None:
    sockets = open_sockets("127.0.0.1", free_port(), 3)
    assert len({sock.getsockname() for sock in sockets}) == 1
    for sock in sockets:
        sock.close()


async def test_a_crash_loop_is_slowed_down(tmp_path: Path) -> None:
    """Whoever kills workers faster than they start does not make the supervisor spin."""
    async with origin() as target, running(tmp_path, document(target.port)) as node:
        for _ in range(3):
            pids = await eventually(lambda: node.workers)
            with suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGKILL)
            await node.misses(pids[0])
        assert (await node.ask()).status == 200


async def test_a_node_that_is_stopped_while_a_worker_is_missing_ends(tmp_path: Path) -> None:
    async with origin() as target, running(tmp_path, document(target.port), workers=2) as node:
        pids = await eventually(lambda: node.workers, lambda pids: len(pids) == 2)
        os.kill(pids[0], signal.SIGKILL)
        node.process.terminate()
        assert await node.process.wait() == 0
        assert not node.said("Traceback")
