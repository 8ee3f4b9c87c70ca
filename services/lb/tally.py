"""The node's numbers, from those of its workers. Pure: statuses in, sums out.

A worker that ended takes its numbers along, but what a node reports must only grow until the node's boot changes: so what
it had counted is kept. Its successor is told the orders of that moment before it does anything, so from then on it is taken
to be as far as that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from services.lb.messages import Status, TargetCounts
from services.lb.target import TargetKey

_NO_COUNTS = TargetCounts()


class Tally:
    """Of `workers` workers, numbered from 0."""

    def __init__(self, workers: int) -> None:
        self._statuses = [Status(0)] * workers
        self._counters: Counter[str] = Counter()  # those of workers that are no more; likewise the next two
        self._response_times: tuple[int, ...] = ()
        self._targets: dict[TargetKey, TargetCounts] = {}

    def heard(self, worker: int, status: Status) -> None:
        self._statuses[worker] = status

    def lost(self, worker: int, serial: int) -> None:
        """The worker ended; the next one will be told the orders with `serial`, or later ones."""
        last = self._statuses[worker]
        self._counters.update(last.counters)
        self._response_times = _added([self._response_times, last.response_times])
        for key, counts in last.targets.items():
            before = self._targets.get(key, _NO_COUNTS)
            self._targets[key] = TargetCounts(0, before.requests + counts.requests, before.errors + counts.errors)
        self._statuses[worker] = Status(serial)

    def forget(self, known: Iterable[TargetKey]) -> None:
        """Of targets that are not `known` nothing is kept."""
        self._targets = {key: self._targets[key] for key in known if key in self._targets}

    @property
    def serial(self) -> int:
        """Of the orders that all workers have obeyed."""
        return min(status.serial for status in self._statuses)

    @property
    def refused(self) -> str:
        """Why some worker does not obey; empty when all do."""
        return "; ".join(dict.fromkeys(status.refused for status in self._statuses if status.refused))

    @property
    def active_connections(self) -> int:
        return sum(status.active_connections for status in self._statuses)

    def counters(self) -> Mapping[str, int]:
        total = self._counters.copy()
        for status in self._statuses:
            total.update(status.counters)
        return dict(total)

    def response_times(self) -> tuple[int, ...]:
        return _added([self._response_times, *(status.response_times for status in self._statuses)])

    def target(self, key: TargetKey) -> TargetCounts:
        parts = [
            self._targets.get(key, _NO_COUNTS),
            *(status.targets.get(key, _NO_COUNTS) for status in self._statuses),
        ]
        return TargetCounts(
            sum(part.in_flight for part in parts),
            sum(part.requests for part in parts),
            sum(part.errors for part in parts),
            any(part.anomalous for part in parts),
            any(part.mitigated for part in parts),
        )


def _added(histograms: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip_longest(*histograms, fillvalue=0))
