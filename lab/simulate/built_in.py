"""The built-in sets of scaling policies, each as CloudFormation resources for one group.

Alarms on CPU are as quick and as slow as those of target tracking, so that a comparison is one of policies.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from lab.load.trace import Trace
from lab.simulate.calibration import Calibration

POLICY, SCHEDULE = "AWS::AutoScaling::ScalingPolicy", "AWS::AutoScaling::ScheduledAction"
ALARM = "AWS::CloudWatch::Alarm"

Resource = dict[str, Any]
Resources = dict[str, Resource]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What somebody knows who plans a group's capacity: the load to come and what an instance can do. `begin` is the lab time
    of the trace's second 0, `vcpus` the size of the group's instances, `bounds` its sizes."""

    trace: Trace
    calibration: Calibration
    vcpus: float
    begin: float
    bounds: tuple[int, int]


Values = Mapping[str, float]
Make = Callable[[str, Values, Outlook], Resources]
"""The resources for the group of that logical id; theirs begin with it."""


def _target_tracking(group: str, of: Values, _: Outlook) -> Resources:
    configuration = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": of["target"],
    }
    return {f"{group}Cpu": _policy(group, "TargetTrackingScaling", TargetTrackingConfiguration=configuration)}


def _step(group: str, of: Values, _: Outlook) -> Resources:
    """The example of AWS's guide: 10 % more above the alarm's threshold, 30 % more ten points above it, and likewise down
    (asg:as-scaling-simple-step)."""
    out = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": int(of["small"])},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": int(of["large"])},
    ]
    back = [
        {"MetricIntervalUpperBound": 0, "MetricIntervalLowerBound": -10, "ScalingAdjustment": -int(of["small"])},
        {"MetricIntervalUpperBound": -10, "ScalingAdjustment": -int(of["large"])},
    ]
    more = {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 1}
    return {
        f"{group}Out": _policy(group, "StepScaling", StepAdjustments=out, **more),
        f"{group}In": _policy(group, "StepScaling", StepAdjustments=back, **more),
        **_alarms(group, of),
    }


def _simple(group: str, of: Values, _: Outlook) -> Resources:
    more = {"AdjustmentType": "ChangeInCapacity", "Cooldown": str(int(of["cooldown"]))}
    return {
        f"{group}Out": _policy(group, "SimpleScaling", ScalingAdjustment=int(of["add"]), **more),
        f"{group}In": _policy(group, "SimpleScaling", ScalingAdjustment=-int(of["remove"]), **more),
        **_alarms(group, of),
    }


def _scheduled(group: str, of: Values, outlook: Outlook) -> Resources:
    """The plan of somebody who knows the load: for each stretch of time the instances that its highest rate needs at the
    target's utilisation; more of them a little early, fewer when the time has come."""
    return {
        f"{group}Plan{number}": {
            "Type": SCHEDULE,
            "Properties": {
                "AutoScalingGroupName": {"Ref": group},
                "DesiredCapacity": capacity,
                "StartTime": datetime.fromtimestamp(outlook.begin + at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }
        for number, (at, capacity) in enumerate(_plan(of, outlook))
    }


def _plan(of: Values, outlook: Outlook) -> Iterator[tuple[float, int]]:
    each = outlook.calibration.capacity * outlook.vcpus * of["target"] / 100.0
    before = 0
    for number in range(ceil(outlook.trace.duration / of["every"])):
        start = number * of["every"]
        needed = ceil(outlook.trace.highest(start, start + of["every"]) / each - 1e-9)
        capacity = min(max(needed, outlook.bounds[0]), outlook.bounds[1])
        if capacity != before:
            # An action must lie in the future when it is made: the first one is a minute late.
            yield max(60.0, start - of["lead"] if capacity > before else start), capacity
        before = capacity


def _nothing(_group: str, _of: Values, _outlook: Outlook) -> Resources:
    return {}


THRESHOLDS = {"high": 60.0, "low": 40.0, "periods": 3.0, "low_periods": 15.0}
BUILT_IN: dict[str, tuple[Make, Values]] = {
    "target-tracking": (_target_tracking, {"target": 50.0}),
    "step": (_step, {"small": 10.0, "large": 30.0, **THRESHOLDS}),
    "simple": (_simple, {"add": 1.0, "remove": 1.0, "cooldown": 300.0, **THRESHOLDS}),
    "scheduled": (_scheduled, {"target": 50.0, "every": 3600.0, "lead": 300.0}),
    "none": (_nothing, {}),
}


def _policy(group: str, kind: str, **properties: Any) -> Resource:
    return {"Type": POLICY, "Properties": {"AutoScalingGroupName": {"Ref": group}, "PolicyType": kind, **properties}}


def _alarms(group: str, of: Values) -> Resources:
    """On the group's average CPU, for its policies Out and In."""
    common = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": {"Ref": group}}],
        "Period": 60,
    }
    sides = {
        "High": ("GreaterThanOrEqualToThreshold", of["high"], of["periods"], "Out"),
        "Low": ("LessThanOrEqualToThreshold", of["low"], of["low_periods"], "In"),
    }
    return {
        f"{group}{side}": {
            "Type": ALARM,
            "Properties": {
                **common,
                "ComparisonOperator": comparison,
                "Threshold": threshold,
                "EvaluationPeriods": int(periods),
                "AlarmActions": [{"Ref": f"{group}{action}"}],
            },
        }
        for side, (comparison, threshold, periods, action) in sides.items()
    }
