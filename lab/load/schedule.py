"""When requests are due: pure arithmetic from a load over time and a seed. Nothing here waits or reads a clock."""

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Literal, assert_never

from lab.load.trace import Trace, trace

Arrivals = Literal["constant", "poisson"]


def steady(rate: float, duration: float) -> Trace:
    return trace(f"{rate:g}/s", ((0.0, rate), (duration, rate)))


def arrivals(kind: Arrivals, load: Trace, duration: float, seed: int) -> Iterator[float]:
    """Offsets from the start in seconds, never decreasing, all below `duration`; after its end the load holds its last rate.

    Constant arrivals come each time the area under the load has grown by one: at a steady rate 1/rate apart, beginning at 0.
    Poisson arrivals have exponential areas between them: independent users, whose bunching is what queues are made of. The
    same seed gives the same offsets.
    """
    total = load.requests(0.0, duration)
    match kind:
        case "constant":
            # The rounding absorbs products such as 0.1 * 30 = 3.0000000000000004, which is three arrivals, not four.
            areas: Iterator[float] = (float(n) for n in range(math.ceil(round(total, 9))))
        case "poisson":
            areas = _poisson(total, Random(seed))
        case _:
            assert_never(kind)
    return _when(load, areas)


def _poisson(total: float, random: Random) -> Iterator[float]:
    area = random.expovariate(1.0)
    while area < total:
        yield area
        area += random.expovariate(1.0)


def _when(load: Trace, areas: Iterator[float]) -> Iterator[float]:
    """The times at which the area under the load is that large; areas rise."""
    stretches = _stretches(load)
    start, end, low, high, before, after = next(stretches)
    for area in areas:
        while area >= after:
            start, end, low, high, before, after = next(stretches)
        yield start + _seconds(area - before, low, (high - low) / (end - start))


def _stretches(load: Trace) -> Iterator[tuple[float, float, float, float, float, float]]:
    """Straight pieces that are longer than a moment: times, rates and areas at both ends. The last one is without end."""
    points = zip(load.times, load.rates, load.sums, strict=True)
    for (start, low, before), (end, high, after) in pairwise(points):
        if end > start:
            yield start, end, low, high, before, after
    yield load.duration, math.inf, load.rates[-1], load.rates[-1], load.sums[-1], math.inf


def _seconds(area: float, rate: float, slope: float) -> float:
    """How long it takes until a load that begins at `rate` and grows by `slope` a second has that area: the root of
    rate·x + slope/2·x² = area, in the form that does not cancel. Not added up: a sum of 1/rate drifts within minutes."""
    if area <= 0.0:
        return 0.0
    return 2.0 * area / (rate + math.sqrt(max(0.0, rate * rate + 2.0 * slope * area)))
