"""Rows and values of CloudWatch (aws-facts §5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

Dimensions = tuple[tuple[str, str], ...]
"""Pairs of name and value, sorted: a metric's identity needs the exact set (cw:cloudwatch_concepts)."""


def dimensions(pairs: Mapping[str, str]) -> Dimensions:
    return tuple(sorted(pairs.items()))


@dataclass(frozen=True, slots=True)
class Metric:
    namespace: str
    name: str
    dimensions: Dimensions


@dataclass(frozen=True, slots=True)
class Statistics:
    """A statistic set: what is kept of all data of one metric in one period."""

    sample_count: float
    sum: float
    minimum: float
    maximum: float

    def plus(self, other: "Statistics") -> "Statistics":
        return Statistics(
            self.sample_count + other.sample_count,
            self.sum + other.sum,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    def get(self, statistic: str) -> float:
        """One of AWS's five statistics by its name."""
        match statistic:
            case "Average":
                return self.sum / self.sample_count
            case "Sum":
                return self.sum
            case "Minimum":
                return self.minimum
            case "Maximum":
                return self.maximum
            case "SampleCount":
                return self.sample_count
        raise ValueError(f"unknown statistic {statistic!r}")


def single(value: float) -> Statistics:
    return Statistics(1.0, value, value, value)


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
