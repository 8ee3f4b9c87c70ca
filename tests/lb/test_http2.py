"""HTTP/2 clients of a node, over TLS, with targets that speak HTTP/1.1. The client's end is `h2`, or bytes."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from h2.settings import SettingCodes

from services.lb.desync import COMPLIANT
from services.lb.http2 import H2Connection
from services.lb.http2_head import read_request
from services.lb.outcome import Cause
from services.lb.request_line import Request
from tests.lb.certificates import trusting
from tests.lb.tls_world import tls
from tests.lb.world import FixedResponse, World, eventually, in_world, ok

Pairs = list[tuple[str, str]]


@dataclass
class Got:
    """What has come on a stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    interim: list[str] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class Client:
    """Reads in the background; windows are opened as bytes come, unless `greedy` is false."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
            )
        )
        self.writer = writer
        self.got: dict[int, Got] = {}
        self.goaway: tuple[int, int] | None = None  # (error code, last stream)
        self.limit = 0
        self.closed = False
        self.greedy = True
        self._reader = reader
        self.h2.initiate_connection()
        self.flush()
        self.task = asyncio.create_task(self._read())

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def request(self, method: str = "GET", path: str = "/", fields: Pairs | None = None, *, end: bool = True) -> int:
        pairs = [(":method", method), (":scheme", "https"), (":authority", "shop.example"), (":path", path)]
        return self.send(pairs + (fields or []), end=end)

    def send(self, pairs: Pairs, *, end: bool = True) -> int:
        number = self.h2.get_next_available_stream_id()
        self.got[number] = Got()
        self.h2.send_headers(number, pairs, end_stream=end)
        self.flush()
        return number

    def data(self, number: int, data: bytes = b"", *, end: bool = False) -> None:
        self.h2.send_data(number, data, end_stream=end)
        self.flush()

    async def upload(self, number: int, data: bytes) -> None:
        while data:
            await eventually(lambda: self.h2.local_flow_control_window(number) > 0)
            size = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            self.data(number, data[:size], end=size >= len(data))
            data = data[size:]

    async def answer(self, number: int) -> Got:
        got = self.got[number]
        await eventually(lambda: got.ended or got.reset is not None or self.closed, deadline=10.0)
        return got

    async def ask(self, method: str = "GET", path: str = "/", fields: Pairs | None = None) -> Got:
        return await self.answer(self.request(method, path, fields))

    async def end(self) -> None:
        await eventually(lambda: self.closed)

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65536):
                for event in self.h2.receive_data(data):
                    self._take(event)
                if not self.writer.is_closing():
                    self.flush()
        except (ConnectionError, h2.exceptions.ProtocolError):
            pass
        self.closed = True

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = (int(event.error_code or 0), event.last_stream_id or 0)
            # h2 would read nothing after a GOAWAY, where answers to what was asked before are still to come.
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            change = event.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
            self.limit = change.new_value if change else self.limit
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.got[event.stream_id].interim.append(str(dict(event.headers)[":status"]))  # type: ignore[index]  # decoded
        elif isinstance(event, h2.events.ResponseReceived):
            self.got[event.stream_id].headers = {str(name): str(value) for name, value in event.headers}
        elif isinstance(event, h2.events.DataReceived):
            self.got[event.stream_id].body += event.data
            if self.greedy:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.got[event.stream_id].ended = True
        elif isinstance(event, h2.events.StreamReset):
            self.got[event.stream_id].reset = int(event.error_code)


async def connect(world: World) -> Client:
    context = trusting()
    context.set_alpn_protocols(["h2"])
    port = world.node.listeners[81].bind_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="shop.example")
    world._writers.append(writer)
    return Client(reader, writer)


async def run(world: World, **changes: Any) -> None:
    """The world's document, its only listener on HTTPS."""
    await world.run()
    document = world.config(*map(world.target, world.origins), **changes)
    [listener] = document.listeners
    secure = replace(listener, protocol="HTTPS", port=81, tls=tls())
    assert world.node.offer(replace(document, listeners=(secure,))), world.node.report().rejected_why


def connections(world: World) -> list[H2Connection]:
    return [client for client in world.node.plane.clients if isinstance(client, H2Connection)]


@in_world
async def test_a_get_goes_on_as_http_1(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"hello", b"X-Mine: Yes\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n")
    await run(world)
    client = await connect(world)
    fields = [
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("x-forwarded-for", "1.1.1.1"),
    ]
    got = await client.ask(
        path="/a?b=c", fields=[*fields, ("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678")]
    )
    assert (got.status, got.body, got.headers["x-mine"]) == (200, b"hello", "Yes")
    assert not {"connection", "keep-alive", "transfer-encoding"} & set(got.headers)
    [request] = [one for one in origin.requests if b"/a" in one.first]
    assert request.first == b"GET /a?b=c HTTP/1.1"
    assert b"\r\nHost: shop.example:81\r\n" in request.head
    assert (
        b"\r\nX-Forwarded-For: 1.1.1.1, 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 81\r\n"
        in request.head
    )
    assert request.field("cookie") == [b"a=1; b=2"]
    assert request.field("te") == request.field("expect") == []
    assert len(request.field("x-amzn-trace-id")) == 1
    assert client.limit == 128


@in_world
async def test_a_post_with_and_without_a_length(world: World) -> None:
    origin = await world.origin()
    await run(world)
    client = await connect(world)
    for fields in ([("content-length", "6")], []):
        number = client.request("POST", "/", fields, end=False)
        client.data(number, b"abc")
        client.data(number, b"def", end=True)
        assert (await client.answer(number)).status == 200
    with_length, without = origin.requests[-2:]
    assert (with_length.body, with_length.field("content-length")) == (b"abcdef", [b"6"])
    assert (without.body, without.field("transfer-encoding")) == (b"abcdef", [b"chunked"])
    assert "DesyncMitigationMode_NonCompliant_Request_Count" not in world.counters
    assert origin.connections == 1


@in_world
async def test_chunks_and_interim_answers_become_frames(world: World) -> None:
    origin = await world.origin()
    origin.answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    await run(world)
    got = await (await connect(world)).ask()
    assert (got.interim, got.status, got.body) == (["103"], 200, b"abcde")


@in_world
async def test_answers_without_a_body_end_with_their_head(world: World) -> None:
    origin = await world.origin()
    await run(world)
    client = await connect(world)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    got = await client.ask("HEAD")
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "5")
    for status in (b"204 No Content", b"304 Not Modified"):
        origin.answer = b"HTTP/1.1 %b\r\n\r\n" % status
        got = await client.ask()
        assert (got.status, got.body, got.ended) == (int(status[:3]), b"", True)


@in_world
async def test_a_hundred_streams_at_once(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client = await connect(world)
    numbers = [client.request(path=f"/{index}") for index in range(100)]
    await eventually(lambda: len(origin.requests) >= 100)
    origin.held.set()
    answers = [await client.answer(number) for number in numbers]
    assert [(got.status, got.body) for got in answers] == [(200, b"hello")] * 100
    await eventually(lambda: world.node.plane.selector.held == 0)


@in_world
async def test_more_streams_than_allowed_are_refused(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client = await connect(world)
    numbers = [client.request() for _ in range(130)]  # before the client knows of the limit
    await eventually(lambda: client.got[numbers[129]].reset is not None)
    origin.held.set()
    answers = [await client.answer(number) for number in numbers]
    assert [got.reset for got in answers] == [None] * 128 + [7, 7]


@in_world
async def test_a_megabyte_both_ways_with_the_default_windows(world: World) -> None:
    origin = await world.origin()
    big = bytes(range(256)) * 4096
    origin.answer = ok(big)
    await run(world)
    client = await connect(world)
    number = client.request("PUT", fields=[("content-length", str(len(big)))], end=False)
    await client.upload(number, big)
    got = await client.answer(number)
    assert got.body == big
    assert origin.requests[-1].body == big


@in_world
async def test_an_answer_waits_for_the_clients_window(world: World) -> None:
    origin = await world.origin()
    big = b"x" * 4_000_000
    origin.answer = ok(big)
    await run(world)
    client = await connect(world)
    client.greedy = False
    number = client.request()
    await eventually(lambda: len(client.got[number].body) == 65535)
    await eventually(lambda: 0 < world.node.plane.selector.held < 500_000)
    client.h2.increment_flow_control_window(8_000_000)
    client.h2.increment_flow_control_window(8_000_000, number)
    client.flush()
    assert (await client.answer(number)).body == big
    await eventually(lambda: world.node.plane.selector.held == 0)


@in_world
async def test_a_client_that_resets_costs_only_its_stream(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client = await connect(world)
    gone, stays = client.request(), client.request()
    await eventually(lambda: len(origin.requests) >= 2)
    client.h2.reset_stream(gone, 8)
    client.flush()
    await eventually(lambda: world.counters.get("HTTPCode_ELB_4XX_Count") == 1)
    origin.held.set()
    assert (await client.answer(stays)).status == 200


@in_world
async def test_a_target_that_breaks_off_resets_the_stream(world: World) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()

    await world.origin(half)
    await run(world)
    got = await (await connect(world)).ask()
    assert (got.status, got.ended, got.reset) == (200, False, 2)


@in_world
async def test_grpc_is_refused_with_464(world: World) -> None:
    await world.origin()
    await run(world)
    client = await connect(world)
    for kind in ("application/grpc", "application/grpc+proto"):
        assert (await client.ask("POST", "/", [("content-type", kind)])).status == 464
    assert (await client.ask("POST", "/", [("content-type", "application/grpcish")])).status == 200
    await run(world, action=FixedResponse(200))  # what no target gets, none need understand
    client = await connect(world)
    assert (await client.ask("POST", "/", [("content-type", "application/grpc")])).status == 200


@in_world
async def test_a_malformed_head_costs_only_its_stream(world: World) -> None:
    await world.origin()
    await run(world)
    client = await connect(world)
    assert (await client.ask(fields=[("connection", "close")])).status == 400
    assert (await client.ask("CONNECT")).status == 405
    number = client.request("POST", "/", [("X-Upper", "1")], end=False)
    assert (await client.answer(number)).status == 400
    assert (await client.ask()).status == 200
    assert client.goaway is None


@in_world
async def test_a_drained_connection_serves_what_is_under_way(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client, idle = await connect(world), await connect(world)
    number = client.request()
    await eventually(lambda: len(origin.requests) >= 1 and len(connections(world)) == 2)
    for connection in connections(world):
        connection.drain()
    await eventually(lambda: client.goaway == (0, number) and idle.goaway == (0, 0) and idle.closed)
    late = client.request()
    assert (await client.answer(late)).reset == 7
    origin.held.set()
    assert (await client.answer(number)).body == b"hello"
    await eventually(lambda: client.closed)


@in_world
async def test_after_the_client_keep_alive_one_more_request_is_served(world: World) -> None:
    await world.origin()
    await run(world, client_keep_alive=1e-6)
    client = await connect(world)
    got = await client.ask()
    assert (got.status, client.goaway) == (200, (0, 1))
    await eventually(lambda: client.closed)


@in_world
async def test_an_idle_connection_ends_for_all_its_pings(world: World) -> None:
    await world.origin()
    await run(world, idle_timeout=0.3)
    client = await connect(world)

    def ping() -> bool:
        if not client.closed:
            client.h2.ping(b"12345678")
            client.flush()
        return client.closed

    await eventually(ping)
    assert client.goaway == (0, 0)


@in_world
async def test_a_stream_whose_target_says_nothing_ends_with_504(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world, idle_timeout=0.3)
    assert (await (await connect(world)).ask()).status == 504


@in_world
async def test_a_flood_of_control_frames_ends_the_connection(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    ping = b"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"
    settings = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\xff\xff"
    empty_data = b"\x00\x00\x00\x00\x00\x00\x00\x00\x01"
    for frame in (ping, settings, empty_data):
        client = await connect(world)
        number = client.request("POST", "/", end=False)
        client.writer.write(frame * 1001)
        await client.end()
        assert client.goaway == (11, number), frame


@in_world
async def test_a_body_that_a_target_does_not_take_is_not_asked_for(world: World) -> None:
    release = asyncio.Event()
    taken = bytearray()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"PUT"):
            await release.wait()
            taken.extend(await reader.readexactly(16_000_000))
        writer.write(ok())
        await writer.drain()

    await world.origin(slow)
    await run(world)
    client = await connect(world)
    number = client.request("PUT", fields=[("content-length", "16000000")], end=False)
    upload = asyncio.create_task(client.upload(number, b"x" * 16_000_000))
    await eventually(lambda: world.pending() and client.h2.local_flow_control_window(number) == 0)
    assert sum(world.pending()) < 200_000
    assert (await client.ask()).status == 200  # the others go on
    release.set()
    await upload
    assert (await client.answer(number)).status == 200
    assert taken == b"x" * 16_000_000


@in_world
async def test_a_body_of_another_length_than_said_ends_the_connection(world: World) -> None:
    await world.origin()
    await run(world)
    for said, sent in (("2", b"abc"), ("4", b"abc")):
        client = await connect(world)
        number = client.request("POST", fields=[("content-length", said)], end=False)
        client.data(number, sent, end=True)
        await client.end()
        assert client.goaway == (1, number)
        assert client.got[number].headers == {}


@in_world
async def test_the_last_of_ten_thousand_requests_is_served(world: World) -> None:
    await world.origin()
    await run(world)
    client = await connect(world)
    assert (await client.ask()).status == 200
    connections(world)[0]._requests = 9_999
    assert (await client.ask()).status == 200
    assert client.goaway == (0, 3)
    await eventually(lambda: client.closed)


@in_world
async def test_a_flood_of_resets_ends_the_connection(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client = await connect(world)
    for _ in range(101):
        client.h2.reset_stream(client.request())
    client.flush()
    await eventually(lambda: client.closed)
    assert client.goaway is not None
    assert client.goaway[0] == 11
    await eventually(lambda: all(target.in_flight == 0 for target in world.targets))


@in_world
async def test_what_is_no_http_2_ends_the_connection_and_its_requests(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await run(world)
    client = await connect(world)
    client.request()
    await eventually(lambda: len(origin.requests) >= 1)
    client.writer.write(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")  # DATA on stream 0
    await eventually(lambda: client.closed)
    assert client.goaway == (1, 1)
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 1
    await eventually(lambda: not connections(world) and world.node.plane.selector.held == 0)


GOOD = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        (GOOD[1:], Cause.BAD_METHOD),
        ([GOOD[0], *GOOD[2:]], Cause.BAD_URI),
        (GOOD[:3], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"a")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"/ HTTP/1.1 x")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"*")], Cause.BAD_URI),
        ([*GOOD[:2], GOOD[3]], Cause.BAD_HOST),
        ([*GOOD, (b"host", b"b")], Cause.BAD_HOST),
        ([*GOOD, (b"host", b"a"), (b"host", b"a")], Cause.BAD_HOST),
        ([*GOOD, GOOD[3]], Cause.BAD_HEADER),
        ([*GOOD, (b":protocol", b"websocket")], Cause.BAD_HEADER),
        ([(b"expect", b"x"), *GOOD], Cause.BAD_HEADER),
        ([(b"te", b"trailers"), *GOOD], Cause.BAD_HEADER),
        ([*GOOD, (b"x-a", b"1\r\nx-smuggled: 1")], Cause.BAD_HEADER),
        ([*GOOD, (b"x-a\r\nx-smuggled", b"1")], Cause.BAD_HEADER),
        ([*GOOD[:3], (b":path", b"/ HTTP/1.1\r\nx-smuggled: 1")], Cause.BAD_HEADER),
        ([(b":method", b"GET / HTTP/1.1\r\nx-smuggled: 1\r\n\r\nGET"), *GOOD[1:]], Cause.BAD_HEADER),
        ([*GOOD[:3], (b"a", b"b"), GOOD[3]], Cause.BAD_HEADER),
        ([*GOOD[:3], (b"cookie", b"b"), GOOD[3]], Cause.BAD_HEADER),
        ([(b":method", b"G T"), *GOOD[1:]], Cause.BAD_METHOD),
        ([(b":method", b"CONNECT"), (b":authority", b"a:1")], Cause.METHOD_NOT_ALLOWED),
        ([(b":method", b"TRACE"), *GOOD[1:]], Cause.METHOD_NOT_ALLOWED),
        *(
            ([*GOOD, pair], Cause.BAD_HEADER)
            for pair in (
                (b"Upper", b"x"),
                (b"under_score", b"x"),
                (b"", b"x"),
                (b"a b", b"x"),
                (b"a:", b"x"),
                (b"x", b"a\r\nb: c"),
                (b"x", b"a\nb"),
                (b"x", b"a\0b"),
                (b"x", b" a"),
                (b"x", b"a\t"),
                (b"x", b"a\x01b"),
                (b"connection", b"close"),
                (b"transfer-encoding", b"chunked"),
                (b"upgrade", b"websocket"),
                (b"keep-alive", b"1"),
                (b"proxy-connection", b"close"),
                (b"te", b"gzip"),
            )
        ),
        ([*GOOD, (b"content-length", b"1")], Cause.BAD_CONTENT_LENGTH),
        ([*GOOD, (b"content-length", b"+0")], Cause.BAD_CONTENT_LENGTH),
        ([*GOOD, (b"content-length", b"0"), (b"content-length", b"0")], Cause.MULTIPLE_CONTENT_LENGTH),
    ],
)
def test_a_head_that_http_1_could_not_say_is_refused(headers: list[tuple[bytes, bytes]], cause: Cause) -> None:
    assert read_request(headers, ended=True)[0] is cause


@pytest.mark.parametrize(
    ("headers", "ended"),
    [
        (GOOD, True),
        ([*GOOD, (b"content-length", b"0")], True),
        ([*GOOD, (b"host", b"A")], True),
        ([*GOOD[:2], GOOD[3], (b"host", b"a")], True),
        ([(b":method", b"OPTIONS"), *GOOD[1:3], (b":path", b"*")], True),
        ([(b":method", b"POST"), *GOOD[1:]], False),
        ([(b":method", b"POST"), *GOOD[1:], (b"content-length", b"3")], False),
    ],
)
def test_an_ordinary_head_is_compliant(headers: list[tuple[bytes, bytes]], ended: bool) -> None:
    request, _ = read_request(headers, ended=ended)
    assert isinstance(request, Request)
    assert request.finding is COMPLIANT
    assert request.line.endswith(b" HTTP/2.0")
    assert request.host == b"a"
