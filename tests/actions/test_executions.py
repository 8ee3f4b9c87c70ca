"""A policy that is executed and a capacity that is set by a user: bounds, cooldowns, and what becomes of it with the group."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.story import sentences
from lab.core.errors import LabError
from tests.actions.conftest import Site
from tests.actions.policies import SIMPLE, STEP, predictive, put


def execute(site: Site, name: str = "x", **members: Any) -> int:
    """The desired capacity after it."""
    site.aws("autoscaling", "ExecutePolicy", AutoScalingGroupName="web", PolicyName=name, **members)
    [group] = site.aws.store.all(AutoScalingGroup)
    return group.desired_capacity


def grow(site: Site, count: int, ago: float = 1000.0) -> None:
    """Members in service for so long."""
    at = site.aws.now - ago
    for number in range(count):
        site.aws.store.put(Member(f"i-{number}", "web", "us-east-1a", site.template, 1, at, "a", "InService",
                                  in_service_at=at))  # fmt: skip
    [group] = site.aws.store.all(AutoScalingGroup)
    site.aws.store.put(replace(group, desired_capacity=count, max_size=20))


@pytest.mark.parametrize(("value", "wanted"), [(50.0, 5), (59.9, 5), (60.0, 7), (1000.0, 7)])
def test_a_step_policy_is_executed_by_its_breach(site: Site, value: float, wanted: int) -> None:
    """bc:autoscaling.ExecutePolicyType: a threshold of 50 and a value of 59 mean the step from 0 to 10."""
    put(site, **STEP)
    grow(site, 4)
    assert execute(site, MetricValue=value, BreachThreshold=50.0) == wanted
    [group] = site.aws.store.all(AutoScalingGroup)
    assert group.capacity_cause.endswith(
        f"a user request executed policy x changing the desired capacity from 4 to {wanted}."
    )
    [decision] = [one for one in site.aws.store.all(Decision) if one.policy == "x"]
    assert sentences(decision)[0] == (
        f"A user executed the step policy x with a value of {value:g} against a threshold of 50."
    )


def test_at_its_threshold_a_policy_for_low_values_is_executed_too(site: Site) -> None:
    put(site, **{**STEP, "StepAdjustments": [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}]})
    grow(site, 4)
    assert execute(site, MetricValue=50.0, BreachThreshold=50.0) == 3


def test_a_simple_policy_is_executed_at_once_or_after_its_cooldown(site: Site) -> None:
    put(site, **SIMPLE, Cooldown=60)
    grow(site, 2)
    now = site.aws.now
    site.aws.store.put(
        Activity("a", "web", "Launching a new EC2 instance: i-0", "c", now, "Successful", 100, "{}", now)
    )
    site.aws.now += 59
    assert site.aws.refusal("autoscaling", "ExecutePolicy", AutoScalingGroupName="web", PolicyName="x",
                            HonorCooldown=True) == "ScalingActivityInProgress"  # fmt: skip
    assert execute(site) == 3
    site.aws.store.put(Member("i-2", "web", "us-east-1a", site.template, 1, now, "a", "InService", in_service_at=now))
    site.aws.now += 1
    assert execute(site, HonorCooldown=True) == 4


@pytest.mark.parametrize(
    ("policy", "members", "message"),
    [
        (STEP, {}, "MetricValue and BreachThreshold must be specified for a StepScaling policy"),
        (STEP, {"MetricValue": 1.0}, "MetricValue and BreachThreshold must be specified for a StepScaling policy"),
        (STEP, {"MetricValue": 60.0, "BreachThreshold": 50.0, "HonorCooldown": True},
         "HonorCooldown is not supported for a StepScaling policy"),
        (STEP, {"MetricValue": 40.0, "BreachThreshold": 50.0},
         "No step adjustment found for metric value [40.0] and breach threshold 50.0"),
        (SIMPLE, {"MetricValue": 1.0},
         "MetricValue and BreachThreshold are not supported for a SimpleScaling policy"),
        ({**SIMPLE, "Enabled": False}, {}, "The policy x is disabled; enable it with PutScalingPolicy"),
        (predictive(), {}, "A policy of type PredictiveScaling cannot be executed: it acts on its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_executed(site: Site, policy: dict[str, Any], members: dict[str, Any], message: str) -> None:
    put(site, **policy)
    with pytest.raises(LabError) as caught:
        execute(site, **members)
    assert caught.value.message == message


def test_target_tracking_cannot_be_executed(site: Site) -> None:
    assert site.aws.refusal("autoscaling", "ExecutePolicy", PolicyName=site.policy) == "ValidationError"


def test_a_policy_is_executed_within_the_groups_bounds(site: Site) -> None:
    put(site, AdjustmentType="ExactCapacity", ScalingAdjustment=99)
    assert execute(site) == 4
    assert site.aws.store.all(Decision)[-1].why == "capped to 4 by the group's maximum of 4"


# Setting a capacity by hand.


def test_a_capacity_set_by_hand_can_honour_the_cooldown(site: Site) -> None:
    grow(site, 2)
    now = site.aws.now
    site.aws.store.put(Activity("a", "web", "Terminating EC2 instance: i-9", "c", now, "Successful", 100, "{}", now))
    site.aws.now += 299
    members = {"AutoScalingGroupName": "web", "DesiredCapacity": 3}
    refusal = site.aws.refusal("autoscaling", "SetDesiredCapacity", **members, HonorCooldown=True)
    assert refusal == "ScalingActivityInProgress"
    site.aws.now += 1
    site.aws("autoscaling", "SetDesiredCapacity", **members, HonorCooldown=True)
    assert site.aws.store.all(Decision)[-1].policy == "SetDesiredCapacity"


def test_what_belongs_to_a_group_goes_with_it(site: Site) -> None:
    put(site, **STEP)
    site.aws("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=0)
    site.aws("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName="web", ScheduledActionName="n",
             Recurrence="0 22 * * *", MinSize=0)  # fmt: skip
    site.aws("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web")
    left = {kind: rows for kind, rows in site.aws.rows().items() if rows}
    assert not {"ScalingPolicy", "ScheduledAction", "Decision", "Forecast", "MetricAlarm"} & set(left)
