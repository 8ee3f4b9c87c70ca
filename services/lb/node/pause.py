"""How long to wait before trying again."""

import random

_FIRST, _LAST = 0.2, 2.0


class Pause:
    """Grows from one failure to the next, with jitter so that a crowd of nodes does not come back as one."""

    def __init__(self, jitter: random.Random) -> None:
        self._jitter = jitter
        self._next = _FIRST

    def reset(self) -> None:
        self._next = _FIRST

    def take(self) -> float:
        seconds = self._next * self._jitter.uniform(0.5, 1.0)
        self._next = min(self._next * 2, _LAST)
        return seconds
