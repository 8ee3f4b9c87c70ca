"""Data on their way into the metric store: those of one metric and one minute become one statistic set first.

A group's metrics are the data of all its instances, so a minute has many of them.
"""

from collections.abc import Iterable, Mapping

from lab.actions.context import Metrics
from lab.core.cloudwatch.emitted import BY_NAME
from lab.core.cloudwatch.metric import Metric, Statistics, single
from lab.core.cloudwatch.spread import MINUTE


class Batch:
    """Of metrics of one namespace; `put` it at the end."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._sets: dict[tuple[Metric, float], tuple[Statistics, str]] = {}

    def add(self, name: str, facts: Mapping[str, str], value: float, times: Iterable[float]) -> None:
        """A datum of a thing with these facts, at each of `times`."""
        row = BY_NAME[self._namespace, name]
        for time in times:
            self._add(row.metrics(facts), single(value), time, row.unit)

    def add_exactly(self, name: str, facts: Mapping[str, str], value: float, times: Iterable[float]) -> None:
        """Data that count for this one set of dimensions only."""
        row = BY_NAME[self._namespace, name]
        for time in times:
            self._add([row.metric(facts)], single(value), time, row.unit)

    def count(self, name: str, facts: Mapping[str, str], number: int, timestamp: float) -> None:
        """So many things have happened."""
        row = BY_NAME[self._namespace, name]
        data = Statistics(float(number), float(number), 1.0, 1.0) if row.events else single(float(number))
        self._add(row.metrics(facts), data, timestamp, row.unit)

    def add_set(self, name: str, facts: Mapping[str, str], data: Statistics, timestamp: float) -> None:
        """Many data of a thing with these facts."""
        row = BY_NAME[self._namespace, name]
        self._add(row.metrics(facts), data, timestamp, row.unit)

    def _add(self, metrics: Iterable[Metric], data: Statistics, timestamp: float, unit: str) -> None:
        minute = timestamp // MINUTE * MINUTE
        for metric in metrics:
            known = self._sets.get((metric, minute))
            self._sets[metric, minute] = (data if known is None else known[0].plus(data), unit)

    def put(self, metrics: Metrics) -> None:
        for (metric, minute), (data, unit) in self._sets.items():
            metrics.put_statistics(metric, data, minute, unit=unit)
