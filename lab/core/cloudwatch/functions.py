"""The functions of metric math, by name (cw:using-metric-math). METRICS and PERIOD look at the request itself: see `query`.

Where AWS's page leaves something open: AVG counts what is missing as 0 (as the page says), SUM, MIN, MAX and STDDEV pass over
it; STDDEV is that of a population; LINEAR and REPEAT leave a gap open that has no value on the side they need; a scalar over
a series without any data point has no value.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from lab.core.cloudwatch.series import Series, TypeMismatch, Value, number, type_name

Starts = tuple[float, ...]
Numbers = Sequence[float | None]


class _UnfitError(Exception):
    """The arguments are not of the function's types."""


@dataclass(frozen=True, slots=True)
class Function:
    takes: str
    apply: Callable[[list[Value], Starts], Value]


def call(name: str, arguments: list[Value], starts: Starts) -> Value:
    """The function's value over the periods that begin at `starts`. Raises TypeMismatch, also where there is no such
    function."""
    if name not in FUNCTIONS:
        raise TypeMismatch(_absent(name))
    function = FUNCTIONS[name]
    try:
        return function.apply(arguments, starts)
    except _UnfitError:
        given = ", ".join(type_name(argument) for argument in arguments)
        raise TypeMismatch(f"{name} takes {function.takes}, not ({given})") from None


def _absent(name: str) -> str:
    if name in NOT_HERE:
        return f"the lab does not have {name}"
    return f"there is no function {name}; there are {', '.join(sorted((*FUNCTIONS, 'METRICS', 'PERIOD')))}"


# Of each series: TS → TS, TS[] → TS[].


def _each(change: Callable[[Series], Series]) -> Function:
    def apply(arguments: list[Value], _: Starts) -> Value:
        match arguments:
            case [Series() as one]:
                return change(one)
            case [tuple() as many]:
                return tuple(change(one) for one in many)
        raise _UnfitError

    return Function("(TS) or (TS[])", apply)


def _by_value(function: Callable[[float], float]) -> Function:
    return _each(lambda one: one.map(function))


def _by_predecessor(function: Callable[[float, float], float]) -> Function:
    """Of each data point and the last one before it: of the differences in value and in seconds."""

    def change(one: Series) -> Series:
        found: list[float | None] = []
        before: tuple[float, float] | None = None
        for start, value in zip(one.starts, one.values, strict=True):
            if value is None:
                found.append(None)
                continue
            found.append(None if before is None else number(function, value - before[1], start - before[0]))
            before = (start, value)
        return one.with_values(tuple(found))

    return _each(change)


def _running_sum(one: Series) -> Series:
    total = 0.0
    found: list[float | None] = []
    for value in one.values:
        total += 0.0 if value is None else value
        found.append(None if value is None else total)
    return one.with_values(tuple(found))


# Over many values: TS → S, TS[] → TS.


def _over(fold: Callable[[Numbers], float | None]) -> Function:
    def apply(arguments: list[Value], starts: Starts) -> Value:
        match arguments:
            case [Series() as one]:
                return fold(one.values)
            case [tuple() as many]:
                columns = zip(*(one.values for one in many), strict=True) if many else ((),) * len(starts)
                return Series(starts, tuple(fold(column) if _any(column) else None for column in columns))
        raise _UnfitError

    return Function("(TS) or (TS[])", apply)


def _any(values: Numbers) -> bool:
    return any(value is not None for value in values)


def _of_present(function: Callable[[list[float]], float]) -> Callable[[Numbers], float | None]:
    def fold(values: Numbers) -> float | None:
        present = [value for value in values if value is not None]
        return number(lambda: function(present)) if present else None

    return fold


def _mean_with_holes(values: Numbers) -> float | None:
    present = [value for value in values if value is not None]
    return number(lambda: math.fsum(present) / len(values)) if present else None


def _deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _count(values: Numbers) -> float:
    return float(sum(value is not None for value in values))


FOLDS: dict[str, Callable[[Numbers], float | None]] = {
    "AVG": _mean_with_holes,
    "MAX": _of_present(max),
    "MIN": _of_present(min),
    "SUM": _of_present(math.fsum),
}
"""What SORT can order by."""


def _empty(starts: Starts) -> Series:
    return Series(starts, (None,) * len(starts))


# What is missing, and what depends on it.


def _fill(arguments: list[Value], _: Starts) -> Value:
    match arguments:
        case [Series() as one, None | float() | Series() | "REPEAT" | "LINEAR" as filler]:
            return _filled(one, filler)
        case [tuple() as many, None | float() | Series() | "REPEAT" | "LINEAR" as filler]:
            return tuple(_filled(one, filler) for one in many)
    raise _UnfitError


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


def _if(arguments: list[Value], starts: Starts) -> Value:
    match arguments:
        case [Series() as condition, None | float() | Series() as then]:
            return _chosen(condition, then, None, hole=None)
        case [Series() as condition, None | float() | Series() as then, None | float() | Series() as other]:
            # AWS's tables: what is missing in the third argument counts as 0 beside a series, not beside a scalar.
            return _chosen(condition, then, other, hole=0.0 if isinstance(then, Series) else None)
        case [None, Series(), *other] if all(isinstance(one, Series) for one in other[:1]) and len(other) < 2:
            return _empty(starts)
        case [float() as condition, Series() as then]:
            return then if condition != 0 else _empty(starts)
        case [float() as condition, Series() as then, Series() as other]:
            return then if condition != 0 else other
    raise _UnfitError


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


# Arrays.


def _sort(arguments: list[Value], _: Starts) -> Value:
    match arguments:
        case [tuple() as many, ("AVG" | "MAX" | "MIN" | "SUM") as by, ("ASC" | "DESC") as order, *limit]:
            found = _sorted(many, FOLDS[by], descending=order == "DESC")
            match limit:
                case []:
                    return found
                case [None | float() as most]:
                    return found[: _index(most)]
    raise _UnfitError


def _sorted(
    many: tuple[Series, ...], fold: Callable[[Numbers], float | None], *, descending: bool
) -> tuple[Series, ...]:
    """Series without data come last either way."""
    keys = [(fold(one.values), one) for one in many]
    with_data = [(key, one) for key, one in keys if key is not None]
    ordered = sorted(with_data, key=lambda pair: pair[0], reverse=descending)
    return (*(one for _, one in ordered), *(one for key, one in keys if key is None))


def _slice(arguments: list[Value], _: Starts) -> Value:
    match arguments:
        case [tuple() as many, None | float() as first]:
            return many[_index(first) :]
        case [tuple() as many, None | float() as first, None | float() as end]:
            return many[_index(first) : _index(end)]
    raise _UnfitError


def _index(scalar: float | None) -> int:
    return 0 if scalar is None else max(0, math.floor(scalar))


def _pick(position: int) -> Function:
    def apply(arguments: list[Value], starts: Starts) -> Value:
        match arguments:
            case [tuple() as many]:
                return many[position] if many else _empty(starts)
        raise _UnfitError

    return Function("(TS[])", apply)


def _remove_empty(arguments: list[Value], _: Starts) -> Value:
    match arguments:
        case [tuple() as many]:
            return tuple(one for one in many if one.present)
    raise _UnfitError


def _metric_count(arguments: list[Value], _: Starts) -> Value:
    match arguments:
        case [tuple() as many]:
            return float(len(many))
    raise _UnfitError


# Time.


def _time_series(arguments: list[Value], starts: Starts) -> Value:
    match arguments:
        case [None | float() as scalar]:
            return Series(starts, (scalar,) * len(starts))
    raise _UnfitError


def _clock(part: Callable[[datetime], float]) -> Function:
    def apply(arguments: list[Value], _: Starts) -> Value:
        match arguments:
            case [Series() as one]:
                return one.with_values(tuple(float(part(datetime.fromtimestamp(start, UTC))) for start in one.starts))
        raise _UnfitError

    return Function("(TS)", apply)


FUNCTIONS: dict[str, Function] = {
    "ABS": _by_value(abs),
    "CEIL": _by_value(lambda value: float(math.ceil(value))),
    "FLOOR": _by_value(lambda value: float(math.floor(value))),
    "LOG": _by_value(math.log),
    "LOG10": _by_value(math.log10),
    "DIFF": _by_predecessor(lambda value, _: value),
    "DIFF_TIME": _by_predecessor(lambda _, seconds: seconds),
    "RATE": _by_predecessor(lambda value, seconds: value / seconds),
    "RUNNING_SUM": _each(_running_sum),
    **{name: _over(fold) for name, fold in FOLDS.items()},
    "DATAPOINT_COUNT": _over(_count),
    "STDDEV": _over(_of_present(_deviation)),
    "FILL": Function("(TS or TS[], then S, TS, REPEAT or LINEAR)", _fill),
    "IF": Function("(TS, S or TS[, S or TS]) or (S, TS[, TS])", _if),
    "SORT": Function("(TS[], AVG, MAX, MIN or SUM, ASC or DESC[, S])", _sort),
    "SLICE": Function("(TS[], S[, S])", _slice),
    "FIRST": _pick(0),
    "LAST": _pick(-1),
    "REMOVE_EMPTY": Function("(TS[])", _remove_empty),
    "METRIC_COUNT": Function("(TS[])", _metric_count),
    "TIME_SERIES": Function("(S)", _time_series),
    "MINUTE": _clock(lambda moment: moment.minute),
    "HOUR": _clock(lambda moment: moment.hour),
    "DAY": _clock(lambda moment: moment.isoweekday()),
    "DATE": _clock(lambda moment: moment.day),
    "MONTH": _clock(lambda moment: moment.month),
    "YEAR": _clock(lambda moment: moment.year),
    "EPOCH": _clock(lambda moment: moment.timestamp()),
}
NOT_HERE = frozenset(
    ("ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SEARCH", "SERVICE_QUOTA")
)
"""AWS has these."""
