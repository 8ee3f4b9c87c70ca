"""A log histogram: counts in buckets that grow by 3 %, so any percentile is within 1.5 % of the true value.

Values are seconds. A bucket answers with its geometric middle, which is at most sqrt(1.03) away from anything in it.
Values below `FLOOR` count as `FLOOR`. There is no upper limit: buckets exist only where a value fell.
"""

import math
from typing import Any

GROWTH = 1.03
FLOOR = 1e-6
SPECTRUM = (0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 100)
"""Percentiles that tell a distribution's tail, as HdrHistogram prints them."""

_SCALE = 1.0 / math.log(GROWTH)
_OFFSET = math.log(FLOOR)


class Histogram:
    """Mutable; one writer. `count`, `total`, `minimum` and `maximum` are exact, percentiles are approximate."""

    __slots__ = ("buckets", "count", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = 0.0

    def record(self, value: float) -> None:
        value = max(value, FLOOR)
        bucket = int((math.log(value) - _OFFSET) * _SCALE)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def merge(self, other: "Histogram") -> None:
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """The value that `percent` of 100 of the recorded ones do not exceed (nearest rank); None when empty."""
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is between 0 and 100, not {percent}")
        if self.count == 0:
            return None
        rank = max(1, math.ceil(percent / 100 * self.count))
        if rank == self.count:
            return self.maximum
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(_middle(bucket), self.minimum), self.maximum)
        raise AssertionError("the buckets hold fewer values than were counted")

    def bands(self, rows: int) -> list[tuple[float, int]]:
        """At most `rows` bands of equal ratio from the least to the greatest value: (upper bound in seconds, count)."""
        if self.count == 0:
            return []
        low, high = min(self.buckets), max(self.buckets)
        width = max(1, math.ceil((high - low + 1) / rows))
        counts = [0] * math.ceil((high - low + 1) / width)
        for bucket, count in self.buckets.items():
            counts[(bucket - low) // width] += count
        return [(FLOOR * GROWTH ** (low + (index + 1) * width), count) for index, count in enumerate(counts)]

    def to_json(self) -> dict[str, Any]:
        """Seconds; percentiles are None when nothing was recorded."""
        return {
            "count": self.count,
            "mean": self.mean,
            "min": self.minimum if self.count else None,
            "p50": self.percentile(50),
            "p90": self.percentile(90),
            "p99": self.percentile(99),
            "p99.9": self.percentile(99.9),
            "max": self.maximum if self.count else None,
            "percentiles": {f"{percent:g}": self.percentile(percent) for percent in SPECTRUM},
        }


def _middle(bucket: int) -> float:
    return float(FLOOR * GROWTH ** (bucket + 0.5))
