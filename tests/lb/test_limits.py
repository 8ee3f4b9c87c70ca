"""A worker within its allowance: too many connections, too many bytes, and who has to give way."""

import asyncio
from dataclasses import replace
from typing import Any

from services.lb.node.allowance import UNLIMITED
from tests.eventually import eventually
from tests.lb.world import Peer, World, in_world

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
END = b"\r\n0\r\n\r\n"


def limit(world: World, **changes: Any) -> None:
    world.node.plane.limits.allowance = replace(UNLIMITED, **changes)


async def busy(world: World, count: int) -> list[Peer]:
    """Clients whose requests the first origin holds."""
    origin = world.origins[0]
    origin.held = origin.held or asyncio.Event()
    before = len(origin.requests)
    peers = [await world.client() for _ in range(count)]
    for peer in peers:
        peer.send(GET)
    await eventually(lambda: len(origin.requests) == before + count)
    return peers


@in_world
async def test_too_many_connections_are_told_so(world: World) -> None:
    origin = await world.origin()
    await world.run()
    limit(world, connections=4, refusals=2)
    served = await busy(world, 4)
    for _ in range(3):  # nobody takes notice of those who were refused and left
        refused = await world.client()
        refused.send(GET)
        answer = await refused.answer()
        assert (answer.status, answer.field("connection")) == (503, [b"close"])
        assert await refused.rest() == b""
        refused.writer.close()
    assert world.counters["RejectedConnectionCount"] == 3
    assert world.counters["NewConnectionCount"] == 8  # four of clients, four to the target
    assert origin.held is not None
    origin.held.set()
    assert [(await peer.answer()).status for peer in served] == [200] * 4


@in_world
async def test_where_not_even_a_refusal_fits_connections_wait(world: World) -> None:
    origin = await world.origin()
    await world.run()
    limit(world, connections=4, refusals=2)
    served = await busy(world, 4)
    refused = [await world.client() for _ in range(2)]
    for peer in refused:
        assert (await peer.answer()).status == 503  # and stays, though it is asked to go
    waiting = await world.client()
    waiting.send(GET)
    await eventually(lambda: world.node.listeners[80].paused)
    assert len(world.node.plane.clients) == 6
    assert origin.held is not None
    origin.held.set()
    assert (await waiting.answer()).status == 200
    assert [(await peer.answer()).status for peer in served] == [200] * 4
    assert world.counters["RejectedConnectionCount"] == 2


@in_world
async def test_the_longest_idle_make_room(world: World) -> None:
    await world.origin()
    await world.run()
    limit(world, connections=16, refusals=2)
    idle = [await world.client() for _ in range(14)]
    for peer in [*idle[7:], *idle[:7]]:
        assert (await peer.ask()).status == 200
    assert (await (await world.client()).ask()).status == 200  # 14 of 16 are not nine tenths
    assert (await (await world.client()).ask()).status == 200  # 15 are: back to 14
    assert await idle[7].rest() == b""
    for peer in [*idle[:7], *idle[8:]]:
        assert (await peer.ask()).status == 200
    assert "RejectedConnectionCount" not in world.counters


async def slow_reader(world: World) -> Peer:
    """A client that asked for more than it reads, so that some of it waits in the node."""
    peer = await world.client()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a StreamWriter's transport reads, too
    peer.send(GET)
    await eventually(lambda: world.pending())
    return peer


async def rest_of_answer(peer: Peer) -> bytes:
    """All of it, head included."""
    data = bytearray()
    while not data.endswith(END):
        piece = await peer.reader.read(1 << 20)
        assert piece
        data += piece
    return bytes(data)


async def world_with_much_to_read(world: World) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(400):
                writer.write(b"8000\r\n%b\r\n" % (b"x" * 0x8000))
                await writer.drain()
            writer.write(END[2:])

    await world.origin(serve)
    await world.run()


@in_world
async def test_who_asks_while_too_much_waits_is_refused(world: World) -> None:
    await world_with_much_to_read(world)
    limit(world, buffered=1000, patience=3600.0)
    slow = await slow_reader(world)
    client = await world.client()
    answer = await client.ask()
    assert (answer.status, answer.field("connection")) == (503, [b"keep-alive"])
    assert world.counters["HTTPCode_ELB_503_Count"] == 1
    held = world.node.plane.selector.held
    assert held == sum(world.pending()) > 1000
    slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    assert (await rest_of_answer(slow)).endswith(END)
    assert world.node.plane.selector.held == 0
    client.send(GET)
    assert (await rest_of_answer(client)).endswith(END)


@in_world
async def test_who_does_not_read_is_cut_before_others_suffer(world: World) -> None:
    await world_with_much_to_read(world)
    limit(world, buffered=1000, patience=0.0)
    slow = await slow_reader(world)
    await eventually(lambda: not world.pending())
    other = await world.client()
    other.send(GET)
    assert (await rest_of_answer(other)).startswith(b"HTTP/1.1 200 OK")
    slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    assert not (await slow.rest()).endswith(END)


@in_world
async def test_heads_that_do_not_come_to_an_end_count(world: World) -> None:
    await world.origin()
    await world.run()
    limit(world, buffered=4000, patience=0.0)
    slow = await world.client()
    slow.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: %b" % (b"a" * 5000))
    answer = await slow.answer()
    assert (answer.status, answer.field("connection")) == (503, [b"close"])
    assert await slow.rest() == b""
    assert (await (await world.client()).ask()).status == 200


@in_world
async def test_heads_are_left_alone_while_there_is_room(world: World) -> None:
    await world.origin()
    await world.run()
    limit(world, buffered=6000, patience=0.0)
    slow = await world.client()
    slow.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: %b" % (b"a" * 5000))
    await eventually(lambda: world.node.plane.selector.held > 5000)  # the sweep has seen it
    slow.send(b"\r\n\r\n")
    assert (await slow.answer()).status == 200


@in_world
async def test_descriptors_that_run_short_are_taken_from_the_pools(world: World) -> None:
    await world.origin()
    await world.run()
    limit(world, connections=16)
    peers = await busy(world, 8)
    held = world.origins[0].held
    assert held is not None
    held.set()
    for peer in peers:
        assert (await peer.answer()).status == 200
    assert len(world.targets[0].pool) == 8
    limit(world, descriptors=20)  # of which 17 are taken: more than four fifths
    await eventually(lambda: world.targets[0].pool == [])
    for peer in peers:
        assert (await peer.ask()).status == 200
