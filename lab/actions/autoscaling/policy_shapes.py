"""Scaling policies as DescribePolicies shows them (bc:autoscaling.ScalingPolicy)."""

from collections.abc import Iterable
from typing import Any

from lab.core.autoscaling.policy import (
    Adjustment,
    Predefined,
    PredictiveScaling,
    ScalingPolicy,
    Step,
    TargetTracking,
)
from lab.core.cloudwatch.model import MetricAlarm

Shape = dict[str, Any]


def policy_shape(policy: ScalingPolicy, alarms: Iterable[MetricAlarm]) -> Shape:
    return {
        "AutoScalingGroupName": policy.group,
        "PolicyName": policy.name,
        "PolicyARN": policy.arn,
        "PolicyType": policy.policy_type,
        "StepAdjustments": [],
        **_known(EstimatedInstanceWarmup=_whole(policy.estimated_instance_warmup)),
        "Alarms": [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in alarms],
        "Enabled": policy.enabled,
        **_configuration(policy),
    }


def _configuration(policy: ScalingPolicy) -> Shape:
    if policy.target_tracking is not None:
        return {"TargetTrackingConfiguration": _target_tracking(policy.target_tracking)}
    if policy.step is not None:
        return {
            **_adjustment(policy.step.adjustment),
            "MetricAggregationType": policy.step.aggregation or "Average",
            "StepAdjustments": [_step(step) for step in policy.step.steps],
        }
    if policy.simple is not None:
        simple = policy.simple
        return {
            **_adjustment(simple.adjustment),
            "ScalingAdjustment": simple.amount,
            **_known(Cooldown=_whole(simple.cooldown)),
        }
    if policy.predictive is not None:
        return {"PredictiveScalingConfiguration": _predictive(policy.predictive)}
    return {}


def _target_tracking(tracking: TargetTracking) -> Shape:
    label = {"ResourceLabel": tracking.resource_label} if tracking.resource_label else {}
    return {
        "PredefinedMetricSpecification": {"PredefinedMetricType": tracking.predefined_metric, **label},
        "TargetValue": tracking.target_value,
        "DisableScaleIn": tracking.disable_scale_in,
    }


def _adjustment(adjustment: Adjustment) -> Shape:
    """AWS shows the magnitude under its old name, too."""
    least = adjustment.min_magnitude
    return {
        "AdjustmentType": adjustment.adjustment_type,
        **_known(MinAdjustmentStep=least, MinAdjustmentMagnitude=least),
    }


def _step(step: Step) -> Shape:
    bounds = _known(MetricIntervalLowerBound=step.lower, MetricIntervalUpperBound=step.upper)
    return {**bounds, "ScalingAdjustment": step.adjustment}


def _predictive(predictive: PredictiveScaling) -> Shape:
    return {
        "MetricSpecifications": [metric_specification(predictive)],
        "Mode": predictive.mode,
        **_known(
            SchedulingBufferTime=_whole(predictive.scheduling_buffer),
            MaxCapacityBreachBehavior=predictive.max_capacity_breach or None,
            MaxCapacityBuffer=predictive.max_capacity_buffer,
        ),
    }


def metric_specification(predictive: PredictiveScaling) -> Shape:
    """bc:autoscaling.PredictiveScalingMetricSpecification"""
    return {
        "TargetValue": predictive.target_value,
        **_known(
            PredefinedMetricPairSpecification=_predefined(predictive.pair),
            PredefinedLoadMetricSpecification=_predefined(predictive.load),
            PredefinedScalingMetricSpecification=_predefined(predictive.scaling),
        ),
    }


def _predefined(one: Predefined | None) -> Shape | None:
    if one is None:
        return None
    return {
        "PredefinedMetricType": one.metric,
        **({"ResourceLabel": one.resource_label} if one.resource_label else {}),
    }


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


def _known(**members: Any) -> Shape:
    """Those that are set: AWS leaves the others out."""
    return {name: value for name, value in members.items() if value is not None}
