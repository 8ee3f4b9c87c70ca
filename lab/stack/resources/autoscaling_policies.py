"""AWS::AutoScaling::ScalingPolicy.

Source: AWS CloudFormation resource reference, Amazon EC2 Auto Scaling.
"""

from typing import Any

from lab.stack.resources.base import ResourceType, Work, deleted_by, the_id, words
from lab.stack.schema import BOOLEAN, DOUBLE, INTEGER, STRING, Property, fixed, free, list_of, map_of, need, one_of

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
        "PredefinedMetricSpecification": map_of(
            {
                "PredefinedMetricType": need(
                    one_of(
                        """ALBRequestCountPerTarget ASGAverageCPUUtilization ASGAverageNetworkIn
                        ASGAverageNetworkOut"""
                    )
                ),
                "ResourceLabel": STRING,
            }
        ),
        "TargetValue": need(DOUBLE),
    }
)
_POLICY: dict[str, Property] = {
    "AdjustmentType": free(one_of("ChangeInCapacity ExactCapacity PercentChangeInCapacity")),
    "AutoScalingGroupName": need(fixed(STRING)),
    "Cooldown": free(INTEGER),
    "EstimatedInstanceWarmup": free(INTEGER),
    "MetricAggregationType": free(one_of("Average Maximum Minimum")),
    "MinAdjustmentMagnitude": free(INTEGER),
    "PolicyType": free(
        one_of(
            "PredictiveScaling SimpleScaling StepScaling TargetTrackingScaling",
            "SimpleScaling StepScaling TargetTrackingScaling",
        )
    ),
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


def _policy_check(given: dict[str, Any]) -> str | None:
    kind = given.get("PolicyType", "SimpleScaling")
    wanted = {
        "TargetTrackingScaling": ("TargetTrackingConfiguration",),
        "StepScaling": ("AdjustmentType", "StepAdjustments"),
        "SimpleScaling": ("AdjustmentType", "ScalingAdjustment"),
    }.get(kind if isinstance(kind, str) else "", ())
    missing = [name for name in wanted if name not in given]
    return f"a policy of type {kind} needs {' and '.join(missing)}" if missing else None


POLICY = ResourceType(
    "AWS::AutoScaling::ScalingPolicy",
    _POLICY,
    create=lambda work: _put_policy(work, work.name),
    update=_update_policy,
    delete=deleted_by("autoscaling", "DeletePolicy", _which_policy),
    attributes={"Arn": the_id, "PolicyName": lambda call, arn, _: _policy_name(arn)},
    elsewhere=words("PredictiveScalingConfiguration"),
    check=_policy_check,
)

TYPES = (POLICY,)
