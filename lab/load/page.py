"""A run of load as a page: numbers, objectives, what happened second by second, and who answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from lab.load.plan import Plan
from lab.load.result import Result, Snapshot, Window
from lab.load.slo import Verdict
from lab.report import page as frame
from lab.report import svg
from lab.report.chart import LEFT, RIGHT, Column, Panel, chart
from lab.report.page import card, cards
from lab.report.scale import Scale, amount_scale, response_scale, time_scale
from lab.report.words import percent, seconds, whole

COLUMNS = 240
"""Places to point at, at most."""


@dataclass(frozen=True, slots=True)
class Second:
    """What was answered up to `at` since the snapshot before: per second, and response times in seconds."""

    since: float
    at: float
    answered: float
    failed: float
    in_flight: int
    p50: float | None
    p99: float | None


def second_by_second(shots: Sequence[Snapshot]) -> list[Second]:
    found, since = [], 0.0
    for shot in shots:
        span = max(shot.offset - since, 1e-9)
        found.append(Second(since, shot.offset, shot.rate, shot.failed_now / span, shot.in_flight, shot.p50, shot.p99))
        since = shot.offset
    return found


def page(plan: Plan, result: Result, shots: Sequence[Snapshot], verdicts: Sequence[Verdict]) -> str:
    title = f"{plan.method} {', '.join(plan.urls)}"
    blocks = [_head(plan), _numbers(result), _verdicts(verdicts)]
    if shots:
        blocks += ["<h2>Over time</h2>", _over_time(plan, second_by_second(shots))]
    blocks += [
        windows("Failing, by time of sending", result.windows),
        windows("Slow, by time of sending", result.slow_windows),
        _spectrum(result),
        _shares("Answers", {**{str(k): v for k, v in result.statuses.items()}, **result.errors}),
        _shares("Instances", result.instances),
        _shares("Zones", result.zones),
    ]
    return frame.page(title, "".join(blocks))


def _head(plan: Plan) -> str:
    return f'<p class="soft">{escape(plan.load.name)}, {plan.arrivals} arrivals, {plan.duration:g} s</p>'


def _numbers(result: Result) -> str:
    lost = result.failed + result.shed
    return cards(
        [
            card("requests", whole(result.scheduled)),
            card("lost", f"{whole(lost)} ({percent(result.lost)})"),
            card("slow", whole(result.slow)),
            *(card(f"p{one:g}", seconds(result.latency.percentile(one))) for one in (50, 99, 99.9)),
            card("answers per second", f"{result.achieved_rate:.1f}"),
        ]
    )


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    rows = "".join(
        f'<tr class="{"ok" if one.held else "failed"}"><td>{"held" if one.held else "missed"}</td>'
        f"<td><b>{escape(str(one))}</b></td></tr>"
        for one in verdicts
    )
    return f'<h2>Objectives</h2><table class="told">{rows}</table>' if rows else ""


def _over_time(plan: Plan, found: Sequence[Second]) -> str:
    x = time_scale(found[-1].at, LEFT, RIGHT)
    return chart(panels(plan, found, x), x, list(columns(found)), "the run over time")


def panels(plan: Plan, found: Sequence[Second], x: Scale) -> list[Panel]:
    times = (("p50", "p50"), ("p99", "p99"))
    traffic = (("load", "asked"), ("service", "answered"), ("lost", "failed"))
    return [
        Panel("requests per second", 150.0, partial(_traffic, plan, found, x), traffic),
        Panel("response time from the intended time of sending", 130.0, partial(_times, plan, found, x), times),
    ]


def _traffic(plan: Plan, found: Sequence[Second], x: Scale, top: float, bottom: float) -> tuple[Scale, list[str]]:
    highest = max(max(one.answered, one.failed, plan.load.mean(one.since, one.at)) for one in found)
    y = amount_scale(max(highest, 1.0), bottom, top)
    return y, [
        svg.curve(_points(found, x, y, lambda one: plan.load.mean(one.since, one.at)), "line load"),
        svg.curve(_points(found, x, y, lambda one: one.answered), "line service"),
        svg.area(_points(found, x, y, lambda one: one.failed), bottom, "fill lost"),
    ]


def _times(plan: Plan, found: Sequence[Second], x: Scale, top: float, bottom: float) -> tuple[Scale, list[str]]:
    known = [value for one in found for value in (one.p50, one.p99) if value is not None]
    y = response_scale(min(known, default=0.01), max((*known, plan.slow)), bottom, top)
    at = y(plan.slow)
    return y, [
        svg.line(LEFT, at, RIGHT, at, "threshold"),
        svg.text(RIGHT - 4, max(at - 4, top + 14), "slow", "note", "end"),
        svg.curve(_points(found, x, y, lambda one: one.p50), "line p50"),
        svg.curve(_points(found, x, y, lambda one: one.p99), "line p99"),
    ]


def _points(found: Sequence[Second], x: Scale, y: Scale, value: Callable[[Second], float | None]) -> list[svg.Point]:
    values = ((one, value(one)) for one in found)
    return [(x((one.since + one.at) / 2), None if known is None else y(known)) for one, known in values]


def columns(found: Sequence[Second]) -> Iterator[Column]:
    step = max(1, -(-len(found) // COLUMNS))
    for first in range(0, len(found), step):
        last = found[min(first + step, len(found)) - 1]
        told = (
            f"{last.at:.0f} s  {last.answered:.1f} answered, {last.failed:.1f} failed per second, "
            f"{last.in_flight} in flight\np50 {seconds(last.p50)}, p99 {seconds(last.p99)}"
        )
        yield Column(found[first].since, last.at, told)


def windows(title: str, found: Sequence[Window]) -> str:
    rows = "".join(
        f"<tr><td>{one.start:.2f} s</td><td>{one.end:.2f} s</td><td>{whole(one.failed)}</td></tr>" for one in found
    )
    head = "<tr><th>from</th><th>to</th><th>requests</th></tr>"
    return f"<h2>{escape(title)}</h2><table>{head}{rows}</table>" if rows else ""


def _spectrum(result: Result) -> str:
    found = result.latency.to_json()["percentiles"]
    rows = "".join(f"<tr><td>{name}</td><td>{seconds(value)}</td></tr>" for name, value in found.items())
    return f"<h2>Response times</h2><table><tr><th>percentile</th><th></th></tr>{rows}</table>"


def _shares(title: str, counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{whole(number)}</td><td>{percent(number / total)}</td></tr>"
        for name, number in sorted(counts.items())
    )
    return f"<h2>{escape(title)}</h2><table>{rows}</table>" if rows else ""
