"""Slow start: a new target gets its share of requests little by little (alb:edit-target-group-attributes). Pure.

A target enters when it becomes available, if another one is that is not in slow start itself. It does not when slow start is
switched on while it is available already, nor for the first time when it was registered with the first targets of its
group. It leaves when the duration has passed, or when it is available no more; the next time it enters again. Meanwhile its
share grows linearly from nothing to a full one.

    unavailable ──available, others carry the load──▶ warming ──duration──▶ full share
         ▲  └──available, alone or founding──▶ full share      │                 │
         └──────────────────── unhealthy, draining ────────────┴─────────────────┘
"""

from collections.abc import Sequence

from services.lb.targets.target import FULL_SHARE, TargetState


def follow(targets: Sequence[TargetState], now: float, duration: float) -> bool:
    """Takes note of what became available and what is no more. `duration` in seconds, 0 for no slow start. Whether any of
    `targets` is in slow start."""
    carried = False
    for target in targets:
        if not target.available:
            target.started = False
            target.warming_since = FULL_SHARE
        elif target.warming_since != FULL_SHARE and now - target.warming_since >= duration:
            target.warming_since = FULL_SHARE
        if target.started and target.warming_since == FULL_SHARE:
            carried = True
    warming = False
    for target in targets:
        if target.available and not target.started:
            if carried and duration > 0 and not target.founding:
                target.warming_since = now
            target.started = True
            target.founding = False
        if target.warming_since != FULL_SHARE:
            warming = True
    return warming


def share(target: TargetState, now: float, duration: float) -> float:
    """0.0 to 1.0 of a full share."""
    since = target.warming_since
    if since == FULL_SHARE or duration <= 0:
        return 1.0
    return min(1.0, max(0.0, (now - since) / duration))
