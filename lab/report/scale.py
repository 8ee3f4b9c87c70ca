"""From values to pixels: axes with round numbers, for time as people read it, for amounts, for response times."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.report.words import clock, seconds

Label = tuple[float, str]
"""A value and how it is written."""

TIMES = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear from `low` to `high`, or in the logarithm, over the pixels `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    labels: Sequence[Label]
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            low, high, value = math.log(self.low), math.log(self.high), math.log(max(value, self.low))
        else:
            low, high = self.low, self.high
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def time_scale(until: float, start: float, end: float) -> Scale:
    """Of the trace, with at most ten labels."""
    step = next((step for step in TIMES if until / step <= 10), math.ceil(until / 10 / 86400) * 86400)
    labels = [(number * float(step), clock(number * step)) for number in range(int(until // step) + 1)]
    return Scale(0.0, until, start, end, labels)


def amount_scale(
    highest: float, start: float, end: float, text: Callable[[float], str] = lambda value: f"{value:g}"
) -> Scale:
    """From 0 to a round number that is not below `highest`, with three to five labels."""
    step = _round_step(max(highest, 1e-9) / 4)
    count = max(1, math.ceil(highest / step - 1e-9))
    return Scale(0.0, count * step, start, end, [(number * step, text(number * step)) for number in range(count + 1)])


def whole_scale(highest: int, start: float, end: float) -> Scale:
    """Likewise for things that are counted."""
    step = max(1, math.ceil(_round_step(max(highest, 1) / 4)))
    count = max(1, math.ceil(highest / step))
    return Scale(0.0, float(count * step), start, end, [(float(n * step), str(n * step)) for n in range(count + 1)])


def _round_step(raw: float) -> float:
    """1, 2, 5 times a power of ten, not below `raw`."""
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def response_scale(lowest: float, highest: float, start: float, end: float) -> Scale:
    """Logarithmic, over whole powers of ten."""
    low, high = math.floor(math.log10(lowest)), math.ceil(math.log10(highest) - 1e-9)
    powers = range(low, max(high, low + 1) + 1)
    labels = [(10.0**power, seconds(10.0**power)) for power in powers]
    return Scale(labels[0][0], labels[-1][0], start, end, labels, logarithmic=True)
