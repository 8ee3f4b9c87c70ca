"""What machines had used when they were looked at last, and what that makes of the next look.

The first look at a machine gives nothing: there is nothing to compare it with. How far a machine was measured is marked in the
metric store: after the control plane was away, what it missed is spread evenly over that time, up to an hour; after longer,
or when the machine was started again, a look is a first one.
"""

import contextlib
import json
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache

from lab.actions.context import Metrics
from lab.core.cloudwatch.spread import MINUTE, Spread, evenly, minutes_over
from lab.core.compute import MachineStats

Pair = tuple[int, int]
"""In and out."""
LONGEST = 3600.0
"""Lab seconds between two looks after which the second is taken for a first one."""
UNREADABLE = (ValueError, TypeError, KeyError)
"""What a mark may raise that another version of the lab wrote: then it is as if there were none."""
MACHINE = "machine/"
"""What the marks of machines begin with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a machine had used: CPU seconds, by the wall clock's `read_at`; bytes and packets. `at` is lab time."""

    cpu: float
    read_at: float
    bytes: Pair
    packets: Pair
    at: float

    def text(self) -> str:
        return json.dumps([self.cpu, self.read_at, self.bytes, self.packets, self.at])


@dataclass(frozen=True, slots=True)
class Step:
    """From one look to the next, over one period or several."""

    before: Sample
    after: Sample
    over: Spread


class Samples:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last: dict[str, Sample] = {}

    def next(self, machine_id: str, sample: Sample, period: float) -> Step | None:
        """The step to `sample`, once a period is over; None when it is not, or this is a first look."""
        last = self._known(machine_id)
        fresh = last is None or sample.at - last.at > LONGEST or _started_again(last, sample)
        # A little less than the period: looks are a moment apart from whole minutes.
        if last is not None and not fresh and sample.at - last.at < period - MINUTE / 2:
            return None
        self._last[machine_id] = sample
        self._metrics.mark(MACHINE + machine_id, sample.text)
        return None if last is None or fresh else Step(last, sample, _over(last.at, sample.at, period))

    def _known(self, machine_id: str) -> Sample | None:
        known = self._last.get(machine_id)
        if known is None and (text := self._metrics.marked(MACHINE + machine_id)) is not None:
            with contextlib.suppress(*UNREADABLE):
                cpu, read_at, (came, went), (packets_in, packets_out), at = json.loads(text)
                known = Sample(cpu, read_at, (came, went), (packets_in, packets_out), at)
        return known

    def forget(self, machines: set[str]) -> None:
        """Keep only these."""
        self._last = {name: known for name, known in self._last.items() if name in machines}
        forget(self._metrics, MACHINE, machines)


def forget(metrics: Metrics, kind: str, names: Container[str]) -> None:
    """Of the marks that begin with `kind`, keep only those of these names."""
    for source in metrics.sources():
        if source.startswith(kind) and source.removeprefix(kind) not in names:
            metrics.mark(source, None)


def taken(stats: MachineStats, now: float, otherwise: Pair = (0, 0)) -> Sample:
    """`otherwise` are the bytes where the adapter cannot tell."""
    traffic = stats.traffic
    if traffic is None:
        return Sample(stats.cpu, stats.read_at, otherwise, (0, 0), now)
    packets = (traffic.packets_in, traffic.packets_out)
    return Sample(stats.cpu, stats.read_at, (traffic.bytes_in, traffic.bytes_out), packets, now)


def utilisation(step: Step, vcpus: float) -> float:
    """Percent of the machine's own allowance, 0 to 100."""
    elapsed = step.after.read_at - step.before.read_at
    if elapsed <= 0:
        return 0.0
    return min(100.0, 100.0 * (step.after.cpu - step.before.cpu) / (elapsed * vcpus))


@lru_cache(maxsize=16)
def _over(since: float, now: float, period: float) -> Spread:
    """The data of the periods are stamped in the minutes that they were measured in, or in the middle of longer ones. Most
    machines were looked at together."""
    if period == MINUTE and (minutes := minutes_over(since, now)):
        return evenly(minutes)
    parts = max(1, round((now - since) / period))
    return evenly([since + (part + 0.5) * (now - since) / parts for part in range(parts)])


def _started_again(before: Sample, after: Sample) -> bool:
    return after.cpu < before.cpu or after.bytes[0] < before.bytes[0] or after.bytes[1] < before.bytes[1]
