"""A drill's outcome as a page that stands for itself: the question, the answer, what was seen over time, and why."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from html import escape

from lab.drill.defaults import AWS, longest
from lab.drill.run import Outcome, describe
from lab.drill.samples import Sample
from lab.drill.verdicts import WORDS
from lab.load import page as load_page
from lab.report import page as frame
from lab.report import svg
from lab.report.chart import LEFT, RIGHT, Column, Panel, chart
from lab.report.page import card, cards
from lab.report.scale import Scale, amount_scale, time_scale
from lab.report.words import hours, percent, seconds, whole


def page(outcome: Outcome) -> str:
    drill = outcome.drill
    return frame.page(
        drill.title,
        "".join(
            [
                f"<p>{escape(drill.question)}</p>",
                f'<p class="soft">{escape(_when(outcome))}</p>',
                _verdicts(outcome),
                _numbers(outcome),
                "<h2>Over time</h2>",
                _over_time(outcome),
                load_page.windows("Failing, by second of the drill", outcome.result.windows),
                load_page.windows("Slow, by second of the drill", outcome.result.slow_windows),
                _by_settings(outcome),
                _activities(outcome),
                _decisions(outcome),
            ]
        ),
    )


def _when(outcome: Outcome) -> str:
    load = outcome.drill.load
    amount = (
        load.amount
        if isinstance(load.amount, str)
        else f"{load.amount:g} {'users' if load.every else 'requests a second'}"
    )
    return (
        f"{outcome.started}, on {outcome.mode}, lab time at {outcome.speed:g}× · {load.path}: {amount}"
        f"{f', each every {load.every:g} s' if load.every else ''}{f', {load.retries} retries' if load.retries else ''}"
    )


def _verdicts(outcome: Outcome) -> str:
    rows = "".join(
        f'<tr class="{"ok" if one.held else "failed"}"><td>{"held" if one.held else "missed"}</td>'
        f"<td><b>{escape(one.name)}</b></td><td>{escape(one.measured)}</td><td>{escape(one.bound)}</td></tr>"
        for one in outcome.verdicts
    )
    head = "<tr><th></th><th></th><th>measured, in lab time</th><th>expected</th></tr>"
    return f'<h2>Expected, and measured</h2><table class="told">{head}{rows}</table>'


def _numbers(outcome: Outcome) -> str:
    result, found = outcome.result, outcome.figures
    lost = result.failed + result.shed
    times = [(words, getattr(found, name)) for name, words in WORDS.items()]
    return cards(
        [
            card("requests", whole(result.scheduled)),
            card("lost", f"{whole(lost)} ({percent(result.lost)})"),
            card("slow", whole(result.slow)),
            card("p99", seconds(result.latency.percentile(99))),
            *(card(words, hours(value)) for words, value in times if value is not None),
            card("new instances", str(found.launched)),
        ]
    )


def _over_time(outcome: Outcome) -> str:
    shots = load_page.second_by_second(outcome.shots)
    end = max([one.at for one in outcome.samples] + [one.at for one in shots])
    x = time_scale(end, LEFT, RIGHT)
    panels = list(load_page.panels(outcome.plan, shots, x)) if shots else []
    legend = (("desired", "desired"), ("service", "serving"))
    panels.append(Panel("instances", 110.0, partial(_capacity, outcome, x), legend))
    return chart(panels, x, list(_columns(outcome)), "the drill over time")


def _capacity(outcome: Outcome, x: Scale, top: float, bottom: float) -> tuple[Scale, list[str]]:
    samples = outcome.samples
    highest = max(max(one.desired, one.serving) for one in samples)
    y = amount_scale(float(highest + 1), bottom, top)
    parts = [
        svg.curve(_steps(samples, x, y, lambda one: one.serving), "line service"),
        svg.curve(_steps(samples, x, y, lambda one: one.desired), "line desired"),
    ]
    if outcome.began_at is not None:
        parts += [
            svg.line(x(outcome.began_at), top, x(outcome.began_at), bottom, "threshold"),
            svg.text(x(outcome.began_at) + 4, top + 12, _what(outcome), "note"),
        ]
    return y, parts


def _what(outcome: Outcome) -> str:
    first = outcome.drill.acts[0]
    return describe(first.kind, first.what, first.fault)


def _steps(samples: tuple[Sample, ...], x: Scale, y: Scale, value: Callable[[Sample], int]) -> Iterator[svg.Point]:
    previous: float | None = None
    for one in samples:
        at = float(value(one))
        if previous is not None and previous != at:
            yield x(one.at), y(previous)
        yield x(one.at), y(at)
        previous = at


def _columns(outcome: Outcome) -> Iterator[Column]:
    samples = outcome.samples
    step = max(1, len(samples) // load_page.COLUMNS)
    for first in range(0, len(samples) - 1, step):
        one, last = samples[first], samples[min(first + step, len(samples) - 1)]
        alarms = f"\nalarms: {', '.join(one.alarms)}" if one.alarms else ""
        told = f"{one.at:.1f} s  {one.serving} of {len(one.instances)} serve, {one.desired} desired{alarms}"
        yield Column(one.at, last.at, told)


def _by_settings(outcome: Outcome) -> str:
    """The longest it may take, in lab seconds: what the settings decide, and what they are."""
    rows = ""
    for act in outcome.drill.acts:
        ours, awss = longest(act, outcome.settings), longest(act, AWS)
        rows += "".join(
            f"<tr><td>{escape(describe(act.kind, act.what, act.fault))}</td><td>{escape(name)}</td>"
            f"<td>{hours(ours[name])}</td><td>{hours(awss[name])}</td></tr>"
            for name in ours
        )
    if not rows:
        return ""
    mine = outcome.settings
    words = (
        f"Health checks every {mine.interval:g} s, {mine.unhealthy} in a row, {mine.timeout:g} s each; AWS's defaults are "
        f"{AWS.interval:g} s, {AWS.unhealthy} and {AWS.timeout:g} s, and {AWS.deregistration:g} s of draining. "
        "Times are the lab's; a timeout is wall time here."
    )
    head = "<tr><th></th><th>at most</th><th>by this stack's settings</th><th>by AWS's defaults</th></tr>"
    return f'<h2>What the settings decide</h2><p class="soft">{words}</p><table>{head}{rows}</table>'


def _activities(outcome: Outcome) -> str:
    rows = "".join(
        f"<tr><td>{_after(outcome, row['StartTime'])}</td><td><b>{escape(row['Description'])}</b>\n"
        f"{escape(row['Cause'])}</td></tr>"
        for row in reversed(outcome.activities)
    )
    return f'<h2>What the group did, and why</h2><table class="told">{rows}</table>' if rows else ""


def _after(outcome: Outcome, text: str) -> str:
    return "+" + hours(max(0.0, datetime.fromisoformat(text).timestamp() - outcome.began))


def _decisions(outcome: Outcome) -> str:
    changes = [row for row in outcome.decisions if row["current"] != row["desired"]]
    rows = "".join(
        f"<tr><td>+{hours(max(0.0, row['until'] - outcome.began))}</td><td>{escape(' '.join(row['sentences']))}</td></tr>"
        for row in reversed(changes)
    )
    return f'<h2>Decisions about the capacity</h2><table class="told">{rows}</table>' if rows else ""
