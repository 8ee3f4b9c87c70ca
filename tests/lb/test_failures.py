"""What goes wrong on either side, and what a client then sees and the counters say."""

import asyncio
import socket
import struct
from socket import SocketType
from typing import Any

import pytest

from services.lb.serving.downstream import Client
from services.lb.serving.outcome import VERDICTS, Cause, Outcome, Phase
from services.lb.serving.plane import Plane
from services.lb.sockets.selector import serving_selector
from tests.eventually import eventually
from tests.lb.world import Origin, World, ended, in_world, ok, read_message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


def test_a_pair_that_cannot_happen_is_not_in_the_table() -> None:
    with pytest.raises(KeyError):
        VERDICTS[Outcome(Phase.TUNNEL, Cause.NO_TARGETS)]


@in_world
async def test_no_targets_is_503_and_keeps_the_connection(world: World) -> None:
    await world.run()
    client = await world.client()
    for _ in range(2):
        answer = await client.ask()
        assert (answer.status, answer.field("server")) == (503, [b"awselb/2.0"])
    assert b"<center><h1>503 Service Temporarily Unavailable</h1></center>" in answer.body
    counted = {name: count for name, count in world.counters.items() if name != "ProcessedBytes"}
    assert counted == {"HTTPCode_ELB_5XX_Count": 2, "HTTPCode_ELB_503_Count": 2, "NewConnectionCount": 1}


@in_world
async def test_a_target_that_refuses_is_502(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        await world.run(world.target(Origin(unused.getsockname()[1])))
        client = await world.client()
        assert (await client.ask()).status == 502
        client.send(POST + GET)
        assert [(await client.answer()).status, (await client.answer()).status] == [502, 502]
    assert world.counters["TargetConnectionErrorCount"] == 3
    assert world.counters["HTTPCode_ELB_502_Count"] == 3
    assert world.counters["RequestCount"] == 3
    assert (world.targets[0].errors, world.targets[0].in_flight) == (3, 0)


@in_world
async def test_a_target_that_closes_without_an_answer_is_502(world: World) -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_message(reader)
        if b"/reset" in request.first:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    await world.origin(closing)
    await world.run()
    client = await world.client()
    assert [(await client.ask()).status, (await client.ask("/reset")).status] == [502, 502]
    assert ended(world, Phase.WAIT, Cause.TARGET_CLOSED) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_answer_is_502(garbage: bytes) -> None:
    @in_world
    async def scenario(world: World) -> None:
        (await world.origin()).answer = garbage
        await world.run()
        client = await world.client()
        assert (await client.ask()).status == 502
        assert world.counters["HTTPCode_ELB_502_Count"] == 1

    scenario(serving_selector)


@in_world
async def test_a_silent_target_is_504(world: World) -> None:
    await world.origin(never)
    await world.run(idle_timeout=0.2)
    client = await world.client()
    assert (await client.ask()).status == 504
    assert ended(world, Phase.WAIT, Cause.TARGET_IDLE) == 1


@in_world
async def test_a_target_that_stops_amid_its_answer_is_cut(world: World) -> None:
    (await world.origin()).answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    await world.run(idle_timeout=0.2)
    assert (await world.ask(GET)).endswith(b"\r\n\r\nabc")
    assert ended(world, Phase.RESPONSE, Cause.TARGET_IDLE) == 1


@in_world
async def test_a_connect_that_hangs_is_504(world: World) -> None:
    # A listener whose queue is full: the kernel drops further attempts to connect.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        try:
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            await world.run(world.target(Origin(port)))
            client = await world.client()
            client.send(GET)
            await eventually(lambda: world.targets[0].in_flight == 1)
            sweep_later(world.node.plane, 9.0)
            assert world.targets[0].in_flight == 1
            sweep_later(world.node.plane, 11.0)
            assert (await client.answer()).status == 504
            client.send(GET)
            await eventually(lambda: world.targets[0].in_flight == 1)
            await world.run(world.target(Origin(1)), healthy=False)
            assert (await client.answer()).status == 502  # its target vanished: at once
        finally:
            for one in crowd:
                one.close()
    assert ended(world, Phase.CONNECT, Cause.TARGET_IDLE) == 1
    assert world.counters["TargetConnectionErrorCount"] == 1


def sweep_later(plane: Plane, seconds: float) -> None:
    """The sweep as it would run `seconds` from now."""
    plane.selector.now += seconds
    plane.sweep()
    plane.selector.now -= seconds


@in_world
async def test_a_client_that_leaves_is_counted_and_its_target_freed(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await world.client()
    client.send(GET)
    await eventually(lambda: len(origin.requests) == 1)
    client.writer.close()
    await eventually(lambda: world.targets[0].in_flight == 0)
    assert ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 1
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 1
    await eventually(lambda: world.targets[0].connections == set())


@in_world
async def test_idle_clients(world: World) -> None:
    await world.origin()
    await world.run(idle_timeout=0.2)
    silent = await world.client()
    partial = await world.client()
    partial.send(b"GET / HTTP/1.1\r\nHo")
    stalled = await world.client()
    stalled.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    assert await silent.rest() == b""
    assert (await partial.rest()).startswith(b"HTTP/1.1 408 ")
    assert (await stalled.rest()).startswith(b"HTTP/1.1 408 ")


@in_world
async def test_a_head_that_drips_is_cut_off(world: World) -> None:
    await world.run(idle_timeout=0.3)
    client = await world.client()
    client.send(b"GET / HTTP/1.1\r\nX: ")
    answer = asyncio.create_task(client.rest())
    while not answer.done():
        client.send(b"x")
        await asyncio.sleep(0.02)
    assert answer.result().startswith(b"HTTP/1.1 408 ") or answer.result() == b""
    assert ended(world, Phase.REQUEST, Cause.CLIENT_IDLE) == 1


@in_world
async def test_a_stale_pooled_connection_is_tried_once_more(world: World) -> None:
    requests: list[bytes] = []

    async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_message(reader)).first)
        writer.write(ok())
        requests.append((await read_message(reader)).first)  # closes as the second one arrives: just too late to know

    await world.origin(one_each)
    await world.run()
    client = await world.client()
    assert (await client.ask("/1")).status == 200
    assert (await client.ask("/2")).status == 200
    assert requests == [b"GET /1 HTTP/1.1", b"GET /2 HTTP/1.1", b"GET /2 HTTP/1.1"]
    client.send(POST)
    assert (await client.answer()).status == 502  # not idempotent: never sent twice
    assert requests[3:] == [b"POST / HTTP/1.1"]
    assert world.counters["RequestCount"] == 3


@in_world
async def test_a_fresh_connection_is_not_tried_again(world: World) -> None:
    requests: list[bytes] = []

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_message(reader)).first)

    await world.origin(closing)
    await world.run()
    assert (await (await world.client()).ask()).status == 502
    assert len(requests) == 1


@in_world
async def test_idle_connections_to_targets_are_swept(world: World) -> None:
    origin = await world.origin()
    await world.run(idle_timeout=0.2)
    await (await world.client()).ask()
    await eventually(lambda: origin.open == 0)
    assert (await (await world.client()).ask()).status == 200


class Defective:
    """A socket, but reading it raises what no socket does."""

    def __init__(self, sock: SocketType) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, count: int) -> bytes:
        raise RuntimeError("a defect")


@in_world
async def test_a_defect_in_a_handler_costs_one_connection(world: World) -> None:
    await world.origin()
    await world.run()
    victim, other = await world.client(), await world.client()
    assert (await victim.ask()).status == 200
    assert (await other.ask()).status == 200
    newest = max(
        (client for client in world.node.plane.clients if isinstance(client, Client)),
        key=lambda client: client.link.sock.fileno(),
    )
    newest.link.sock = Defective(newest.link.sock)  # type: ignore[assignment]
    victim.send(GET)
    other.send(GET)
    assert sorted([len(await asyncio.wait_for(first_byte(peer.reader), 5)) for peer in (victim, other)]) == [0, 1]
    assert (await (await world.client()).ask()).status == 200


async def first_byte(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1)
    except ConnectionResetError:
        return b""
