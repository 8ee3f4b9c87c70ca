"""Finished log files reach the control plane, once, whole, and when it is there."""

import asyncio
import contextlib
import gzip
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.lb.logs.delivery import Delivery
from services.lb.logs.spool import Spool
from services.lb.node.control import ControlPlane
from services.lb.node.fetch import BadAnswer
from tests.eventually import eventually
from tests.lb.world import Message, read_message

KEY = "shop/AWSLogs/1/a b.log.gz"


class Control:
    """Takes files and answers with `status`; `down`: closes without an answer."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.asked = 0
        self.status = 204
        self.down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            request = await read_message(reader)
            self.asked += 1
            if not self.down:
                if self.status == 204:
                    self.taken.append(request)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status)
                await writer.drain()
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def site(directory: Path) -> AsyncIterator[tuple[Spool, Control, Delivery]]:
    spool, control = Spool(directory), Control()
    server = await asyncio.start_server(control.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    delivery = Delivery(spool, ControlPlane("127.0.0.1", port, "secret"), "lb-1", random.Random(1))
    try:
        yield spool, control, delivery
    finally:
        server.close()
        await delivery.finish(0.0)


def finish(spool: Spool, *keys: str) -> None:
    for key in keys or (KEY,):
        file = spool.open("logs", key)
        file.write(b"a line\n")
        file.close()


async def test_a_file_is_delivered_and_removed(tmp_path: Path) -> None:
    async with site(tmp_path) as (spool, control, delivery):
        finish(spool)
        await delivery.deliver()
        [request] = control.taken
        assert request.first == b"PUT /lab/nodes/lb-1/logs/logs/shop/AWSLogs/1/a%20b.log.gz HTTP/1.1"
        assert request.field("authorization") == [b"Bearer secret"]
        assert request.field("content-type") == [b"application/gzip"]
        assert gzip.decompress(request.body) == b"a line\n"
        assert (spool.ready(), spool.waiting(), delivery.delivered) == ([], 0, 1)
        await delivery.deliver()
        assert len(control.taken) == 1


@pytest.mark.parametrize("status", [403, 404, 413])
async def test_a_file_that_is_not_wanted_is_dropped(tmp_path: Path, status: int) -> None:
    async with site(tmp_path) as (spool, control, delivery):
        control.status = status
        finish(spool, "a", "b")
        await delivery.deliver()
        assert (control.asked, spool.ready(), delivery.refused, delivery.delivered) == (2, [], 2, 0)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_failure_keeps_the_file(tmp_path: Path, status: int) -> None:
    async with site(tmp_path) as (spool, control, delivery):
        control.status = status
        finish(spool, "a", "b")
        with pytest.raises(BadAnswer, match=str(status)):
            await delivery.deliver()
        assert control.asked == 1
        assert [one.key for one in spool.ready()] == ["a", "b"]
        control.status = 204
        await delivery.deliver()
        assert (spool.ready(), delivery.delivered) == ([], 2)


async def test_files_wait_while_the_control_plane_is_away(tmp_path: Path) -> None:
    async with site(tmp_path) as (spool, control, delivery):
        control.down = True
        running = asyncio.create_task(delivery.run())
        finish(spool, "a", "b")
        await eventually(lambda: control.asked >= 3)
        assert not control.taken
        control.down = False
        await eventually(lambda: len(control.taken) == 2 and spool.ready() == [])
        finish(spool, "c")
        await eventually(lambda: len(control.taken) == 3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_last_attempt_is_bounded_in_time(tmp_path: Path) -> None:
    async with site(tmp_path) as (spool, _, _):
        finish(spool)
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
            port = silent.getsockname()[1]
            delivery = Delivery(spool, ControlPlane("127.0.0.1", port, "secret"), "lb-1", random.Random(1))
            async with asyncio.timeout(10):
                await delivery.finish(0.1)
        assert [one.key for one in spool.ready()] == [KEY]


async def test_what_a_crash_left_is_delivered_too(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, control, delivery):
        left = tmp_path / "open" / "logs" / "k"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"a line\nhalf a li")
        await delivery.deliver()
        [request] = control.taken
        assert gzip.decompress(request.body) == b"a line\n"
