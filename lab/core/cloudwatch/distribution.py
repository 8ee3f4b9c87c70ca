"""How often each value came: what percentiles and trimmed statistics are read from (cw:Statistics-definitions).

Up to `EXACT` different values are kept as they are. Beyond that each is rounded to the middle of its bucket; the buckets grow
by a constant factor, so that no value is off by more than `ERROR` of itself, and there are 115 of them to a power of ten
however much data comes. Rounding twice is rounding once, so distributions may be merged in any order.

Values are not negative: CloudWatch has no percentiles for those. A distribution is a value, packed in few bytes; it is
unpacked when somebody asks for a percentile.
"""

import math
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

EXACT = 150
"""As many different values as one datum of PutMetricData may have."""
ERROR = 0.01
PARTS = 64
"""Merging is putting side by side; so many parts are packed into one."""

_GROWTH = math.log((1 + ERROR) / (1 - ERROR))
_ZERO = -(2**31)
"""Stands for the value 0, which is in no bucket."""

Pair: TypeAlias = tuple[float, float]
"""A value and how often it came."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The sum of its parts; a part is one pair, or many of them packed."""

    parts: tuple[Pair | bytes, ...]

    def plus(self, other: "Distribution") -> "Distribution":
        joined = Distribution(self.parts + other.parts)
        return joined if len(joined.parts) <= PARTS else joined.packed()

    def packed(self) -> "Distribution":
        """The same in one part."""
        if len(self.parts) == 1 and isinstance(self.parts[0], bytes):
            return self
        exact, buckets = self._counts()
        return Distribution((_pack_rounded(buckets) if buckets else _pack_exact(exact),))

    def pairs(self) -> list[Pair]:
        """Ascending by value, each value once."""
        exact, buckets = self._counts()
        if buckets:
            return [(_middle(bucket), count) for bucket, count in sorted(buckets.items())]
        return sorted(exact.items())

    def _counts(self) -> tuple[dict[float, float], dict[int, float]]:
        """Counts by value, or by bucket where there are too many values or some have been rounded already."""
        exact: dict[float, float] = {}
        buckets: dict[int, float] = {}
        for part in self.parts:
            if isinstance(part, bytes) and part[:1] == b"r":
                for bucket, count in _unpack_rounded(part):
                    buckets[bucket] = buckets.get(bucket, 0.0) + count
            else:
                for value, count in _unpack_exact(part) if isinstance(part, bytes) else (part,):
                    exact[value] = exact.get(value, 0.0) + count
        if not buckets and len(exact) <= EXACT:
            return exact, {}
        for value, count in exact.items():
            bucket = _bucket(value)
            buckets[bucket] = buckets.get(bucket, 0.0) + count
        return {}, buckets


def distribution(pairs: Iterable[Pair]) -> Distribution:
    """Of values and how often each came; no value is negative, a count of 0 is as if it were not there."""
    return Distribution(tuple((value, count) for value, count in pairs if count > 0)).packed()


def _bucket(value: float) -> int:
    return _ZERO if value == 0 else math.ceil(math.log(value) / _GROWTH)


def _middle(bucket: int) -> float:
    return 0.0 if bucket == _ZERO else math.exp(bucket * _GROWTH) * (1 - ERROR)


# `e` and values; `r` and, compressed, buckets. Counts follow, all of 8 bytes.


def _pack_exact(counts: dict[float, float]) -> bytes:
    return b"e" + struct.pack(f"<{2 * len(counts)}d", *counts, *counts.values())


def _unpack_exact(packed: bytes) -> Iterable[Pair]:
    number = (len(packed) - 1) // 16
    found = struct.unpack_from(f"<{2 * number}d", packed, 1)
    return zip(found[:number], found[number:], strict=True)


def _pack_rounded(counts: dict[int, float]) -> bytes:
    number = len(counts)
    buckets = sorted(counts)
    raw = struct.pack(f"<{number}i{number}d", *buckets, *(counts[bucket] for bucket in buckets))
    return b"r" + zlib.compress(raw, 1)


def _unpack_rounded(packed: bytes) -> Iterable[tuple[int, float]]:
    raw = zlib.decompress(packed[1:])
    number = len(raw) // 12
    found = struct.unpack(f"<{number}i{number}d", raw)
    return zip(found[:number], found[number:], strict=True)
