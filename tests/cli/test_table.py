"""The picture `lab status` draws, from documents as the API gives them."""

import io
from typing import Any

import pytest
from rich.console import Console

from lab.api.status import status
from lab.cli.table import duration, render
from lab.readiness import missing_pieces
from tests.control.lab import Lab


async def sample() -> dict[str, Any]:
    lab = Lab()
    lab.create_stack()
    await lab.up()
    lab.set_cpu(0.9)
    await lab.run(700)
    await lab.compute.kill(lab.members[0])
    await lab.turn()
    return status(lab.world, lab.loop, "simulated")


def drawn(document: dict[str, Any], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    console.print(render(document, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert all(len(line.rstrip()) <= width for line in drawn(await sample(), width).splitlines())


@pytest.mark.parametrize("width", [120, 200])
async def test_everything_is_there_by_its_id(width: int) -> None:
    document = await sample()
    text = drawn(document, width)
    for group in document["groups"]:
        assert group["name"] in text
        for row in group["instances"]:
            assert row["id"] in text
    for balancer in document["load_balancers"]:
        for node in balancer["nodes"]:
            assert node["id"] in text
            assert node["urls"][0] in text
    assert document["databases"][0]["id"] in text


async def test_instances_can_be_told_apart_on_a_narrow_terminal() -> None:
    document = await sample()
    text = drawn(document, 80)
    for row in document["groups"][0]["instances"]:
        assert row["id"] in text


async def test_it_says_when_the_engine_is_away() -> None:
    assert "the Docker engine does not answer" in drawn(
        {**await sample(), "engine_problem": "the Docker engine does not answer"}, 80
    )


async def test_it_says_when_the_resolver_has_no_port() -> None:
    assert "DNS is not served: port 5353" in drawn({**await sample(), "resolver_problem": "port 5353 is in use"}, 80)


async def test_it_says_which_zones_are_failed() -> None:
    assert "failed on purpose: us-east-1b" in drawn({**await sample(), "failed_zones": ["us-east-1b"]}, 80)


def test_an_empty_lab_is_drawn_too() -> None:
    lab = Lab()
    assert "lab on simulated" in drawn(status(lab.world, lab.loop, "simulated"), 80)


async def test_a_lab_that_comes_up_says_what_it_waits_for() -> None:
    lab = Lab()
    lab.create_stack()
    await lab.turn()
    assert missing_pieces(status(lab.world, lab.loop, "simulated"))[0].startswith("stack web (")
    await lab.up()
    await lab.turn()
    assert missing_pieces(status(lab.world, lab.loop, "simulated")) == []


async def test_alarms_of_every_kind_can_be_read() -> None:
    lab = Lab()
    metric = {"Namespace": "shop", "MetricName": "Latency"}
    rest = {"EvaluationPeriods": 3, "Threshold": 0.5, "ComparisonOperator": "GreaterThanThreshold"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    math = [{"Id": "e", "Expression": "m * 2"}, {"Id": "m", "MetricStat": stat, "ReturnData": False}]
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="slow", **metric, ExtendedStatistic="p99", Period=60, **rest)
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="twice", Metrics=math, **rest)
    silent = {**metric, "MetricName": "Silence", "Statistic": "Sum"}
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="silent", **silent, Period=60, **rest)
    lab.call("cloudwatch", "PutCompositeAlarm", AlarmName="any", AlarmRule="ALARM(slow) OR ALARM(twice)")
    lab.call("cloudwatch", "PutMetricData", Namespace="shop", MetricData=[{"MetricName": "Latency", "Value": 0.123}])
    await lab.run(70)
    document = status(lab.world, lab.loop, "simulated")
    text = drawn(document, 120)
    for line in (
        "p99 of Latency > 0.5 for 3 datapoints within 3 minutes", "m * 2 > 0.5 for 3 datapoints within 3 minutes",
        "ALARM(slow) OR ALARM(twice)", " 0.123 ", " 0.246 ",
    ):  # fmt: skip
        assert line in text, text
    assert [row["type"] for row in document["alarms"]] == ["MetricAlarm"] * 3 + ["CompositeAlarm"]
    narrow = drawn(document, 80)
    assert all(len(line.rstrip()) <= 80 for line in narrow.splitlines())
    assert "INSUFFICIENT_DATA" in narrow
    assert "0.246" in narrow


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (99, "99 s"), (100, "1 m"), (180, "3 m"), (5999, "99 m"), (6000, "1 h 40 m"), (7500, "2 h 5 m")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


async def refreshing(minimum: int = 50) -> dict[str, Any]:
    """A group with a warm pool, in the middle of an instance refresh."""
    lab = Lab()
    lab.create_stack()
    await lab.up()
    name = lab.group.name
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=name, MinSize=2, MaxSize=4)
    lab.call("autoscaling", "PutWarmPool", AutoScalingGroupName=name)
    await lab.run(60)
    lab.call("autoscaling", "StartInstanceRefresh", AutoScalingGroupName=name,
             Preferences={"MinHealthyPercentage": minimum, "InstanceWarmup": 60})  # fmt: skip
    await lab.until(lambda: "warming up" in str(status(lab.world, lab.loop, "simulated")["groups"][0]["refresh"]))
    return status(lab.world, lab.loop, "simulated")


@pytest.mark.parametrize("width", [80, 120])
async def test_a_refresh_and_the_warm_pool_are_told_of(width: int) -> None:
    document = await refreshing()
    [group] = document["groups"]
    text = drawn(document, width)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert "instance refresh InProgress  0 %, 3 to update (group 0 %, warm pool 0 %)" in text
    assert "is warming up." in " ".join(text.split())
    assert "warm pool  Stopped, 2 wanted" in text
    for row in group["warm_pool"]["instances"]:
        first = next(line for line in text.splitlines() if row["id"] in line)
        assert "Warmed:Stopped" in first
        assert "stopped" in first
    assert {row["lifecycle"] for row in group["instances"]} <= {"InService", "Pending", "Terminating"}


async def test_without_either_nothing_is_said_of_them() -> None:
    text = drawn(await sample(), 120)
    assert "refresh" not in text
    assert "warm pool" not in text


async def test_instances_of_no_group_are_shown() -> None:
    document = await sample()
    row = {
        "id": "i-0123456789abcdef0", "name": "bastion", "zone": "us-east-1a", "address": "10.0.0.4", "public": "198.51.100.7",
        "state": "running", "reason": "", "cpu": None, "age": 61.0,
    }  # fmt: skip
    text = drawn({**document, "instances": [row, {**row, "state": "stopped", "reason": "User initiated"}]}, 120)
    assert "i-0123456789abcdef0  bastion  running" in text
    assert "10.0.0.4, 198.51.100.7" in text
    assert "User initiated" in text
    assert "of no group" not in drawn(document, 120)
