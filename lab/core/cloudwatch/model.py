"""Rows of CloudWatch: metric alarms, composite alarms, and their history (aws-facts §5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lab.core.cloudwatch.metric import Metric, MetricDataQuery

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
STATES = (OK, ALARM, INSUFFICIENT_DATA)
UNCHECKED = "Unchecked: Initial alarm creation"

ChildStates: TypeAlias = Mapping[str, tuple[str, float]]
"""By name of the alarm: its state, and when it took it."""


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """On one statistic of one metric (`metric`, `statistic`, `period`, `unit`), or on the one of `queries` that returns data;
    then `metric` is None, `statistic` is empty and `period` is that of the query.

    `acted_at` is the lab time of the last invocation of the actions of the present state, None while the first one is owed:
    the two change in one transaction, so nothing is lost and nothing fires twice. `results` are what that invocation came to,
    one for each action, empty for success. `recent` are the newest data points, oldest first, as they were when the row was
    last written; an action is handed an alarm whose `recent` are of this moment.
    """

    name: str
    arn: str
    description: str
    metric: Metric | None
    statistic: str
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int | None
    threshold: float
    comparison_operator: str
    treat_missing_data: str | None
    configured_at: float
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    actions_enabled: bool = True
    state: str = INSUFFICIENT_DATA
    state_reason: str = UNCHECKED
    state_updated_at: float = 0.0
    recent: tuple[float, ...] = ()
    acted_at: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    queries: tuple[MetricDataQuery, ...] = ()
    evaluate_low_sample_count_percentile: str | None = None
    state_reason_data: str = ""
    results: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the present state."""
        return actions_of(self)


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """On the states of other alarms, by a rule (`lab.core.cloudwatch.rule`).

    `seen` are the states of its children when the rule was last looked at: it is looked at again when they differ.
    `suppressed_by` is AWS's ActionsSuppressedBy, empty while actions are not held back; `suppressed_until` is when a wait or
    extension period ends. `acted_at` and `results` are as a metric alarm's.
    """

    name: str
    arn: str
    description: str
    rule: str
    configured_at: float
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    actions_enabled: bool = True
    suppressor: str = ""
    wait_period: int | None = None
    extension_period: int | None = None
    state: str = INSUFFICIENT_DATA
    state_reason: str = UNCHECKED
    state_reason_data: str = ""
    state_updated_at: float = 0.0
    seen: ChildStates | None = None
    suppressed_by: str = ""
    suppressed_until: float = 0.0
    acted_at: float | None = None
    results: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.name

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the present state."""
        return actions_of(self)


Alarm: TypeAlias = MetricAlarm | CompositeAlarm


def actions_of(alarm: Alarm) -> tuple[str, ...]:
    by_state = {OK: alarm.ok_actions, ALARM: alarm.alarm_actions, INSUFFICIENT_DATA: alarm.insufficient_data_actions}
    return by_state[alarm.state]


@dataclass(frozen=True, slots=True)
class AlarmHistory:
    """One item of an alarm's history (cw: AlarmHistoryItem); `data` is JSON, made in `lab.core.cloudwatch.history`."""

    item_id: str
    alarm_name: str
    timestamp: float
    item_type: str
    summary: str
    data: str = ""
    alarm_type: str = "MetricAlarm"

    @property
    def key(self) -> str:
        return self.item_id
