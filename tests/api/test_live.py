"""What the dashboard is told: points, events, and the feed that tells them."""

import asyncio
from collections import Counter

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from lab.api.live.events import events
from lab.api.live.feed import BEHIND, Feed
from lab.api.live.load import Load
from lab.api.live.traffic import PATIENCE, Flow, Seen, looked, percentiles, together
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.elbv2.report import GroupReport, NodeReport
from lab.core.elbv2.response_times import middle
from lab.core.errors import LabError
from tests.api.served import serving
from tests.control.lab import Lab
from tests.eventually import eventually

SPEED = 20.0


def paced(since: float, until: float) -> float:
    return (until - since) / SPEED


def report(boot: str = "b1", times: tuple[tuple[int, int], ...] = (), **counters: int) -> NodeReport:
    return NodeReport("lb-1", boot, "us-east-1a", 1, (), counters, (GroupReport("tg", counters, times),))


def test_the_rates_of_a_node_are_per_wall_second_between_two_reports() -> None:
    first = looked(None, report(HTTPCode_Target_2XX_Count=100), 1000.0, paced)
    assert first.flow == Flow()
    then = looked(first, report(HTTPCode_Target_2XX_Count=300, HTTPCode_ELB_5XX_Count=4), 1000.0 + 2 * SPEED, paced)
    assert then.flow.rates == {"2xx": 100.0, "3xx": 0.0, "4xx": 0.0, "5xx": 2.0}


def test_the_same_report_again_is_no_news() -> None:
    seen = looked(looked(None, report(), 0.0, paced), report(HTTPCode_Target_2XX_Count=20), SPEED, paced)
    assert looked(seen, report(HTTPCode_Target_2XX_Count=20), SPEED, paced) is seen


def test_a_node_that_was_started_again_is_not_compared_with_itself_before() -> None:
    seen = looked(None, report(HTTPCode_Target_2XX_Count=500), 0.0, paced)
    assert looked(seen, report("b2", HTTPCode_Target_2XX_Count=10), SPEED, paced).flow == Flow()


def test_nodes_together_leave_out_the_silent() -> None:
    flow = Flow({"2xx": 10.0}, Counter({40: 3}))
    here, silent = Seen(report(), 100.0, flow), Seen(report(), 100.0 - PATIENCE * SPEED - 1, flow)
    assert together([here, here, silent], 100.0, paced) == Flow({"2xx": 20.0, "3xx": 0, "4xx": 0, "5xx": 0}, {40: 6})


def test_percentiles_are_the_least_time_that_so_many_are_not_above() -> None:
    found = percentiles({100: 50, 200: 49, 300: 1})
    assert found == {"p50": middle(100) * 1000, "p90": middle(200) * 1000, "p99": middle(200) * 1000}
    assert percentiles({}) == {"p50": None, "p90": None, "p99": None}


async def test_events_are_what_happened_with_why(lab: Lab) -> None:
    name = lab.store.all(AutoScalingGroup)[0].name
    began = lab.clock.now()
    lab.world.call("autoscaling", "SetDesiredCapacity", {"AutoScalingGroupName": name, "DesiredCapacity": 3})
    await lab.run(30)
    found = events(lab.store, began)
    assert [event["kind"] for event in found if event["kind"] in ("decision", "launch")] == ["decision", "launch"]
    launch = next(event for event in found if event["kind"] == "launch")
    assert "increasing the capacity from 2 to 3" in launch["story"][0]
    assert events(lab.store, lab.clock.now() + 1) == []


async def test_a_listener_hears_all_and_then_what_is_new(lab: Lab) -> None:
    feed = Feed(lab.world, lab.loop, "simulated")
    feed.look()
    heard = feed.listen()
    first = await anext(heard)
    assert (first["type"], len(first["points"])) == ("init", 1)
    assert {event["kind"] for event in first["events"]} <= {"launch", "alarm", "decision"}
    feed.look()
    tick = await anext(heard)
    assert tick["type"] == "tick"
    assert tick["events"] == []
    group = next(iter(tick["point"]["groups"].values()))
    assert (group["desired"], group["in_service"], group["min"], group["max"]) == (2, 2, 2, 6)
    for _ in range(BEHIND + 3):
        feed.look()  # one who does not read loses ticks, and nothing waits for him
    await heard.aclose()


async def test_the_feed_is_for_pages_of_this_machine(lab: Lab) -> None:
    async with serving(lab) as port:
        async with connect(f"ws://127.0.0.1:{port}/lab/live") as socket:
            assert '"type":"init"' in str(await socket.recv())
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://127.0.0.1:{port}/lab/live", origin="https://elsewhere.example"):  # type: ignore[arg-type]  # an Origin is a str
                pass


@pytest.mark.parametrize(
    ("urls", "path", "rate"),
    [(("http://127.0.0.1:1",), "/", -1.0), (("http://127.0.0.1:1",), "burn", 5.0), ((), "/", 5.0)],
)
async def test_load_that_cannot_be_is_refused(urls: tuple[str, ...], path: str, rate: float) -> None:
    load = Load()
    with pytest.raises(LabError):
        await load.set(urls, path, rate)
    assert load.rate == 0


async def test_load_comes_changes_and_ends() -> None:
    hits = Counter[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            hits[head.split()[1].decode()] += 1
            while (await reader.readline()).strip():
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    load = Load()
    try:
        await load.set([url], "/first", 50)
        await eventually(lambda: hits["/first"] and load.state().get("rate"), deadline=20)
        await load.set([url], "/second", 20)
        await eventually(lambda: hits["/second"])
        await load.set([url], "/second", 0)
        assert load.state() == {"asked": 0, "path": "/second"}
    finally:
        await load.close()
        server.close()
