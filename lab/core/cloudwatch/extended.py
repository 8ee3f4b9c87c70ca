"""Statistics that need to know the values: percentiles, trimmed and winsorized means, counts and ranks
(cw:Statistics-definitions). Their names are read here too: `p99.9`, `tm99`, `TM(2%:98%)`, `PR(0.005:0.030)`, `IQM`.

How CloudWatch interpolates is not published. Here `pN` is the nearest rank: the least value that at least N % of the data do
not exceed, so always one that came. Trimming by percent cuts exactly that share of the data; of a value on the border a part
is in, which is why a trimmed count need not be whole, as AWS says. Between two values the upper counts as inside, the lower
does not.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from lab.core.cloudwatch.distribution import Pair

_NUMBER = r"\d+(?:\.\d{0,10})?"
_SHORT = re.compile(rf"(p|tm|ts|tc|wm)({_NUMBER})")
_LONG = re.compile(rf"(TM|TS|TC|WM|PR)\((?:({_NUMBER})(%?))?:(?:({_NUMBER})(%?))?\)")


@dataclass(frozen=True, slots=True)
class Extended:
    """`low` and `high` are percents from 0 to 100, or values; None where the name leaves a side open. A percentile is the
    value at `high`."""

    kind: str
    low: Fraction | None
    high: Fraction | None
    percent: bool

    def of(self, pairs: Sequence[Pair]) -> float | None:
        """From values in ascending order and how often each came; None when none counts."""
        return _KINDS[self.kind](self, pairs)


@lru_cache(maxsize=1024)
def extended(name: str) -> Extended | None:
    """The statistic of that name; None when it is no extended statistic."""
    if name == "IQM":
        return Extended("tm", Fraction(25), Fraction(75), percent=True)
    if short := _SHORT.fullmatch(name):
        found = Extended(short[1], None, Fraction(short[2]), percent=True)
    elif long := _LONG.fullmatch(name):
        low, high = (None if side is None else Fraction(side) for side in (long[2], long[4]))
        signs = {sign for side, sign in ((low, long[3]), (high, long[5])) if side is not None}
        if len(signs) != 1:  # both sides open, or one a percent and the other a value
            return None
        found = Extended(long[1].lower(), low, high, percent=signs == {"%"})
    else:
        return None
    return found if _sensible(found) else None


def _sensible(one: Extended) -> bool:
    if one.kind == "pr" and one.percent:
        return False
    if one.low is not None and one.high is not None and one.low > one.high:
        return False
    return not one.percent or all(side is None or side <= 100 for side in (one.low, one.high))


def percentile(pairs: Sequence[Pair], percent: Fraction) -> float:
    """The least value that at least so many percent of the data do not exceed. There is at least one pair."""
    rank = _total(pairs) * percent / 100
    reached = Fraction(0)
    for value, count in pairs:
        reached += Fraction(count)
        if reached >= rank:
            return value
    return pairs[-1][0]


def _total(pairs: Sequence[Pair]) -> Fraction:
    return sum((Fraction(count) for _, count in pairs), Fraction(0))


def _inside(one: Extended, pairs: Sequence[Pair]) -> list[Pair]:
    """What the bounds leave of each value."""
    if not one.percent:
        low = -math.inf if one.low is None else one.low
        high = math.inf if one.high is None else one.high
        return [(value, count) for value, count in pairs if low < value <= high]
    total = _total(pairs)
    first = total * (0 if one.low is None else one.low) / 100
    last = total * (100 if one.high is None else one.high) / 100
    found, before = [], Fraction(0)
    for value, count in pairs:
        after = before + Fraction(count)
        inside = min(after, last) - max(before, first)
        if inside > 0:
            found.append((value, float(inside)))
        before = after
    return found


def _sum(pairs: Sequence[Pair]) -> float:
    return math.fsum(value * count for value, count in pairs)


def _count(pairs: Sequence[Pair]) -> float:
    return math.fsum(count for _, count in pairs)


def _mean(pairs: Sequence[Pair]) -> float | None:
    return _sum(pairs) / _count(pairs) if pairs else None


def _winsorized(one: Extended, pairs: Sequence[Pair]) -> float | None:
    """The mean when all that is outside counts as the bound it is outside of."""
    low, high = (
        side if side is None or not one.percent else Fraction(percentile(pairs, side)) for side in (one.low, one.high)
    )
    least = -math.inf if low is None else float(low)
    most = math.inf if high is None else float(high)
    return _mean([(min(max(value, least), most), count) for value, count in pairs])


_KINDS: dict[str, Callable[[Extended, Sequence[Pair]], float | None]] = {
    "p": lambda one, pairs: percentile(pairs, one.high) if one.high is not None else None,
    "tm": lambda one, pairs: _mean(_inside(one, pairs)),
    "ts": lambda one, pairs: _sum(_inside(one, pairs)),
    "tc": lambda one, pairs: _count(_inside(one, pairs)),
    "pr": lambda one, pairs: 100 * _count(_inside(one, pairs)) / _count(pairs),
    "wm": _winsorized,
}
