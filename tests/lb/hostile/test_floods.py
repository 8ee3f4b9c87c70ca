"""Floods: whoever sends more than he is due, or nothing of what he is, costs himself; memory stays bounded.

Idle timeouts are small here, and only what they lead to is asserted, never when. Time that matters is in test_slow.
"""

import asyncio
import socket
import struct

import pytest

from services.lb.http1.framing import REQUEST_HEAD_BYTES
from services.lb.serving.outcome import Cause, Phase
from services.lb.sockets.endpoint import READ_BYTES
from services.lb.sockets.selector import serving_selector
from tests.eventually import eventually
from tests.lb.hostile.slow_world import held
from tests.lb.hostile.test_resets import SOCKET, SWITCH, settled
from tests.lb.world import FixedResponse, World, ended, in_world, ok, read_message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "start",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    ],
    ids=["length", "no-byte", "chunk", "size", "expect"],
)
def test_a_body_that_stops_is_408(start: bytes) -> None:
    @in_world
    async def scenario(world: World) -> None:
        await world.origin()
        await world.run(idle_timeout=0.2)
        client = await world.client()
        client.send(start)
        if b"Expect" in start:
            assert b" 100 " in await client.reader.readuntil(b"\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (408, [b"close"])
        assert ended(world, Phase.WAIT, Cause.CLIENT_IDLE) == 1
        client.writer.transport.abort()
        await settled(world)

    scenario(serving_selector)


@in_world
async def test_interim_answers_do_not_keep_a_request_alive_for_ever(world: World) -> None:
    async def soon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await asyncio.sleep(0.01)

    await world.origin(soon)
    await world.run()
    client = await world.client()
    client.send(GET)
    head = b" 103 "
    while b" 103 " in head:
        head = await client.reader.readuntil(b"\r\n\r\n")
    assert b" 502 " in head


@in_world
async def test_pipelined_requests_wait_in_the_kernel(world: World) -> None:
    """A flood of requests by a client that does not read its answers: the node stops reading, and holds one read's worth. Then
    he reads, and gets every answer, in order."""
    requests = 30_000
    origin = await world.origin()
    origin.answer = ok(b"z" * 2_000)
    await world.run()
    client = await world.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
    client.send(GET * requests)
    await eventually(world.blocked)
    assert held(world) <= 2 * READ_BYTES + REQUEST_HEAD_BYTES
    seen = len(origin.requests)
    assert seen < requests
    client.writer.transport.abort()
    await settled(world)


@in_world
async def test_pipelined_requests_the_node_answers_itself(world: World) -> None:
    """The same with answers of the node's own, which cost an attacker nobody else's time."""
    await world.run(action=FixedResponse(200, "text/plain", "z" * 1_000))
    client = await world.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
    client.send(GET * 50_000)
    await eventually(world.blocked)
    assert held(world) <= 2 * READ_BYTES + REQUEST_HEAD_BYTES
    other = await world.client()
    assert (await other.ask()).status == 200
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    for _ in range(50_000):
        assert (await client.answer()).status == 200


@in_world
async def test_bytes_that_pile_up_while_a_request_is_under_way_are_bounded(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await world.client()
    client.send(GET + bytes(8_000_000))
    await eventually(lambda: origin.requests)
    await eventually(lambda: held(world) >= REQUEST_HEAD_BYTES)
    assert held(world) <= 2 * READ_BYTES + REQUEST_HEAD_BYTES
    origin.held.set()
    assert [(await client.answer()).status, (await client.answer()).status] == [200, 414]


@in_world
async def test_two_thousand_idle_connections(world: World) -> None:
    """They cost nobody his answer, and are closed by the idle timeout, without a word."""
    await world.origin()
    await world.run(idle_timeout=20.0)
    idle = await asyncio.gather(*(world.client() for _ in range(2_000)))
    await eventually(lambda: len(world.node.plane.clients) == 2_000)
    assert (await (await world.client()).ask()).status == 200
    assert held(world) == 0
    await world.run(idle_timeout=0.2)
    assert set(await asyncio.gather(*(peer.rest() for peer in idle))) == {b""}


@in_world
async def test_a_flood_of_connections_that_are_reset_at_once(world: World) -> None:
    await world.origin()
    await world.run()
    loop = asyncio.get_running_loop()
    for _ in range(500):
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await loop.sock_connect(sock, ("127.0.0.1", world.node.listeners[80].bind_port))
    assert (await (await world.client()).ask()).status == 200
    await eventually(lambda: len(world.node.plane.clients) <= 1)


@in_world
async def test_expectations_are_met_once_each(world: World) -> None:
    """Pipelined, each with its body at once: nobody gets a 100 for a body that is there, and every answer is a request's."""
    origin = await world.origin()
    await world.run()
    one = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    client = await world.client()
    client.send((one + b"hello") * 50)
    assert [(await client.answer()).status for _ in range(50)] == [200] * 50
    client.send(one)
    assert b" 100 " in await client.reader.readuntil(b"\r\n\r\n")
    client.send(b"hello")
    assert (await client.answer()).status == 200
    assert {request.body for request in origin.requests} == {b"hello"}
    assert not any(request.field("expect") for request in origin.requests)


@in_world
async def test_garbage_in_a_tunnel_is_nobody_s_request(world: World) -> None:
    """What follows an upgrade is relayed unread: no request in it is served, and the connections end with it."""
    garbage = GET * 3 + bytes(range(256)) * 100 + b"\xff\xff\xff\xff" + b"HTTP/1.1 200 OK\r\n\r\n"
    connections = 0

    async def switching(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_message(reader)
        writer.write(SWITCH)
        got = await reader.readexactly(len(garbage))
        writer.write(got[::-1])
        await reader.read(-1)

    await world.origin(switching)
    await world.run()
    client = await world.client()
    client.send(SOCKET + garbage)
    assert b" 101 " in await client.reader.readuntil(b"\r\n\r\n")
    assert await client.reader.readexactly(len(garbage)) == garbage[::-1]
    client.writer.close()
    await settled(world)
    assert connections == 1
    assert not any(target.pool for target in world.targets)
    assert world.counters["RequestCount"] == 1
