"""Clocks: the only place of the control plane that reads the time.

Lab time runs `speed` times as fast as the wall clock, so that AWS's own numbers (60 s periods, 300 s cooldowns) stay in the
configuration and a workshop sees in a minute what takes AWS twenty.
"""

import asyncio
import heapq
import itertools
import time


def wall_time() -> float:
    """Seconds since the epoch, as the world outside counts them: what certificates are judged by."""
    return time.time()


class SystemClock:
    """Lab time from the wall clock. `origin_wall` and `origin_lab` tie the two together: keep them, and lab time goes on
    where it was after a restart, also at another speed."""

    def __init__(self, speed: float, origin_wall: float | None = None, origin_lab: float | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"the speed of lab time must be above 0, not {speed}")
        wall = time.time()
        self.speed = speed
        self.origin_wall = wall if origin_wall is None else origin_wall
        self.origin_lab = wall if origin_lab is None else origin_lab
        self._latest = self.origin_lab

    def now(self) -> float:
        # The wall clock may be set back; lab time may not.
        lab = self.origin_lab + (time.time() - self.origin_wall) * self.speed
        self._latest = max(self._latest, lab)
        return self._latest

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


class VirtualClock:
    """Time that moves only when it is told to. Sleepers wake in order as `advance` passes them."""

    speed = 1.0

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await asyncio.sleep(0)
        self._now = end
