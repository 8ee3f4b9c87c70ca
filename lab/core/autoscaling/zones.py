"""Availability zones in which launches fail are left alone for a while (asg:ec2-auto-scaling-availability-zone-balanced).

With `balanced-best-effort` launches go to another zone meanwhile, with `balanced-only` they wait for this one. When the wait
is over the zone is tried again; it is in order as soon as a launch in it succeeds, and rebalancing does the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BEST_EFFORT, ONLY = "balanced-best-effort", "balanced-only"
STRATEGIES = (BEST_EFFORT, ONLY)


@dataclass(frozen=True, slots=True)
class ZoneHold:
    """No launch in the zone before `until` (lab time), after so many failures in a row."""

    zone: str
    failures: int
    until: float


def held(holds: Sequence[ZoneHold], zone: str, now: float) -> bool:
    return any(hold.zone == zone and now < hold.until for hold in holds)


def failed(holds: Sequence[ZoneHold], zone: str, now: float) -> tuple[ZoneHold, ...]:
    """One more failure in the zone; those that come in while it is left alone already are the same one. AWS does not publish
    how often it tries: the wait doubles from 15 s to 5 minutes."""
    if held(holds, zone, now):
        return tuple(holds)
    failures = 1 + next((hold.failures for hold in holds if hold.zone == zone), 0)
    wait = min(15.0 * 2.0 ** (failures - 1), 300.0)
    return (*succeeded(holds, zone), ZoneHold(zone, failures, now + wait))


def doubtful(holds: Sequence[ZoneHold], zone: str) -> bool:
    """Whether no launch has succeeded in the zone since one failed: it is tried with one instance."""
    return any(hold.zone == zone for hold in holds)


def succeeded(holds: Sequence[ZoneHold], zone: str) -> tuple[ZoneHold, ...]:
    return tuple(hold for hold in holds if hold.zone != zone)
