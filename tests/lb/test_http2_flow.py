"""HTTP/2's flow control: bodies both ways through small windows, and who waits for whom."""

import asyncio

from h2.settings import SettingCodes

from services.lb.http2.connection import WINDOW_BYTES
from tests.eventually import eventually
from tests.lb.http2_client import connect, head
from tests.lb.world import World, in_world, ok, read_message

BODY = bytes(range(256)) * 4096  # 1 MB


@in_world
async def test_a_large_body_through_windows(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(BODY)
    await world.run()
    client = await connect(world)
    answer = await client.ask()
    assert answer.body == BODY
    origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert (await client.ask()).body == BODY
    assert origin.connections == 1


@in_world
async def test_an_answer_waits_for_the_clients_window(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(BODY)
    await world.run()
    client = await connect(world)
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    client.takes = False
    client.flush()
    await client.until(lambda: client.protocol.local_settings.initial_window_size == 1000)
    number = client.request(head())
    one = client.answers[number]
    await client.until(lambda: len(one.body) == 1000)
    [stream] = client.served._streams.values()
    await eventually(lambda: stream.is_blocked)
    assert 0 < stream.held <= 4 * 65536
    origin.answer = ok()
    small = client.request(head(path="/small"))  # nobody else waits
    assert (await client.answer(small)).body == b"hello"
    client.protocol.increment_flow_control_window(10, number)
    client.flush()
    await client.until(lambda: len(one.body) == 1010)
    client.protocol.increment_flow_control_window(len(BODY), number)
    client.protocol.increment_flow_control_window(len(BODY))
    client.flush()
    await client.answer(number)
    assert one.body == BODY
    assert client.served.held == 0
    assert world.node.plane.selector.held == 0


@in_world
async def test_settings_open_windows_too(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"x" * 5000)
    await world.run()
    client = await connect(world)
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    client.flush()
    await client.until(lambda: client.protocol.local_settings.initial_window_size == 0)
    number = client.request(head())
    await client.until(lambda: client.answers[number].fields)
    assert not client.answers[number].body
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 6000})
    client.flush()
    assert len((await client.answer(number)).body) == 5000


@in_world
async def test_a_large_upload(world: World) -> None:
    origin = await world.origin()
    await world.run()
    client = await connect(world)
    for body, fields in ((BODY[:150_000], head("POST")), (BODY, head("POST", content_length=str(len(BODY))))):
        number = client.request(fields, end=False)
        await client.upload(number, body)
        assert (await client.answer(number)).status == 200
    assert [one.body for one in origin.requests] == [BODY[:150_000], BODY]
    assert world.node.plane.selector.held == 0


@in_world
async def test_the_window_opens_as_the_target_takes_bytes(world: World) -> None:
    go = asyncio.Event()
    taken = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        taken.append((await read_message(reader)).body)
        writer.write(ok())

    body = b"x" * (16 << 20)  # more than all buffers on the way hold
    await world.origin(serve)
    await world.run()
    client = await connect(world)
    number = client.request(head("POST", content_length=str(len(body))), end=False)
    uploading = asyncio.create_task(client.upload(number, body))
    [stream] = await eventually(lambda: list(client.served._streams.values()), len)
    await eventually(lambda: stream.upstream is not None and stream.upstream.is_blocked)
    await eventually(lambda: client.protocol.local_flow_control_window(number) == 0)
    assert client.served.held <= 66_559
    assert not uploading.done()
    go.set()
    await uploading
    assert (await client.answer(number)).status == 200
    assert taken == [body]


@in_world
async def test_streams_take_turns(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(BODY)
    await world.run()
    client = await connect(world)
    numbers = [client.request(head()) for _ in range(8)]
    for number in numbers:
        assert (await client.answer(number)).body == BODY
    assert world.node.plane.selector.held == 0


@in_world
async def test_who_does_not_read_is_not_read_and_holds_little(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(BODY)
    await world.run()
    client = await connect(world, buffers=8192)
    client.protocol.increment_flow_control_window(1 << 30)
    client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 30})
    client.flush()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a StreamWriter's transport reads, too
    for _ in range(20):
        client.request(head())
    await eventually(lambda: client.served.link.pending)
    await eventually(lambda: len(origin.requests) == 20)
    assert len(client.served.link.pending) < 200_000
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    for number in list(client.answers):
        assert (await client.answer(number)).body == BODY


@in_world
async def test_windows_are_what_we_say(world: World) -> None:
    await world.origin()
    await world.run()
    client = await connect(world)
    await client.ask()
    remote = client.protocol.remote_settings
    assert remote.initial_window_size == 65_535
    assert client.protocol.outbound_flow_control_window == WINDOW_BYTES
    assert (remote.max_concurrent_streams, remote.max_header_list_size) == (128, 65536)
