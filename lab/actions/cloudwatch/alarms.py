"""Alarms: put, set, enable, delete (aws-facts §5.3). Evaluating them is the affair of a reconciler.

Each change of an alarm and its item in the history are one transaction. A state that was set by hand owes its actions
(`acted_at` is None) until the reconciler has invoked them.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from lab.actions.cloudwatch.alarm_checks import (
    check_common,
    check_length,
    check_metric,
    check_periods,
    check_threshold,
    queries_of,
)
from lab.actions.cloudwatch.common import check_choice, metric_of
from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.core.cloudwatch import history
from lab.core.cloudwatch.model import STATES, Alarm, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.query import periods
from lab.core.cloudwatch.rule import children, name_of
from lab.core.cloudwatch.rule_parser import parse
from lab.core.errors import LabError, ValidationError
from lab.core.store import Store

MOST_NAMES = 100


@reads(
    "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
    "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile",
    "Metrics", "Tags",
)  # fmt: skip
def put_metric_alarm(context: Context, request: Request) -> Response:
    """A new alarm starts in INSUFFICIENT_DATA; putting one again replaces its configuration and keeps its state."""
    check_common(context, request, composite=False)
    check_threshold(request)
    if ("Metrics" in request) == ("MetricName" in request):
        raise ValidationError("An alarm needs one of MetricName and Metrics, not both")
    alarm = _on_queries(context, request) if "Metrics" in request else _on_metric(context, request)
    check_periods(request, alarm.period)
    known = context.store.get(MetricAlarm, alarm.name)
    check_name_is_free(context, alarm)
    if known is not None:
        alarm = replace(
            alarm,
            state=known.state,
            state_reason=known.state_reason,
            state_reason_data=known.state_reason_data,
            state_updated_at=known.state_updated_at,
            recent=known.recent,
            acted_at=known.acted_at,
            results=known.results if known.actions == alarm.actions else (),
            tags=known.tags,
        )
    put_alarm(context, alarm, created=known is None)
    return {}


def _on_metric(context: Context, request: Request) -> MetricAlarm:
    check_metric(request)
    return replace(
        _alarm(context, request),
        metric=metric_of(request),
        statistic=request.get("Statistic") or request["ExtendedStatistic"],
        period=request["Period"],
        unit=request.get("Unit", ""),
    )


def _on_queries(context: Context, request: Request) -> MetricAlarm:
    queries = queries_of(request)
    [watched] = (one.id for one in queries if one.return_data)
    return replace(_alarm(context, request), queries=queries, period=periods(queries)[watched])


def _alarm(context: Context, request: Request) -> MetricAlarm:
    """What the request says apart from what the alarm is on. Nothing is owed for the state a new alarm is in."""
    name = request["AlarmName"]
    return MetricAlarm(
        name=name,
        arn=context.account.arn("cloudwatch", f"alarm:{name}"),
        description=request.get("AlarmDescription", ""),
        metric=None,
        statistic="",
        period=0,
        evaluation_periods=request["EvaluationPeriods"],
        datapoints_to_alarm=request.get("DatapointsToAlarm"),
        threshold=float(request["Threshold"]),
        comparison_operator=request["ComparisonOperator"],
        treat_missing_data=request.get("TreatMissingData"),
        evaluate_low_sample_count_percentile=request.get("EvaluateLowSampleCountPercentile"),
        configured_at=context.now,
        alarm_actions=tuple(request.get("AlarmActions", ())),
        ok_actions=tuple(request.get("OKActions", ())),
        insufficient_data_actions=tuple(request.get("InsufficientDataActions", ())),
        actions_enabled=request.get("ActionsEnabled", True),
        state_updated_at=context.now,
        acted_at=context.now,
        tags=tags_of(request.get("Tags")),
    )


@reads("AlarmName", "StateValue", "StateReason", "StateReasonData")
def set_alarm_state(context: Context, request: Request) -> Response:
    """Until the next evaluation; of a composite alarm until a child changes. When the state is another one, its actions
    follow."""
    alarm = get_alarm(context, request["AlarmName"])
    check_choice("StateValue", request["StateValue"], STATES)
    check_length("StateReason", request["StateReason"], 0, 1023)
    data = request.get("StateReasonData", "")
    check_length("StateReasonData", data, 0, 4000)
    if data and not _is_json_object(data):
        raise LabError("InvalidFormat", "StateReasonData must be a JSON object")
    changed = replace(
        alarm,
        state=request["StateValue"],
        state_reason=request["StateReason"],
        state_reason_data=data,
    )
    if changed.state != alarm.state:
        changed = replace(changed, state_updated_at=context.now, acted_at=None, results=())
        context.store.put(history.transitioned(context.new_id("uuid"), alarm, changed, context.now))
    context.store.put(changed)
    return {}


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


@reads("AlarmNames")
def enable_alarm_actions(context: Context, request: Request) -> Response:
    return _set_actions(context, request, enabled=True)


@reads("AlarmNames")
def disable_alarm_actions(context: Context, request: Request) -> Response:
    return _set_actions(context, request, enabled=False)


def _set_actions(context: Context, request: Request, *, enabled: bool) -> Response:
    """Names that are not there are passed over. What an alarm missed meanwhile is not made up for."""
    for alarm in _named(context, request["AlarmNames"]):
        if alarm.actions_enabled != enabled:
            put_alarm(context, replace(alarm, actions_enabled=enabled), created=False)
    return {}


@reads("AlarmNames")
def delete_alarms(context: Context, request: Request) -> Response:
    """Names that are not there are passed over, as AWS does. What a composite alarm depends on stays, and so does all."""
    alarms = _named(context, request["AlarmNames"])
    if sum(isinstance(alarm, CompositeAlarm) for alarm in alarms) > 1:
        raise ValidationError("At most one composite alarm can be deleted in one request")
    going = {alarm.name for alarm in alarms}
    for alarm in alarms:
        if any(parent.name not in going for parent in dependents(context.store, alarm.name)):
            raise ValidationError(f"Cannot delete {alarm.name} as there are composite alarm(s) depending on it.")
    for alarm in alarms:
        delete_alarm(context, alarm)
    return {}


def _named(context: Context, names: Iterable[str]) -> list[Alarm]:
    found = [find_alarm(context.store, name) for name in dict.fromkeys(names)]
    if len(found) > MOST_NAMES:
        raise ValidationError(f"AlarmNames holds more than {MOST_NAMES} names")
    return [alarm for alarm in found if alarm is not None]


def put_alarm(context: Context, alarm: Alarm, *, created: bool) -> None:
    """Store the alarm and record it in its history."""
    context.store.put(alarm)
    verb = "Create" if created else "Update"
    context.store.put(history.configured(context.new_id("uuid"), alarm, verb, context.now))


def delete_alarm(context: Context, alarm: Alarm) -> None:
    """Its history stays."""
    context.store.delete(type(alarm), alarm.name)
    context.store.put(history.configured(context.new_id("uuid"), alarm, "Delete", context.now))


def check_name_is_free(context: Context, alarm: Alarm) -> None:
    """Metric alarms and composite alarms share their names."""
    other = find_alarm(context.store, alarm.name)
    if other is not None and type(other) is not type(alarm):
        raise ValidationError(f"An alarm {alarm.name} exists and is a {type(other).__name__}; delete it first")


def dependents(store: Store, name: str) -> list[CompositeAlarm]:
    """The composite alarms whose rule names the alarm, or that it suppresses."""
    return [row for row in store.all(CompositeAlarm) if name == row.suppressor or name in children(parse(row.rule))]


def find_alarm(store: Store, name: str) -> Alarm | None:
    """By its name or ARN."""
    name = name_of(name)
    return store.get(MetricAlarm, name) or store.get(CompositeAlarm, name)


def get_alarm(context: Context, name: str) -> Alarm:
    """Raises ResourceNotFound."""
    alarm = find_alarm(context.store, name)
    if alarm is None:
        raise LabError("ResourceNotFound", f"Alarm {name} does not exist", status=404)
    return alarm
