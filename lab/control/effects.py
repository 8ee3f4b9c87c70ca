"""Runs what reconcilers want done to the outside: one effect per key at a time, launches few at a time, failures held back.

What an effect achieved is not remembered: the next look at the world shows it. What it failed at is told to the caller,
and the key is not tried again before its back-off has passed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lab.control.ports import Clock
from lab.core.errors import Refused, Unavailable

log = logging.getLogger("lab.control")

FIRST_RETRY = 0.5
LAST_RETRY = 10.0
"""Wall seconds between tries: they double from the first to the last."""


class Effects:
    """`concurrency` bounds the effects that load the machine (launches); `wake` is called when one has ended."""

    def __init__(self, clock: Clock, concurrency: int, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._wake = wake
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    def busy(self, key: str) -> bool:
        return key in self._running

    def running(self) -> frozenset[str]:
        """The keys of all that runs now."""
        return frozenset(self._running)

    def start(
        self,
        key: str,
        effect: Callable[[], Awaitable[object]],
        on_refused: Callable[[Refused], None] | None = None,
    ) -> None:
        """Begin the effect unless one of its key runs or is held back. `on_refused` hears why it can never succeed."""
        count, failed_at = self._failures.get(key, (0, 0.0))
        if key in self._running or self._clock.wall_between(failed_at, self._clock.now()) < _wait(count):
            return
        task = asyncio.create_task(self._run(key, effect, on_refused), name=key)
        self._running[key] = task

    async def _run(
        self, key: str, effect: Callable[[], Awaitable[object]], on_refused: Callable[[Refused], None] | None
    ) -> None:
        try:
            async with self._slots:
                await effect()
            self._failures.pop(key, None)
        except Unavailable as error:
            self._hold_back(key, str(error))
        except Refused as error:
            self._hold_back(key, str(error))
            if on_refused is not None:
                on_refused(error)
        except Exception:
            self._hold_back(key, "an unexpected failure")
            log.exception("%s failed unexpectedly; it will be tried again", key)
        finally:
            self._running.pop(key, None)
            self._wake()

    def _hold_back(self, key: str, why: str) -> None:
        count = self._failures.get(key, (0, 0.0))[0] + 1
        self._failures[key] = (count, self._clock.now())
        log.warning("%s: %s (try %d; next in %.1f s)", key, why, count, _wait(count))

    async def settle(self) -> None:
        """Wait for all that runs now."""
        if self._running:
            await asyncio.wait(list(self._running.values()))

    async def close(self) -> None:
        """Abandon what runs; the next control plane finds the world as it is."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _wait(failures: int) -> float:
    """Wall seconds before the next try after so many failures in a row."""
    return min(FIRST_RETRY * 2.0 ** (failures - 1), LAST_RETRY) if failures else 0.0
