"""Alarms and their history (aws-facts §5.3). Evaluating alarms is the affair of a reconciler."""

from dataclasses import replace
from typing import Any

from lab.actions.cloudwatch.common import check_choice, metric_of, pairs
from lab.actions.context import Context, Request, Response, reads, require, tags_of
from lab.core.cloudwatch.alarms import COMPARISONS
from lab.core.cloudwatch.metric import STATISTICS
from lab.core.cloudwatch.model import AlarmHistory, MetricAlarm
from lab.core.errors import LabError
from lab.core.times import moment

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@reads(
    "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
    "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods", "DatapointsToAlarm",
    "Threshold", "ComparisonOperator", "TreatMissingData", "Tags",
)  # fmt: skip
def put_metric_alarm(context: Context, request: Request) -> Response:
    """A new alarm starts in INSUFFICIENT_DATA; putting one again replaces its configuration and keeps its state."""
    for member in ("MetricName", "Namespace", "Statistic", "Period", "Threshold"):
        if member not in request:
            raise LabError("ValidationError", f"An alarm on a metric needs {member}")
    check_choice("Statistic", request["Statistic"], STATISTICS)
    check_choice("ComparisonOperator", request["ComparisonOperator"], tuple(COMPARISONS))
    check_choice("TreatMissingData", request.get("TreatMissingData", "missing"), TREATMENTS)
    period, periods = request["Period"], request["EvaluationPeriods"]
    if period < 60 or period % 60:
        raise LabError("ValidationError", f"Period must be a multiple of 60 in the lab, not {period}")
    if periods < 1 or period * periods > (86400 if period < 3600 else 604800):
        raise LabError(
            "ValidationError", "Metrics cannot be checked across more than a day (EvaluationPeriods * Period)"
        )
    needed = request.get("DatapointsToAlarm")
    if needed is not None and not 1 <= needed <= periods:
        raise LabError(
            "ValidationError", f"DatapointsToAlarm must be from 1 to EvaluationPeriods ({periods}), not {needed}"
        )
    for member in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        if len(request.get(member, ())) > 5:
            raise LabError("ValidationError", f"{member} holds more than five actions")
    name = request["AlarmName"]
    alarm = MetricAlarm(
        name=name,
        arn=context.account.arn("cloudwatch", f"alarm:{name}"),
        description=request.get("AlarmDescription", ""),
        metric=metric_of(request),
        statistic=request["Statistic"],
        period=period,
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        threshold=float(request["Threshold"]),
        comparison_operator=request["ComparisonOperator"],
        treat_missing_data=request.get("TreatMissingData"),
        configured_at=context.now,
        alarm_actions=tuple(request.get("AlarmActions", ())),
        ok_actions=tuple(request.get("OKActions", ())),
        insufficient_data_actions=tuple(request.get("InsufficientDataActions", ())),
        actions_enabled=request.get("ActionsEnabled", True),
        state_updated_at=context.now,
        tags=tags_of(request.get("Tags")),
    )
    known = context.store.get(MetricAlarm, name)
    if known is not None:
        alarm = replace(
            alarm,
            state=known.state,
            state_reason=known.state_reason,
            state_updated_at=known.state_updated_at,
            tags=known.tags,
        )
    put_alarm(context, alarm, created=known is None)
    return {}


@reads("AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix", "MaxRecords", "NextToken")
def describe_alarms(context: Context, request: Request) -> Response:
    found = [
        alarm
        for alarm in context.store.all(MetricAlarm)
        if alarm.name in request.get("AlarmNames", (alarm.name,))
        and alarm.name.startswith(request.get("AlarmNamePrefix", ""))
        and request.get("StateValue", alarm.state) == alarm.state
        and (not request.get("ActionPrefix") or any(a.startswith(request["ActionPrefix"]) for a in alarm.alarm_actions))
    ]
    return {"MetricAlarms": [_alarm(alarm) for alarm in found], "CompositeAlarms": []}


@reads("AlarmNames")
def delete_alarms(context: Context, request: Request) -> Response:
    """Names that are not there are passed over, as AWS does."""
    for name in request["AlarmNames"]:
        context.store.delete(MetricAlarm, name)
    return {}


@reads("AlarmName", "StateValue", "StateReason", "StateReasonData")
def set_alarm_state(context: Context, request: Request) -> Response:
    """Until the next evaluation. The actions of the state follow, as after an evaluation."""
    alarm = get_alarm(context, request["AlarmName"])
    check_choice("StateValue", request["StateValue"], ("OK", "ALARM", "INSUFFICIENT_DATA"))
    changed = replace(
        alarm,
        state=request["StateValue"],
        state_reason=request["StateReason"],
        state_updated_at=context.now,
        acted_at=None,
    )
    context.store.put(changed)
    if changed.state != alarm.state:
        record(
            context,
            alarm.name,
            "StateUpdate",
            f"Alarm updated from {alarm.state} to {changed.state}",
            changed.state_reason,
        )
    return {}


@reads("AlarmName", "HistoryItemType", "StartDate", "EndDate", "MaxRecords", "NextToken", "ScanBy", "AlarmTypes")
def describe_alarm_history(context: Context, request: Request) -> Response:
    name, kind = request.get("AlarmName"), request.get("HistoryItemType")
    items = [
        {
            "AlarmName": item.alarm_name,
            "AlarmType": "MetricAlarm",
            "Timestamp": moment(item.timestamp),
            "HistoryItemType": item.item_type,
            "HistorySummary": item.summary,
            "HistoryData": item.reason,
        }
        for item in context.store.all(AlarmHistory)
        if name in (None, item.alarm_name) and kind in (None, item.item_type)
    ]
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    return {"AlarmHistoryItems": items[::-1] if newest_first else items}


def put_alarm(context: Context, alarm: MetricAlarm, *, created: bool) -> None:
    """Store the alarm and record it in its history."""
    context.store.put(alarm)
    verb = "created" if created else "updated"
    record(context, alarm.name, "ConfigurationUpdate", f'Alarm "{alarm.name}" {verb}', "")


def record(context: Context, alarm_name: str, item_type: str, summary: str, reason: str) -> None:
    item = AlarmHistory(context.new_id("uuid"), alarm_name, context.now, item_type, summary, reason)
    context.store.put(item)


def get_alarm(context: Context, name: str) -> MetricAlarm:
    return require(context.store, MetricAlarm, name, "ResourceNotFound", f"Alarm {name} does not exist", 404)


def _alarm(alarm: MetricAlarm) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "AlarmDescription": alarm.description,
        "AlarmConfigurationUpdatedTimestamp": moment(alarm.configured_at),
        "ActionsEnabled": alarm.actions_enabled,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "StateValue": alarm.state,
        "StateReason": alarm.state_reason,
        "StateUpdatedTimestamp": moment(alarm.state_updated_at),
        "StateTransitionedTimestamp": moment(alarm.state_updated_at),
        "MetricName": alarm.metric.name,
        "Namespace": alarm.metric.namespace,
        "Statistic": alarm.statistic,
        "Dimensions": pairs(alarm.metric),
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        **({"DatapointsToAlarm": alarm.datapoints_to_alarm} if alarm.datapoints_to_alarm else {}),
        **({"TreatMissingData": alarm.treat_missing_data} if alarm.treat_missing_data else {}),
    }
