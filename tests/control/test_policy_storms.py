"""Policies of every type on one group in seeded storms: load that jumps, metrics with gaps, instances that die, users who move
the capacity, a control plane that dies between commits. Whatever happens, the rules of scaling hold."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from lab.core.autoscaling.model import Activity
from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.cloudwatch.metric import Metric
from tests.control.lab import Crash, CrashingStore, Lab

WARMUP, COOLDOWN = 120.0, 180.0
BACKLOG = Metric("shop", "Backlog", ())
LONGEST_LOOK = 17 * 60.0
"""An alarm of 15 periods looks at 17 of them."""


@dataclass
class Told:
    """What the storm has done, for the rules to be held against."""

    data: list[float] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)


def put(lab: Lab, name: str, **members: Any) -> str:
    made = lab.call("autoscaling", "PutScalingPolicy", AutoScalingGroupName=lab.group.name, PolicyName=name, **members)
    return str(made["PolicyARN"])


def put_policies(lab: Lab) -> None:
    """On CPU: target tracking, a step policy out, a simple one in. On a backlog of the user's: target tracking."""
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=1, MaxSize=9,
             DefaultInstanceWarmup=int(WARMUP))  # fmt: skip
    put(lab, "backlog", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration={"TargetValue": 100.0,
        "CustomizedMetricSpecification": {"Namespace": "shop", "MetricName": "Backlog", "Statistic": "Average"}})  # fmt: skip
    out = put(lab, "out", PolicyType="StepScaling", AdjustmentType="PercentChangeInCapacity", MinAdjustmentMagnitude=2,
              StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 30}])  # fmt: skip
    simple = put(lab, "in", AdjustmentType="ChangeInCapacity", ScalingAdjustment=-1, Cooldown=int(COOLDOWN))
    for name, arn, threshold, comparison in (
        ("busy", out, 85.0, "GreaterThanThreshold"), ("calm", simple, 10.0, "LessThanThreshold"),
    ):  # fmt: skip
        lab.call("cloudwatch", "PutMetricAlarm", AlarmName=name, Namespace="AWS/EC2", MetricName="CPUUtilization",
                 Dimensions=[{"Name": "AutoScalingGroupName", "Value": lab.group.name}], Statistic="Average", Period=60,
                 EvaluationPeriods=2, Threshold=threshold, ComparisonOperator=comparison, AlarmActions=[arn])  # fmt: skip


async def storm(lab: Lab, store: CrashingStore, chance: random.Random, ticks: int) -> Told:
    told = Told()
    cpu, backlog, gap = 0.5, 100.0, False
    for _ in range(ticks):
        if chance.random() < 0.05:
            cpu, backlog = chance.choice((0.02, 0.3, 0.6, 0.95)), chance.choice((5.0, 60.0, 95.0, 250.0))
        if chance.random() < 0.04:
            gap = not gap
        if not gap:
            told.data.append(lab.clock.now())
            lab.metrics.put(BACKLOG, backlog, lab.clock.now())
        lab.set_cpu(cpu)
        if chance.random() < 0.02:
            running = [name for name in lab.members if lab.compute.runs(name)]
            if running:
                await lab.compute.kill(chance.choice(running))
        if chance.random() < 0.1:
            store.crash_at = store.commits + chance.randint(1, 6)
        try:
            if chance.random() < 0.02:
                lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name,
                         DesiredCapacity=chance.randint(1, 9))  # fmt: skip
            await lab.tick(15)
        except Crash:
            await lab.restart()
            lab.clock.advance(15)
        assert lab.group.min_size <= lab.group.desired_capacity <= lab.group.max_size
        told.decisions |= {row.decision_id: row for row in store.all(Decision)}
    return told


def changes(told: Told, policy_type: str = "") -> list[Decision]:
    found = (one for one in told.decisions.values() if one.current != one.desired)
    return sorted((one for one in found if policy_type in ("", one.policy_type)), key=lambda one: one.at)


def warming_at(activities: Sequence[Activity], at: float) -> list[str]:
    """Instances that were on their way up or warming at the time."""
    left = {one.description.split(": ")[1]: one.start_time for one in activities if "Terminating" in one.description}
    found = []
    for one in activities:
        name = one.description.split(": ")[1].split(".")[0]
        up = one.end_time is None or (one.status_code == "Successful" and one.end_time + WARMUP > at)
        if "Launching" in one.description and one.start_time < at and up and left.get(name, at + 1) > at:
            found.append(name)
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_the_rules_hold_in_a_storm(seed: int) -> None:
    chance = random.Random(seed)
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    put_policies(lab)
    began = lab.clock.now()
    told = await storm(lab, store, chance, 600)
    activities = [one for one in store.all(Activity) if one.start_time >= began]

    # Every change of the capacity is a decision, and begins where the last one ended.
    chain = [one for one in changes(told) if one.at >= began]
    assert len(chain) > 10
    for before, after in pairwise(chain):
        assert after.current == before.desired, (before, after)
    assert lab.group.desired_capacity == chain[-1].desired

    # No policy scales in while an instance comes up or warms up.
    for one in chain:
        if one.desired < one.current and one.kind == "policy" and one.policy_type != "SimpleScaling":
            assert warming_at(activities, one.at) == [], one

    # A simple policy waits for its cooldown.
    for one in changes(told, "SimpleScaling"):
        if one.kind == "policy" and one.policy == "in" and "largest" not in one.why:
            ends = [row.end_time for row in activities if row.end_time is not None and row.end_time <= one.at
                    and row.status_code == "Successful"]  # fmt: skip
            assert max(ends, default=0.0) + COOLDOWN <= one.at, one

    # Nothing is decided from missing data alone.
    for one in chain:
        if one.policy == "backlog":
            assert one.metric_value is not None
            assert any(one.at - LONGEST_LOOK - 60 <= at <= one.at for at in told.data), one

    # Whatever was decided comes true.
    store.crash_at = 0
    for policy in store.all(ScalingPolicy):
        lab.call("autoscaling", "DeletePolicy", PolicyName=policy.arn)
    await lab.until(lab.settled, 1800)
