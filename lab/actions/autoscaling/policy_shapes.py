"""Scaling policies as DescribePolicies shows them (bc:autoscaling.ScalingPolicy)."""

from collections.abc import Iterable
from typing import Any

from lab.actions.cloudwatch.common import pairs
from lab.core.autoscaling.policy import (
    Adjustment,
    CustomizedMetric,
    Predefined,
    PredictiveScaling,
    ScalingPolicy,
    Step,
    TargetTracking,
)
from lab.core.cloudwatch.metric import MetricDataQuery
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
    if tracking.customized is not None:
        metric = {"CustomizedMetricSpecification": _customized(tracking.customized)}
    else:
        label = {"ResourceLabel": tracking.resource_label} if tracking.resource_label else {}
        metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": tracking.predefined_metric, **label}}
    return {**metric, "TargetValue": tracking.target_value, "DisableScaleIn": tracking.disable_scale_in}


def _customized(custom: CustomizedMetric) -> Shape:
    if custom.stat is None:
        return {"Metrics": [_query(one) for one in custom.queries]}
    stat = custom.stat
    return {
        "MetricName": stat.metric.name,
        "Namespace": stat.metric.namespace,
        "Dimensions": pairs(stat.metric),
        "Statistic": stat.statistic,
        "Period": stat.period,
        **_known(Unit=stat.unit or None),
    }


def _query(query: MetricDataQuery) -> Shape:
    stat = query.metric_stat
    measured = stat and {
        "Metric": {
            "Namespace": stat.metric.namespace,
            "MetricName": stat.metric.name,
            "Dimensions": pairs(stat.metric),
        },
        "Stat": stat.statistic,
        "Period": stat.period,
        **_known(Unit=stat.unit or None),
    }
    return {
        "Id": query.id,
        **_known(Expression=query.expression or None, MetricStat=measured),
        **_known(Label=query.label or None, Period=query.period),
        "ReturnData": query.return_data,
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
