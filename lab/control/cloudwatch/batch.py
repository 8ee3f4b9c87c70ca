"""Data on their way into the metric store: those of one metric and one minute become one statistic set first.

A group's metrics are the data of all its instances, so a minute has many of them.
"""

from collections.abc import Mapping

from lab.actions.context import Metrics
from lab.core.cloudwatch.emitted import BY_NAME
from lab.core.cloudwatch.metric import Metric, Statistics, single

MINUTE = 60.0


class Batch:
    """Of metrics of one namespace; `put` it at the end."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._sets: dict[tuple[Metric, float], Statistics] = {}

    def add(self, name: str, facts: Mapping[str, str], value: float, timestamp: float) -> None:
        """A datum of a thing with these facts."""
        datum = single(value)
        for metric in BY_NAME[self._namespace, name].metrics(facts):
            self.add_to(metric, datum, timestamp)

    def add_exactly(self, name: str, facts: Mapping[str, str], value: float, timestamp: float) -> None:
        """A datum that counts for this one set of dimensions only."""
        self.add_to(BY_NAME[self._namespace, name].metric(facts), single(value), timestamp)

    def count(self, name: str, facts: Mapping[str, str], number: int, timestamp: float) -> None:
        """So many things have happened."""
        row = BY_NAME[self._namespace, name]
        data = Statistics(float(number), float(number), 1.0, 1.0) if row.events else single(float(number))
        for metric in row.metrics(facts):
            self.add_to(metric, data, timestamp)

    def add_to(self, metric: Metric, data: Statistics, timestamp: float) -> None:
        key = (metric, timestamp // MINUTE * MINUTE)
        known = self._sets.get(key)
        self._sets[key] = data if known is None else known.plus(data)

    def put(self, metrics: Metrics) -> None:
        for (metric, minute), data in self._sets.items():
            metrics.put_statistics(metric, data, minute)
