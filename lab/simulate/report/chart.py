"""The chart of a group: its panels, and the numbers of the time one points at."""

from collections.abc import Iterator, Sequence

from lab.report.chart import LEFT, RIGHT, Column
from lab.report.chart import chart as drawn
from lab.report.scale import time_scale
from lab.report.words import clock, percent, seconds
from lab.simulate.recorder import Capacity
from lab.simulate.report.panels import Picture, panels
from lab.simulate.result import GroupRun

COLUMNS = 240
"""Places to point at, at most."""


def chart(groups: Sequence[GroupRun], policies: Sequence[str], until: float, slo: float) -> str:
    picture = Picture(groups, policies, time_scale(until, LEFT, RIGHT), slo)
    return drawn(panels(picture), picture.x, list(_columns(picture)), f"group {groups[0].name} over time")


def _columns(picture: Picture) -> Iterator[Column]:
    samples = picture.groups[0].samples
    step = max(1, -(-len(samples) // COLUMNS))
    for first in range(0, len(samples), step):
        last = min(first + step, len(samples)) - 1
        yield Column(samples[first].at - samples[first].seconds, samples[last].at, _told(picture, last))


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
