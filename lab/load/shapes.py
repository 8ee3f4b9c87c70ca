"""Built-in loads: `daily:base=20,peak=200`. Each is points with straight lines between them, as a trace from a file.

Every shape takes `noise`, the relative size of a fluctuation that has a memory of a minute or so (an autoregressive process
of order 1, one value in ten seconds, never below a tenth of the load): the same seed gives the same noise.
"""

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lab.load.trace import Point, Trace, TraceError, read, trace

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|)")

GRID = 10.0
"""Seconds between the points of a noise."""
MEMORY = 0.85
"""How much of a fluctuation is there ten seconds later."""

Values = Mapping[str, float]
Points = Callable[[Values], Iterator[Point]]


@dataclass(frozen=True, slots=True)
class Shape:
    """`defaults` are its parameters: rates in requests per second, times in seconds."""

    text: str
    defaults: Values
    points: Points


def _step(of: Values) -> Iterator[Point]:
    yield from ((0.0, of["from"]), (of["at"], of["from"]), (of["at"], of["to"]), (of["for"], of["to"]))


def _ramp(of: Values) -> Iterator[Point]:
    top = of["at"] + of["over"]
    yield from ((0.0, of["from"]), (of["at"], of["from"]), (top, of["to"]), (of["for"], of["to"]))


def _spike(of: Values) -> Iterator[Point]:
    base, peak, start = of["base"], of["peak"], of["at"]
    end = start + of["width"]
    yield from ((0.0, base), (start, base), (start, peak), (end, peak), (end, base), (of["for"], base))


def _daily(of: Values) -> Iterator[Point]:
    """A cosine with its top at `peak_at`."""
    middle, swing = (of["peak"] + of["base"]) / 2, (of["peak"] - of["base"]) / 2
    for number in range(int(of["days"] * 24 * 12) + 1):
        time = number * 300.0
        yield time, middle + swing * math.cos((time - of["peak_at"]) / 86400.0 * math.tau)


def _flash_crowd(of: Values) -> Iterator[Point]:
    """Up in a straight line, then down by half in every `half_life`."""
    top, base = of["at"] + of["rise"], of["base"]
    yield from ((0.0, base), (of["at"], base), (top, of["peak"]))
    for number in range(1, math.ceil((of["for"] - top) / 30.0)):
        time = top + number * 30.0
        yield time, base + (of["peak"] - base) * 0.5 ** ((time - top) / of["half_life"])
    yield of["for"], base + (of["peak"] - base) * 0.5 ** ((of["for"] - top) / of["half_life"])


def _flat(of: Values) -> Iterator[Point]:
    yield from ((0.0, of["base"]), (of["for"], of["base"]))


SHAPES = {
    "step": Shape("one rate, then another", {"from": 20, "to": 100, "at": 600, "for": 5400}, _step),
    "ramp": Shape("from one rate to another", {"from": 20, "to": 100, "at": 600, "over": 1800, "for": 5400}, _ramp),
    "spike": Shape("a short burst", {"base": 20, "peak": 150, "at": 900, "width": 300, "for": 3600}, _spike),
    "daily": Shape("a day's wave", {"base": 20, "peak": 100, "peak_at": 15 * 3600, "days": 1}, _daily),
    "flash-crowd": Shape(
        "all at once, and then less and less",
        {"base": 20, "peak": 200, "at": 900, "rise": 120, "half_life": 900, "for": 7200},
        _flash_crowd,
    ),
    "noise": Shape("a level that fluctuates as real load does", {"base": 60, "noise": 0.25, "for": 7200}, _flat),
}


def load_trace(text: str, seed: int) -> Trace:
    """Of a file if there is one of that name, else of a shape. Raises TraceError."""
    path = Path(text)
    return read(path) if path.exists() or path.suffix == ".csv" else shape(text, seed)


def shape(text: str, seed: int) -> Trace:
    """The trace of `name` or `name:parameter=value,…`. Raises TraceError, which names what there is."""
    name, _, rest = text.partition(":")
    if name not in SHAPES:
        raise TraceError(f"there is no trace file and no shape {name!r}; the shapes are {', '.join(SHAPES)}")
    made = SHAPES[name]
    values = {"noise": 0.0, **made.defaults, **parameters(rest, ("noise", *made.defaults), f"shape {name}")}
    points = tuple(made.points(values))
    for (before, _), (time, rate) in pairwise((points[0], *points)):
        if rate < 0:
            raise TraceError(f"shape {text}: at second {time:g} the load would be {rate:g} requests per second")
        if time < before:
            raise TraceError(f"shape {text} would end before second {before:g}: make `for` longer")
    found = trace(text, points)
    return found if values["noise"] == 0 else _noisy(found, values["noise"], seed)


def parameters(text: str, known: tuple[str, ...], what: str) -> dict[str, float]:
    """`base=20,width=5m` → numbers, times in seconds. Raises TraceError."""
    found = {}
    for word in filter(None, text.split(",")):
        name, equals, value = word.partition("=")
        match = NUMBER.fullmatch(value)
        if not equals or name not in known:
            raise TraceError(f"{what} has no {name!r}; it takes {', '.join(known)}, each as NAME=NUMBER")
        if match is None:
            raise TraceError(f"{what}: {name} must be a number such as 20, 1.5, 90s, 5m or 2h, not {value!r}")
        found[name] = float(match[1]) * UNITS[match[2]]
    return found


def _noisy(of: Trace, size: float, seed: int) -> Trace:
    return trace(of.name, _fluctuating(of, size, random.Random(seed)))


def _fluctuating(of: Trace, size: float, chance: random.Random) -> Iterator[Point]:
    """`size` is the standard deviation, as a share of the load."""
    jolt = size * math.sqrt(1.0 - MEMORY**2)
    deviation = chance.gauss(0.0, size)
    for number in range(math.ceil(of.duration / GRID) + 1):
        time = min(number * GRID, of.duration)
        yield time, of.rate(time) * max(0.1, 1.0 + deviation)
        deviation = deviation * MEMORY + chance.gauss(0.0, jolt)
