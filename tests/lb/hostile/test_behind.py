"""What stands behind a message: behind a request that is under way, behind an answer that is complete."""

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from lab.core.elbv2.config import Target
from services.lb.serving.downstream import Client
from services.lb.sockets.endpoint import READ_BYTES
from services.lb.sockets.selector import READ, serving_selector
from tests.eventually import eventually
from tests.lb.certificates import make
from tests.lb.world import World, in_world, ok, read_message

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
SIZES = [10, READ_BYTES - len(ok(bytes(60_000))) + 60_000, READ_BYTES, 200_000, 1_000_000]
"""Of bodies: within a read, with their head just a read, over one, spliced."""


@in_world
async def test_a_large_body_behind_another_request_is_read_on(world: World) -> None:
    """While the first request is under way the node stops reading; it must begin again for the body of the second."""
    size = 400_000
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await world.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await eventually(lambda: len(origin.requests) == 1)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    [mine] = [one for one in world.node.plane.clients if isinstance(one, Client)]
    await eventually(lambda: not mine.link.interest & READ)
    origin.held.set()
    assert [(await client.answer()).status, (await client.answer()).status] == [200, 200]
    assert len(origin.requests[1].body) == size


@pytest.mark.parametrize("size", SIZES)
def test_what_follows_an_answer_is_nobody_s_answer(size: int) -> None:
    """The next request is there already, so that the connection to the target is wanted at once."""

    @in_world
    async def scenario(world: World) -> None:
        async def lying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                path = (await read_message(reader)).first.split(b" ")[1]
                writer.write(ok(bytes(size)) + POISON if path == b"/hostile" else ok(path))

        await world.origin(lying)
        await world.run()
        client = await world.client()
        client.send(b"GET /hostile HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).body == bytes(size)
        assert (await client.answer()).body == b"/last"

    scenario(serving_selector)


@pytest.mark.parametrize("size", SIZES)
def test_a_good_answer_leaves_its_connection_for_the_next(size: int) -> None:
    @in_world
    async def scenario(world: World) -> None:
        origin = await world.origin()
        origin.answer = ok(bytes(size))
        await world.run()
        client = await world.client()
        for _ in range(3):
            assert (await client.ask()).body == bytes(size)
        assert origin.connections == 1

    scenario(serving_selector)


@pytest.mark.parametrize("poison", [POISON, b""], ids=["poison", "good"])
def test_what_follows_an_answer_under_tls(poison: bytes, tmp_path: Path) -> None:
    """There a read is of one record, and the next record is in the kernel already."""
    pair = make("target.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = tmp_path / "pair.pem"
    file.write_text(pair.key + pair.chain)
    context.load_cert_chain(file)

    @in_world
    async def scenario(world: World) -> None:
        connections = 0

        async def lying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    path = (await read_message(reader)).first.split(b" ")[1]
                    writer.write(ok(path))
                    if path == b"/hostile":
                        writer.write(poison)
            writer.close()

        async with await asyncio.start_server(lying, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            await world.run(Target("i-1", 80, "a", "127.0.0.1", port), protocol="HTTPS")
            client = await world.client()
            client.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).body == b"/first"
            client.send(b"GET /hostile HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).body == b"/hostile"
            assert (await client.answer()).body == b"/last"
            assert connections == (2 if poison else 1)
            await world.node.stop()

    scenario(serving_selector)
