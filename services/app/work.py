"""Load on demand: CPU time that a scaling policy sees, and waiting that it does not.

`burn` works in short slices and lets the event loop run between them, so that health checks are answered while the CPU is
busy: an instance that is merely loaded must not look dead.
"""

import asyncio
import time
from collections.abc import Callable

SLICE = 0.005
"""Seconds of CPU before others get a turn."""


async def burn(seconds: float, cpu_clock: Callable[[], float] = time.thread_time) -> float:
    """Use `seconds` of CPU time, not counting what other requests use meanwhile; the seconds used."""
    used = 0.0
    while used < seconds:
        begun = cpu_clock()
        end = begun + min(SLICE, seconds - used)
        number = 0
        while (now := cpu_clock()) < end:
            number = (number * 31 + 7) % 1_000_003
        used += now - begun
        await asyncio.sleep(0)
    return used
