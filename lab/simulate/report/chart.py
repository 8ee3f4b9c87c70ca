"""One chart: its panels below each other, the time line through all of them, and what was when one points at a time."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from lab.simulate.recorder import Capacity
from lab.simulate.report import svg
from lab.simulate.report.panels import LEFT, RIGHT, WIDTH, Legend, Panel, Picture, panels
from lab.simulate.report.scale import Scale, time_scale
from lab.simulate.result import GroupRun
from lab.simulate.words import clock, percent, seconds

HEAD, FOOT = 26.0, 22.0
"""Above a panel, for its title, and below it, for the times."""
COLUMNS = 240
"""Places to point at, at most."""


def chart(groups: Sequence[GroupRun], policies: Sequence[str], until: float, slo: float) -> str:
    picture = Picture(groups, policies, time_scale(until, LEFT, RIGHT), slo)
    found = panels(picture)
    tops = list(accumulate((panel.height + HEAD + FOOT for panel in found), initial=0.0))
    parts: list[str] = []
    for panel, top in zip(found, tops, strict=False):
        parts += _panel(picture, panel, top + HEAD)
    parts += _columns(picture, HEAD, tops[-2])
    return svg.drawing(WIDTH, tops[-1], parts, f"group {groups[0].name} over time")


def _panel(picture: Picture, panel: Panel, top: float) -> Iterator[str]:
    bottom = top + panel.height
    y, shapes = panel.draw(picture, top, bottom)
    yield svg.text(LEFT, top - 10, panel.title, "title")
    yield from _legend(panel.legend(picture), top - 10)
    yield from _grid(picture.x, y, top, bottom)
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


def _columns(picture: Picture, top: float, bottom: float) -> Iterator[str]:
    samples = picture.groups[0].samples
    step = max(1, -(-len(samples) // COLUMNS))
    for first in range(0, len(samples), step):
        last = min(first + step, len(samples)) - 1
        start = samples[first].at - samples[first].seconds
        left, right = picture.x(start), picture.x(samples[last].at)
        yield svg.rect(left, top, right - left, bottom - top, "here", _told(picture, last))


def _told(picture: Picture, number: int) -> str:
    """The numbers of one time, a line for each policy."""
    at = picture.groups[0].samples[number].at
    lines = [f"{clock(at)}  {picture.groups[0].samples[number].load:.1f} requests per second"]
    for group, policy in zip(picture.groups, picture.policies, strict=True):
        sample, capacity = group.samples[number], _at(group.capacities, at)
        cpu = "–" if sample.cpu is None else f"{sample.cpu:.0f} %"
        name = "" if picture.alone else f"{policy}: "
        lines.append(
            f"{name}desired {capacity.desired}, in service {capacity.in_service}, CPU {cpu}, "
            f"p50 {seconds(sample.p50)}, p99 {seconds(sample.p99)}, lost {percent(sample.lost)}"
        )
    return "\n".join(lines)


def _at(capacities: Sequence[Capacity], at: float) -> Capacity:
    return [one for one in capacities if one.at <= at][-1]
