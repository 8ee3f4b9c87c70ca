"""CloudWatch: alarms and metric data (aws-facts §5). Evaluating alarms is the affair of a reconciler."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list, tags_of
from lab.core.cloudwatch.alarms import COMPARISONS
from lab.core.cloudwatch.model import AlarmHistory, Metric, MetricAlarm, dimensions
from lab.core.errors import LabError
from lab.core.times import moment

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
MAX_DATAPOINTS = 1440


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
    _check_choice("Statistic", request["Statistic"], STATISTICS)
    _check_choice("ComparisonOperator", request["ComparisonOperator"], tuple(COMPARISONS))
    _check_choice("TreatMissingData", request.get("TreatMissingData", "missing"), TREATMENTS)
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
        metric=_metric(request),
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
    alarm = _get(context, request["AlarmName"])
    _check_choice("StateValue", request["StateValue"], ("OK", "ALARM", "INSUFFICIENT_DATA"))
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


@reads("Namespace", "MetricData")
def put_metric_data(context: Context, request: Request) -> Response:
    if request["Namespace"].startswith("AWS/"):
        raise LabError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid: it is reserved")
    for datum in request.get("MetricData", ()):
        if "Value" not in datum:
            raise LabError("InvalidParameterCombination", "the lab takes one Value per datum")
        timestamp = datum["Timestamp"].timestamp() if "Timestamp" in datum else context.now
        metric = _metric({**datum, "Namespace": request["Namespace"]})
        context.metrics.put(metric, float(datum["Value"]), timestamp)
    return {}


@reads("Namespace", "MetricName", "Dimensions", "RecentlyActive", "NextToken")
def list_metrics(context: Context, request: Request) -> Response:
    wanted = {(row["Name"], row.get("Value")) for row in request.get("Dimensions", ())}
    return {
        "Metrics": [
            {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": _pairs(metric)}
            for metric in context.metrics.metrics()
            if request.get("Namespace", metric.namespace) == metric.namespace
            and request.get("MetricName", metric.name) == metric.name
            and all(
                any(name == key and value in (None, held) for key, held in metric.dimensions) for name, value in wanted
            )
        ]
    }


@reads("Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Statistics", "Unit")
def get_metric_statistics(context: Context, request: Request) -> Response:
    period = request["Period"]
    start = request["StartTime"].timestamp() // period * period
    end = request["EndTime"].timestamp()
    if period < 60 or period % 60:
        raise LabError("InvalidParameterValue", f"Period must be a multiple of 60 in the lab, not {period}")
    if (end - start) / period > MAX_DATAPOINTS:
        raise LabError(
            "InvalidParameterCombination", f"at most {MAX_DATAPOINTS} datapoints: raise Period or ask for less time"
        )
    metric, names = _metric(request), request.get("Statistics", ())
    for name in names:
        _check_choice("Statistics", name, STATISTICS)
    points = []
    while start < end:
        found = context.metrics.statistics(metric, start, period)
        if found is not None:
            points.append({"Timestamp": moment(start), **{name: found.get(name) for name in names}})
        start += period
    return {"Label": metric.name, "Datapoints": points}


@reads("ResourceARN", "Tags")
def tag_resource(context: Context, request: Request) -> Response:
    alarm = _by_arn(context, request["ResourceARN"])
    context.store.put(replace(alarm, tags={**alarm.tags, **tags_of(request["Tags"])}))
    return {}


@reads("ResourceARN", "TagKeys")
def untag_resource(context: Context, request: Request) -> Response:
    alarm = _by_arn(context, request["ResourceARN"])
    kept = {key: value for key, value in alarm.tags.items() if key not in request["TagKeys"]}
    context.store.put(replace(alarm, tags=kept))
    return {}


@reads("ResourceARN")
def list_tags_for_resource(context: Context, request: Request) -> Response:
    return {"Tags": tag_list(_by_arn(context, request["ResourceARN"]).tags)}


def put_alarm(context: Context, alarm: MetricAlarm, *, created: bool) -> None:
    """Store the alarm and record it in its history."""
    context.store.put(alarm)
    verb = "created" if created else "updated"
    record(context, alarm.name, "ConfigurationUpdate", f'Alarm "{alarm.name}" {verb}', "")


def record(context: Context, alarm_name: str, item_type: str, summary: str, reason: str) -> None:
    item = AlarmHistory(context.new_id("uuid"), alarm_name, context.now, item_type, summary, reason)
    context.store.put(item)


def _get(context: Context, name: str) -> MetricAlarm:
    return require(context.store, MetricAlarm, name, "ResourceNotFound", f"Alarm {name} does not exist", 404)


def _by_arn(context: Context, arn: str) -> MetricAlarm:
    return _get(context, arn.partition(":alarm:")[2])


def _check_choice(member: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise LabError("ValidationError", f"{member} must be one of {', '.join(choices)}, not '{value}'")


def _metric(request: Mapping[str, Any]) -> Metric:
    pairs = {row["Name"]: row["Value"] for row in request.get("Dimensions", ())}
    return Metric(request["Namespace"], request["MetricName"], dimensions(pairs))


def _pairs(metric: Metric) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]


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
        "Dimensions": _pairs(alarm.metric),
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        **({"DatapointsToAlarm": alarm.datapoints_to_alarm} if alarm.datapoints_to_alarm else {}),
        **({"TreatMissingData": alarm.treat_missing_data} if alarm.treat_missing_data else {}),
    }
