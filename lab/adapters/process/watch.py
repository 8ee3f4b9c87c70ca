"""Notice at once that a process ended, be it our child or not.

Linux gives a file descriptor that becomes readable when the process ends (pidfd_open(2)). Elsewhere: look, three times
a second. Belongs to one event loop; not for other threads.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from lab.adapters.process.processes import Leader

POLL = 0.3  # seconds


class Watch:
    """Calls `ended` with (machine id, leader) once per watched leader, when it ended. `close` forgets them all."""

    def __init__(self, ended: Callable[[str, Leader], None]) -> None:
        self._ended = ended
        self._descriptors: dict[tuple[str, Leader], int] = {}
        self._polls: dict[tuple[str, Leader], asyncio.Task[None]] = {}

    def add(self, machine_id: str, leader: Leader) -> None:
        """Watch a leader; one that is watched already, or is dead already, is no special case."""
        key = (machine_id, leader)
        if key in self._descriptors or key in self._polls:
            return
        descriptor = _pidfd(leader)
        if descriptor is not None:
            self._descriptors[key] = descriptor
            asyncio.get_running_loop().add_reader(descriptor, self._end, key)
        else:
            self._polls[key] = asyncio.create_task(self._poll(key))

    def close(self) -> None:
        for key in list(self._descriptors):
            self._forget(key)
        for task in self._polls.values():
            task.cancel()
        self._polls.clear()

    def _end(self, key: tuple[str, Leader]) -> None:
        self._forget(key)
        self._ended(*key)

    def _forget(self, key: tuple[str, Leader]) -> None:
        descriptor = self._descriptors.pop(key)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)

    async def _poll(self, key: tuple[str, Leader]) -> None:
        while key[1].alive:  # noqa: ASYNC110 - the end of a process sets no event where there are no pidfds
            await asyncio.sleep(POLL)
        del self._polls[key]
        self._ended(*key)


def _pidfd(leader: Leader) -> int | None:
    """A descriptor for a leader that is still there; None where there are none, or when it has gone."""
    if not hasattr(os, "pidfd_open"):
        return None
    with suppress(OSError):
        descriptor = os.pidfd_open(leader.pid)
        if leader.look() is not None:
            return descriptor
        os.close(descriptor)
    return None
