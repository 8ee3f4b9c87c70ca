"""Policies of every type at work on a whole lab: what alarms make of a group, minute by minute, and what is recorded."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.cloudwatch.model import ALARM, OK, AlarmHistory
from lab.core.elbv2.model import LoadBalancer, TargetGroup
from tests.control.lab import Crash, CrashingStore, Lab

STEPS = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 10},
    {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 30},
]
"""asg:as-scaling-simple-step: 10 percent at the alarm's 60, 30 percent at 70."""


def put_policy(lab: Lab, name: str, **members: Any) -> str:
    made = lab.call("autoscaling", "PutScalingPolicy", AutoScalingGroupName=lab.group.name, PolicyName=name, **members)
    return str(made["PolicyARN"])


def put_alarm(
    lab: Lab, name: str, policy: str, threshold: float, comparison: str = "GreaterThanOrEqualToThreshold"
) -> None:
    """On the group's CPU, of one minute."""
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName=name, Namespace="AWS/EC2", MetricName="CPUUtilization",
             Dimensions=[{"Name": "AutoScalingGroupName", "Value": lab.group.name}], Statistic="Average", Period=60,
             EvaluationPeriods=1, Threshold=threshold, ComparisonOperator=comparison, AlarmActions=[policy])  # fmt: skip


async def alone(lab: Lab, desired: int = 2, maximum: int = 20, warmup: int = 300) -> None:
    """Without the shipped policy, that many instances, all warm."""
    lab.call("autoscaling", "DeletePolicy", PolicyName=lab.store.all(ScalingPolicy)[0].arn)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=1, MaxSize=maximum,
             DesiredCapacity=desired, DefaultInstanceWarmup=warmup)  # fmt: skip
    await lab.until(lambda: lab.settled() and len(lab.members) == desired)
    await lab.run(warmup + 10)


async def minutes(lab: Lab, count: int, cpu: float) -> None:
    for _ in range(count * 2):
        lab.set_cpu(cpu)
        await lab.run(30)


def decisions(lab: Lab, policy: str = "") -> list[Decision]:
    return [one for one in lab.store.all(Decision) if policy in ("", one.policy)]


def changes(lab: Lab) -> list[tuple[str, int, int]]:
    return [(one.policy, one.current, one.desired) for one in decisions(lab) if one.current != one.desired]


# Step scaling.


async def test_the_warm_up_credit_of_awss_example(lab: Lab) -> None:
    """asg:as-scaling-simple-step: 10 instances; at 60 one more; at 62 while it warms up none; at 70 two more: 13."""
    await alone(lab, 10)
    arn = put_policy(
        lab, "out", PolicyType="StepScaling", AdjustmentType="PercentChangeInCapacity", StepAdjustments=STEPS
    )
    put_alarm(lab, "busy", arn, 60.0)
    await minutes(lab, 2, 0.60)
    assert lab.group.desired_capacity == 11
    await minutes(lab, 2, 0.62)
    assert lab.group.desired_capacity == 11
    await minutes(lab, 2, 0.70)
    assert lab.group.desired_capacity == 13
    assert changes(lab)[-2:] == [("out", 10, 11), ("out", 11, 13)]
    last = next(one for one in decisions(lab, "out") if one.desired == 13)
    assert last.arithmetic == "step +10 to +∞: 30 % of 10 warm is 3: 10 + 3 = 13"
    launches = [one for one in lab.launches() if "policy out" in one.cause]
    assert [one.cause.partition("Z ")[2].partition(".  ")[0] for one in launches] == [
        "a monitor alarm busy in state ALARM triggered policy out changing the desired capacity from 10 to 11",
        *["a monitor alarm busy in state ALARM triggered policy out changing the desired capacity from 11 to 13"] * 2,
    ]


async def test_each_repetition_of_an_alarm_leaves_a_record(lab: Lab) -> None:
    await alone(lab)
    arn = put_policy(lab, "out", PolicyType="StepScaling", AdjustmentType="ExactCapacity",
                     StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 3}])  # fmt: skip
    put_alarm(lab, "busy", arn, 60.0)
    await minutes(lab, 10, 0.8)
    first, *later = decisions(lab, "out")
    assert (first.current, first.desired) == (2, 3)
    assert {(one.current, one.desired) for one in later} == {(3, 3)}
    assert 7 <= sum(one.count for one in later) <= 10
    assert len(later) == 1, "the same conclusion each minute is one row"


async def test_a_step_policy_scales_in_and_reckons_with_what_terminates(lab: Lab) -> None:
    await alone(lab, 4)
    arn = put_policy(lab, "in", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
                     StepAdjustments=[{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}])  # fmt: skip
    put_alarm(lab, "calm", arn, 30.0, "LessThanThreshold")
    [target_group] = lab.store.all(TargetGroup)
    lab.call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=target_group.arn,
             Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}])  # fmt: skip
    for member in lab.members:
        lab.in_flight[member] = 1
    await minutes(lab, 5, 0.1)
    assert lab.group.desired_capacity == 3
    assert decisions(lab, "in")[-1].arithmetic == "step −∞ to 0: 4 warm or terminating − 1 = 3"
    lab.in_flight.clear()
    await minutes(lab, 3, 0.1)
    assert lab.group.desired_capacity < 3


async def test_a_breach_that_no_step_fits_fails(lab: Lab) -> None:
    await alone(lab)
    arn = put_policy(lab, "out", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
                     StepAdjustments=[{"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 1}])  # fmt: skip
    put_alarm(lab, "busy", arn, 60.0)
    await minutes(lab, 2, 0.7)
    [failed] = [row for row in lab.store.all(AlarmHistory) if row.summary.startswith("Failed to execute action")]
    assert "No step adjustment found for metric value [70.0" in failed.data
    assert "and breach threshold 60.0" in failed.data
    assert decisions(lab, "out")[-1].why == "no step fits the value"
    assert lab.group.desired_capacity == 2


# Simple scaling.


async def test_a_simple_policy_waits_for_the_activity_and_then_the_cooldown(lab: Lab) -> None:
    await alone(lab)
    arn = put_policy(lab, "one", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1, Cooldown=120)
    put_alarm(lab, "busy", arn, 60.0)
    lab.set_cpu(0.9)
    await lab.until(lambda: lab.group.desired_capacity == 3, 200)
    await lab.until(lab.settled)
    ended = max(one.end_time or 0.0 for one in lab.activities())
    while lab.group.desired_capacity == 3:
        lab.set_cpu(0.9)
        await lab.run(5)
    assert 120 <= lab.clock.now() - ended <= 120 + 75, "the first alarm after the cooldown"
    ignored = [one for one in decisions(lab, "one") if one.current == one.desired]
    assert ignored, "what is ignored is recorded"
    assert any(one.why.startswith("in its cooldown of 120 s: the last launch") for one in ignored)
    assert changes(lab)[-2:] == [("one", 2, 3), ("one", 3, 4)]


async def test_a_replacement_starts_the_cooldown_too(lab: Lab) -> None:
    await alone(lab)
    arn = put_policy(lab, "one", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1)
    put_alarm(lab, "busy", arn, 60.0)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members and lab.settled())
    await minutes(lab, 3, 0.9)
    assert lab.group.desired_capacity == 2
    assert "in its cooldown of 300 s" in decisions(lab, "one")[-1].why
    await minutes(lab, 4, 0.9)
    assert lab.group.desired_capacity == 3


# Several policies.


def requests_per_target(lab: Lab) -> tuple[str, Metric]:
    """The resource label of the group's target group, and its metric."""
    [balancer], [target_group] = lab.store.all(LoadBalancer), lab.store.all(TargetGroup)
    label = f"{balancer.short_name}/{target_group.short_name}"
    pairs = dimensions({"LoadBalancer": balancer.short_name, "TargetGroup": target_group.short_name})
    return label, Metric("AWS/ApplicationELB", "RequestCountPerTarget", pairs)


async def two_trackers(lab: Lab) -> Metric:
    """The shipped policy on CPU, and one on requests per target with a target of 100."""
    label, metric = requests_per_target(lab)
    specification = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    put_policy(lab, "requests", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration={
        "PredefinedMetricSpecification": specification, "TargetValue": 100.0})  # fmt: skip
    lab.call(
        "autoscaling",
        "UpdateAutoScalingGroup",
        AutoScalingGroupName=lab.group.name,
        MaxSize=12,
        DefaultInstanceWarmup=0,
    )
    await lab.run(70)
    return metric


async def loaded(lab: Lab, metric: Metric, count: int, cpu: float, requests: float) -> None:
    """So many minutes with this CPU, and requests per target each minute."""
    for _ in range(count):
        lab.set_cpu(cpu)
        lab.metrics.put(metric, requests, lab.clock.now() // 60 * 60 + 1)
        await lab.run(60)


async def test_scaling_out_the_largest_capacity_wins(lab: Lab) -> None:
    metric = await two_trackers(lab)
    await loaded(lab, metric, 6, cpu=0.8, requests=290.0)
    [first] = changes(lab)[:1]
    assert first[1:] == (2, 6), "ceil(2 × 290 / 100), not ceil(2 × 80 / 50)"
    [decision] = [one for one in decisions(lab) if one.current == 2 and one.desired == 6]
    by_requests = decision.policy == "requests"
    assert by_requests or decision.why == "requests asks for 6, and the largest capacity wins"
    assert "triggered policy requests" in lab.group.capacity_cause


async def test_scaling_in_waits_until_all_target_tracking_policies_agree(lab: Lab) -> None:
    metric = await two_trackers(lab)
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=8)
    await lab.until(lambda: lab.settled() and len(lab.members) == 8)
    await loaded(lab, metric, 20, cpu=0.05, requests=95.0)
    assert lab.group.desired_capacity == 8, "requests are in the band between the two alarms"
    assert decisions(lab)[-1].why == "scale-in waits until all agree, and requests (its low alarm is OK) does not"
    await loaded(lab, metric, 17, cpu=0.05, requests=60.0)
    [first] = [after for _, before, after in changes(lab) if before == 8]
    assert first == 5, "ceil(8 × 60 / 100), the larger of the two"


async def test_a_step_policy_scales_in_though_target_tracking_does_not_agree(lab: Lab) -> None:
    metric = await two_trackers(lab)
    arn = put_policy(lab, "in", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
                     StepAdjustments=[{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}])  # fmt: skip
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=4)
    await lab.until(lambda: lab.settled() and len(lab.members) == 4)
    put_alarm(lab, "calm", arn, 30.0, "LessThanThreshold")
    await loaded(lab, metric, 3, cpu=0.2, requests=95.0)
    assert lab.group.desired_capacity < 4
    assert {policy for policy, _, _ in changes(lab)[-1:]} == {"in"}


async def test_a_policy_that_wants_out_keeps_a_step_policy_from_scaling_in(lab: Lab) -> None:
    metric = await two_trackers(lab)
    arn = put_policy(lab, "in", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
                     StepAdjustments=[{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}])  # fmt: skip
    await loaded(lab, metric, 5, cpu=0.2, requests=300.0)
    put_alarm(lab, "calm", arn, 30.0, "LessThanThreshold")
    before = lab.group.desired_capacity
    await loaded(lab, metric, 3, cpu=0.2, requests=300.0)
    assert lab.group.desired_capacity >= before
    assert all(later >= earlier for _, earlier, later in changes(lab))


# Metrics of the user's own.


async def test_a_backlog_per_instance_by_metric_math(lab: Lab) -> None:
    """asg:ec2-auto-scaling-target-tracking-metric-math: the messages in a queue for each instance in service."""
    await alone(lab, 2, warmup=0)
    queue = Metric("shop", "Backlog", ())
    size = Metric("shop", "Size", ())
    stats = (
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": metric}, "Stat": "Average"},
            "ReturnData": False,
        }
        for name, metric in (("queue", "Backlog"), ("size", "Size"))
    )
    each = {"Id": "each", "Expression": "queue / size", "Label": "messages per instance"}
    put_policy(lab, "backlog", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration={
        "CustomizedMetricSpecification": {"Metrics": [*stats, each]}, "TargetValue": 100.0})  # fmt: skip
    for _ in range(6):
        minute = lab.clock.now() // 60 * 60
        lab.metrics.put(queue, 700.0, minute + 1)
        lab.metrics.put(size, float(len(lab.members)), minute + 1)
        await lab.run(60)
    assert changes(lab)[-1] == ("backlog", 2, 7), "700 messages at 100 each"
    assert lab.group.desired_capacity == 7
    assert decisions(lab, "backlog")[0].metric == "messages per instance"


# Switches.


@pytest.mark.parametrize("switch", ["suspended", "disabled"])
async def test_what_is_switched_off_is_considered_when_it_is_on_again(lab: Lab, switch: str) -> None:
    """asg:as-suspend-resume-processes: alarms that are still in breach are considered on resume."""
    [policy] = lab.store.all(ScalingPolicy)
    off_on = (
        (lambda: _suspend(lab, (("AlarmNotification", "User suspended"),)), lambda: _suspend(lab, ()))
        if switch == "suspended"
        else (lambda: lab.store.put(replace(policy, enabled=False)), lambda: lab.store.put(policy))
    )
    off_on[0]()
    await minutes(lab, 10, 0.9)
    assert lab.alarm("High").state == ALARM
    assert lab.group.desired_capacity == 2
    words = {"suspended": "the process AlarmNotification is suspended", "disabled": "the policy is disabled"}
    assert decisions(lab)[-1].why == words[switch]
    off_on[1]()
    await minutes(lab, 2, 0.9)
    assert lab.group.desired_capacity > 2


def _suspend(lab: Lab, processes: tuple[tuple[str, str], ...]) -> None:
    lab.store.put(replace(lab.group, suspended_processes=processes))


# The record.


async def test_the_record_is_a_chain_of_capacities(lab: Lab) -> None:
    """Whatever changed the capacity: policies, users. Each change has its decision, and begins where the last one ended."""
    for cpu, count in ((0.9, 12), (0.05, 20), (0.7, 8)):
        await minutes(lab, count, cpu)
        lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=4)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=1)
    lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=lab.members[0],
             ShouldDecrementDesiredCapacity=True)  # fmt: skip
    chain = sorted((one for one in decisions(lab) if one.current != one.desired), key=lambda one: one.at)
    assert {"cpu" in one.policy.lower() for one in chain} == {True, False}
    capacity = 2
    for one in chain:
        assert one.current == capacity, [(row.policy, row.current, row.desired) for row in chain]
        capacity = one.desired
    assert capacity == lab.group.desired_capacity == 3


async def test_a_decision_and_its_capacity_are_one_commit() -> None:
    """Wherever the process dies, there is no capacity without its decision, nor a decision that was not carried out."""
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    await lab.run(310)
    lab.set_cpu(0.9)
    for _ in range(120):
        store.crash_at = store.commits + 3
        try:
            await lab.tick()
        except Crash:
            await lab.restart()
            lab.clock.advance(5)
        changed = [one for one in store.all(Decision) if one.current != one.desired]
        assert lab.group.desired_capacity == (changed[-1].desired if changed else 2)
    assert changed, "there was something to decide"


async def test_an_alarm_that_is_over_asks_for_nothing_more(lab: Lab) -> None:
    await lab.run(310)
    await minutes(lab, 4, 0.8)
    grown = lab.group.desired_capacity
    assert grown > 2
    await minutes(lab, 8, 0.48)
    assert lab.alarm("High").state == OK
    assert lab.group.desired_capacity == grown
