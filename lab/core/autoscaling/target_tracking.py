"""Target tracking: the two alarms of a policy, and the capacity an alarm asks for (aws-facts §4.1).

* Alarms: High is `> target` for 3 of 3 minutes; Low is `< 0.9 × target` for 15 of 15 (observed on real groups; AWS does
  not publish them and sometimes rewrites Low).
* Scale out in proportion, rounded up: ceil(warm × metric / target). The metric is the average over instances that are
  warm, so it is held against their number; what is still warming counts as capacity already asked for.
* Scale in with caution: never while an instance warms, and the capacity that is left must keep the metric at or below the
  target: the removal is rounded down (asg:as-scaling-target-tracking).
"""

import math
from dataclasses import dataclass

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.cloudwatch.metric import Dimensions, Metric, dimensions
from lab.core.cloudwatch.model import MetricAlarm

LOW_SHARE = 0.9
METRICS = {"ASGAverageCPUUtilization": ("AWS/EC2", "CPUUtilization", "Average")}
"""Predefined metric types the lab measures: namespace, metric name, statistic (bc:autoscaling.MetricType)."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """A group's capacity as a policy sees it: instances in service past their warm-up, and those before its end."""

    warm: int
    warming: int

    @property
    def total(self) -> int:
        return self.warm + self.warming


def warmup(policy: ScalingPolicy, group: AutoScalingGroup) -> float:
    """Lab seconds from InService: the policy's, else the group's, else the default cooldown (bc:autoscaling)."""
    if policy.estimated_instance_warmup is not None:
        return policy.estimated_instance_warmup
    return default_warmup(group)


def default_warmup(group: AutoScalingGroup) -> float:
    return group.default_cooldown if group.default_instance_warmup is None else group.default_instance_warmup


def alarms(policy: ScalingPolicy, alarm_arn_prefix: str, uuids: tuple[str, str], now: float) -> tuple[MetricAlarm, ...]:
    """The alarms AWS would create for the policy; only High when scale-in is disabled."""
    tracking = policy.target_tracking
    namespace, name, statistic = METRICS[tracking.predefined_metric]
    metric = Metric(namespace, name, group_dimensions(policy.group))
    high = _alarm(policy, "High", uuids[0], alarm_arn_prefix, metric, statistic, now)
    if tracking.disable_scale_in:
        return (high,)
    return (high, _alarm(policy, "Low", uuids[1], alarm_arn_prefix, metric, statistic, now))


def group_dimensions(group: str) -> Dimensions:
    return dimensions({"AutoScalingGroupName": group})


def _alarm(
    policy: ScalingPolicy, side: str, uuid: str, prefix: str, metric: Metric, statistic: str, now: float
) -> MetricAlarm:
    name = f"TargetTracking-{policy.group}-Alarm{side}-{uuid}"
    target = policy.target_tracking.target_value
    high = side == "High"
    return MetricAlarm(
        name=name,
        arn=prefix + name,
        description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
        metric=metric,
        statistic=statistic,
        period=60,
        evaluation_periods=3 if high else 15,
        datapoints_to_alarm=None,
        threshold=target if high else round(target * LOW_SHARE, 6),
        comparison_operator="GreaterThanThreshold" if high else "LessThanThreshold",
        treat_missing_data=None,
        configured_at=now,
        state_updated_at=now,
        alarm_actions=(policy.arn,),
    )


def decide(
    policy: ScalingPolicy,
    group: AutoScalingGroup,
    alarm: MetricAlarm,
    metric_value: float,
    capacity: Capacity,
    now: float,
    decision_id: str,
) -> Decision:
    """The capacity the alarm asks for, with the arithmetic in words. Never moves against the alarm's direction."""
    target = policy.target_tracking.target_value
    high = alarm.comparison_operator == "GreaterThanThreshold"
    current = group.desired_capacity
    exact = capacity.warm * metric_value / target
    sum_text = f"{capacity.warm} warm instances × {metric_value:.1f} / {target:g} = {exact:.2f}"

    # 1. Out of order: an instance is still warming, or nothing that is warm was measured.
    if not high and (capacity.warming or capacity.total != current):
        wanted, why = current, f"{capacity.warming} instances are still warming up; scale-in waits for them"
    elif capacity.warm == 0:
        wanted, why = current, "no instance is past its warm-up, so the metric says nothing about capacity"
    # 2. Out: in proportion, rounded up, and at least what is there.
    elif high:
        wanted, why = max(current, math.ceil(exact)), f"{sum_text}, rounded up"
    # 3. In: the removal rounded down, and never below one step at a time of what the metric allows.
    else:
        wanted, why = min(current, math.ceil(exact)), f"{sum_text}, the removal rounded down"
    desired = min(max(wanted, group.min_size), group.max_size)
    if desired != wanted:
        why += f"; capped to {desired} by min {group.min_size} and max {group.max_size}"
    elif desired == current and wanted == current:
        why += "; no change"
    return Decision(decision_id, group.name, policy.name, alarm.name, now, metric_value, current, wanted, desired, why)
