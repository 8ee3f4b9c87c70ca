"""Rows of CloudWatch: alarms and their history (aws-facts §5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.core.cloudwatch.metric import Metric

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """`evaluated_at` is the lab time of the last evaluation; `acted_at` that of the last invocation of its actions, which
    Auto Scaling's repeat while the state lasts (cw:alarm-actions)."""

    name: str
    arn: str
    description: str
    metric: Metric
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
    state_reason: str = "Unchecked: Initial alarm creation"
    state_updated_at: float = 0.0
    recent: tuple[float, ...] = ()
    evaluated_at: float = 0.0
    acted_at: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.name

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the present state."""
        return {OK: self.ok_actions, ALARM: self.alarm_actions, INSUFFICIENT_DATA: self.insufficient_data_actions}[
            self.state
        ]


@dataclass(frozen=True, slots=True)
class AlarmHistory:
    """One item of an alarm's history (cw: AlarmHistoryItem)."""

    item_id: str
    alarm_name: str
    timestamp: float
    item_type: str
    summary: str
    reason: str = ""

    @property
    def key(self) -> str:
        return self.item_id
