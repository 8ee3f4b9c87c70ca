"""Data on their way into the metric store: those of one metric and one minute become one statistic set first.

A group's metrics are the data of all its instances, so a minute has many of them.
"""

from collections.abc import Iterable, Iterator, Mapping

from lab.actions.context import Metrics
from lab.core.cloudwatch.emitted import BY_NAME
from lab.core.cloudwatch.metric import Metric, Statistics, of_values, single
from lab.core.cloudwatch.spread import MINUTE


class _Cell:
    """One metric in one minute: single values, and sets of many."""

    __slots__ = ("metric", "minute", "sets", "unit", "values")

    def __init__(self, metric: Metric, minute: float, unit: str) -> None:
        self.metric = metric
        self.minute = minute
        self.unit = unit
        self.values: list[float] = []
        self.sets: list[Statistics] = []

    def put(self, metrics: Metrics) -> None:
        values = self.values
        if len(values) == 1:
            metrics.put_statistics(self.metric, single(values[0]), self.minute, unit=self.unit)
        elif values and (data := of_values((value, 1.0) for value in values)) is not None:
            metrics.put_statistics(self.metric, data, self.minute, unit=self.unit)
        for data in self.sets:
            metrics.put_statistics(self.metric, data, self.minute, unit=self.unit)


class Batch:
    """Of metrics of one namespace; `put` it at the end."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._cells: dict[tuple[int, float], _Cell] = {}  # by the metric's identity: a hash of it takes longer

    def add(self, name: str, facts: Mapping[str, str], value: float, times: Iterable[float]) -> None:
        """A datum of a thing with these facts, at each of `times`."""
        row = BY_NAME[self._namespace, name]
        for cell in self._of(row.metrics(facts), row.unit, times):
            cell.values.append(value)

    def add_exactly(self, name: str, facts: Mapping[str, str], value: float, times: Iterable[float]) -> None:
        """Data that count for this one set of dimensions only."""
        row = BY_NAME[self._namespace, name]
        for cell in self._of([row.metric(facts)], row.unit, times):
            cell.values.append(value)

    def count(self, name: str, facts: Mapping[str, str], number: int, time: float) -> None:
        """So many things have happened."""
        events = BY_NAME[self._namespace, name].events
        data = Statistics(float(number), float(number), 1.0, 1.0) if events else single(float(number))
        self.add_set(name, facts, data, time)

    def add_set(self, name: str, facts: Mapping[str, str], data: Statistics, time: float) -> None:
        """Many data of a thing with these facts."""
        row = BY_NAME[self._namespace, name]
        for cell in self._of(row.metrics(facts), row.unit, [time]):
            cell.sets.append(data)

    def _of(self, metrics: Iterable[Metric], unit: str, times: Iterable[float]) -> Iterator[_Cell]:
        cells = self._cells
        for time in times:
            minute = time // MINUTE
            for metric in metrics:
                cell = cells.get((id(metric), minute))
                if cell is None:
                    cell = cells[id(metric), minute] = _Cell(metric, minute * MINUTE, unit)
                yield cell

    def put(self, metrics: Metrics) -> None:
        for cell in self._cells.values():
            cell.put(metrics)
