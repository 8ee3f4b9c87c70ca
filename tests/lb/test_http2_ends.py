"""How connections and streams of HTTP/2 end: resets, GOAWAY, time, floods, broken frames."""

import asyncio
import struct
from collections.abc import Callable

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.lb import http2
from services.lb.http2 import MOST_CONTROL_FRAMES as FRAMES
from services.lb.http2 import MOST_RESETS
from services.lb.http2_frames import FRAME_BYTES, PREFACE_BYTES, FrameFilter, goaway
from services.lb.outcome import Cause, Phase
from tests.eventually import eventually
from tests.lb.http2_client import connect, head, told
from tests.lb.world import SELECTORS, FixedResponse, World, ended, in_world, ok, run_in_world


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">BHBBI", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


@in_world
async def test_a_reset_ends_its_stream_only(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    given_up, kept = client.request(head()), client.request(head())
    await eventually(lambda: len(origin.requests) == 2)
    client.reset(given_up)
    await eventually(lambda: ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 1)
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 1
    await eventually(lambda: len(world.targets[0].connections) == 1)
    origin.held.set()
    assert (await client.answer(kept)).status == 200
    assert world.node.plane.clients == {client.served}


@in_world
async def test_a_reset_within_an_answer(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"x" * 1_000_000)
    await world.run()
    client = await connect(world)
    client.takes = False
    number = client.request(head())
    await client.until(lambda: len(client.answers[number].body) > 60_000)
    client.reset(number)
    await eventually(lambda: not client.served._streams)
    assert ended(world, Phase.RESPONSE, Cause.CLIENT_GONE) == 1
    assert client.served.held == 0


@in_world
async def test_a_client_that_leaves_ends_all_its_streams(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    for _ in range(3):
        client.request(head())
    await eventually(lambda: len(origin.requests) == 3)
    client.writer.close()
    await eventually(lambda: not world.node.plane.clients)
    assert ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 3
    assert not world.targets[0].connections


@in_world
async def test_bodies_of_another_length_than_announced(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    number = client.request(head("POST", content_length="5"), b"abc", end=False)
    client.protocol.send_headers(number, [(b"x-end", b"1")], end_stream=True)  # too short, which trailers hide from h2
    client.flush()
    assert (await client.answer(number)).status == 400
    assert (await client.ask(head("HEAD", content_length="5"))).status == 400
    assert (await client.ask(head("POST", content_length="5"))).status == 400
    for body in (b"abcdef", b"abc"):
        client = await connect(world)
        client.request(head("POST", content_length="5"), body)
        assert await told(client) == ErrorCodes.PROTOCOL_ERROR
    assert origin.requests == []
    assert len(world.targets[0].pool) == 0


@in_world
async def test_what_is_malformed_is_answered_and_the_rest_goes_on(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await connect(world)
    for fields in (
        head(path="/a b"),
        head(x_own="a\r\nx-smuggled: 1"),
        head(transfer_encoding="chunked"),
        [*head(), (b"X-Upper", b"1")],
        [*head(), (b"x-a\r\nx-smuggled", b"1")],
        head(path="/ HTTP/1.1\r\nx-smuggled: 1\r\n\r\nGET /"),
    ):
        answer = await client.ask(fields)
        assert (answer.status, answer.get("server")) == (400, [b"awselb/2.0"])
    for method in ("TRACE", "CONNECT"):
        assert (await client.ask(head(method))).status == 405
    number = client.request(head(host="b.example"), b"some", end=False)
    answer = await client.answer(number)
    await client.until(lambda: answer.reset is not None)
    assert (answer.status, answer.reset) == (400, 0)
    assert (await client.ask()).status == 200
    assert [one.first for one in origin.requests] == [b"GET / HTTP/1.1"]
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 9


@in_world
async def test_goaway_after_the_last_request_of_a_connection(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    client.served._requests = http2.MOST_REQUESTS - 2
    assert (await client.ask()).status == 200
    assert client.goaway == -1
    last = client.request(head())
    late = client.request(head())
    assert (await client.answer(last)).status == 200
    await client.end()
    assert (client.goaway, client.frames.newest) == (ErrorCodes.NO_ERROR, last)
    assert not client.answers[late].ended


@in_world
async def test_after_keep_alive_has_run_out_one_more_is_served(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await connect(world)
    assert (await client.ask()).status == 200
    client.served._expires = world.node.plane.selector.now
    assert (await client.ask()).status == 200
    assert await told(client) == ErrorCodes.NO_ERROR
    await eventually(lambda: not world.node.plane.clients)
    assert len(origin.requests) == 2


@in_world
async def test_a_client_that_says_goaway_gets_its_answers(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    number = client.request(head())
    client.writer.write(goaway(0, ErrorCodes.NO_ERROR))
    client.protocol.ping(b"12345678")
    client.flush()
    await eventually(lambda: len(origin.requests) == 1)
    origin.held.set()
    assert (await client.answer(number)).status == 200
    assert await told(client) == ErrorCodes.NO_ERROR
    await eventually(lambda: not world.node.plane.clients)


@in_world
async def test_draining_lets_streams_end(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client, idle = await connect(world), await connect(world)
    await eventually(lambda: client.served.is_idle and idle.served.is_idle)
    number = client.request(head())
    await eventually(lambda: len(origin.requests) == 1)
    world.node.worker.drain(20.0)
    assert await told(idle) == ErrorCodes.NO_ERROR
    late = client.request(head())
    await client.until(lambda: client.goaway == ErrorCodes.NO_ERROR)
    await client.until(lambda: client.answers[late].reset is not None)
    assert client.answers[late].reset == ErrorCodes.REFUSED_STREAM
    origin.held.set()
    assert (await client.answer(number)).status == 200
    await client.end()
    await eventually(lambda: not world.node.plane.clients)
    assert len(origin.requests) == 1


@in_world
async def test_stopping_cuts(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    client.request(head())
    await eventually(lambda: len(origin.requests) == 1)
    client.served.abort()
    await client.end()
    assert ended(world, Phase.WAIT, Cause.INTERNAL) == 1
    assert not world.node.plane.clients


@in_world
async def test_pings_do_not_keep_a_connection(world: World) -> None:
    await world.run(action=FixedResponse(200))
    client = await connect(world)
    assert (await client.ask()).status == 200
    before = client.served.last_progress
    client.protocol.ping(b"12345678")
    client.flush()
    await client.turn()
    assert client.served.last_progress == before
    client.served.check(before + 59.0, 60.0)
    assert client.served in world.node.plane.clients
    client.served.check(before + 61.0, 60.0)
    assert await told(client) == ErrorCodes.NO_ERROR
    assert not world.node.plane.clients


@in_world
async def test_what_takes_too_long(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
    waits = client.request(head())
    sends = client.request(head("POST"), b"some", end=False)
    await eventually(lambda: world.targets[0].in_flight == 2 and len(origin.requests) == 1)
    await eventually(lambda: all(s.upstream and not s.upstream.is_blocked for s in client.served._streams.values()))
    client.served.check(world.node.plane.selector.now + 61.0, 60.0)
    assert (await client.answer(waits)).status == 504
    assert (await client.answer(sends)).status == 408
    assert ended(world, Phase.WAIT, Cause.TARGET_IDLE) == 1
    assert ended(world, Phase.WAIT, Cause.CLIENT_IDLE) == 1


@in_world
async def test_a_client_that_does_not_take_its_answer(world: World) -> None:
    await world.run(action=FixedResponse(200, "text/plain", "x" * 1000))
    client = await connect(world)
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100})
    client.flush()
    await client.until(lambda: client.protocol.local_settings.initial_window_size == 100)
    client.takes = False
    number = client.request(head())
    await client.until(lambda: len(client.answers[number].body) == 100)
    assert not client.served.is_idle
    assert client.served.held == 900
    client.served.check(world.node.plane.selector.now + 61.0, 60.0)
    await client.until(lambda: client.answers[number].reset is not None)
    assert client.served.held == world.node.plane.selector.held == 0


@in_world
async def test_one_that_holds_memory_can_be_shed(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"x" * 1_000_000)
    await world.run()
    client = await connect(world)
    client.takes = False
    number = client.request(head())
    await client.until(lambda: len(client.answers[number].body) > 60_000)
    await eventually(lambda: client.served.held)
    client.served.shed()
    assert ended(world, Phase.RESPONSE, Cause.OVERLOADED) == 1
    assert not world.node.plane.clients
    assert world.node.plane.selector.held == 0


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
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    client = await connect(world)
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
        origin = await world.origin()
        origin.held = asyncio.Event()
        await world.run()
        client = await connect(world)
        client.request(head())
        await eventually(lambda: len(origin.requests) == 1)
        client.writer.write(BROKEN[what])
        assert (await told(client) > 0) == (what != "a goaway with a complaint")
        assert ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 1
        await eventually(lambda: world.targets[0].in_flight == 0)

    for kind in SELECTORS.values():
        run_in_world(kind, run)


def test_the_filter_takes_goaways_out_however_frames_are_cut() -> None:
    preface, ping, data = b"p" * PREFACE_BYTES, frame(6, 0, 0, b"12345678"), frame(0, 0, 1, b"\0\0\x08\x07" * 9)
    strange = frame(7, 0, 1, b"12345678") + frame(7, 0, 0, b"short")  # for the protocol to complain about
    stream = preface + ping + goaway(5, 0) + data + strange + frame(7, 0, 0, struct.pack(">II", 3, 2) + b"why") + ping
    for step in range(1, len(stream) + 1):
        frames = FrameFilter(PREFACE_BYTES)
        out = b"".join(frames.feed(stream[at : at + step]) for at in range(0, len(stream), step))
        assert out == preface + ping + data + strange + ping
        assert (frames.goaway, frames.newest, frames.too_large, frames.whole) == (2, 3, False, True)


def test_the_filter_knows_what_is_not_complete() -> None:
    frames = FrameFilter(0)
    for data, whole in (
        (frame(6, 0, 0, b"12345678")[:4], False),
        (frame(6, 0, 0, b"12345678")[4:], True),
        (frame(0, 0, 1, b"abc")[:10], False),
        (b"bc", True),
        (frame(1, 0, 1, b"x"), False),
        (frame(9, 0, 1, b"x"), False),
        (frame(9, 4, 1, b"x"), True),
        (goaway(1, 0)[:12], False),
        (goaway(1, 0)[12:], True),
    ):
        frames.feed(data)
        assert frames.whole == whole


def test_the_filter_refuses_large_frames_by_their_head() -> None:
    frames = FrameFilter(0)
    assert frames.feed(frame(0, 0, 1, b"x" * FRAME_BYTES)) == frame(0, 0, 1, b"x" * FRAME_BYTES)
    assert not frames.too_large
    assert frames.feed(frame(0, 0, 1, b"x" * (FRAME_BYTES + 1))[:9]) == b""
    assert frames.too_large
