"""What is told of alarms (bc:cloudwatch.DescribeAlarms, .DescribeAlarmsForMetric; aws-facts §10.6)."""

from collections.abc import Sequence
from typing import Any

from lab.actions.cloudwatch.alarms import MOST_NAMES, dependents, find_alarm, get_alarm
from lab.actions.cloudwatch.common import check_choice, metric_of, pairs
from lab.actions.cloudwatch.pages import last_seen, page
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.metric import STATISTICS, Metric, MetricDataQuery
from lab.core.cloudwatch.model import Alarm, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.rule import children
from lab.core.cloudwatch.rule_parser import parse
from lab.core.errors import ValidationError
from lab.core.times import moment

TYPES = ("MetricAlarm", "CompositeAlarm", "LogAlarm")
RELATIVES = ("ChildrenOfAlarmName", "ParentsOfAlarmName")


@reads(
    "AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix", "MaxRecords", "NextToken",
    "ChildrenOfAlarmName", "ParentsOfAlarmName",
)  # fmt: skip
def describe_alarms(context: Context, request: Request) -> Response:
    """In the order of their names; metric alarms only unless AlarmTypes says otherwise."""
    relative = next((member for member in RELATIVES if member in request), None)
    if relative is None:
        found, told = _matching(context, request), None
    else:
        found, told = _relatives(context, request, relative)
    last = last_seen(request)
    found = sorted((row for row in found if last is None or row.name > last), key=lambda row: row.name)
    shown, token = page(found, lambda row: row.name, request)
    return {
        "MetricAlarms": [_only(told, metric_alarm(row)) for row in shown if isinstance(row, MetricAlarm)],
        "CompositeAlarms": [_only(told, composite_alarm(row)) for row in shown if isinstance(row, CompositeAlarm)],
        **token,
    }


def _matching(context: Context, request: Request) -> list[Alarm]:
    names, prefix = request.get("AlarmNames", ()), request.get("AlarmNamePrefix", "")
    if names and prefix:
        raise ValidationError("AlarmNames and AlarmNamePrefix cannot be used together")
    if len(names) > MOST_NAMES:
        raise ValidationError(f"AlarmNames holds more than {MOST_NAMES} names")
    wanted, types = set(names), types_of(request)
    rows: list[Alarm] = [*context.store.all(MetricAlarm), *context.store.all(CompositeAlarm)]
    return [
        row
        for row in rows
        if type(row).__name__ in types
        and (not wanted or row.name in wanted)
        and row.name.startswith(prefix)
        and request.get("StateValue", row.state) == row.state
        and _acts_on(row, request.get("ActionPrefix", ""))
    ]


def types_of(request: Request) -> Sequence[str]:
    """AlarmTypes; metric alarms when there are none."""
    types: Sequence[str] = request.get("AlarmTypes") or TYPES[:1]
    for one in types:
        check_choice("AlarmTypes", one, TYPES)
    return types


def _acts_on(alarm: Alarm, prefix: str) -> bool:
    actions = (*alarm.ok_actions, *alarm.alarm_actions, *alarm.insufficient_data_actions)
    return not prefix or any(action.startswith(prefix) for action in actions)


def _relatives(context: Context, request: Request, member: str) -> tuple[list[Alarm], tuple[str, ...]]:
    """The alarms a rule names, or those whose rules name an alarm; and what is told of them."""
    others = sorted(set(request) - {member, "MaxRecords", "NextToken"})
    if others:
        raise ValidationError(f"{member} cannot be used together with {', '.join(others)}")
    alarm = get_alarm(context, request[member])
    if member == "ParentsOfAlarmName":
        parents = [row for row in dependents(context.store, alarm.name) if alarm.name in children(parse(row.rule))]
        return [*parents], ("AlarmName", "AlarmArn")
    if not isinstance(alarm, CompositeAlarm):
        raise ValidationError(f"{alarm.name} is no composite alarm: it has no children")
    found = (find_alarm(context.store, name) for name in children(parse(alarm.rule)))
    told = ("AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp")
    return [row for row in found if row is not None], told


def _only(members: tuple[str, ...] | None, told: dict[str, Any]) -> dict[str, Any]:
    return told if members is None else {name: told[name] for name in members}


@reads("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
def describe_alarms_for_metric(context: Context, request: Request) -> Response:
    """Alarms on that very metric; not those on expressions."""
    metric = metric_of(request)
    statistic = request.get("Statistic") or request.get("ExtendedStatistic")
    found = [
        row
        for row in context.store.where(MetricAlarm, "metric", metric)
        if statistic in (None, row.statistic)
        and request.get("Period", row.period) == row.period
        and request.get("Unit", row.unit) == row.unit
    ]
    return {"MetricAlarms": [metric_alarm(row) for row in found]}


def metric_alarm(alarm: MetricAlarm) -> dict[str, Any]:
    """bc:cloudwatch.MetricAlarm. What was not given is not told."""
    return {
        **_common(alarm),
        **(_on_queries(alarm) if alarm.metric is None else _on_metric(alarm, alarm.metric)),
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        **given(
            {
                "DatapointsToAlarm": alarm.datapoints_to_alarm,
                "TreatMissingData": alarm.treat_missing_data,
                "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile,
            }
        ),
    }


def composite_alarm(alarm: CompositeAlarm) -> dict[str, Any]:
    """bc:cloudwatch.CompositeAlarm."""
    by = alarm.suppressed_by
    return {
        **_common(alarm),
        "AlarmRule": alarm.rule,
        **given(
            {
                "ActionsSuppressor": alarm.suppressor,
                "ActionsSuppressorWaitPeriod": alarm.wait_period,
                "ActionsSuppressorExtensionPeriod": alarm.extension_period,
                "ActionsSuppressedBy": by,
                "ActionsSuppressedReason": by and f"Actions suppressed by {by}",
            }
        ),
    }


def _common(alarm: Alarm) -> dict[str, Any]:
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
        **given({"StateReasonData": alarm.state_reason_data}),
        "StateUpdatedTimestamp": moment(alarm.state_updated_at),
        "StateTransitionedTimestamp": moment(alarm.state_updated_at),
    }


def _on_metric(alarm: MetricAlarm, metric: Metric) -> dict[str, Any]:
    return {
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "Statistic" if alarm.statistic in STATISTICS else "ExtendedStatistic": alarm.statistic,
        "Dimensions": pairs(metric),
        "Period": alarm.period,
        **given({"Unit": alarm.unit}),
    }


def _on_queries(alarm: MetricAlarm) -> dict[str, Any]:
    return {"Metrics": [_query(one) for one in alarm.queries]}


def _query(one: MetricDataQuery) -> dict[str, Any]:
    stat = one.metric_stat
    return {
        "Id": one.id,
        **given({"Expression": one.expression, "Label": one.label, "Period": one.period}),
        **(
            {
                "MetricStat": {
                    "Metric": {
                        "Namespace": stat.metric.namespace,
                        "MetricName": stat.metric.name,
                        "Dimensions": pairs(stat.metric),
                    },
                    "Period": stat.period,
                    "Stat": stat.statistic,
                    **given({"Unit": stat.unit}),
                }
            }
            if stat
            else {}
        ),
        "ReturnData": one.return_data,
    }


def given(members: dict[str, Any]) -> dict[str, Any]:
    """Those that have a value."""
    return {name: value for name, value in members.items() if value is not None and value != ""}
