"""Connections that are reset or half closed, in every phase, on both sides: nothing is left behind, and others are served."""

import asyncio
import socket
import struct

import pytest

from services.lb.serving.outcome import Cause, Outcome, Phase
from services.lb.sockets.selector import serving_selector
from tests.eventually import eventually
from tests.lb.world import Message, Origin, Peer, World, in_world, ok, read_message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SOCKET = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
HONEST = b"GET /honest HTTP/1.1\r\nHost: a\r\n\r\n"


def reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def half_close(writer: asyncio.StreamWriter) -> None:
    writer.write_eof()


async def settled(world: World) -> None:
    """Nothing of anybody's request is left in the node."""
    await eventually(lambda: not world.node.plane.clients and not any(one.in_flight for one in world.targets))
    pooled = [one for target in world.targets for one in target.connections if one not in target.pool]
    assert pooled == []


async def honest(world: World) -> Message:
    client = await world.client()
    client.send(HONEST)
    answer = await client.answer()
    client.writer.transport.abort()
    return answer


CLIENT_PHASES = {
    "at-once": b"",
    "in-line": b"GET / HT",
    "in-head": b"GET / HTTP/1.1\r\nHost:",
    "in-body": POST + b"abc",
    "before-body": POST,
    "in-chunk-size": CHUNKED + b"5",
    "in-chunk": CHUNKED + b"5\r\nhel",
    "waiting": GET,
    "waiting-body-sent": POST + b"0123456789",
    "waiting-pipelined": GET * 3,
    "after-malformed": b"GET\r\n\r\n",
    "in-malformed-body": CHUNKED + b"x\r\n",
}


@pytest.mark.parametrize("leave", [reset, half_close], ids=["reset", "half-close"])
@pytest.mark.parametrize("said", CLIENT_PHASES.values(), ids=CLIENT_PHASES)
def test_a_client_leaves(said: bytes, leave: object) -> None:
    @in_world
    async def scenario(world: World) -> None:
        async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                if b"/honest" in (await read_message(reader)).first:
                    writer.write(ok(b"honest"))

        await world.origin(patient)
        await world.run()
        client = await world.client()
        client.send(said)
        if said:
            await eventually(lambda: world.node.plane.clients)
            await asyncio.sleep(0)
        assert callable(leave)
        leave(client.writer)
        await settled(world)
        assert (await honest(world)).body == b"honest"

    scenario(serving_selector)


ANSWER_PHASES = {
    "before": b"",
    "in-line": b"HTTP/1.1 20",
    "in-head": b"HTTP/1.1 200 OK\r\nContent-",
    "before-body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "in-body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "in-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "between-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "until-close": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "after-interim": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "in-spliced-body": b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + bytes(100_000),
}


class Leaver(Origin):
    """A target that says `answer` and leaves by `leave`, but to /honest."""

    leave = staticmethod(reset)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_message(reader)
            self.requests.append(request)
            if b"/honest" in request.first:
                writer.write(ok(b"honest"))
                continue
            writer.write(self.answer)
            await writer.drain()
            if self.held is not None:
                await self.held.wait()
            self.leave(writer)
            await reader.read(-1)
            return


@pytest.mark.parametrize("said", [pytest.param(said, id=name) for name, said in ANSWER_PHASES.items()])
def test_a_target_resets(said: bytes) -> None:
    """Before its head is through it is a 502; after that the client's connection ends, and never as if all were well."""

    @in_world
    async def scenario(world: World) -> None:
        leaver = Leaver(answer=said)
        await world.origin(leaver.serve)
        await world.run()
        client = await world.client()
        leaver.held = asyncio.Event()
        client.send(GET)
        await eventually(lambda: leaver.requests)
        if b"\r\n\r\n" in said and b"103" not in said:
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"200 OK" in head
            leaver.held.set()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await client.reader.readexactly(200_000)
            if b"Length" not in said and b"chunked" not in said:
                assert client.reader.exception() is not None  # reset, not closed: its end was not the answer's
            assert len(leaver.requests) == 1
        else:
            leaver.held.set()
            if b"103" in said:
                assert b" 103 " in await client.reader.readuntil(b"\r\n\r\n")
            assert (await client.answer()).status == 502
            client.send(HONEST)
            assert (await client.answer()).body == b"honest"
        client.writer.transport.abort()
        await settled(world)
        assert (await honest(world)).body == b"honest"

    scenario(serving_selector)


@in_world
async def test_a_client_resets_amid_its_answer(world: World) -> None:
    (await world.origin()).answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    await world.run()
    client = await world.client()
    client.send(GET)
    await client.reader.readuntil(b"abc")
    reset(client.writer)
    await settled(world)
    assert world.node.plane.counters.outcomes[Outcome(Phase.RESPONSE, Cause.CLIENT_GONE)] == 1


@in_world
async def test_a_client_resets_amid_an_answer_that_it_does_not_read(world: World) -> None:
    """Spliced or pending: what was on its way is dropped, the target's connection with it."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    await world.origin(endless)
    await world.run()
    client = await world.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
    client.send(GET)
    await eventually(world.blocked)
    reset(client.writer)
    await settled(world)


@pytest.mark.parametrize("who", ["client", "target"])
@pytest.mark.parametrize("leave", [reset, half_close], ids=["reset", "half-close"])
def test_one_side_of_a_tunnel_leaves(who: str, leave: object) -> None:
    """The other side hears of it, and neither connection serves another request."""

    @in_world
    async def scenario(world: World) -> None:
        ends: list[Peer] = []

        async def switching(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_message(reader)
            writer.write(SWITCH)
            ends.append(Peer(reader, writer))
            await closed.wait()

        closed = asyncio.Event()
        await world.origin(switching)
        await world.run()
        client = await world.client()
        client.send(SOCKET)
        await client.reader.readuntil(b"\r\n\r\n")
        sides = {"client": client, "target": ends[0]}
        leaver = sides.pop(who)
        [other] = sides.values()
        assert callable(leave)
        leave(leaver.writer)
        assert await other.rest() == b""
        await settled(world)
        assert not any(target.pool for target in world.targets)
        closed.set()

    scenario(serving_selector)


@in_world
async def test_a_target_that_half_closes_after_its_answer_is_not_used_again(world: World) -> None:
    seen: list[int] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(seen)
        seen.append(number)
        await read_message(reader)
        writer.write(ok(b"%d" % number))
        writer.write_eof()
        await reader.read(-1)

    await world.origin(once)
    await world.run()
    client = await world.client()
    for number in range(3):
        assert (await client.ask()).body == b"%d" % number
        await eventually(lambda: not any(target.pool for target in world.targets))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("request_", "status"),
    [(GET, 200), (POST + b"0123456789", 502), (b"PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", 502)],
    ids=["GET", "POST", "PATCH"],
)
def test_a_target_closes_an_idle_connection_at_the_wrong_moment(request_: bytes, status: int) -> None:
    """It resets a pooled connection upon the request: only what is idempotent, and had no byte of an answer, goes out again."""

    @in_world
    async def scenario(world: World) -> None:
        requests: list[bytes] = []

        async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append((await read_message(reader)).first)
            writer.write(ok())
            requests.append((await read_message(reader)).first)
            reset(writer)

        await world.origin(moody)
        await world.run()
        client = await world.client()
        assert (await client.ask()).status == 200
        client.send(request_)
        assert (await client.answer()).status == status
        assert len(requests) == (3 if status == 200 else 2)

    scenario(serving_selector)


@in_world
async def test_no_request_goes_out_again_once_a_byte_of_its_answer_has_come(world: World) -> None:
    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_message(reader)).first)
        writer.write(ok())
        requests.append((await read_message(reader)).first)
        writer.write(b"H")
        await go.wait()
        reset(writer)

    requests: list[bytes] = []
    go = asyncio.Event()
    await world.origin(moody)
    await world.run()
    client = await world.client()
    assert (await client.ask()).status == 200
    client.send(GET)
    await eventually(lambda: any(link.held for target in world.targets for link in target.connections))
    go.set()
    assert (await client.answer()).status == 502
    assert len(requests) == 2


@in_world
async def test_an_early_answer_reaches_a_client_that_is_still_sending(world: World) -> None:
    """413 and a closed connection while megabytes are under way: the client reads the 413."""

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()

    await world.origin(refusing)
    await world.run()
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n" + bytes(1_000_000))
    answer = await client.answer()
    assert (answer.status, answer.body, answer.field("connection")) == (413, b"no", [b"close"])
    client.writer.transport.abort()
    await settled(world)
