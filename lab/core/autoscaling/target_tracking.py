"""Target tracking: the two alarms of a policy, and the capacity an alarm asks for (aws-facts §4.1).

* Alarms: High is `> target` for 3 of 3 minutes; Low is `< 0.9 × target` for 15 of 15 (observed on real groups; AWS does
  not publish them and sometimes rewrites Low).
* In proportion: a metric that works for target tracking is one that halves when the capacity doubles, so a group measured at
  `value` needs `base × value / target` instances, where `base` is how many it was measured over. An average over the group
  is measured over those that are warm. Requests per target are divided by all healthy targets, warm or not. What a user's
  own metric is measured over nobody knows; AWS takes the warm ones.
* Out: rounded up, and never less than what was asked for already. In: the removal rounded down, never while an instance
  warms up or is yet to come; those that terminate were measured too and count (asg:as-scaling-target-tracking).
* A group without instances has no proportion: while its metric is above the target it asks for one.
"""

import math
from dataclasses import replace

from lab.core.autoscaling.available import Capacity
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import ALB_REQUESTS, ScalingPolicy, TargetTracking
from lab.core.autoscaling.wish import NO_DATA, Breach, Wish, instances, number
from lab.core.cloudwatch.metric import Dimensions, Metric, MetricStat, dimensions
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.cloudwatch.query import periods

LOW_SHARE = 0.9
PERIOD = 60
HIGH_PERIODS, LOW_PERIODS = 3, 15
GROUP_AVERAGES = {
    "ASGAverageCPUUtilization": "CPUUtilization",
    "ASGAverageNetworkIn": "NetworkIn",
    "ASGAverageNetworkOut": "NetworkOut",
}
"""Predefined metric types that are averages over the group, and their metrics of AWS/EC2 (bc:autoscaling.MetricType)."""
PREDEFINED = (*GROUP_AVERAGES, ALB_REQUESTS)


def group_dimensions(group: str) -> Dimensions:
    return dimensions({"AutoScalingGroupName": group})


def target_group_dimensions(resource_label: str) -> Dimensions:
    """Of a label `app/NAME/ID/targetgroup/NAME/ID`."""
    balancer, _, target_group = resource_label.partition("/targetgroup/")
    return dimensions({"LoadBalancer": balancer, "TargetGroup": f"targetgroup/{target_group}"})


def predefined_stat(metric_type: str, group: str, resource_label: str) -> MetricStat:
    """What a predefined metric type stands for."""
    if metric_type == ALB_REQUESTS:
        metric = Metric("AWS/ApplicationELB", "RequestCountPerTarget", target_group_dimensions(resource_label))
        return MetricStat(metric, PERIOD, "Sum")
    return MetricStat(Metric("AWS/EC2", GROUP_AVERAGES[metric_type], group_dimensions(group)), PERIOD, "Average")


def alarms(policy: ScalingPolicy, alarm_arn_prefix: str, uuids: tuple[str, str], now: float) -> tuple[MetricAlarm, ...]:
    """The alarms AWS would create for the policy; only High when scale-in is disabled."""
    tracking = _tracking(policy)
    high = _alarm(policy, "High", uuids[0], alarm_arn_prefix, now)
    return (high,) if tracking.disable_scale_in else (high, _alarm(policy, "Low", uuids[1], alarm_arn_prefix, now))


def _alarm(policy: ScalingPolicy, side: str, uuid: str, prefix: str, now: float) -> MetricAlarm:
    name = f"TargetTracking-{policy.group}-Alarm{side}-{uuid}"
    tracking = _tracking(policy)
    high = side == "High"
    alarm = MetricAlarm(
        name=name,
        arn=prefix + name,
        description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
        metric=None,
        statistic="",
        period=PERIOD,
        evaluation_periods=HIGH_PERIODS if high else LOW_PERIODS,
        datapoints_to_alarm=None,
        threshold=tracking.target_value if high else round(tracking.target_value * LOW_SHARE, 6),
        comparison_operator="GreaterThanThreshold" if high else "LessThanThreshold",
        treat_missing_data=None,
        configured_at=now,
        state_updated_at=now,
        acted_at=now,
        alarm_actions=(policy.arn,),
    )
    custom = tracking.customized
    if custom is not None and custom.stat is None:
        [tracked] = (query.id for query in custom.queries if query.return_data)
        return replace(alarm, queries=custom.queries, period=periods(custom.queries)[tracked])
    stat = custom.stat if custom is not None else None
    if stat is None:
        stat = predefined_stat(tracking.predefined_metric, policy.group, tracking.resource_label)
    return replace(alarm, metric=stat.metric, statistic=stat.statistic, period=stat.period, unit=stat.unit)


def wish(policy: ScalingPolicy, group: AutoScalingGroup, breach: Breach, capacity: Capacity) -> Wish:
    """The capacity the alarm asks for, by its newest data point. Never against the alarm's direction."""
    desired = group.desired_capacity
    if not breach.values:
        return Wish(policy, breach, None, desired, held=NO_DATA)
    return (_out if breach.above else _in)(policy, desired, breach, breach.values[-1], capacity)


def _out(policy: ScalingPolicy, desired: int, breach: Breach, value: float, capacity: Capacity) -> Wish:
    tracking = _tracking(policy)
    target = tracking.target_value
    per_target = tracking.predefined_metric == ALB_REQUESTS
    base = capacity.in_service if per_target else capacity.warm
    if desired == 0 and capacity.alive == 0 and value > target:
        return Wish(policy, breach, value, 1, "there is no instance to reckon with, so one is asked for")
    if base == 0:
        lacking = "no instance is in service" if per_target else "no instance is past its warm-up"
        return Wish(policy, breach, value, desired, held=f"{lacking}, so the metric says nothing about capacity")
    exact = base * value / target
    needed = _ceil(exact)
    over = f"{instances(base)} in service" if per_target else f"{base} warm {'instance' if base == 1 else 'instances'}"
    arithmetic = f"{over} × {number(value)} / {number(target)} = {exact:.2f}, rounded up to {needed}"
    return Wish(policy, breach, value, max(desired, needed), arithmetic)


def _in(policy: ScalingPolicy, desired: int, breach: Breach, value: float, capacity: Capacity) -> Wish:
    held = scale_in_waits(capacity, desired)
    if held:
        return Wish(policy, breach, value, desired, held=held)
    target = _tracking(policy).target_value
    base = capacity.warm + capacity.terminating
    exact = base * value / target
    needed = max(0, _ceil(exact))
    leaving = f" and {capacity.terminating} terminating" if capacity.terminating else ""
    over = f"{capacity.warm} warm{leaving} {'instance' if base == 1 else 'instances'}"
    arithmetic = (
        f"{over} × {number(value)} / {number(target)} = {exact:.2f}; with the removal rounded down, {needed} "
        f"{'stays' if needed == 1 else 'stay'}"
    )
    return Wish(policy, breach, value, min(desired, needed), arithmetic)


def scale_in_waits(capacity: Capacity, desired: int) -> str:
    """Why no policy scales in now, empty when one may: a scale-out is in progress
    (asg:ec2-auto-scaling-default-instance-warmup)."""
    if capacity.warming:
        verb = "is" if capacity.warming == 1 else "are"
        return f"{instances(capacity.warming)} {verb} still warming up, and scale-in waits for that"
    if capacity.alive < desired:
        return f"{instances(desired - capacity.alive)} yet to be launched, and scale-in waits for that"
    return ""


def _ceil(exact: float) -> int:
    """Rounded up, but for what floating point adds to a whole number."""
    return math.ceil(round(exact, 9))


def _tracking(policy: ScalingPolicy) -> TargetTracking:
    if policy.target_tracking is None:
        raise ValueError(f"{policy.name} is not of type TargetTrackingScaling")
    return policy.target_tracking
