"""When requests are due: pure arithmetic from a rate, a duration and a seed. Nothing here waits or reads a clock."""

import math
from collections.abc import Iterator
from random import Random
from typing import Literal, assert_never

Arrivals = Literal["constant", "poisson"]


def arrivals(kind: Arrivals, rate: float, duration: float, seed: int) -> Iterator[float]:
    """Offsets from the start in seconds, never decreasing, all below `duration`; `rate` is in arrivals per second.

    Constant arrivals are 1/rate apart and begin at 0. Poisson arrivals have exponential gaps: independent users, whose
    bunching is what queues are made of. The same seed gives the same offsets.
    """
    match kind:
        case "constant":
            return _constant(rate, duration)
        case "poisson":
            return _poisson(rate, duration, Random(seed))
        case _:
            assert_never(kind)


def _constant(rate: float, duration: float) -> Iterator[float]:
    # Multiplied, not added up: a sum of 1/rate drifts by a whole request within minutes. The rounding absorbs products
    # such as 0.1 * 30 = 3.0000000000000004, which is three arrivals, not four.
    return (n / rate for n in range(math.ceil(round(rate * duration, 9))))


def _poisson(rate: float, duration: float, random: Random) -> Iterator[float]:
    offset = random.expovariate(rate)
    while offset < duration:
        yield offset
        offset += random.expovariate(rate)
