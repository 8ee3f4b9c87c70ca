"""Alarms with sensible values, and data points drawn as the documentation draws them."""

from typing import Any

from lab.core.cloudwatch.metric import Metric
from lab.core.cloudwatch.model import OK, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.verdict import Datapoint

NOW = 1_751_531_640.0
"""03/07/25 08:34:00."""
VALUES = {"0": 1.0, "X": 99.0, "-": None}
PREFIX = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


def metric_alarm(**more: Any) -> MetricAlarm:
    """On a CPU above 50 % for three minutes."""
    values: dict[str, Any] = {
        "name": "a",
        "arn": f"{PREFIX}{more.get('name', 'a')}",
        "description": "",
        "metric": Metric("AWS/EC2", "CPUUtilization", ()),
        "statistic": "Average",
        "period": 60,
        "evaluation_periods": 3,
        "datapoints_to_alarm": None,
        "threshold": 50.0,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": None,
        "configured_at": 0.0,
        "state": OK,
        "acted_at": 0.0,
        **more,
    }
    return MetricAlarm(**values)


def composite_alarm(rule: str, **more: Any) -> CompositeAlarm:
    values: dict[str, Any] = {
        "name": "both",
        "arn": f"{PREFIX}{more.get('name', 'both')}",
        "description": "",
        "rule": rule,
        "configured_at": 0.0,
        "acted_at": 0.0,
        **more,
    }
    return CompositeAlarm(**values)


def points(row: str) -> list[Datapoint]:
    """Oldest left: `0` does not breach, `X` does, `-` is missing."""
    return [Datapoint(NOW - 60 * (len(row) - index), VALUES[mark]) for index, mark in enumerate(row)]
