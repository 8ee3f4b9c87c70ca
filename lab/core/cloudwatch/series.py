"""Time series, and the operators of metric math on scalars, series and arrays of series (cw:using-metric-math).

What AWS's page says of missing values holds: between two series a value that only one of them lacks counts as 0, between
two that both lack it there is no data point. A scalar has no holes to fill. Whatever has no number as its result (a division
by zero, a root of a negative number, more than a float holds) is no data point; as a scalar it is None.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Series:
    """A value for each start of a period, oldest first; None where there is no data point."""

    starts: tuple[float, ...]
    values: tuple[float | None, ...]
    label: str = ""

    @property
    def present(self) -> list[float]:
        return [value for value in self.values if value is not None]

    def with_values(self, values: tuple[float | None, ...]) -> "Series":
        return replace(self, values=values)

    def map(self, function: Callable[[float], float]) -> "Series":
        return self.with_values(tuple(None if value is None else number(function, value) for value in self.values))


Value: TypeAlias = float | str | Series | tuple[Series, ...] | None
"""S (None: a scalar that has no value), a word or string, TS, TS[]."""


class TypeMismatch(Exception):  # noqa: N818 - what is the case
    """An operator or function does not take values of these types; the sentence says which it takes."""


def type_name(value: Value) -> str:
    """As AWS abbreviates the types."""
    match value:
        case Series():
            return "TS"
        case tuple():
            return "TS[]"
        case str():
            return "a string"
    return "S"


def number(function: Callable[..., float], *arguments: float) -> float | None:
    """What the function gives, None when that is no finite number."""
    try:
        found = function(*arguments)
    except (ArithmeticError, ValueError):
        return None
    return found if isinstance(found, int | float) and math.isfinite(found) else None


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
TRUTH: dict[str, Callable[[float, float], float]] = {
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(left != 0 and right != 0),
    "||": lambda left, right: float(left != 0 or right != 0),
}


def combine(symbol: str, left: Value, right: Value) -> Value:
    """`left symbol right`. Raises TypeMismatch."""
    function = ARITHMETIC.get(symbol) or TRUTH[symbol]
    match left, right:
        case (str(), _) | (_, str()) | (tuple(), tuple()):
            pass
        case (Series() | None | float(), Series() | None | float()):
            return _pair(function, left, right)
        case (tuple(), Series() | None | float()) if symbol in ARITHMETIC:
            return tuple(_series(function, one, right) for one in left)
        case (Series() | None | float(), tuple()) if symbol in ARITHMETIC:
            return tuple(replace(_series(function, left, one), label=one.label) for one in right)
    raise TypeMismatch(f"'{symbol}' does not take {type_name(left)} and {type_name(right)}")


def negate(value: Value) -> Value:
    """Unary minus. Raises TypeMismatch."""
    match value:
        case str():
            raise TypeMismatch("'-' does not take a string")
        case Series():
            return value.map(operator.neg)
        case tuple():
            return tuple(one.map(operator.neg) for one in value)
    return None if value is None else -value


_Operand: TypeAlias = float | Series | None


def _pair(function: Callable[[float, float], float], left: _Operand, right: _Operand) -> _Operand:
    if isinstance(left, Series) or isinstance(right, Series):
        return _series(function, left, right)
    return None if left is None or right is None else number(function, left, right)


def _series(function: Callable[[float, float], float], left: _Operand, right: _Operand) -> Series:
    """At least one of the two is a series."""
    match left, right:
        case Series(), Series():
            return left.with_values(tuple(map(_both(function), left.values, right.values)))
        case Series(), None:
            return left.with_values((None,) * len(left.values))
        case None, Series():
            return right.with_values((None,) * len(right.values))
        case Series(), float():
            return left.map(lambda value: function(value, right))
        case float(), Series():
            return right.map(lambda value: function(left, value))
    raise AssertionError(f"{left!r} and {right!r} are both scalars")


def _both(function: Callable[[float, float], float]) -> Callable[[float | None, float | None], float | None]:
    """Of two values of one start, the one that is missing counts as 0."""

    def apply(left: float | None, right: float | None) -> float | None:
        if left is None and right is None:
            return None
        return number(function, 0.0 if left is None else left, 0.0 if right is None else right)

    return apply
