"""HTTP/2 clients of a node, over TLS, with targets that speak HTTP/1.1."""

import asyncio

from h2.errors import ErrorCodes

from services.lb.http2.connection import H2Connection
from tests.lb.http2_client import connect_tls, head, secure, told
from tests.lb.world import FixedResponse, World, eventually, in_world, ok


def connections(world: World) -> list[H2Connection]:
    return [client for client in world.node.plane.clients if isinstance(client, H2Connection)]


@in_world
async def test_a_get_goes_on_as_http_1(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"hello", b"X-Mine: Yes\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n")
    await secure(world)
    client = await connect_tls(world)
    fields = [
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"te", b"trailers"),
        (b"expect", b"100-continue"),
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-amzn-trace-id", b"Root=1-67891233-abcdef012345678912345678"),
    ]
    got = await client.ask([*head(path="/a?b=c"), *fields])
    assert (got.status, got.body, got.get("x-mine")) == (200, b"hello", [b"Yes"])
    assert not {b"connection", b"keep-alive", b"transfer-encoding"} & {name for name, _ in got.fields}
    [request] = [one for one in origin.requests if b"/a" in one.first]
    assert request.first == b"GET /a?b=c HTTP/1.1"
    assert b"\r\nHost: a.example:81\r\n" in request.head
    assert (
        b"\r\nX-Forwarded-For: 1.1.1.1, 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 81\r\n"
        in request.head
    )
    assert request.field("cookie") == [b"a=1; b=2"]
    assert request.field("te") == request.field("expect") == []
    assert len(request.field("x-amzn-trace-id")) == 1
    assert client.protocol.remote_settings.max_concurrent_streams == 128


@in_world
async def test_a_post_with_and_without_a_length(world: World) -> None:
    origin = await world.origin()
    await secure(world)
    client = await connect_tls(world)
    for fields in (head("POST", content_length="6"), head("POST")):
        number = client.request(fields, end=False)
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
    await secure(world)
    got = await (await connect_tls(world)).ask()
    assert [fields[0] for fields in got.interim] == [(b":status", b"103")]
    assert (got.status, got.body) == (200, b"abcde")


@in_world
async def test_answers_without_a_body_end_with_their_head(world: World) -> None:
    origin = await world.origin()
    await secure(world)
    client = await connect_tls(world)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    got = await client.ask(head("HEAD"))
    assert (got.status, got.body, got.get("content-length")) == (200, b"", [b"5"])
    for status in (b"204 No Content", b"304 Not Modified"):
        origin.answer = b"HTTP/1.1 %b\r\n\r\n" % status
        got = await client.ask()
        assert (got.status, got.body, got.ended) == (int(status[:3]), b"", True)


@in_world
async def test_a_hundred_streams_at_once(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client = await connect_tls(world)
    numbers = [client.request(head(path=f"/{index}")) for index in range(100)]
    await eventually(lambda: len(origin.requests) >= 100)
    origin.held.set()
    answers = [await client.answer(number) for number in numbers]
    assert [(got.status, got.body) for got in answers] == [(200, b"hello")] * 100
    await eventually(lambda: world.node.plane.selector.held == 0)


@in_world
async def test_more_streams_than_allowed_are_refused(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client = await connect_tls(world)
    numbers = [client.request(head()) for _ in range(130)]  # before the client knows of the limit
    await client.until(lambda: client.answers[numbers[129]].reset is not None)
    origin.held.set()
    answers = [await client.answer(number) for number in numbers]
    assert [got.reset for got in answers] == [None] * 128 + [7, 7]


@in_world
async def test_a_megabyte_both_ways_with_the_default_windows(world: World) -> None:
    origin = await world.origin()
    big = bytes(range(256)) * 4096
    origin.answer = ok(big)
    await secure(world)
    client = await connect_tls(world)
    number = client.request(head("PUT", content_length=str(len(big))), end=False)
    await client.upload(number, big)
    got = await client.answer(number)
    assert got.body == big
    assert origin.requests[-1].body == big


@in_world
async def test_an_answer_waits_for_the_clients_window(world: World) -> None:
    origin = await world.origin()
    big = b"x" * 4_000_000
    origin.answer = ok(big)
    await secure(world)
    client = await connect_tls(world)
    client.takes = False
    number = client.request(head())
    await client.until(lambda: len(client.answers[number].body) == 65535)
    await eventually(lambda: 0 < world.node.plane.selector.held < 500_000)
    client.protocol.increment_flow_control_window(8_000_000)
    client.protocol.increment_flow_control_window(8_000_000, number)
    client.flush()
    assert (await client.answer(number)).body == big
    await eventually(lambda: world.node.plane.selector.held == 0)


@in_world
async def test_a_client_that_resets_costs_only_its_stream(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client = await connect_tls(world)
    gone, stays = client.request(head()), client.request(head())
    await eventually(lambda: len(origin.requests) >= 2)
    client.reset(gone)
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
    await secure(world)
    got = await (await connect_tls(world)).ask()
    assert (got.status, got.ended, got.reset) == (200, False, 2)


@in_world
async def test_grpc_is_refused_with_464(world: World) -> None:
    await world.origin()
    await secure(world)
    client = await connect_tls(world)
    for kind in ("application/grpc", "application/grpc+proto"):
        assert (await client.ask(head("POST", content_type=kind))).status == 464
    assert (await client.ask(head("POST", content_type="application/grpcish"))).status == 200
    await secure(world, action=FixedResponse(200))  # what no target gets, none need understand
    client = await connect_tls(world)
    assert (await client.ask(head("POST", content_type="application/grpc"))).status == 200


@in_world
async def test_a_malformed_head_costs_only_its_stream(world: World) -> None:
    await world.origin()
    await secure(world)
    client = await connect_tls(world)
    assert (await client.ask(head(connection="close"))).status == 400
    assert (await client.ask(head("CONNECT"))).status == 405
    number = client.request([*head("POST"), (b"X-Upper", b"1")], end=False)
    assert (await client.answer(number)).status == 400
    assert (await client.ask()).status == 200
    assert client.goaway == -1


@in_world
async def test_a_drained_connection_serves_what_is_under_way(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client, idle = await connect_tls(world), await connect_tls(world)
    number = client.request(head())
    await eventually(lambda: len(origin.requests) >= 1 and len(connections(world)) == 2)
    for connection in connections(world):
        connection.drain()
    await client.until(lambda: client.goaway == ErrorCodes.NO_ERROR)
    assert client.frames.newest == number
    assert (await told(idle), idle.frames.newest) == (ErrorCodes.NO_ERROR, 0)
    late = client.request(head())
    assert (await client.answer(late)).reset == ErrorCodes.REFUSED_STREAM
    origin.held.set()
    assert (await client.answer(number)).body == b"hello"
    await client.end()


@in_world
async def test_after_the_client_keep_alive_one_more_request_is_served(world: World) -> None:
    await world.origin()
    await secure(world, client_keep_alive=1e-6)
    client = await connect_tls(world)
    assert (await client.ask()).status == 200
    assert (await told(client), client.frames.newest) == (ErrorCodes.NO_ERROR, 1)


@in_world
async def test_an_idle_connection_ends_for_all_its_pings(world: World) -> None:
    await world.origin()
    await secure(world, idle_timeout=0.3)
    client = await connect_tls(world)

    async def ping() -> None:
        while not client.closed:
            client.protocol.ping(b"12345678")
            client.flush()
            await asyncio.sleep(0.005)  # more would be a flood

    pings = asyncio.create_task(ping())
    assert (await told(client), client.frames.newest) == (ErrorCodes.NO_ERROR, 0)
    await pings


@in_world
async def test_a_stream_whose_target_says_nothing_ends_with_504(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world, idle_timeout=0.3)
    assert (await (await connect_tls(world)).ask()).status == 504


@in_world
async def test_a_flood_of_control_frames_ends_the_connection(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    ping = b"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"
    settings = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\xff\xff"
    empty_data = b"\x00\x00\x00\x00\x00\x00\x00\x00\x01"
    for frame in (ping, settings, empty_data):
        client = await connect_tls(world)
        number = client.request(head("POST"), end=False)
        client.writer.write(frame * 1001)
        assert (await told(client), client.frames.newest) == (ErrorCodes.ENHANCE_YOUR_CALM, number), frame


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
    await secure(world)
    client = await connect_tls(world)
    number = client.request(head("PUT", content_length="16000000"), end=False)
    upload = asyncio.create_task(client.upload(number, b"x" * 16_000_000))
    await eventually(lambda: world.pending() and client.protocol.local_flow_control_window(number) == 0)
    assert sum(world.pending()) < 200_000
    other = client.answers[client.request(head())]
    await eventually(lambda: other.ended)  # the upload reads on
    assert other.status == 200
    release.set()
    await upload
    assert (await client.answer(number)).status == 200
    assert taken == b"x" * 16_000_000


@in_world
async def test_a_body_of_another_length_than_said_ends_the_connection(world: World) -> None:
    await world.origin()
    await secure(world)
    for said, sent in (("2", b"abc"), ("4", b"abc")):
        client = await connect_tls(world)
        number = client.request(head("POST", content_length=said), end=False)
        client.data(number, sent, end=True)
        assert (await told(client), client.frames.newest) == (ErrorCodes.PROTOCOL_ERROR, number)
        assert client.answers[number].fields == []


@in_world
async def test_the_last_of_ten_thousand_requests_is_served(world: World) -> None:
    await world.origin()
    await secure(world)
    client = await connect_tls(world)
    assert (await client.ask()).status == 200
    connections(world)[0]._requests = 9_999
    assert (await client.ask()).status == 200
    assert (await told(client), client.frames.newest) == (ErrorCodes.NO_ERROR, 3)


@in_world
async def test_a_flood_of_resets_ends_the_connection(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client = await connect_tls(world)
    for _ in range(101):
        client.reset(client.request(head()))
    assert await told(client) == ErrorCodes.ENHANCE_YOUR_CALM
    await eventually(lambda: all(target.in_flight == 0 for target in world.targets))


@in_world
async def test_what_is_no_http_2_ends_the_connection_and_its_requests(world: World) -> None:
    origin = await world.origin()
    origin.held = asyncio.Event()
    await secure(world)
    client = await connect_tls(world)
    client.request(head())
    await eventually(lambda: len(origin.requests) >= 1)
    client.writer.write(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")  # DATA on stream 0
    assert (await told(client), client.frames.newest) == (ErrorCodes.PROTOCOL_ERROR, 1)
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 1
    await eventually(lambda: not connections(world) and world.node.plane.selector.held == 0)
