"""Floods and broken frames end a connection of HTTP/2, and what is held of it is given back."""

import struct
from collections.abc import Callable

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.lb.http2.connection import MOST_CONTROL_FRAMES as FRAMES
from services.lb.http2.connection import MOST_RESETS
from services.lb.serving.outcome import Cause, Phase
from tests.eventually import eventually
from tests.lb.http2_client import connect, frame, head, told, waiting
from tests.lb.world import SELECTORS, FixedResponse, World, ended, in_world, ok, run_in_world

FLOODS: dict[str, Callable[[int], bytes]] = {
    "pings": lambda _: frame(6, 0, 0, b"12345678"),
    "settings": lambda _: frame(4, 0, 0, b""),
    "priorities": lambda n: frame(2, 0, 2 * n + 1, struct.pack(">IB", 0, 1)),
    "unknown frames": lambda _: frame(99, 0, 0, b""),
    "window updates": lambda _: frame(8, 0, 0, struct.pack(">I", 1)),
    "acknowledged settings": lambda _: frame(4, 1, 0, b""),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods(flood: str) -> None:
    async def run(world: World) -> None:
        await world.run(action=FixedResponse(200))
        client = await connect(world)
        assert (await client.ask()).status == 200
        client.writer.write(b"".join(FLOODS[flood](n) for n in range(3 * FRAMES)))
        assert await told(client) == ErrorCodes.ENHANCE_YOUR_CALM
        await eventually(lambda: not world.node.plane.clients)

    for kind in SELECTORS.values():
        run_in_world(kind, run)


@in_world
async def test_empty_data_frames_are_a_flood(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await connect(world)
    number = client.request(head("POST"), b"a", end=False)
    client.writer.write(frame(0, 0, number, b"") * (2 * FRAMES))
    assert await told(client) == ErrorCodes.ENHANCE_YOUR_CALM
    await eventually(lambda: world.targets[0].in_flight == 0)
    assert origin.requests == []


@in_world
async def test_a_long_answer_through_small_windows_is_none(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"x" * (3 * FRAMES * 100))
    await world.run()
    client = await connect(world)
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 200})
    client.flush()
    await client.until(lambda: client.protocol.local_settings.initial_window_size == 200)
    assert len((await client.ask()).body) == 3 * FRAMES * 100  # with an update of both windows for each 100 bytes or so


@in_world
async def test_a_client_that_remembers_much_is_not_followed(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    client.protocol.update_settings({SettingCodes.HEADER_TABLE_SIZE: 1 << 30})
    client.flush()
    assert (await client.ask()).status == 200
    assert client.served._h2.encoder.header_table_size == 4096


@in_world
async def test_rapid_resets_are_a_flood(world: World) -> None:
    _, client = await waiting(world)
    for _ in range(2 * MOST_RESETS):
        client.reset(client.request(head()))
    assert await told(client) == ErrorCodes.ENHANCE_YOUR_CALM
    await eventually(lambda: world.targets[0].in_flight == 0)
    assert client.served.held == 0


@in_world
async def test_a_head_without_an_end_is_a_flood(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    client.writer.write(frame(1, 0, 1, b"\x82") + frame(9, 0, 1, b"\0" * 16384) * 20)
    assert await told(client) == ErrorCodes.ENHANCE_YOUR_CALM
    await eventually(lambda: not world.node.plane.clients)
    assert world.node.plane.selector.held == 0


@in_world
async def test_what_is_held_of_a_head_is_counted_and_no_frame_is_held_that_is_too_large(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    assert (await client.ask()).status == 200
    client.writer.write(frame(1, 0, 3, b"\0" * 9000))
    await eventually(lambda: client.served.held == 9009)
    assert world.node.plane.selector.held == 9009
    assert not client.served.is_idle
    other = await connect(world)
    other.writer.write(frame(0, 0, 1, b"x" * (1 << 20))[:9])  # its head is enough
    assert await told(other) == ErrorCodes.FRAME_SIZE_ERROR
    client.served.shed()
    assert world.node.plane.selector.held == 0


@in_world
async def test_a_head_that_is_too_large_ends_the_connection(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    large = b"x" * 9000
    client.protocol.encoder.huffman = False  # type: ignore[attr-defined]  # nothing reads it
    client.request([*head(), *[(b"x-%d" % index, large) for index in range(9)]])
    assert await told(client) in (ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.PROTOCOL_ERROR)


BROKEN = {
    "a request of HTTP/1.1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "data on an idle stream": frame(0, 0, 7, b"x"),
    "an even stream": frame(1, 5, 2, b"\x82\x84\x87"),
    "bad compression": frame(1, 5, 9, b"\xff\xff\xff\xff"),
    "a continuation of nothing": frame(9, 4, 9, b""),
    "a push": frame(5, 4, 1, struct.pack(">I", 2) + b"\x82"),
    "a frame that is too large": frame(0, 0, 1, b"x" * 20000),
    "a goaway with a complaint": frame(7, 0, 0, struct.pack(">II", 0, 1)),
    "a window that is too large": frame(8, 0, 0, struct.pack(">I", 0x7FFFFFFF)),
    "padding that is too long": frame(0, 8, 1, b"\xff"),
    "a setting that cannot be": frame(4, 0, 0, struct.pack(">HI", 2, 7)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_frames_end_the_connection_and_its_streams(what: str) -> None:
    async def run(world: World) -> None:
        origin, client = await waiting(world)
        client.request(head())
        await eventually(lambda: len(origin.requests) == 1)
        client.writer.write(BROKEN[what])
        assert (await told(client) > 0) == (what != "a goaway with a complaint")
        assert ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 1
        await eventually(lambda: world.targets[0].in_flight == 0)

    for kind in SELECTORS.values():
        run_in_world(kind, run)
