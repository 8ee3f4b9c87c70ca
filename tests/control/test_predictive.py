"""Predictive scaling on a whole lab: from the group's own history to its capacity, hour by hour (aws-facts §4.5)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.autoscaling.predictive import DAY, HOUR, Forecast
from lab.core.autoscaling.story import sentences
from lab.core.autoscaling.target_tracking import group_dimensions
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.errors import LabError
from tests.control.lab import Lab

BUSY = range(23, 24)
"""Hours of the day with a load of six instances at 50 %; the others have that of two. The lab begins at 22:13:20."""


def remember(lab: Lab, days: float = 3.0) -> None:
    """As if the group had run for so long: 60 data an hour of each of its instances, at 50 %."""
    metric = Metric("AWS/EC2", "CPUUtilization", group_dimensions(lab.group.name))
    this = int(lab.clock.now() // HOUR) * HOUR
    for start in range(this - int(days * DAY), this, HOUR):
        count = 60.0 * (6 if start % DAY // HOUR in BUSY else 2)
        lab.metrics.put_statistics(metric, Statistics(count, 50.0 * count, 40.0, 60.0), start + 1800.0)


def put(lab: Lab, mode: str = "ForecastAndScale", **more: Any) -> None:
    metrics = {"TargetValue": 50.0, "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ASGCPUUtilization"}}
    lab.call("autoscaling", "PutScalingPolicy", AutoScalingGroupName=lab.group.name, PolicyName="daily",
             PolicyType="PredictiveScaling",
             PredictiveScalingConfiguration={"MetricSpecifications": [metrics], "Mode": mode, **more})  # fmt: skip


def forecasts(lab: Lab) -> list[Decision]:
    return [one for one in lab.store.all(Decision) if one.kind == "predictive"]


async def until(lab: Lab, hour: int, minute: int = 0, second: int = 0) -> None:
    """Of the lab's first day."""
    then = datetime(2023, 11, 14, hour, minute, second, tzinfo=UTC).timestamp()
    while lab.clock.now() < then:
        await lab.tick(min(30.0, then - lab.clock.now()))
    await lab.turn()


async def test_capacity_is_there_before_the_hour_that_needs_it(lab: Lab) -> None:
    remember(lab)
    put(lab)
    await until(lab, 22, 54, 50)
    assert lab.group.desired_capacity == 2
    await until(lab, 22, 55)
    assert lab.group.desired_capacity == 6, "the default buffer time is five minutes"
    assert lab.group.capacity_cause.endswith(
        "predictive scaling policy daily changing the desired capacity from 2 to 6."
    )
    assert sentences(forecasts(lab)[-1]) == [
        "The predictive policy daily expects a load of 18000.",
        "A load of 18000 takes 6 instances at the target.",
        "The desired capacity goes from 2 to 6.",
    ]
    await lab.until(lambda: len(lab.members) == 6)


@pytest.mark.parametrize(("buffer", "before"), [(0, (22, 59, 30)), (1800, (22, 29, 30))])
async def test_the_buffer_time_is_the_policys(lab: Lab, buffer: int, before: tuple[int, int, int]) -> None:
    remember(lab)
    put(lab, SchedulingBufferTime=buffer)
    await until(lab, *before)
    assert lab.group.desired_capacity == 2
    await until(lab, before[0] + (before[1] + 1) // 60, (before[1] + 1) % 60)
    assert lab.group.desired_capacity == 6


async def test_a_forecast_only_adds_capacity(lab: Lab) -> None:
    remember(lab)
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=5)
    put(lab)
    await until(lab, 22, 20)
    assert lab.group.desired_capacity == 5
    assert forecasts(lab)[-1].why == "a forecast only ever adds capacity"


async def test_dynamic_scaling_does_not_go_below_the_forecast(lab: Lab) -> None:
    """Of several policies the largest capacity wins."""
    remember(lab)
    put(lab)
    await until(lab, 22, 55)
    while lab.clock.now() < datetime(2023, 11, 14, 23, 45, tzinfo=UTC).timestamp():
        lab.set_cpu(0.02)
        await lab.tick(20)
    assert lab.alarm("Low").state == "ALARM"
    assert lab.group.desired_capacity == 6
    held = [one for one in lab.store.all(Decision) if one.kind == "policy" and one.current == one.desired]
    assert any(one.why.startswith("the forecast of daily keeps 6 instances for this hour") for one in held)


async def test_a_policy_that_only_forecasts_changes_nothing(lab: Lab) -> None:
    remember(lab)
    put(lab, "ForecastOnly")
    await until(lab, 23, 1)
    assert lab.group.desired_capacity == 2
    assert [(one.wanted, one.why) for one in forecasts(lab)] == [
        (2, "the policy only forecasts"),
        (6, "the policy only forecasts"),
    ]


async def test_the_group_must_have_run_for_a_day(lab: Lab) -> None:
    remember(lab, days=0.9)
    put(lab)
    await lab.run(10)
    assert forecasts(lab)[-1].why == "there are 22 hours of load so far, and a forecast needs 24"
    with pytest.raises(LabError, match="There is no forecast of daily yet: there are 22 hours of load"):
        forecast(lab)


def forecast(lab: Lab) -> dict[str, Any]:
    now = datetime.fromtimestamp(lab.clock.now(), UTC)
    return lab.call("autoscaling", "GetPredictiveScalingForecast", AutoScalingGroupName=lab.group.name, PolicyName="daily",
                    StartTime=now.replace(hour=0), EndTime=now.replace(day=now.day + 3))  # fmt: skip


async def test_the_forecast_can_be_read(lab: Lab) -> None:
    remember(lab)
    put(lab, "ForecastOnly")
    await lab.run(10)
    found = forecast(lab)
    [load], capacity = found["LoadForecast"], found["CapacityForecast"]
    assert len(load["Timestamps"]) == len(capacity["Values"]) == 48
    assert load["Timestamps"][0] == datetime(2023, 11, 14, 22, tzinfo=UTC)
    assert {
        time.hour for time, value in zip(capacity["Timestamps"], capacity["Values"], strict=True) if value == 6.0
    } == {23}
    assert load["MetricSpecification"]["TargetValue"] == 50.0


async def test_the_forecast_is_made_anew_every_six_hours(lab: Lab) -> None:
    remember(lab)
    put(lab, "ForecastOnly")
    await lab.run(10)
    [first] = lab.store.all(Forecast)
    lab.clock.advance(6 * HOUR - 60)
    await lab.turn()
    assert lab.store.all(Forecast)[0].made_at == first.made_at
    lab.clock.advance(120)
    await lab.turn()
    [second] = lab.store.all(Forecast)
    assert second.made_at > first.made_at
    assert second.hours[0] == first.hours[0], "hours that are past stay"
    assert second.hours[-1].start == first.hours[-1].start + 6 * HOUR


@pytest.mark.parametrize(("buffer", "maximum"), [(0, 6), (50, 9)])
async def test_the_maximum_may_rise_with_the_forecast(lab: Lab, buffer: int, maximum: int) -> None:
    remember(lab)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MaxSize=4)
    put(lab, MaxCapacityBreachBehavior="IncreaseMaxCapacity", MaxCapacityBuffer=buffer)
    await until(lab, 22, 56)
    assert (lab.group.desired_capacity, lab.group.max_size) == (6, maximum)


async def test_the_maximum_is_honoured_unless_it_may_rise(lab: Lab) -> None:
    remember(lab)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MaxSize=4)
    put(lab)
    await until(lab, 22, 56)
    assert (lab.group.desired_capacity, lab.group.max_size) == (4, 4)
    assert forecasts(lab)[-1].why == "capped to 4 by the group's maximum of 4"


async def test_an_hour_is_applied_once_also_after_a_restart(lab: Lab) -> None:
    remember(lab)
    put(lab)
    await until(lab, 22, 55)
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.restart()
    await lab.run(30)
    assert lab.group.desired_capacity == 3, "a user may go below the forecast until the next hour"


async def test_a_policy_takes_its_forecast_along(lab: Lab) -> None:
    remember(lab)
    put(lab)
    await lab.run(10)
    [policy] = [one for one in lab.store.all(ScalingPolicy) if one.name == "daily"]
    lab.call("autoscaling", "DeletePolicy", PolicyName=policy.arn)
    assert lab.store.all(Forecast) == []
