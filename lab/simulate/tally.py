"""What became of requests, counted from the beginning of the simulation. Shares of requests count: nothing is rounded here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import add, sub

from lab.core.elbv2.response_times import MICROSECONDS, middle
from lab.simulate.latency import Shares


@dataclass(slots=True, eq=False)
class Tally:
    """Of one target group's (or no target group's) requests to one Auto Scaling group. `arrived` = `served` + `rejected` (the
    instance's line was full) + `timed_out` + `refused` (the instance did not answer yet) + `turned_away` (there was no
    target), but for those that are in an instance now. `times` are response times of the served by bucket, `microseconds` their
    sum."""

    target_group: str
    group: str
    arrived: float = 0.0
    served: float = 0.0
    rejected: float = 0.0
    timed_out: float = 0.0
    refused: float = 0.0
    turned_away: float = 0.0
    microseconds: float = 0.0
    times: dict[int, float] = field(default_factory=dict)

    def took(self, shares: Shares, served: float) -> None:
        """So many requests were served, and their response times spread so."""
        for bucket, share in shares:
            self.times[bucket] = self.times.get(bucket, 0.0) + served * share
            self.microseconds += served * share * middle(bucket) * MICROSECONDS

    @property
    def lost(self) -> float:
        return self.rejected + self.timed_out + self.refused + self.turned_away

    def copy(self) -> "Tally":
        return self.plus(Tally(self.target_group, self.group))

    def plus(self, other: "Tally") -> "Tally":
        return self._with(add, other)

    def since(self, before: "Tally") -> "Tally":
        """What came after `before`, a copy of it then."""
        return self._with(sub, before)

    def _with(self, join: Callable[[float, float], float], other: "Tally") -> "Tally":
        counts = {name: join(getattr(self, name), getattr(other, name)) for name in COUNTS}
        buckets = dict.fromkeys((*self.times, *other.times))
        times = {bucket: join(self.times.get(bucket, 0.0), other.times.get(bucket, 0.0)) for bucket in buckets}
        return Tally(self.target_group, self.group, times=times, **counts)


COUNTS = ("arrived", "served", "rejected", "timed_out", "refused", "turned_away", "microseconds")
