"""The buckets in which a node counts response times: 16 of equal width for each doubling of the microseconds.

    microseconds   0 … 31      32 … 63        64 … 127       128 … 255
    width          1           2              4              8
    bucket         0 … 31      32 … 47        48 … 63        64 … 79

So the middle of a bucket is within 1/32 of every time in it from 32 µs on, and within half a microsecond below. A node finds
the bucket of a time by shifting its bits (`services.lb.serving.counters`); everything else that is asked of a bucket is here.
"""

from collections.abc import Iterable

_PER_DOUBLING = 16
MICROSECONDS = 1e6


def lower(bucket: int) -> int:
    """The least number of microseconds in the bucket; the next one's is the first that is not."""
    if bucket < 2 * _PER_DOUBLING:
        return bucket
    shift = bucket // _PER_DOUBLING - 1
    return (bucket - shift * _PER_DOUBLING) << shift


def middle(bucket: int) -> float:
    """What stands for a time in the bucket, in seconds."""
    return (lower(bucket) + lower(bucket + 1)) / 2 / MICROSECONDS


def cumulated(times: Iterable[tuple[int, int]], bounds: Iterable[float]) -> list[int]:
    """Of (bucket, count) pairs, how many times are at most each of `bounds`, which are seconds and rise. A bucket counts
    where its middle is."""
    known = sorted(times)
    found, at, seen = [], 0, 0
    for bound in bounds:
        while at < len(known) and middle(known[at][0]) <= bound:
            seen += known[at][1]
            at += 1
        found.append(seen)
    return found
