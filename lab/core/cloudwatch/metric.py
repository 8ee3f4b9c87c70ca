"""What CloudWatch measures, as values: a metric's identity and what is kept of its data (aws-facts §5.1)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.core.cloudwatch.distribution import Distribution, Pair, distribution
from lab.core.cloudwatch.extended import Extended, extended

Dimensions = tuple[tuple[str, str], ...]
"""Pairs of name and value, sorted: a metric's identity needs the exact set (cw:cloudwatch_concepts)."""


def dimensions(pairs: Mapping[str, str]) -> Dimensions:
    return tuple(sorted(pairs.items()))


@dataclass(frozen=True, slots=True)
class Metric:
    namespace: str
    name: str
    dimensions: Dimensions


STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


@dataclass(frozen=True, slots=True)
class Statistics:
    """A statistic set: what is kept of all data of one metric in one period.

    `distribution` is how often each value came. None when all values are the same, and then it is plain from the rest; or
    when nobody knows, because a set was put without its values or because values are negative.
    """

    sample_count: float
    sum: float
    minimum: float
    maximum: float
    distribution: Distribution | None = None

    def plus(self, other: "Statistics") -> "Statistics":
        return Statistics(
            self.sample_count + other.sample_count,
            self.sum + other.sum,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self._joined(other),
        )

    def get(self, statistic: str) -> float | None:
        """One of AWS's statistics by its name; None where this data has none. Raises ValueError for what is none."""
        match statistic:
            case "Average":
                return self.sum / self.sample_count if self.sample_count > 0 else None
            case "Sum":
                return self.sum
            case "Minimum":
                return self.minimum
            case "Maximum":
                return self.maximum
            case "SampleCount":
                return self.sample_count
        found = extended(statistic)
        if found is None:
            raise ValueError(f"unknown statistic {statistic!r}")
        return self._extended(found)

    def _extended(self, statistic: Extended) -> float | None:
        known = self.known
        pairs = known.pairs() if known is not None else []
        if not pairs:
            return None
        # The bounds are known exactly, and what was rounded does not leave them.
        lowest, highest = self.minimum, self.maximum
        if statistic.kind == "p" and statistic.high in (0, 100):
            return lowest if statistic.high == 0 else highest
        return statistic.of([(min(max(value, lowest), highest), count) for value, count in pairs])

    @property
    def known(self) -> Distribution | None:
        """How often each value came, where that is known (cw:cloudwatch_concepts, Percentiles)."""
        if self.minimum < 0 or self.sample_count <= 0:
            return None
        if self.distribution is not None:
            return self.distribution
        alike = self.minimum == self.maximum and math.isclose(self.sum, self.minimum * self.sample_count)
        return Distribution(((self.minimum, self.sample_count),)) if alike else None

    def _joined(self, other: "Statistics") -> Distribution | None:
        if self.minimum == self.maximum == other.minimum == other.maximum:
            return None
        ours, theirs = self.known, other.known
        return None if ours is None or theirs is None else ours.plus(theirs)


def single(value: float) -> Statistics:
    return Statistics(1.0, value, value, value)


def of_values(pairs: Iterable[Pair]) -> Statistics | None:
    """Of values and how often each came; None when none came."""
    given = [(value, count) for value, count in pairs if count > 0]
    if not given:
        return None
    values = [value for value, _ in given]
    lowest, highest = min(values), max(values)
    return Statistics(
        math.fsum(count for _, count in given),
        math.fsum(value * count for value, count in given),
        lowest,
        highest,
        None if lowest < 0 or lowest == highest else distribution(given),
    )


def total(parts: Iterable[Statistics]) -> Statistics | None:
    """All of them together; None when there are none."""
    found = None
    for part in parts:
        found = part if found is None else found.plus(part)
    return found


def is_statistic(name: str) -> bool:
    return name in STATISTICS or extended(name) is not None


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
