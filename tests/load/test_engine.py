import asyncio
import json

import pytest

from lab.load import Plan, Result, Snapshot, Window, run
from lab.load.result import failure_windows
from tests.load.origin import Request, always, refused_url, response, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def accounted(result: Result) -> int:
    return result.ok + result.failed + result.shed + result.unfinished


async def test_every_request_is_counted_by_status_instance_and_zone() -> None:
    async def handler(request: Request) -> bytes:
        if request.number % 10 == 9:
            return response(b"no", "503 Service Unavailable")
        return response(X_Instance_Id=f"i-{request.number % 2}", X_Availability_Zone="eu-west-1a")

    async with serving(handler) as origin:
        result = await run(Plan((origin.url("/x"),), rate=400, duration=0.25))
    assert origin.lines == {"GET /x HTTP/1.1": 100}
    assert (result.scheduled, result.ok, result.failed, result.shed, result.unfinished) == (100, 90, 10, 0, 0)
    assert result.statuses == {200: 90, 503: 10}
    assert result.instances == {"i-0": 50, "i-1": 40, "-": 10}
    assert result.zones == {"eu-west-1a": 90, "-": 10}
    assert result.errors == {}
    assert result.latency.count == 100
    assert result.body_bytes == 90 * 5 + 10 * 2
    assert sum(window.failed for window in result.windows) == 10
    assert json.loads(json.dumps(result.to_json()))["statuses"] == {"200": 90, "503": 10}


async def test_connections_are_reused() -> None:
    async with serving(always(response())) as origin:
        result = await run(Plan((origin.url(),), rate=200, duration=0.2, max_in_flight=5))
    assert result.ok + result.shed == 40
    assert 1 <= origin.connections <= 5


async def test_a_connection_that_the_server_closes_is_replaced() -> None:
    async with serving(always(response(Connection="close"))) as origin:
        result = await run(Plan((origin.url(),), rate=200, duration=0.1))
    assert result.ok == 20
    assert origin.connections == 20


async def test_several_urls_take_turns() -> None:
    async with serving(always(response(X_Instance_Id="a"))) as a, serving(always(response(X_Instance_Id="b"))) as b:
        result = await run(Plan((a.url(), b.url()), rate=200, duration=0.2))
    assert result.instances == {"a": 20, "b": 20}


async def test_a_post_carries_its_body() -> None:
    async with serving(always(response(b"", "201 Created"))) as origin:
        plan = Plan((origin.url(),), rate=100, duration=0.1, method="POST", body=b'{"a": 1}', headers=(("X-A", "b"),))
        result = await run(plan)
    assert result.statuses == {201: 10}
    assert {request.body for request in origin.requests} == {b'{"a": 1}'}
    assert all("\r\nX-A: b\r\n" in request.head for request in origin.requests)


async def test_chunked_bodies_are_read_to_their_end() -> None:
    async with serving(always(CHUNKED)) as origin:
        result = await run(Plan((origin.url(),), rate=200, duration=0.1, max_in_flight=3))
    assert result.body_bytes == result.ok * 5
    assert result.failed == 0
    assert origin.connections <= 3


async def test_poisson_arrivals_are_all_sent() -> None:
    async with serving(always(response())) as origin:
        results = [await run(Plan((origin.url(),), 200, 0.2, arrivals="poisson", seed=7)) for _ in range(2)]
    assert results[0].ok == results[1].ok > 0
    assert len(origin.requests) == results[0].ok * 2


async def test_a_stall_shows_in_every_request_it_delayed() -> None:
    # Nobody is answered before the 60th request has come, which is due at 0.295 s: so request k takes at least
    # (59 - k) / 200 s, on any machine. A closed loop on one connection would have counted one slow request.
    everybody = asyncio.Event()

    async def handler(request: Request) -> bytes:
        if request.number == 59:
            everybody.set()
        await everybody.wait()
        return response()

    async with serving(handler) as origin:
        result = await run(Plan((origin.url(),), rate=200, duration=0.3))
    assert result.ok == 60
    fortieth = result.latency.percentile(40)
    assert fortieth is not None
    assert fortieth > 0.1 * 0.98
    assert result.latency.maximum >= 0.295


async def test_refused_connections_are_failures() -> None:
    result = await run(Plan((await refused_url(),), rate=100, duration=0.1))
    assert (result.ok, result.failed) == (0, 10)
    assert result.errors == {"connect_refused": 10}
    assert result.latency.count == 0
    assert [window.failed for window in result.windows] == [10]


async def test_a_name_that_does_not_resolve_is_a_failure() -> None:
    result = await run(Plan(("http://nobody.invalid/",), rate=20, duration=0.05))
    assert result.errors == {"connect_failed": 1}


async def test_without_failover_every_second_request_meets_the_dead_one() -> None:
    async with serving(always(response())) as origin:
        result = await run(Plan((origin.url(), await refused_url()), rate=200, duration=0.1))
    assert (result.ok, result.failed, result.failovers) == (10, 10, 0)


async def test_failover_goes_to_the_next_url() -> None:
    async with serving(always(response())) as origin:
        urls = (await refused_url(), origin.url())
        result = await run(Plan(urls, rate=200, duration=0.1, failover=True))
    assert (result.ok, result.failed, result.failovers) == (20, 0, 10)


async def test_failover_ends_after_the_last_url() -> None:
    urls = (await refused_url(), await refused_url(), await refused_url())
    result = await run(Plan(urls, rate=100, duration=0.03, failover=True))
    assert (result.failed, result.failovers) == (3, 6)
    assert result.errors == {"connect_refused": 3}


async def test_too_many_in_flight_are_shed_and_counted() -> None:
    forever = asyncio.Event()

    async def handler(_: Request) -> bytes:
        await forever.wait()
        return response()

    async with serving(handler) as origin:
        result = await run(Plan((origin.url(),), rate=200, duration=0.1, timeout=0.2, max_in_flight=4))
        assert len(origin.requests) <= 4
    assert (result.scheduled, result.shed, result.failed) == (20, 16, 4)
    assert result.errors == {"timeout": 4}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, {"reset", "closed"}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort", {"closed"}),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", {"bad_response"}),
    ],
)
async def test_a_broken_answer_is_a_failure_of_its_kind(answer: bytes | None, kind: set[str]) -> None:
    async with serving(always(answer)) as origin:
        result = await run(Plan((origin.url(),), rate=100, duration=0.1))
    assert (result.ok, result.failed) == (0, 10)
    assert result.errors.keys() <= kind


async def test_stopping_early_gives_the_result_so_far() -> None:
    stop = asyncio.Event()
    forever = asyncio.Event()

    async def handler(request: Request) -> bytes:
        if request.number < 5:
            return response()
        stop.set()
        await forever.wait()
        return response()

    async with serving(handler) as origin:
        result = await run(Plan((origin.url(),), rate=100, duration=600), stop=stop)
    assert result.ok == 5
    assert result.unfinished >= 1
    assert accounted(result) == result.scheduled < 60_000


async def test_a_cancelled_run_closes_its_connections() -> None:
    arrived = asyncio.Event()

    async def handler(_: Request) -> bytes:
        arrived.set()
        await asyncio.Event().wait()
        return b""

    async with serving(handler) as origin:
        running = asyncio.create_task(run(Plan((origin.url(),), rate=50, duration=600)))
        await asyncio.wait_for(arrived.wait(), 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_each_second_is_reported() -> None:
    shots: list[Snapshot] = []
    async with serving(always(response(X_Instance_Id="i-1"))) as origin:
        result = await run(Plan((origin.url(),), rate=50, duration=1.2), shots.append)
    assert shots
    assert shots[0].offset >= 1
    assert shots[0].ok == shots[0].statuses[200] == shots[0].instances["i-1"] <= result.ok == 60
    assert result.instances == {"i-1": 60}


async def test_an_exception_while_reporting_ends_the_run() -> None:
    def broken(_: Snapshot) -> None:
        raise RuntimeError("the terminal is gone")

    async with serving(always(response())) as origin:
        with pytest.raises(RuntimeError, match="the terminal is gone"):
            await run(Plan((origin.url(),), rate=20, duration=600), broken)


def test_failures_close_together_are_one_window() -> None:
    assert failure_windows([5.0, 1.0, 1.5, 2.4]) == (Window(1.0, 2.4, 3), Window(5.0, 5.0, 1))
    assert failure_windows([]) == ()
