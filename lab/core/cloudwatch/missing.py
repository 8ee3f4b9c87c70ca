"""The functions of metric math that are about missing values: FILL and IF (cw:using-metric-math)."""

from itertools import pairwise

from lab.core.cloudwatch.series import Numbers, Series, Starts, UnfitError, Value, empty


def fill(arguments: list[Value], _: Starts) -> Value:
    """FILL. LINEAR and REPEAT leave a gap open that has no value on the side they need."""
    match arguments:
        case [Series() as one, None | float() | Series() | "REPEAT" | "LINEAR" as filler]:
            return _filled(one, filler)
        case [tuple() as many, None | float() | Series() | "REPEAT" | "LINEAR" as filler]:
            return tuple(_filled(one, filler) for one in many)
    raise UnfitError


def _filled(one: Series, filler: float | str | Series | None) -> Series:
    match filler:
        case "REPEAT":
            return one.with_values(_repeated(one.values))
        case "LINEAR":
            return one.with_values(_interpolated(one))
        case Series():
            others: Numbers = filler.values
        case _:
            others = (None if isinstance(filler, str) else filler,) * len(one.values)
    pairs = zip(one.values, others, strict=True)
    return one.with_values(tuple(other if value is None else value for value, other in pairs))


def _repeated(values: Numbers) -> tuple[float | None, ...]:
    found: list[float | None] = []
    last: float | None = None
    for value in values:
        last = last if value is None else value
        found.append(last)
    return tuple(found)


def _interpolated(one: Series) -> tuple[float | None, ...]:
    found = list(one.values)
    known = [index for index, value in enumerate(one.values) if value is not None]
    for left, right in pairwise(known):
        first, last = one.values[left], one.values[right]
        if first is None or last is None:
            continue
        slope = (last - first) / (one.starts[right] - one.starts[left])
        for index in range(left + 1, right):
            found[index] = first + slope * (one.starts[index] - one.starts[left])
    return tuple(found)


def choose(arguments: list[Value], starts: Starts) -> Value:
    """IF, by AWS's tables: they say which missing value counts as 0 and which is no data point."""
    match arguments:
        case [Series() as condition, None | float() | Series() as then]:
            return _chosen(condition, then, None, hole=None)
        case [Series() as condition, None | float() | Series() as then, None | float() | Series() as other]:
            # What is missing in the third argument counts as 0 beside a series, not beside a scalar.
            return _chosen(condition, then, other, hole=0.0 if isinstance(then, Series) else None)
        case [None, Series(), *other] if all(isinstance(one, Series) for one in other[:1]) and len(other) < 2:
            return empty(starts)
        case [float() as condition, Series() as then]:
            return then if condition != 0 else empty(starts)
        case [float() as condition, Series() as then, Series() as other]:
            return then if condition != 0 else other
    raise UnfitError


def _chosen(
    condition: Series, then: float | Series | None, other: float | Series | None, *, hole: float | None
) -> Series:
    found: list[float | None] = []
    for index, truth in enumerate(condition.values):
        if truth is None:
            found.append(None)
        elif truth != 0:
            found.append(_at(then, index, 0.0))
        else:
            found.append(_at(other, index, hole))
    return condition.with_values(tuple(found))


def _at(source: float | Series | None, index: int, hole: float | None) -> float | None:
    if not isinstance(source, Series):
        return source
    value = source.values[index]
    return hole if value is None else value
