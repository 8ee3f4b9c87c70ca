"""One request after another through a real node: framing, headers, keep-alive, pipelining, upgrade."""

import asyncio
import re

from lab.core.elbv2.rules import FixedResponse
from tests.eventually import eventually
from tests.lb.test_http1 import REFUSED
from tests.lb.world import World, in_world, ok, read_message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@in_world
async def test_connections_to_targets_are_reused(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    for _ in range(10):
        assert (await client.ask()).body == b"hello"
    for _ in range(5):
        assert (await (await world.client()).ask()).body == b"hello"
    assert (origin.connections, len(origin.requests)) == (1, 15)
    assert world.counters["RequestCount"] == 15
    assert world.counters["HTTPCode_Target_2XX_Count"] == 15
    assert world.counters["NewConnectionCount"] == 7  # six of clients, one to the target


@in_world
async def test_pipelined_requests_are_served_one_at_a_time_in_order(world: World) -> None:
    origin = await world.origin()
    await world.run()
    count = 4000  # more than the stack is deep, and more than a head may be long
    client = await world.client()
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(count)))
    for _ in range(count):
        assert (await client.answer()).status == 200
    assert [request.first for request in origin.requests] == [b"GET /%d HTTP/1.1" % number for number in range(count)]
    assert origin.connections == 1


@in_world
async def test_pipelined_fixed_responses(world: World) -> None:
    await world.run(action=FixedResponse(404, "text/plain", "nothing here"))
    client = await world.client()
    client.send(GET * 3000)
    for _ in range(3000):
        answer = await client.answer()
        assert (answer.status, answer.body) == (404, b"nothing here")
    assert answer.field("server") == [b"awselb/2.0"]
    assert world.counters.keys() == {"HTTP_Fixed_Response_Count", "NewConnectionCount", "ProcessedBytes"}
    assert world.counters["HTTP_Fixed_Response_Count"] == 3000


@in_world
async def test_any_number_of_empty_lines_before_a_request_is_forgiven(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    client.send(b"\r\n" * 100_000 + GET)
    assert (await client.answer()).status == 200
    client.send(b"\r\n" * 100_000 + b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 11_000)
    assert (await client.answer()).status == 400
    assert len(await client.rest()) == 0
    assert len(origin.requests) == 1


@in_world
async def test_bytes_may_come_one_at_a_time(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    for byte in b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + GET:
        client.send(bytes([byte]))
        await asyncio.sleep(0)
    assert [(await client.answer()).status, (await client.answer()).status] == [200, 200]
    assert [request.body for request in origin.requests] == [b"abc", b""]


@in_world
async def test_what_the_target_learns_of_the_client(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    await client.ask(fields="X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n")
    await client.ask(
        fields="X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Amzn-Trace-Id: Root=1-a-b;k=v\r\n"
    )
    first, second = origin.requests
    assert first.field("x-forwarded-for") == [b"127.0.0.1"]
    assert first.field("x-forwarded-proto") == [b"http"]
    assert first.field("x-forwarded-port") == [b"80"]
    assert re.fullmatch(rb"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", first.field("x-amzn-trace-id")[0])
    assert second.field("x-forwarded-for") == [b"1.1.1.1, 2.2.2.2, 127.0.0.1"]
    assert re.fullmatch(rb"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-a-b;k=v", second.field("x-amzn-trace-id")[0])


@in_world
async def test_more_than_30_forwarded_addresses(world: World) -> None:
    await world.origin()
    await world.run()
    client = await world.client()
    assert (await client.ask(fields=f"X-Forwarded-For: {', '.join(['1.1.1.1'] * 30)}\r\n")).status == 200
    assert (await client.ask(fields=f"X-Forwarded-For: {', '.join(['1.1.1.1'] * 31)}\r\n")).status == 463


@in_world
async def test_http_1_0(world: World) -> None:
    origin = await world.origin()
    await world.run()
    assert (await world.ask(b"GET / HTTP/1.0\r\n\r\n")).endswith(b"Connection: close\r\n\r\nhello")
    assert origin.requests[0].first == b"GET / HTTP/1.1"
    assert origin.requests[0].field("host") == [b"lb.example"]
    client = await world.client()
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await client.answer()).field("connection") == [b"keep-alive"]
    assert origin.connections == 1


@in_world
async def test_a_client_of_http_1_0_gets_no_chunks(world: World) -> None:
    origin = await world.origin()
    origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"
    await world.run()
    answer = await world.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"


@in_world
async def test_connection_close_from_either_side(world: World) -> None:
    origin = await world.origin()
    await world.run()
    assert b"Connection: close" in await world.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)
    assert len(origin.requests) == 1  # what was pipelined behind the last request is not served
    origin.answer = ok(extra=b"Connection: close\r\n")
    client = await world.client()
    assert (await client.ask()).field("connection") == [b"keep-alive"]
    assert (await client.ask()).field("connection") == [b"keep-alive"]
    assert origin.connections == 2


@in_world
async def test_answers_without_a_body(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    for status in [b"204 No Content", b"304 Not Modified"]:
        origin.answer = b"HTTP/1.1 " + status + b"\r\n\r\n"
        client.send(GET)
        assert (await client.answer(no_body=True)).first == b"HTTP/1.1 " + status
    assert origin.connections == 1


@in_world
async def test_head(world: World) -> None:
    origin = await world.origin()
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    await world.run()
    client = await world.client()
    for _ in range(3):
        client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer(no_body=True)).field("content-length") == [b"5"]
    assert origin.connections == 1


@in_world
async def test_expect_100_continue_is_answered_here(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await world.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.answer(no_body=True)).first == b"HTTP/1.1 100 Continue"
    client.send(b"abc")
    assert (await client.answer()).status == 200
    assert origin.requests[0].body == b"abc"
    assert origin.requests[0].field("expect") == []


@in_world
async def test_interim_answers(world: World) -> None:
    origin = await world.origin()
    origin.answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok()
    await world.run()
    client = await world.client()
    for _ in range(2):
        client.send(GET)
        assert (await client.answer(no_body=True)).first == b"HTTP/1.1 103 Early Hints"
        assert (await client.answer()).body == b"hello"
    assert origin.connections == 1


@in_world
async def test_an_upgrade_becomes_a_tunnel(world: World) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_message(reader)
        assert request.field("upgrade") == [b"websocket"]
        assert request.field("connection") == [b"Upgrade"]
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst")
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    await world.origin(echo)
    await world.run()
    client = await world.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly")
    answer = await client.answer(no_body=True)
    assert (answer.status, answer.field("connection"), answer.field("upgrade")) == (101, [b"Upgrade"], [b"websocket"])
    data = bytes(range(256)) * 4000
    client.send(data)
    echoed = await client.reader.readexactly(len(b"firstearly") + len(data))
    assert sorted(echoed[:10]) == sorted(b"firstearly")
    assert echoed[10:] == data
    client.writer.close()
    await eventually(lambda: world.targets[0].in_flight == 0 and not world.targets[0].connections)


@in_world
async def test_what_a_target_says_last_in_a_tunnel_arrives(world: World) -> None:
    async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"x" * 20_000_000)

    await world.origin(leaving)
    await world.run()
    client = await world.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert (await client.answer(no_body=True)).status == 101
    assert len(await client.rest()) == 20_000_000
    await eventually(lambda: world.targets[0].in_flight == 0 and not world.targets[0].connections)


@in_world
async def test_hostile_heads_end_the_connection(world: World) -> None:
    origin = await world.origin()
    await world.run()
    for head, _ in REFUSED:
        status = (await world.ask(head + b"\r\n\r\n" + GET))[:13]
        assert re.match(rb"HTTP/1.1 (400|405|414|501|505) ", status), head
    assert origin.requests == []
    assert (await (await world.client()).ask()).status == 200


@in_world
async def test_hostile_heads_byte_by_byte_end_the_same(world: World) -> None:
    await world.origin()
    await world.run()
    for head, _ in [pair for pair in REFUSED if len(pair[0]) < 100]:
        whole = await world.ask(head + b"\r\n\r\n")
        client = await world.client()
        for byte in head + b"\r\n\r\n":
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.rest())[:12] == whole[:12], head


@in_world
async def test_a_split_answer_head(world: World) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_message(reader)
            for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
                writer.write(bytes([byte]))
                await asyncio.sleep(0)

    await world.origin(dripping)
    await world.run()
    client = await world.client()
    for _ in range(3):
        assert (await client.ask()).body == b"hello"


@in_world
async def test_keep_alive_ends_with_the_connections_age(world: World) -> None:
    await world.origin()
    await world.run(client_keep_alive=0.01)
    client = await world.client()
    await asyncio.sleep(0.02)
    assert (await client.ask()).field("connection") == [b"close"]
    assert await client.rest() == b""
