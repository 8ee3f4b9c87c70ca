"""What CloudWatch measures, as values: a metric's identity and what is kept of its data (aws-facts §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

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
class MetricStat:
    """One statistic of one metric over periods of so many seconds (cw: MetricStat)."""

    metric: Metric
    period: int
    statistic: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class MetricDataQuery:
    """One line of a query: a statistic, or an expression over the other lines' ids (cw: MetricDataQuery)."""

    id: str
    metric_stat: MetricStat | None = None
    expression: str = ""
    label: str = ""
    period: int | None = None
    return_data: bool = True
