"""The panels of a chart, from top to bottom on one time line. A panel draws itself between two heights.

One policy has a colour for each thing that is shown; several have a colour each.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lab.report import svg
from lab.report.chart import LEFT, RIGHT, Legend, Panel
from lab.report.scale import Scale, amount_scale, response_scale, whole_scale
from lab.report.svg import Point
from lab.report.words import percent
from lab.simulate.recorder import Capacity, Sample
from lab.simulate.report.events import events, short
from lab.simulate.result import GroupRun


@dataclass(frozen=True, slots=True)
class Picture:
    """What panels are drawn from: the runs of one group, the names of their policies, the time line."""

    groups: Sequence[GroupRun]
    policies: Sequence[str]
    x: Scale
    slo: float

    @property
    def alone(self) -> bool:
        return len(self.groups) == 1

    def curves(self, y: Scale, value: Callable[[Sample], float | None], kind: str) -> Iterator[str]:
        """One line a policy; `kind` is the class where there is one policy only."""
        for number, group in enumerate(self.groups):
            points = self.points(group, y, value)
            yield svg.curve(points, f"line {kind if self.alone else f'p{number}'}")

    def points(self, group: GroupRun, y: Scale, value: Callable[[Sample], float | None]) -> list[Point]:
        values = ((sample, value(sample)) for sample in group.samples)
        return [(self.x(sample.at - sample.seconds / 2), None if one is None else y(one)) for sample, one in values]

    def legend(self) -> Legend:
        return [(f"p{number}", name) for number, name in enumerate(self.policies)]


Draw = Callable[[Picture, float, float], tuple[Scale, list[str]]]


def _load(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    group = picture.groups[0]
    y = amount_scale(max(sample.load for sample in group.samples), bottom, top)
    points = picture.points(group, y, lambda sample: sample.load)
    parts = [svg.area(points, bottom, "fill load"), svg.curve(points, "line load")]
    if picture.alone and any(sample.lost > 1e-4 for sample in group.samples):
        lost = picture.points(group, y, lambda sample: sample.load * sample.lost)
        parts.append(svg.area(lost, bottom, "fill lost"))
    return y, parts


def _capacity(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    most = max(max(one.desired, one.in_service) for group in picture.groups for one in group.capacities)
    bound = max(one.maximum for group in picture.groups for one in group.capacities)
    # A maximum that is never near would flatten the rest.
    y = whole_scale(bound if bound <= 1.6 * most else most, bottom, top)
    first = picture.groups[0]
    low = _stairs(picture, first, y, lambda one: one.minimum)
    high = _stairs(picture, first, y, lambda one: min(one.maximum, int(y.high)))
    parts = [svg.curve(low, "line bound"), svg.curve(high, "line bound") if bound <= y.high else ""]
    if picture.alone:
        service = _stairs(picture, first, y, lambda one: one.in_service)
        parts += [svg.area(service, bottom, "fill service"), svg.curve(service, "line service")]
        parts.append(svg.curve(_stairs(picture, first, y, lambda one: one.desired), "line desired"))
        return y, parts
    for number, group in enumerate(picture.groups):
        parts.append(svg.curve(_stairs(picture, group, y, lambda one: one.desired), f"line thin p{number}"))
        parts.append(svg.curve(_stairs(picture, group, y, lambda one: one.in_service), f"line p{number}"))
    return y, parts


def _stairs(picture: Picture, group: GroupRun, y: Scale, value: Callable[[Capacity], float]) -> list[Point]:
    found: list[Point] = []
    for one in group.capacities:
        at = picture.x(max(0.0, one.at))
        if found:
            found.append((at, found[-1][1]))
        found.append((at, y(value(one))))
    return [*found, (picture.x.end, found[-1][1])]


def _cpu(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    y = Scale(0.0, 100.0, bottom, top, [(float(value), f"{value} %") for value in (0, 25, 50, 75, 100)])
    parts: list[str] = []
    if picture.alone:
        parts += _alarm_times(picture, picture.groups[0], top, bottom)
        for one in picture.groups[0].thresholds:
            sign = ">" if one.comparison.startswith("Greater") else "<"
            at = y(min(one.value, 100.0))
            parts.append(svg.line(LEFT, at, RIGHT, at, "threshold"))
            said = f"{short(one.alarm)} {sign} {one.value:g} %, {one.periods} min"
            parts.append(svg.text(RIGHT - 4, at - 4 if sign == ">" else at + 13, said, "note", "end"))
    return y, [*parts, *picture.curves(y, lambda sample: sample.cpu, "cpu")]


def _alarm_times(picture: Picture, group: GroupRun, top: float, bottom: float) -> Iterator[str]:
    """While an alarm is in ALARM, its time is shaded."""
    comparisons = {one.alarm: one.comparison for one in group.thresholds}
    since: dict[str, float] = {}
    ends = [*((one.at, one.alarm, one.after) for one in group.transitions)]
    ends += [(picture.x.high, name, "") for name in comparisons]
    for at, name, after in ends:
        if name not in comparisons:
            continue
        begun = since.pop(name, None)
        if begun is not None:
            kind = "high" if comparisons[name].startswith("Greater") else "low"
            width = max(1.0, picture.x(at) - picture.x(begun))
            yield svg.rect(picture.x(begun), top, width, bottom - top, f"alarming {kind}", f"{name} in ALARM")
        if after == "ALARM":
            since[name] = at


def _times(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    samples = [sample for group in picture.groups for sample in group.samples]
    found = [value for sample in samples for value in (sample.p50, sample.p99) if value is not None]
    y = response_scale(min(found, default=0.01), max((*found, picture.slo)), bottom, top)
    at = y(picture.slo)
    parts = [
        svg.line(LEFT, at, RIGHT, at, "threshold"),
        svg.text(RIGHT - 4, max(at - 4, top + 14), "SLO", "note", "end"),
    ]
    if picture.alone:
        parts += picture.curves(y, lambda sample: sample.p50, "p50")
    return y, [*parts, *picture.curves(y, lambda sample: sample.p99, "p99")]


def _lost(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    highest = max(sample.lost for group in picture.groups for sample in group.samples)
    y = amount_scale(max(highest, 1e-3), bottom, top, percent)
    if highest < 1e-6:
        return y, [svg.text((LEFT + RIGHT) / 2, (top + bottom) / 2 + 4, "no request was lost", "note", "middle")]
    return y, list(picture.curves(y, lambda sample: sample.lost, "lost"))


def _hours(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    y = amount_scale(max(group.totals.instance_hours for group in picture.groups), bottom, top)
    parts = []
    for number, group in enumerate(picture.groups):
        points: list[Point] = [(LEFT, bottom)]
        spent = 0.0
        for one, following in zip(group.capacities, [*group.capacities[1:], None], strict=True):
            until = picture.x.high if following is None else following.at
            spent += (until - max(0.0, one.at)) * one.running / 3600.0
            points.append((picture.x(until), y(spent)))
        parts.append(svg.curve(points, f"line {'service' if picture.alone else f'p{number}'}"))
    return y, parts


LANE = 22.0


def _events(picture: Picture, top: float, bottom: float) -> tuple[Scale, list[str]]:
    """A lane for alarms and one for activities, or one lane a policy."""
    shapes = {"alarm": "dot", "ok": "dot", "decision": "", "up": "up", "down": "down", "failed": "dot"}
    parts, lanes = [], []
    for number, group in enumerate(picture.groups):
        for event in events(group):
            lane = number if not picture.alone else int(event.kind not in ("alarm", "ok"))
            y = top + LANE * (lane + 0.5)
            if shapes[event.kind]:
                parts.append(svg.mark(picture.x(event.at), y, shapes[event.kind], f"mark {event.kind}", event.sentence))
    names = ("alarms", "activities") if picture.alone else picture.policies
    for lane, name in enumerate(names):
        y = top + LANE * (lane + 0.5)
        lanes.append(svg.text(LEFT - 8, y + 4, name if len(name) < 10 else f"{name[:7]}…", "label", "end"))
    return Scale(0.0, 1.0, bottom, top, ()), [*lanes, *parts]


def panels(picture: Picture) -> list[Panel]:
    """From top to bottom."""
    lanes = 2 if picture.alone else len(picture.groups)

    def legend(*own: tuple[str, str]) -> Legend:
        return own if picture.alone else picture.legend()

    def panel(title: str, height: float, draw: Draw, words: Legend = ()) -> Panel:
        return Panel(title, height, partial(draw, picture), words)

    in_service = (("service", "in service"), ("desired", "desired"), ("bound", "min, max"))
    response = "response time" if picture.alone else "response time, p99"
    return [
        panel("load, requests per second", 130.0, _load),
        panel("instances", 150.0, _capacity, legend(*in_service)),
        panel("CPU utilisation, the group's average in CloudWatch", 150.0, _cpu, legend(("cpu", "CPU"))),
        panel(response, 130.0, _times, legend(("p50", "p50"), ("p99", "p99"))),
        panel("lost requests", 80.0, _lost, legend(("lost", "share"))),
        panel("instance-hours", 80.0, _hours, legend(("service", "so far"))),
        Panel("alarms and activities (point at one)", LANE * lanes, partial(_events, picture), marks=True),
    ]
