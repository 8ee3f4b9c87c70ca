"""The pace of lab time: how moments of the wall clock and moments of the lab belong together, also where the speed was changed.

AWS's own numbers (60 s periods, 300 s cooldowns) stay in the configuration; at a speed of 20 a workshop sees in a minute what
takes AWS twenty. Pure values; who reads the wall clock is `lab.adapters.clock`.
"""

from dataclasses import dataclass, replace

from lab.core.errors import Refused

FASTEST = 1000.0
KEPT = 16
"""Changes of speed that are remembered: what is measured over wall seconds looks back no further than a few of them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `lab`, which was `wall` on the wall clock (seconds since the epoch both), lab time runs at `speed`."""

    lab: float
    wall: float
    speed: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Stretches in the order of time, at least one. The first is taken to have gone on for ever before, the last to go on."""

    stretches: tuple[Stretch, ...]

    @property
    def speed(self) -> float:
        """Lab seconds in a wall second, now."""
        return self.stretches[-1].speed

    def lab(self, wall: float) -> float:
        """The moment of lab time."""
        last = self.stretches[-1]
        return last.lab + (wall - last.wall) * last.speed

    def wall_between(self, since: float, until: float) -> float:
        """Wall seconds between two moments of lab time."""
        return self.wall(until) - self.wall(since)

    def wall(self, lab: float) -> float:
        """The moment of the wall clock."""
        one = next((one for one in reversed(self.stretches) if one.lab <= lab), self.stretches[0])
        return one.wall + (lab - one.lab) / one.speed

    def changed(self, lab: float, wall: float, speed: float) -> "Pace":
        """At another speed from this moment on."""
        return replace(self, stretches=(*self.stretches, Stretch(lab, wall, checked(speed)))[-KEPT:])


def checked(speed: float) -> float:
    """The speed. Raises Refused for one that lab time cannot have."""
    if not 0 < speed <= FASTEST:
        raise Refused(
            f"the speed of lab time must be a number above 0 and at most {FASTEST:g} (1 is AWS's own pace), not {speed:g}"
        )
    return speed
