"""Which of a group's targets gets a request: the routing algorithms (alb:edit-target-group-attributes).

A balancer is given the targets it may choose from (`use`) and asked for one at a time (`pick`); None when there are none. It
counts nothing: a target's `in_flight` is its connections' affair. Round robin is one step of a ring.
"""

import bisect
import random
from collections.abc import Sequence

from services.lb.targets.slow_start import share
from services.lb.targets.target import FULL_SHARE, TargetState


class Balancer:
    """Round robin. `position` is where the ring stands, so that a new configuration goes on from there. `failing_open`: it
    was given targets that are not healthy, for want of others."""

    __slots__ = ("failing_open", "position", "ring")

    def __init__(self, position: int) -> None:
        self.position = position
        self.failing_open = False
        self.ring: list[TargetState] = []

    def use(self, ring: list[TargetState]) -> None:
        self.ring = ring

    def pick(self, now: float) -> TargetState | None:
        """`now` is the selector's: monotonic, in seconds."""
        ring = self.ring
        at = self.position
        if at >= len(ring):
            if not ring:
                return None
            at = 0
        self.position = at + 1
        return ring[at]


class WarmingRoundRobin(Balancer):
    """Round robin of a group with slow start. Each time the ring comes to a target in slow start, the target saves up its
    share of a turn; it takes the turn when it has a whole one."""

    __slots__ = ("_duration", "_saved", "_warming")

    def __init__(self, position: int, duration: float) -> None:
        super().__init__(position)
        self._duration = duration
        self._saved: dict[TargetState, float] = {}
        self._warming = False

    def use(self, ring: list[TargetState]) -> None:
        self.ring = ring
        saved = self._saved
        self._saved = {target: saved.get(target, 0.0) for target in ring if target.warming_since != FULL_SHARE}
        self._warming = bool(self._saved)

    def pick(self, now: float) -> TargetState | None:
        if not self._warming:
            return super().pick(now)
        for _ in range(len(self.ring)):
            target = super().pick(now)
            assert target is not None
            if target not in self._saved:
                return target
            saved = self._saved[target] + share(target, now, self._duration)
            if saved >= 1.0:
                self._saved[target] = saved - 1.0
                return target
            self._saved[target] = saved
        return self._advance_a_turn()

    def _advance_a_turn(self) -> TargetState | None:
        """Only targets in slow start, and none has a whole turn: the nearest to one gets it, at the expense of all."""
        saved = self._saved
        if not saved:
            return None
        best = max(saved, key=saved.__getitem__)
        saved[best] -= 1.0
        for target in saved:
            saved[target] += 1.0 / len(saved)
        return best


class LeastOutstanding(Balancer):
    """The target with the fewest requests in flight from this node; among equals the next one of the ring."""

    __slots__ = ()

    def pick(self, now: float) -> TargetState | None:
        ring = self.ring
        count = len(ring)
        if not count:
            return None
        first = self.position if self.position < count else 0
        best = first
        fewest = ring[first].in_flight
        for step in range(first + 1, first + count):
            if not fewest:
                break
            at = step if step < count else step - count
            in_flight = ring[at].in_flight
            if in_flight < fewest:
                best, fewest = at, in_flight
        self.position = best + 1
        return ring[best]


class WeightedRandom(Balancer):
    """At random, by the weights of the targets' records."""

    __slots__ = ("_bounds", "_dice")

    def __init__(self, position: int, dice: random.Random) -> None:
        super().__init__(position)
        self._dice = dice
        self._bounds: list[float] = []
        """Sums of weights up to and with each target; empty when all weigh the same."""

    def use(self, ring: list[TargetState]) -> None:
        self.ring = ring
        self._bounds = []
        if any(target.mitigated for target in ring):
            total = 0.0
            for target in ring:
                total += target.record.weight
                self._bounds.append(total)

    def pick(self, now: float) -> TargetState | None:
        ring = self.ring
        if not ring:
            return None
        bounds = self._bounds
        if not bounds:
            return ring[int(self._dice.random() * len(ring))]
        at = bisect.bisect_right(bounds, self._dice.random() * bounds[-1])
        return ring[min(at, len(ring) - 1)]


class Shares:
    """Turns for parties with whole weights, interleaved: after any number of turns each party has had its exact share, give
    or take less than one. Of those who are behind, the one whose next turn is due first takes it."""

    __slots__ = ("_taken", "_total", "_turn", "_weights")

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._total = sum(weights)
        self._taken = [0] * len(weights)
        self._turn = 0

    def next(self) -> int:
        """The index of the party whose turn it is; -1 when none has a weight."""
        self._turn += 1
        best = -1
        first_due = 0
        for index, weight in enumerate(self._weights):
            taken = self._taken[index]
            if weight * self._turn > taken * self._total:
                due = -(-(taken + 1) * self._total // weight)
                if best < 0 or due < first_due:
                    best, first_due = index, due
        if best >= 0:
            self._taken[best] += 1
        if self._turn >= self._total:
            self._turn = 0
            self._taken = [0] * len(self._weights)
        return best
