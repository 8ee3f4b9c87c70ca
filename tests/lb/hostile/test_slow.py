"""Slow peers: who drips a head is cut off, who drips a body is not, who does not read is, and holds little meanwhile."""

import asyncio

from services.lb.serving.outcome import Cause, Phase
from services.lb.sockets.endpoint import READ_BYTES
from tests.eventually import eventually
from tests.lb.hostile.slow_world import Turned, held, in_slow_world
from tests.lb.hostile.test_resets import settled
from tests.lb.world import World, ended, ok, read_message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
IDLE = 60.0


@in_slow_world
async def test_slowloris(world: World, clock: Turned) -> None:
    """A head must be there within the idle timeout of its first byte, bytes or no bytes; others are served meanwhile."""
    await world.origin()
    await world.run(idle_timeout=IDLE)
    attackers = [await world.client() for _ in range(100)]
    begun = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    for attacker in attackers:
        attacker.send(begun)
    await eventually(lambda: held(world) == 100 * len(begun))
    for dripped in range(1, 4):
        for attacker in attackers:
            attacker.send(b"y")
        await eventually(lambda: held(world), lambda bytes_: bytes_ == 100 * (len(begun) + dripped))  # noqa: B023 - at once
        assert (await (await world.client()).ask()).status == 200
        clock.pass_(IDLE / 4)
    assert ended(world, Phase.REQUEST, Cause.CLIENT_IDLE) == 0
    clock.pass_(IDLE / 2)
    assert {(await attacker.answer()).status for attacker in attackers} == {408}
    assert ended(world, Phase.REQUEST, Cause.CLIENT_IDLE) == 100


@in_slow_world
async def test_a_body_may_take_as_long_as_it_drips(world: World, clock: Turned) -> None:
    """Each byte counts as life (alb:edit-load-balancer-attributes, idle timeout). When none comes any more it is a 408."""

    got = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        await reader.readuntil(b"\r\n\r\n")
        while await reader.read(1):
            got += 1

    await world.origin(counting)
    await world.run(idle_timeout=IDLE)
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    for sent in range(1, 11):
        client.send(b"y")
        await eventually(lambda: got, lambda count: count == sent)  # noqa: B023 - called at once
        clock.pass_(IDLE * 0.75)
    clock.pass_(IDLE)
    assert (await client.answer()).status == 408
    assert ended(world, Phase.WAIT, Cause.CLIENT_IDLE) == 1


@in_slow_world
async def test_an_answer_may_take_as_long_as_it_drips(world: World, clock: Turned) -> None:
    """When nothing comes any more, it is cut: half an answer has been sent."""

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while True:
            await more.wait()
            more.clear()
            writer.write(b"y")

    more = asyncio.Event()
    await world.origin(dripping)
    await world.run(idle_timeout=IDLE)
    client = await world.client()
    client.send(GET)
    await client.reader.readuntil(b"\r\n\r\n")
    for _ in range(10):
        clock.pass_(IDLE * 0.75)
        more.set()
        assert await client.reader.readexactly(1) == b"y"
    clock.pass_(IDLE + 1)
    assert await client.rest() == b""
    assert ended(world, Phase.RESPONSE, Cause.TARGET_IDLE) == 1


@in_slow_world
async def test_readers_that_do_not_read_hold_little_and_are_cut(world: World, clock: Turned) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            await writer.drain()

    await world.origin(endless)
    await world.run(idle_timeout=IDLE)
    clients = [await world.client() for _ in range(20)]
    for client in clients:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
        client.send(GET)
    await eventually(lambda: world.blocked() == 20)
    assert held(world) <= 20 * 2 * READ_BYTES
    clock.pass_(IDLE + 1)
    assert ended(world, Phase.RESPONSE, Cause.CLIENT_IDLE) == 20
    await settled(world)


@in_slow_world
async def test_a_target_that_does_not_read_holds_little_and_is_504(world: World, clock: Turned) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
        await asyncio.Event().wait()

    await world.origin(deaf)
    await world.run(idle_timeout=IDLE)
    clients = [await world.client() for _ in range(5)]
    for client in clients:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" + bytes(8_000_000))
    await eventually(lambda: world.blocked() == 5)
    assert held(world) <= 5 * 2 * READ_BYTES
    clock.pass_(IDLE + 1)
    assert [(await client.answer()).status for client in clients] == [504] * 5
    assert ended(world, Phase.WAIT, Cause.TARGET_IDLE) == 5


@in_slow_world
async def test_a_slow_reader_gets_all_of_it(world: World, clock: Turned) -> None:
    """Who reads a little now and then is never idle, however long it takes him. (Not less than the kernel's buffers hold.)"""
    size = 30_000_000
    origin = await world.origin()
    origin.answer = ok(bytes(size))
    await world.run(idle_timeout=IDLE)
    client = await world.client()
    client.send(GET)
    await client.reader.readuntil(b"\r\n\r\n")
    left = size
    while left:
        left -= len(await client.reader.readexactly(min(left, 3_000_000)))
        clock.pass_(IDLE / 6)
    assert (await client.ask()).status == 200
