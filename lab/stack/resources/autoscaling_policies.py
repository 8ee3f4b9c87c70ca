"""AWS::AutoScaling::ScalingPolicy.

Source: AWS CloudFormation resource reference, Amazon EC2 Auto Scaling.
"""

from typing import Any

from lab.stack.resources.base import ResourceType, Work, deleted_by, the_id, words
from lab.stack.schema import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    Property,
    Shape,
    fixed,
    free,
    list_of,
    map_of,
    need,
    one_of,
)

_DIMENSIONS = list_of(map_of({"Name": need(STRING), "Value": need(STRING)}))
_METRIC = map_of({"Dimensions": _DIMENSIONS, "MetricName": need(STRING), "Namespace": need(STRING)})
_METRIC_STAT = map_of({"Metric": need(_METRIC), "Period": INTEGER, "Stat": need(STRING), "Unit": STRING})
_QUERY = map_of(
    {
        "Expression": STRING,
        "Id": need(STRING),
        "Label": STRING,
        "MetricStat": _METRIC_STAT,
        "Period": INTEGER,
        "ReturnData": BOOLEAN,
    }
)
_TRACKED = "ALBRequestCountPerTarget ASGAverageCPUUtilization ASGAverageNetworkIn ASGAverageNetworkOut"


def _predefined(choices: str) -> Shape:
    return map_of({"PredefinedMetricType": need(one_of(choices)), "ResourceLabel": STRING})


_TARGET_TRACKING = map_of(
    {
        "CustomizedMetricSpecification": map_of(
            {
                "Dimensions": _DIMENSIONS,
                "MetricName": STRING,
                "Metrics": list_of(_QUERY),
                "Namespace": STRING,
                "Period": INTEGER,
                "Statistic": one_of("Average Maximum Minimum SampleCount Sum"),
                "Unit": STRING,
            }
        ),
        "DisableScaleIn": BOOLEAN,
        "PredefinedMetricSpecification": _predefined(_TRACKED),
        "TargetValue": need(DOUBLE),
    }
)


_PREDICTIVE = map_of(
    {
        "MaxCapacityBreachBehavior": one_of("HonorMaxCapacity IncreaseMaxCapacity"),
        "MaxCapacityBuffer": INTEGER,
        "MetricSpecifications": need(
            list_of(
                map_of(
                    {
                        "PredefinedLoadMetricSpecification": _predefined(
                            "ALBTargetGroupRequestCount ASGTotalCPUUtilization ASGTotalNetworkIn ASGTotalNetworkOut"
                        ),
                        "PredefinedMetricPairSpecification": _predefined(
                            "ALBRequestCount ASGCPUUtilization ASGNetworkIn ASGNetworkOut"
                        ),
                        "PredefinedScalingMetricSpecification": _predefined(_TRACKED),
                        "TargetValue": need(DOUBLE),
                    },
                    elsewhere="""CustomizedCapacityMetricSpecification CustomizedLoadMetricSpecification
                    CustomizedScalingMetricSpecification""",
                )
            )
        ),
        "Mode": one_of("ForecastAndScale ForecastOnly"),
        "SchedulingBufferTime": INTEGER,
    }
)
_POLICY: dict[str, Property] = {
    "AdjustmentType": free(one_of("ChangeInCapacity ExactCapacity PercentChangeInCapacity")),
    "AutoScalingGroupName": need(fixed(STRING)),
    "Cooldown": free(INTEGER),
    "EstimatedInstanceWarmup": free(INTEGER),
    "MetricAggregationType": free(one_of("Average Maximum Minimum")),
    "MinAdjustmentMagnitude": free(INTEGER),
    "PolicyType": free(one_of("PredictiveScaling SimpleScaling StepScaling TargetTrackingScaling")),
    "PredictiveScalingConfiguration": free(_PREDICTIVE),
    "ScalingAdjustment": free(INTEGER),
    "StepAdjustments": free(
        list_of(
            map_of(
                {
                    "MetricIntervalLowerBound": DOUBLE,
                    "MetricIntervalUpperBound": DOUBLE,
                    "ScalingAdjustment": need(INTEGER),
                }
            )
        )
    ),
    "TargetTrackingConfiguration": free(_TARGET_TRACKING),
}


def _put_policy(work: Work, name: str) -> str:
    request = {"PolicyName": name, **work.some(" ".join(_POLICY))}
    return str(work.call("autoscaling", "PutScalingPolicy", request)["PolicyARN"])


def _policy_name(arn: str) -> str:
    return arn.rpartition(":policyName/")[2]


def _update_policy(work: Work) -> None:
    _put_policy(work, _policy_name(work.physical_id))


def _which_policy(work: Work) -> dict[str, Any]:
    group = work.properties["AutoScalingGroupName"]
    return {"AutoScalingGroupName": group, "PolicyName": _policy_name(work.physical_id)}


_NEEDS = {
    "TargetTrackingScaling": words("TargetTrackingConfiguration"),
    "StepScaling": words("AdjustmentType StepAdjustments"),
    "SimpleScaling": words("AdjustmentType ScalingAdjustment"),
    "PredictiveScaling": words("PredictiveScalingConfiguration"),
}
_MAY_HAVE = {
    "TargetTrackingScaling": words("EstimatedInstanceWarmup"),
    "StepScaling": words("EstimatedInstanceWarmup MetricAggregationType MinAdjustmentMagnitude"),
    "SimpleScaling": words("Cooldown MinAdjustmentMagnitude"),
    "PredictiveScaling": words(""),
}


def _policy_check(given: dict[str, Any]) -> str | None:
    kind = given.get("PolicyType", "SimpleScaling")
    if not isinstance(kind, str) or kind not in _NEEDS:
        return None
    missing = sorted(_NEEDS[kind] - set(given))
    if missing:
        return f"a policy of type {kind} needs {' and '.join(missing)}"
    wrong = sorted(set(given) - _NEEDS[kind] - _MAY_HAVE[kind] - {"AutoScalingGroupName", "PolicyType"})
    return f"a policy of type {kind} does not take {' and '.join(wrong)}" if wrong else None


POLICY = ResourceType(
    "AWS::AutoScaling::ScalingPolicy",
    _POLICY,
    create=lambda work: _put_policy(work, work.name),
    update=_update_policy,
    delete=deleted_by("autoscaling", "DeletePolicy", _which_policy),
    attributes={"Arn": the_id, "PolicyName": lambda call, arn, _: _policy_name(arn)},
    check=_policy_check,
)

TYPES = (POLICY,)
