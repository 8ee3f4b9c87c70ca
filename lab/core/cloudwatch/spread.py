"""What was counted over some time, divided among the minutes of that time. Pure.

Usually that time is a minute or less, and there is nothing to divide. After the control plane was away it is longer, and nobody
knows when what was counted happened: then each minute gets the same.
"""

from dataclasses import dataclass

MINUTE = 60.0
KEPT = 180
"""Minutes back from now that are worth a datum: older ones are not kept."""


@dataclass(frozen=True, slots=True)
class Spread:
    """`parts` are of equal length; `times` are those of the last of them, the newest last."""

    parts: int
    times: tuple[float, ...]

    def shares(self, count: int) -> list[int]:
        """What of `count` belongs to each of `times`: whole numbers that differ by one at most."""
        first = self.parts - len(self.times)
        return [count * (part + 1) // self.parts - count * part // self.parts for part in range(first, self.parts)]


def spread(since: float, now: float, period: float = MINUTE) -> Spread:
    """Over so many periods as fit best between `since` and `now`; a time is a part's end."""
    parts = max(1, round((now - since) / period))
    length = (now - since) / parts
    kept = min(parts, KEPT)
    return Spread(parts, tuple(now - length * back for back in reversed(range(kept))))
