"""Items of an alarm's history, as AWS words and lays them out (bc:cloudwatch.AlarmHistoryItem; cw:AlarmThatSendsEmail; seen in
the histories of live alarms: obs:19757662597, obs:43763957741, obs:9498156819, obs:609709671).
"""

import json
from typing import Any

from lab.core.cloudwatch.metric import STATISTICS, Metric, MetricDataQuery
from lab.core.cloudwatch.model import Alarm, AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.reasons import to_json
from lab.core.times import iso_offset

LONGEST_DATA, LONGEST_SUMMARY = 4095, 255
"""bc:cloudwatch.HistoryData, .HistorySummary."""
KEPT = 30 * 86400.0
"""Lab seconds (aws-facts §10.6)."""
MOST = 20_000
"""Items in all: AWS bounds the age only, a laptop needs this too."""


def configured(item_id: str, alarm: Alarm, verb: str, now: float) -> AlarmHistory:
    """`verb` is Create, Update or Delete."""
    past = f"{verb.lower().removesuffix('e')}ed"
    data = {"version": "1.0", "type": verb, f"{past}Alarm": configuration(alarm)}
    return _item(item_id, alarm, now, "ConfigurationUpdate", f'Alarm "{alarm.name}" {past}', to_json(data))


def transitioned(item_id: str, before: Alarm, after: Alarm, now: float) -> AlarmHistory:
    """From one state to another."""
    old, new = _state(before), _state(after)
    data = to_json({"version": "1.0", "oldState": old, "newState": new})
    # AWS's 4095 characters cannot hold two reasons with 4000 characters of data each: those of the old one go first.
    for state in (old, new):
        if len(data) > LONGEST_DATA:
            state.pop("stateReasonData", None)
            data = to_json({"version": "1.0", "oldState": old, "newState": new})
    return _item(item_id, after, now, "StateUpdate", f"Alarm updated from {before.state} to {after.state}", data)


def reason_of(item: AlarmHistory) -> str:
    """The reason of the new state in a StateUpdate."""
    return str(json.loads(item.data)["newState"]["stateReason"])


def acted(item_id: str, alarm: Alarm, action: str, error: str, now: float) -> AlarmHistory:
    """An invocation of an action; `error` is empty when it succeeded."""
    summary = f"Failed to execute action {action}. Received error: {to_json(error)}"
    data = {
        "actionState": "Failed" if error else "Succeeded",
        **({"error": error} if error else {}),
        "stateUpdateTimestamp": round(alarm.state_updated_at * 1000),
        "notificationResource": action,
    }
    return _item(
        item_id, alarm, now, "Action", summary if error else f"Successfully executed action {action}", to_json(data)
    )


def _item(item_id: str, alarm: Alarm, now: float, item_type: str, summary: str, data: str) -> AlarmHistory:
    return AlarmHistory(item_id, alarm.name, now, item_type, summary[:LONGEST_SUMMARY], data, type(alarm).__name__)


def _state(alarm: Alarm) -> dict[str, Any]:
    return {
        "stateValue": alarm.state,
        "stateReason": alarm.state_reason,
        **({"stateReasonData": json.loads(alarm.state_reason_data)} if alarm.state_reason_data else {}),
    }


def configuration(alarm: Alarm) -> dict[str, Any]:
    """An alarm inside HistoryData."""
    own = _metric(alarm) if isinstance(alarm, MetricAlarm) else _composite(alarm)
    return {
        "alarmName": alarm.name,
        "alarmDescription": alarm.description,
        "alarmArn": alarm.arn,
        "alarmConfigurationUpdatedTimestamp": iso_offset(alarm.configured_at),
        **{name: value for name, value in own.items() if value is not None and value != ""},
        "stateValue": alarm.state,
        "stateUpdatedTimestamp": iso_offset(alarm.state_updated_at),
        "actionsEnabled": alarm.actions_enabled,
        "alarmActions": list(alarm.alarm_actions),
        "insufficientDataActions": list(alarm.insufficient_data_actions),
        "okactions": list(alarm.ok_actions),
    }


def _metric(alarm: MetricAlarm) -> dict[str, Any]:
    return {
        **(_query(alarm) if alarm.metric is None else _single(alarm, alarm.metric)),
        "threshold": alarm.threshold,
        "comparisonOperator": alarm.comparison_operator,
        "evaluationPeriods": alarm.evaluation_periods,
        "datapointsToAlarm": alarm.datapoints_to_alarm,
        "treatMissingData": alarm.treat_missing_data,
        "evaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile,
    }


def _single(alarm: MetricAlarm, metric: Metric) -> dict[str, Any]:
    return {
        "namespace": metric.namespace,
        "metricName": metric.name,
        "statistic" if alarm.statistic in STATISTICS else "extendedStatistic": alarm.statistic,
        "period": alarm.period,
        "dimensions": _dimensions(metric),
        "unit": alarm.unit,
    }


def _query(alarm: MetricAlarm) -> dict[str, Any]:
    return {"metrics": [_line(query) for query in alarm.queries]}


def _line(query: MetricDataQuery) -> dict[str, Any]:
    stat = query.metric_stat
    if stat is None:
        return {"id": query.id, "expression": query.expression, "label": query.label, "returnData": query.return_data}
    metric = {
        "namespace": stat.metric.namespace,
        "metricName": stat.metric.name,
        "dimensions": _dimensions(stat.metric),
    }
    measured = {"metric": metric, "period": stat.period, "stat": stat.statistic}
    return {"id": query.id, "metricStat": measured, "returnData": query.return_data}


def _dimensions(metric: Metric) -> list[dict[str, str]]:
    return [{"value": value, "name": name} for name, value in metric.dimensions]


def _composite(alarm: CompositeAlarm) -> dict[str, Any]:
    return {
        "alarmRule": alarm.rule,
        "actionsSuppressor": alarm.suppressor,
        "actionsSuppressorWaitPeriod": alarm.wait_period,
        "actionsSuppressorExtensionPeriod": alarm.extension_period,
    }
