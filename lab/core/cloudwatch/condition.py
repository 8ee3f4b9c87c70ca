"""What an alarm is on, in one line and much as the CloudWatch console writes it: `CPUUtilization > 50 for 3 datapoints within
3 minutes`, `p99 of TargetResponseTime ≥ 1 for 2 datapoints within 30 seconds`.
"""

from lab.core.cloudwatch.model import Alarm, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.verdict import needed_to_alarm

SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


def condition(alarm: Alarm) -> str:
    if isinstance(alarm, CompositeAlarm):
        held = f" (actions held back: {alarm.suppressed_by})" if alarm.suppressed_by else ""
        return f"{' '.join(alarm.rule.split())}{held}"
    return f"{watched(alarm)} {SIGNS[alarm.comparison_operator]} {alarm.threshold:g} {_how_often(alarm)}"


def watched(alarm: MetricAlarm) -> str:
    """The name of what it watches, with the statistic unless that is the average."""
    if alarm.metric is not None:
        return alarm.metric.name if alarm.statistic == "Average" else f"{alarm.statistic} of {alarm.metric.name}"
    [query] = (one for one in alarm.queries if one.return_data)
    stat = query.metric_stat
    return query.label or (f"{stat.statistic} of {stat.metric.name}" if stat else query.expression)


def _how_often(alarm: MetricAlarm) -> str:
    needed, length = needed_to_alarm(alarm), alarm.evaluation_periods * alarm.period
    amount, unit = (length // 60, "minute") if length % 60 == 0 else (length, "second")
    return f"for {needed} datapoint{'s' * (needed != 1)} within {amount} {unit}{'s' * (amount != 1)}"
