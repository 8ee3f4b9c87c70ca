"""How connections and streams of HTTP/2 end: resets, GOAWAY, time."""

from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.lb.http2.connection import MOST_REQUESTS
from services.lb.http2.frames import goaway
from services.lb.serving.outcome import Cause, Phase
from tests.eventually import eventually
from tests.lb.http2_client import connect, head, told, waiting
from tests.lb.world import FixedResponse, World, ended, in_world, ok


@in_world
async def test_a_reset_ends_its_stream_only(world: World) -> None:
    origin, client = await waiting(world)
    given_up, kept = client.request(head()), client.request(head())
    await eventually(lambda: len(origin.requests) == 2)
    client.reset(given_up)
    await eventually(lambda: ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 1)
    assert world.counters["HTTPCode_ELB_4XX_Count"] == 1
    await eventually(lambda: len(world.targets[0].connections) == 1)
    origin.release()
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
    origin, client = await waiting(world)
    for _ in range(3):
        client.request(head())
    await eventually(lambda: len(origin.requests) == 3)
    client.writer.close()
    await eventually(lambda: not world.node.plane.clients)
    assert ended(world, Phase.WAIT, Cause.CLIENT_GONE) == 3
    assert not world.targets[0].connections


@in_world
async def test_bodies_of_another_length_than_announced(world: World) -> None:
    origin, client = await waiting(world)
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
    client.served._requests = MOST_REQUESTS - 2
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
    origin, client = await waiting(world)
    number = client.request(head())
    client.writer.write(goaway(0, ErrorCodes.NO_ERROR))
    client.protocol.ping(b"12345678")
    client.flush()
    await eventually(lambda: len(origin.requests) == 1)
    origin.release()
    assert (await client.answer(number)).status == 200
    assert await told(client) == ErrorCodes.NO_ERROR
    await eventually(lambda: not world.node.plane.clients)


@in_world
async def test_draining_lets_streams_end(world: World) -> None:
    origin, client = await waiting(world)
    idle = await connect(world)
    await eventually(lambda: client.served.is_idle and idle.served.is_idle)
    number = client.request(head())
    await eventually(lambda: len(origin.requests) == 1)
    world.node.worker.drain(20.0)
    assert await told(idle) == ErrorCodes.NO_ERROR
    late = client.request(head())
    await client.until(lambda: client.goaway == ErrorCodes.NO_ERROR)
    await client.until(lambda: client.answers[late].reset is not None)
    assert client.answers[late].reset == ErrorCodes.REFUSED_STREAM
    origin.release()
    assert (await client.answer(number)).status == 200
    await client.end()
    await eventually(lambda: not world.node.plane.clients)
    assert len(origin.requests) == 1


@in_world
async def test_stopping_cuts(world: World) -> None:
    origin, client = await waiting(world)
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
    origin, client = await waiting(world)
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
