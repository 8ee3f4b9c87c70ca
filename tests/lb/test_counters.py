"""What a node counts: bytes, connections and answers, by load balancer, target group and target; and in which buckets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2 import response_times
from lab.core.elbv2.report import GroupReport
from lab.core.elbv2.rules import FixedResponse, Forward
from services.lb.serving.counters import Counters, GroupCounters
from services.lb.serving.outcome import Cause, Outcome, Phase
from tests.eventually import eventually
from tests.lb.world import GROUP, World, in_world, ok

TIMES = st.one_of(st.integers(0, 100), st.integers(0, 10**6), st.integers(0, 2**40)).map(lambda time: time / 1e6)


def bucket(seconds: float) -> int:
    counters = GroupCounters()
    counters.answered(200, seconds)
    [index] = [index for index, count in enumerate(counters.response_times) if count]
    return index


@given(TIMES)
def test_a_time_is_in_its_bucket_and_near_its_middle(seconds: float) -> None:
    index, microseconds = bucket(seconds), int(seconds * 1e6)
    assert response_times.lower(index) <= microseconds < response_times.lower(index + 1)
    assert abs(response_times.middle(index) - seconds) <= max(0.05 * seconds, 1e-6)


def test_buckets_rise_without_a_gap() -> None:
    bounds = [response_times.lower(index) for index in range(609)]
    assert bounds == sorted(set(bounds))
    assert bounds[608] > 2**40


def test_times_up_to_a_bound() -> None:
    pairs = [(bucket(0.4), 1), (bucket(0.001), 10), (bucket(0.02), 5)]
    assert response_times.cumulated(pairs, (0.005, 0.1, 1.0, math.inf)) == [10, 15, 16, 16]
    assert response_times.cumulated((), (1.0,)) == [0]


def test_a_groups_report() -> None:
    counters = GroupCounters()
    for status, seconds in ((200, 0.00001), (204, 0.00001), (503, 0.5)):
        counters.answered(status, seconds)
    counters.add("TargetConnectionErrorCount")
    assert counters.report("arn", 4) == GroupReport(
        "arn",
        {"RequestCount": 4, "HTTPCode_Target_2XX_Count": 2, "HTTPCode_Target_5XX_Count": 1,
         "TargetConnectionErrorCount": 1},
        ((10, 2), (bucket(0.5), 1)),
        500020,
    )  # fmt: skip


def test_who_counts_a_failure() -> None:
    """What a target did not do is its group's; what the client was answered the load balancer's."""
    counters, group = Counters(), GroupCounters()
    counters.ended(Outcome(Phase.CONNECT, Cause.TARGET_UNREACHABLE), group)
    counters.ended(Outcome(Phase.REQUEST, Cause.NO_TARGETS), None)
    assert group.named == {"TargetConnectionErrorCount": 1}
    assert counters.named == {"HTTPCode_ELB_5XX_Count": 2, "HTTPCode_ELB_502_Count": 1, "HTTPCode_ELB_503_Count": 1}
    assert counters.metrics([group.report("arn", 0)])["TargetConnectionErrorCount"] == 1


@in_world
async def test_bytes_by_client_and_by_target(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(b"x" * 1000)
    await world.run()
    client = await world.client()
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n" + b"y" * 500
    client.send(request)
    answer = await client.answer()
    [target] = world.targets
    assert target.bytes_out == len(origin.answer)
    assert target.bytes_in == len(origin.requests[0].head) + 4 + 500
    assert world.counters["ProcessedBytes"] == len(request) + len(answer.head) + 4 + 1000
    [reported] = world.node.report().targets
    assert (reported.bytes_in, reported.bytes_out) == (target.bytes_in, target.bytes_out)


@in_world
async def test_bytes_that_nobody_looks_at(world: World) -> None:
    """A large body goes from socket to socket inside the kernel."""
    origin = await world.origin()
    origin.answer = ok(b"x" * 3_000_000)
    await world.run()
    answer = await (await world.client()).ask()
    assert len(answer.body) == 3_000_000
    assert world.targets[0].bytes_out == len(origin.answer)
    await eventually(lambda: world.counters.get("ProcessedBytes", 0) > 3_000_000)


@in_world
async def test_a_request_that_is_refused_is_processed(world: World) -> None:
    await world.run(action=FixedResponse(404))
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    got = await world.ask(head)
    assert world.counters["ProcessedBytes"] == len(head) + len(got)


@in_world
async def test_connections_on_both_sides(world: World) -> None:
    await world.origin()
    await world.run()
    client = await world.client()
    await client.ask()
    assert world.node.report().active_connections == 2
    [group] = world.node.report().groups
    assert group.counters["NewConnectionCount"] == 1
    assert world.counters["NewConnectionCount"] == 2


@in_world
async def test_a_group_counts_on_when_its_targets_change_and_is_remembered_when_it_goes(world: World) -> None:
    first, second = await world.origin(), await world.origin()
    await world.run(world.target(first))
    client = await world.client()
    for _ in range(3):
        await client.ask()
    await world.run(world.target(second))
    for _ in range(2):
        await client.ask()
    [group] = world.node.report().groups
    assert (group.counters["RequestCount"], sum(count for _, count in group.response_times)) == (5, 5)
    await world.run(action=FixedResponse(200), target_groups=())
    assert world.node.report().groups == ()
    assert world.counters["RequestCount"] == 5
    assert world.counters["HTTPCode_Target_2XX_Count"] == 5
    await world.run(world.target(second), action=Forward(((GROUP, 1),)))
    await client.ask()
    [again] = world.node.report().groups
    assert again.counters["RequestCount"] == 1
    assert world.counters["RequestCount"] == 6


@pytest.mark.parametrize("status", [200, 302, 404, 503])
def test_answers_by_class(status: int) -> None:
    counters = GroupCounters()
    counters.answered(status, 0.1)
    assert counters.report("arn", 0).counters == {f"HTTPCode_Target_{status // 100}XX_Count": 1}
