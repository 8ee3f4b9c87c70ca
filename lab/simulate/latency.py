"""Response times as shares of buckets, those of load balancer nodes (`lab.core.elbv2.response_times`). Pure.

A response takes the base time, the wait (`queueing.Wait`) and the service. The service time is lognormal; it stands as so many
equally likely values, so that the share of responses beyond a time is a short sum.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist

from lab.core.elbv2.response_times import MICROSECONDS, lower, middle
from lab.simulate.queueing import Wait

VALUES = 12
"""What the service time is rounded to."""
NOTHING = 1e-9
"""A share that is none."""

Shares = tuple[tuple[int, float], ...]


EDGES = tuple(lower(bucket) / MICROSECONDS for bucket in range(512))
"""The lower ends of the buckets, in seconds; the last is beyond an hour."""


@lru_cache(maxsize=64)
def services(mean: float, cv: float) -> tuple[float, ...]:
    """Equally likely service times of that mean and coefficient of variation."""
    if cv <= 0.0:
        return (mean,)
    sigma = math.sqrt(math.log1p(cv**2))
    quantiles = [NormalDist().inv_cdf((number + 0.5) / VALUES) for number in range(VALUES)]
    raw = [math.exp(sigma * quantile) for quantile in quantiles]
    return tuple(mean * value * VALUES / sum(raw) for value in raw)


@lru_cache(maxsize=4096)
def spread(wait: Wait, mean: float, cv: float, base: float) -> Shares:
    """The share of responses in each bucket that has any."""
    shortest, found = services(mean, cv), []
    bucket = max(0, bisect_left(EDGES, base + wait.backlog + shortest[0]) - 1)
    before = _beyond(EDGES[bucket], wait, shortest, base)
    while before > NOTHING and bucket + 1 < len(EDGES):
        after = _beyond(EDGES[bucket + 1], wait, shortest, base)
        if before - after > NOTHING:
            found.append((bucket, before - after))
        bucket, before = bucket + 1, after
    return tuple(found)


def _beyond(seconds: float, wait: Wait, times: tuple[float, ...], base: float) -> float:
    """The share of responses that take `seconds` or more."""
    left = seconds - base
    return sum(1.0 if time >= left else wait.beyond(left - time) for time in times) / len(times)


def coarse(wait: Wait) -> Wait:
    """The wait with its numbers rounded to 2 % or so, so that like steps have like waits, computed once."""
    return Wait(_rounded(wait.backlog), round(wait.chance, 2), _rounded(wait.longer), _rounded(wait.longest))


def _rounded(value: float) -> float:
    """In steps of 2 %; below 10 µs nothing."""
    if value < 1e-5:
        return 0.0
    return math.exp(round(math.log(value) / 0.02) * 0.02)


def percentile(counts: Mapping[int, float], percent: float) -> float | None:
    """Seconds that so many percent of the responses take at most, from counts of buckets; None without any."""
    total = sum(counts.values())
    if total <= 0.0:
        return None
    seen, wanted = 0.0, total * percent / 100.0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return middle(bucket)
    return middle(max(counts))
