"""The node's numbers, from those of its workers. Pure: statuses in, sums out.

A worker that ended takes its numbers along, but what a node reports must only grow until the node's boot changes: so what
it had counted is kept. Its successor is told the orders of that moment before it does anything, so from then on it is taken
to be as far as that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from lab.core.elbv2.report import GroupReport
from services.lb.node.messages import Status, TargetCounts
from services.lb.targets.target import TargetKey

_NO_COUNTS = TargetCounts()
_NOTHING = GroupReport("")


class Tally:
    """Of `workers` workers, numbered from 0."""

    def __init__(self, workers: int) -> None:
        self._statuses = [Status(0)] * workers
        self._counters: Counter[str] = Counter()  # those of workers that are no more; likewise the next two
        self._groups: dict[str, GroupReport] = {}
        self._targets: dict[TargetKey, TargetCounts] = {}

    def heard(self, worker: int, status: Status) -> None:
        self._statuses[worker] = status

    def lost(self, worker: int, serial: int) -> None:
        """The worker ended; the next one will be told the orders with `serial`, or later ones."""
        last = self._statuses[worker]
        self._counters.update(last.counters)
        for arn, group in last.groups.items():
            self._groups[arn] = group.plus(self._groups.get(arn, _NOTHING))
        for key, counts in last.targets.items():
            before = self._targets.get(key, _NO_COUNTS)
            self._targets[key] = TargetCounts(
                0,
                before.requests + counts.requests,
                before.errors + counts.errors,
                before.bytes_in + counts.bytes_in,
                before.bytes_out + counts.bytes_out,
            )
        self._statuses[worker] = Status(serial)

    def forget(self, known: Iterable[TargetKey], groups: Iterable[str]) -> None:
        """Of targets that are not `known` nothing is kept, nor of other `groups`."""
        self._targets = {key: self._targets[key] for key in known if key in self._targets}
        self._groups = {arn: self._groups[arn] for arn in groups if arn in self._groups}

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

    def group(self, arn: str) -> GroupReport:
        total = self._groups.get(arn, GroupReport(arn))
        for status in self._statuses:
            total = total.plus(status.groups.get(arn, _NOTHING))
        return total

    def target(self, key: TargetKey) -> TargetCounts:
        parts = [
            self._targets.get(key, _NO_COUNTS),
            *(status.targets.get(key, _NO_COUNTS) for status in self._statuses),
        ]
        return TargetCounts(
            sum(part.in_flight for part in parts),
            sum(part.requests for part in parts),
            sum(part.errors for part in parts),
            sum(part.bytes_in for part in parts),
            sum(part.bytes_out for part in parts),
            any(part.anomalous for part in parts),
            any(part.mitigated for part in parts),
        )
