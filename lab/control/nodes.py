"""What the control plane knows of load balancer nodes from moment to moment: the documents in force and the last reports.

Safe to lose: after a restart the documents are compiled again from rows, and every node reports within a second.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.report import NodeReport, TargetReport

RATE_SECONDS = 0.5
LIVE_SECONDS = 5.0
"""Wall seconds without a report after which a node counts as dead."""


TargetKey = tuple[str, str, int]
"""Target group ARN, target id and port."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A report, when it came in lab time, and its targets by their keys."""

    report: NodeReport
    at: float
    targets: Mapping[TargetKey, TargetReport]


class NodeBook:
    """Documents by load balancer ARN, reports by node id. `wall_between` tells the wall seconds between two moments."""

    def __init__(self, wall_between: Callable[[float, float], float]) -> None:
        self._wall_between = wall_between
        self._documents: dict[str, LoadBalancerConfig] = {}
        self._heard: dict[str, Heard] = {}
        self._previous: dict[str, Heard] = {}
        self._changed = asyncio.Condition()

    def document(self, arn: str) -> LoadBalancerConfig | None:
        return self._documents.get(arn)

    async def publish(self, document: LoadBalancerConfig) -> None:
        """Put a checked document in force; nodes that wait for one get it at once."""
        self._documents[document.arn] = document
        async with self._changed:
            self._changed.notify_all()

    def forget(self, arns: set[str], node_ids: set[str]) -> None:
        """Keep only these load balancers and nodes."""
        self._documents = {arn: document for arn, document in self._documents.items() if arn in arns}
        self._heard = {node_id: heard for node_id, heard in self._heard.items() if node_id in node_ids}
        self._previous = {node_id: heard for node_id, heard in self._previous.items() if node_id in node_ids}

    async def newer(self, arn: str, have: int, wait: float) -> LoadBalancerConfig | None:
        """The document of the load balancer if its generation is not `have`; waits up to `wait` wall seconds for one."""

        def other() -> bool:
            document = self._documents.get(arn)
            return document is not None and document.generation != have

        async with self._changed:
            # What is there already is given without a wait, however short that may be.
            if not other():
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait_for(other)
                except TimeoutError:
                    return None
        return self._documents.get(arn)

    def hear(self, report: NodeReport, now: float) -> None:
        """Take a report."""
        before = self._heard.get(report.node_id)
        targets = {(row.target_group_arn, row.id, row.port): row for row in report.targets}
        self._heard[report.node_id] = Heard(report, now, targets)
        if before is None or before.report.boot_id != report.boot_id:
            self._previous.pop(report.node_id, None)
            return
        # A report sent at once follows the last one too closely to measure a rate by.
        if self._wall_between(before.at, now) > RATE_SECONDS or report.node_id not in self._previous:
            self._previous[report.node_id] = before

    def rates(self, node_ids: Sequence[str]) -> tuple[float, dict[str, float]]:
        """Requests per wall second of these nodes together: in all, and by target id."""
        total, targets = 0.0, defaultdict[str, float](float)
        for node_id in node_ids:
            last, before = self._heard.get(node_id), self._previous.get(node_id)
            if last is None or before is None or last.at <= before.at:
                continue
            seconds = self._wall_between(before.at, last.at)
            count = last.report.counters.get("RequestCount", 0) - before.report.counters.get("RequestCount", 0)
            total += count / seconds
            known = {(row.id, row.port): row.requests for row in before.report.targets}
            for row in last.report.targets:
                targets[row.id] += (row.requests - known.get((row.id, row.port), 0)) / seconds
        return total, dict(targets)

    def report(self, node_id: str) -> NodeReport | None:
        heard = self._heard.get(node_id)
        return None if heard is None else heard.report

    def heard(self, node_id: str) -> Heard | None:
        """A node's last report with the time it came."""
        return self._heard.get(node_id)

    def live(self, node_ids: Iterable[str], now: float) -> list[NodeReport]:
        """The reports of those nodes that are alive."""
        return [heard.report for heard in self._live(node_ids, now)]

    def said_of(self, target: TargetKey, node_ids: Iterable[str], now: float) -> list[TargetReport]:
        """What those nodes that are alive say of a target."""
        rows = (heard.targets.get(target) for heard in self._live(node_ids, now))
        return [row for row in rows if row is not None]

    def has_to_hear(self, node_ids: Iterable[str], since: float, now: float) -> bool:
        """Whether one of those that are alive has said nothing since then."""
        return any(heard.at < since for heard in self._live(node_ids, now))

    def _live(self, node_ids: Iterable[str], now: float) -> Iterator[Heard]:
        found = (self._heard.get(node_id) for node_id in node_ids)
        return (one for one in found if one is not None and self._wall_between(one.at, now) <= LIVE_SECONDS)
