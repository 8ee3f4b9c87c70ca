"""One chart: panels below each other on one time line, and what was when one points at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from lab.report import svg
from lab.report.scale import Scale

LEFT, RIGHT, WIDTH = 64.0, 944.0, 960.0
HEAD, FOOT = 26.0, 22.0
"""Above a panel, for its title, and below it, for the times."""

Legend = Sequence[tuple[str, str]]
"""Class and words of each thing shown."""


@dataclass(frozen=True, slots=True)
class Panel:
    """`draw` gives the shapes between a top and a bottom, and the scale that they follow."""

    title: str
    height: float
    draw: Callable[[float, float], tuple[Scale, list[str]]]
    legend: Legend = ()
    marks: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A stretch of time to point at, and what is said then. `start` and `end` are on the time line."""

    start: float
    end: float
    told: str


def chart(panels: Sequence[Panel], x: Scale, columns: Sequence[Column], label: str) -> str:
    """A last panel of `marks` is not part of what one points at: its own shapes are to be pointed at."""
    tops = list(accumulate((panel.height + HEAD + FOOT for panel in panels), initial=0.0))
    parts: list[str] = []
    for panel, top in zip(panels, tops, strict=False):
        parts += _panel(panel, x, top + HEAD)
    floor = tops[-2] if panels[-1].marks else tops[-1] - FOOT
    for column in columns:
        left, right = x(column.start), x(column.end)
        parts.append(svg.rect(left, HEAD, right - left, floor - HEAD, "here", column.told))
    return svg.drawing(WIDTH, tops[-1], parts, label)


def _panel(panel: Panel, x: Scale, top: float) -> Iterator[str]:
    bottom = top + panel.height
    y, shapes = panel.draw(top, bottom)
    yield svg.text(LEFT, top - 10, panel.title, "title")
    yield from _legend(panel.legend, top - 10)
    yield from _grid(x, y, top, bottom)
    yield from shapes


def _grid(x: Scale, y: Scale, top: float, bottom: float) -> Iterator[str]:
    for value, label in y.labels:
        yield svg.line(LEFT, y(value), RIGHT, y(value), "grid")
        yield svg.text(LEFT - 8, y(value) + 4, label, "label", "end")
    for value, label in x.labels:
        yield svg.line(x(value), top, x(value), bottom, "grid")
        near_the_end = x(value) > RIGHT - 20.0
        yield svg.text(min(x(value), WIDTH - 2.0), bottom + 15, label, "label", "end" if near_the_end else "middle")


def _legend(legend: Legend, y: float) -> Iterator[str]:
    """From right to left."""
    x = RIGHT
    for kind, words in reversed(legend):
        x -= 6.6 * len(words)
        yield svg.text(x, y, words, "label")
        yield svg.line(x - 22, y - 4, x - 6, y - 4, f"line {kind}")
        x -= 36
