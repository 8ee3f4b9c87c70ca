"""A load over time: requests per second at points in time, and straight lines between them.

Two points at the same second are a jump. After the last point its rate holds; a run ends there unless it is told otherwise.

A trace file is CSV with the columns `seconds,requests_per_second`, a header line or none, `#` beginning a comment:

    seconds,requests_per_second
    0,20
    600,20
    600,120
    3600,120
"""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

HEADER = ["seconds", "requests_per_second"]

Point = tuple[float, float]


class TraceError(ValueError):
    """A trace that makes no sense; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Trace:
    """`times` rise (equal ones are a jump) from 0; `rates` are requests per second; `sums` the requests up to each point."""

    name: str
    times: tuple[float, ...]
    rates: tuple[float, ...]
    sums: tuple[float, ...]

    @property
    def duration(self) -> float:
        return self.times[-1]

    @property
    def peak(self) -> float:
        return max(self.rates)

    def rate(self, time: float) -> float:
        """At that second; at a jump, what it jumps to."""
        at = bisect_right(self.times, time) - 1
        if at + 1 >= len(self.times):
            return self.rates[-1]
        start, end = self.times[at], self.times[at + 1]
        return self.rates[at] + (self.rates[at + 1] - self.rates[at]) * (time - start) / (end - start)

    def requests(self, start: float, end: float) -> float:
        """How many arrive from `start` to `end`."""
        return self._until(end) - self._until(start)

    def mean(self, start: float, end: float) -> float:
        """Requests per second between two different times."""
        return self.requests(start, end) / (end - start)

    def highest(self, start: float, end: float) -> float:
        """The greatest rate from `start` to `end`."""
        inside = (rate for time, rate in zip(self.times, self.rates, strict=True) if start <= time <= end)
        return max((self.rate(start), self.rate(end), *inside))

    def scaled(self, by: float) -> "Trace":
        """The same course, that much higher."""
        rates, sums = (tuple(one * by for one in values) for values in (self.rates, self.sums))
        return Trace(self.name, self.times, rates, sums)

    def slower(self, by: float) -> "Trace":
        """The same rates, that much slower: it lasts that much longer."""
        times, sums = (tuple(one * by for one in values) for values in (self.times, self.sums))
        return Trace(self.name, times, self.rates, sums)

    def _until(self, time: float) -> float:
        at = bisect_right(self.times, time) - 1
        return self.sums[at] + (self.rates[at] + self.rate(time)) / 2 * (time - self.times[at])


def trace(name: str, points: Iterable[Point]) -> Trace:
    """Points in the order of their times, the first at 0. Raises TraceError."""
    found = tuple(points)
    if not found or found[-1][0] <= 0:
        raise TraceError(f"the trace {name} needs two points at least, and a duration above 0")
    areas = ((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in pairwise(found))
    times, rates = zip(*found, strict=True)
    return Trace(name, times, rates, tuple(accumulate(areas, initial=0.0)))


def read(path: Path) -> Trace:
    """The trace of a CSV file. Raises TraceError with the number of the line that is wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return trace(path.stem, parse(file, str(path)))
    except OSError as error:
        raise TraceError(f"the trace {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TraceError(f"the trace {path} is not text in UTF-8") from error


def parse(lines: Iterable[str], name: str) -> Sequence[Point]:
    """Raises TraceError."""
    points: list[Point] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        cells = [cell.strip() for cell in next(csv.reader([text]))]
        if not points and cells == HEADER:
            continue
        points.append(_point(cells, f"{name}, line {number}", points))
    if not points:
        raise TraceError(f"{name} has no line of the form seconds,requests_per_second")
    return points


def _point(cells: Sequence[str], place: str, before: Sequence[Point]) -> Point:
    if len(cells) != len(HEADER):
        raise TraceError(f"{place}: {len(cells)} columns; there are two, {','.join(HEADER)}")
    time, rate = (_number(cell, f"{place}: {column}") for cell, column in zip(cells, HEADER, strict=True))
    if not before and time != 0:
        raise TraceError(f"{place}: a trace begins at second 0, not at {time:g}")
    if before and time < before[-1][0]:
        raise TraceError(f"{place}: second {time:g} comes after second {before[-1][0]:g}; put the lines in order")
    if len(before) > 1 and time == before[-1][0] == before[-2][0]:
        raise TraceError(f"{place}: a third line for second {time:g}; a jump is two")
    return time, rate


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TraceError(f"{what} must be a number, not {text!r}") from None
    if not 0 <= value < 1e9:
        raise TraceError(f"{what} must be from 0 to a billion, not {text}")
    return value
