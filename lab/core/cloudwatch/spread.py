"""Which minutes data belong to: what was counted over some time is divided among the minutes of that time. Pure.

Usually that time is about a minute or less, and there is nothing to divide. When the control plane was away, or lab time runs
fast, it is longer, and nobody knows when what was counted happened: then it is spread evenly.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

MINUTE = 60.0
SHORT = 1.5 * MINUTE
KEPT = 180
"""Minutes back from now that are worth a datum of what was counted."""
LATE = 60
"""And of what was measured."""


@dataclass(frozen=True, slots=True)
class Spread:
    """`times` are what the data are stamped with, the oldest first; `edges`, one more, are the shares of the whole up to
    each of them. Older ones, before the first edge, are left out."""

    times: Sequence[float]
    edges: Sequence[float]

    def shares(self, count: int) -> list[int]:
        """What of `count` belongs to each of `times`, in whole numbers."""
        marks = [int(count * edge) for edge in self.edges]
        return [after - before for before, after in itertools.pairwise(marks)]

    def parts(self, value: float) -> list[float]:
        """The same in fractions."""
        return [value * (after - before) for before, after in itertools.pairwise(self.edges)]


def evenly(times: Sequence[float]) -> Spread:
    return Spread(times, [part / len(times) for part in range(len(times) + 1)])


def by_minute(since: float, now: float) -> Spread:
    """Of what was counted from `since` to `now`: all at `now`, or, over a longer time, to each minute its part."""
    if now - since <= SHORT:
        return Spread([now], [0.0, 1.0])
    first, last = int(since // MINUTE) + 1, int(now // MINUTE)
    ends = [minute * MINUTE for minute in range(first, last + 1)]
    bounds = [since, *ends, now] if ends[-1] < now else [since, *ends]
    bounds = bounds[-KEPT - 1 :]
    edges = [(bound - since) / (now - since) for bound in bounds]
    return Spread([(a + b) / 2 for a, b in itertools.pairwise(bounds)], edges)


def minutes_over(since: float, now: float) -> list[float]:
    """The middles of the minutes that have ended after `since`. Usually one at a time; when lab time runs fast, or the process
    was held up, several are over at once, and what holds now is taken to have held in them all."""
    last = int(now // MINUTE)
    first = max(int(since // MINUTE), last - LATE)
    return [(minute + 0.5) * MINUTE for minute in range(first, last)]
