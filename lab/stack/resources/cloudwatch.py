"""AWS::CloudWatch::Alarm and AWS::CloudWatch::CompositeAlarm. PutMetricAlarm and PutCompositeAlarm state an alarm whole, so
create and update are the same call.

Source: AWS CloudFormation resource reference, the two types.
"""

from collections.abc import Callable
from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import ResourceType, Work, deleted_by, retag, words
from lab.stack.schema import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    TAGS,
    Property,
    fixed,
    free,
    list_of,
    map_of,
    need,
    one_of,
)  # fmt: skip

_COMPARISONS = """GreaterThanOrEqualToThreshold GreaterThanThreshold GreaterThanUpperThreshold
    LessThanLowerOrGreaterThanUpperThreshold LessThanLowerThreshold LessThanOrEqualToThreshold LessThanThreshold"""
_SUPPORTED_COMPARISONS = """GreaterThanOrEqualToThreshold GreaterThanThreshold LessThanOrEqualToThreshold
    LessThanThreshold"""
_DIMENSIONS = list_of(map_of({"Name": need(STRING), "Value": need(STRING)}))
_METRIC = map_of({"Dimensions": _DIMENSIONS, "MetricName": need(STRING), "Namespace": STRING})
_QUERY = map_of(
    {
        "Expression": STRING,
        "Id": need(STRING),
        "Label": STRING,
        "MetricStat": map_of({"Metric": need(_METRIC), "Period": need(INTEGER), "Stat": need(STRING), "Unit": STRING}),
        "Period": INTEGER,
        "ReturnData": BOOLEAN,
    },
    elsewhere="AccountId",
)
_ALARM: dict[str, Property] = {
    "ActionsEnabled": free(BOOLEAN),
    "AlarmActions": free(list_of(STRING)),
    "AlarmDescription": free(STRING),
    "AlarmName": fixed(STRING),
    "ComparisonOperator": need(free(one_of(_COMPARISONS, _SUPPORTED_COMPARISONS))),
    "DatapointsToAlarm": free(INTEGER),
    "Dimensions": free(_DIMENSIONS),
    "EvaluateLowSampleCountPercentile": free(STRING),
    "EvaluationPeriods": need(free(INTEGER)),
    "ExtendedStatistic": free(STRING),
    "InsufficientDataActions": free(list_of(STRING)),
    "MetricName": free(STRING),
    "Metrics": free(list_of(_QUERY)),
    "Namespace": free(STRING),
    "OKActions": free(list_of(STRING)),
    "Period": free(INTEGER),
    "Statistic": free(one_of("Average Maximum Minimum SampleCount Sum")),
    "Tags": free(TAGS),
    "Threshold": free(DOUBLE),
    "TreatMissingData": free(one_of("breaching ignore missing notBreaching")),
    "Unit": free(STRING),
}
_COMPOSITE: dict[str, Property] = {
    "ActionsEnabled": free(BOOLEAN),
    "ActionsSuppressor": free(STRING),
    "ActionsSuppressorExtensionPeriod": free(INTEGER),
    "ActionsSuppressorWaitPeriod": free(INTEGER),
    "AlarmActions": free(list_of(STRING)),
    "AlarmDescription": free(STRING),
    "AlarmName": fixed(STRING),
    "AlarmRule": need(free(STRING)),
    "InsufficientDataActions": free(list_of(STRING)),
    "OKActions": free(list_of(STRING)),
    "Tags": free(TAGS),
}


def _stated_whole(
    operation: str, properties: dict[str, Property]
) -> tuple[Callable[[Work], str], Callable[[Work], None]]:
    """How an alarm is made and changed by the operation that states it."""
    stated = " ".join(name for name in properties if name not in ("AlarmName", "Tags"))

    def create(work: Work) -> str:
        name = str(work.properties.get("AlarmName", work.name))
        work.call("cloudwatch", operation, {"AlarmName": name, **work.some(f"{stated} Tags")})
        return name

    def update(work: Work) -> None:
        if work.changed - {"Tags"}:
            work.call("cloudwatch", operation, {"AlarmName": work.physical_id, **work.some(stated)})
        if "Tags" in work.changed:
            _update_tags(work, _arn(work.call, work.physical_id, {}))

    return create, update


def _update_tags(work: Work, arn: str) -> None:
    def put(tags: list[dict[str, Any]]) -> None:
        work.call("cloudwatch", "TagResource", {"ResourceARN": arn, "Tags": tags})

    def take(keys: list[str]) -> None:
        work.call("cloudwatch", "UntagResource", {"ResourceARN": arn, "TagKeys": keys})

    retag(work, put, take)


def _arn(call: Call, name: str, _: dict[str, Any]) -> str:
    types = ["MetricAlarm", "CompositeAlarm"]
    told = call("cloudwatch", "DescribeAlarms", {"AlarmNames": [name], "AlarmTypes": types})
    alarms: list[dict[str, Any]] = told["MetricAlarms"] + told["CompositeAlarms"]
    return str(alarms[0]["AlarmArn"])


_delete = deleted_by("cloudwatch", "DeleteAlarms", lambda work: {"AlarmNames": [work.physical_id]})
_create_alarm, _update_alarm = _stated_whole("PutMetricAlarm", _ALARM)
_create_composite, _update_composite = _stated_whole("PutCompositeAlarm", _COMPOSITE)

ALARM = ResourceType(
    "AWS::CloudWatch::Alarm",
    _ALARM,
    create=_create_alarm,
    update=_update_alarm,
    delete=_delete,
    attributes={"Arn": _arn},
    elsewhere=words(
        "ActionConfiguration EvaluationCriteria EvaluationInterval EvaluationWindow ThresholdMetricId WarmUpConfiguration"
    ),
    check=lambda given: (
        None if given.keys() & {"MetricName", "Metrics"} else "one of MetricName or Metrics is required"
    ),
)
COMPOSITE_ALARM = ResourceType(
    "AWS::CloudWatch::CompositeAlarm",
    _COMPOSITE,
    create=_create_composite,
    update=_update_composite,
    delete=_delete,
    attributes={"Arn": _arn},
    elsewhere=words("ActionConfiguration"),
)

TYPES = (ALARM, COMPOSITE_ALARM)
