"""Bodies in both directions: every framing, back-pressure, ends that come too early."""

import asyncio

from tests.eventually import eventually
from tests.lb.world import World, in_world, ok, read_message

MEGABYTES = bytes(range(256)) * 4096 * 5  # 5 MB
MORE = MEGABYTES * 5  # more than the kernel's buffers on a loopback connection hold


def chunks(body: bytes, size: int) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x;ext\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\n"


@in_world
async def test_chunked_both_ways(world: World) -> None:
    origin = await world.origin()
    body = MEGABYTES[:70_000]
    origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body, 1777)
    await world.run()
    client = await world.client()
    for _ in range(3):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body[:20_000], 999))
        assert (await client.answer()).body == body
    assert [len(request.body) for request in origin.requests] == [20_000] * 3
    assert origin.connections == 1


@in_world
async def test_large_bodies_both_ways_with_a_slow_reader(world: World) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        got = await reader.readexactly(len(MORE))
        answering.set()
        writer.write(ok(got))
        await writer.drain()

    go, answering = asyncio.Event(), asyncio.Event()
    await world.origin(slow)
    await world.run()
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(MORE))
    client.send(MORE)
    await eventually(world.pending)
    assert sum(world.pending()) < 200_000  # the rest waits in the client
    go.set()
    await answering.wait()
    await eventually(world.blocked)
    assert sum(world.pending()) < 200_000
    assert (await client.answer()).body == MORE


@in_world
async def test_an_answer_that_ends_with_the_connection(world: World) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + MEGABYTES[:100_000])

    await world.origin(old)
    await world.run()
    answer = await world.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.endswith(b"Connection: close")
    assert body == MEGABYTES[:100_000]


@in_world
async def test_the_target_dies_within_its_answer(world: World) -> None:
    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

    await world.origin(dying)
    await world.run()
    assert (await world.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).endswith(b"\r\n\r\nonly this")
    assert world.targets[0].errors == 1


@in_world
async def test_a_broken_chunk_in_the_answer_ends_it(world: World) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        await seen.wait()
        writer.write(b"0x3\r\nabc\r\n0\r\n\r\n")
        await reader.read()

    seen = asyncio.Event()
    await world.origin(broken)
    await world.run()
    client = await world.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.reader.readuntil(b"abc\r\n")).startswith(b"HTTP/1.1 200 OK")
    seen.set()
    assert await client.rest() == b""


@in_world
async def test_a_broken_chunk_in_the_request_is_a_400(world: World) -> None:
    origin = await world.origin()
    await world.run()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await world.ask(head + b"+3\r\nabc\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    client = await world.client()
    client.send(head + b"3\r\nabc\r\n")
    await eventually(lambda: origin.connections == 1)
    client.send(b"1_0\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert origin.requests == []
    await eventually(lambda: origin.open == 0)


@in_world
async def test_surplus_bytes_end_a_targets_connection(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok() + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    await world.run()
    client = await world.client()
    for _ in range(3):
        assert (await client.ask()).body == b"hello"
    assert origin.connections == 3


@in_world
async def test_an_answer_before_the_request_has_ended(world: World) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok(b"too large", status=b"413 Content Too Large"))

    await world.origin(hasty)
    await world.run()
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(MEGABYTES))
    client.send(MEGABYTES[:1_000_000])
    answer = await client.answer()
    assert (answer.status, answer.body, answer.field("connection")) == (413, b"too large", [b"close"])
    assert await client.rest() == b""


@in_world
async def test_a_client_that_leaves_amid_its_body(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    await eventually(lambda: origin.connections == 1)
    client.writer.write_eof()
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    await eventually(lambda: origin.open == 0)
