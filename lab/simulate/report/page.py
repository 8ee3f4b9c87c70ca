"""The whole page: the sums, a chart for each group, and what happened as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from html import escape

from lab.report import page as frame
from lab.report.page import card, cards
from lab.report.words import clock, hours
from lab.simulate.calibration import Calibration
from lab.simulate.report.chart import chart
from lab.simulate.report.events import Event, events
from lab.simulate.result import GroupRun, Result, Run, Totals
from lab.simulate.summary import Line, desired_sequence, lines

GROUPS = 6
"""Charts at most: the sums of more groups are in the JSON."""
ROWS = 400
"""Events of one policy in the table, at most."""
COLOURS = 6


def page(result: Result) -> str:
    title = f"{result.trace} on {result.stack}"
    shown = result.runs[0].groups[:GROUPS]
    blocks = [_group(result, number) for number in range(len(shown))]
    left_out = len(result.runs[0].groups) - len(shown)
    if left_out:
        blocks.append(f'<p class="soft">{left_out} more groups are not shown; their numbers are in the JSON.</p>')
    return frame.page(title, _head(result) + "".join(blocks))


def _head(result: Result) -> str:
    policies = ", ".join(run.policy for run in result.runs)
    given = ", ".join(f"{name}={value}" for name, value in result.parameters.items())
    return (
        f'<p class="soft">{escape(hours(result.runs[0].seconds))} simulated; policy: {escape(policies)}'
        f"{f'; {escape(given)}' if given else ''}; seed {result.seed}. Instances: {escape(_instances(result.calibration))}</p>"
    )


def _instances(of: Calibration) -> str:
    """What differs from the defaults."""
    plain = Calibration()
    changed = [
        f"{field.name} {getattr(of, field.name)}"
        for field in fields(of)
        if field.name != "note" and getattr(of, field.name) != getattr(plain, field.name)
    ]
    return f"{of.note}{' (' + ', '.join(changed) + ')' if changed else ''}."


def _group(result: Result, number: int) -> str:
    groups = [run.groups[number] for run in result.runs]
    policies = [run.policy for run in result.runs]
    drawn = chart(groups, policies, result.runs[0].seconds, result.slo)
    told = "".join(_told(run, group, alone=len(groups) == 1) for run, group in zip(result.runs, groups, strict=True))
    return f"""
<h2>Group {escape(groups[0].name)}</h2>
<div class="wide">{_sums(result, groups)}</div>
<h2>Over time</h2>
{drawn}
<h2>What happened</h2>
{told}
"""


def _sums(result: Result, groups: Sequence[GroupRun]) -> str:
    """Cards for one policy, a table for several."""
    found = [group.totals for group in groups]
    shown = [line for line in lines(result.slo) if line.always or any(line.of(one) >= 0.5 for one in found)]
    desired = [" → ".join(desired_sequence(group)) for group in groups]
    if len(groups) == 1:
        sums = [card(line.title, line.text(found[0])) for line in shown]
        return cards([*sums, card("desired capacity", desired[0], "much")])
    head = "".join(
        f"<th><span class=key style=background:var(--p{number % COLOURS})></span>{escape(run.policy)}</th>"
        for number, run in enumerate(result.runs)
    )
    rows = "".join(_sum_row(line, found) for line in shown)
    capacities = "".join(f"<td>{escape(text)}</td>" for text in desired)
    return f'<table class="sums"><tr><th></th>{head}</tr>{rows}<tr><td>desired capacity</td>{capacities}</tr></table>'


def _sum_row(line: Line, found: Sequence[Totals]) -> str:
    best = line.best(found)
    cells = "".join(
        f"<td{' class=best' if good else ''}>{escape(line.text(one))}</td>"
        for one, good in zip(found, best, strict=True)
    )
    return f"<tr><td>{escape(line.title)}</td>{cells}</tr>"


def _told(run: Run, group: GroupRun, *, alone: bool) -> str:
    found = events(group)
    rows = "".join(_event_rows(found[:ROWS]))
    more = f'<p class="soft">{len(found) - ROWS} more are in the JSON.</p>' if len(found) > ROWS else ""
    table = f'<table class="told"><tr><th>time</th><th>what and why</th></tr>{rows}</table>{more}'
    if not found:
        table = '<p class="soft">Nothing.</p>'
    return table if alone else f"<details><summary>{escape(run.policy)}: {len(found)} events</summary>{table}</details>"


def _event_rows(found: Sequence[Event]) -> Iterator[str]:
    for event in found:
        times = f" × {event.count}" if event.count > 1 else ""
        yield (
            f'<tr class="{event.kind}"><td>{clock(event.at)}</td>'
            f"<td><b>{escape(event.title)}{times}</b>\n{escape(event.text)}</td></tr>"
        )
