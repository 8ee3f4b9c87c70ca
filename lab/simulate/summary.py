"""What `lab simulate` prints: one column for each policy, one block for each group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.report.words import hours, percent, seconds, whole
from lab.simulate.result import GroupRun, Result, Totals

GROUPS = 12
"""Shown at most."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number of a run: its title, itself, how it is told. `judged`: the lowest is the best of several; `always`: it is
    told also where it is 0 for all."""

    title: str
    of: Callable[[Totals], float]
    text: Callable[[Totals], str]
    judged: bool = False
    always: bool = True

    def best(self, found: Sequence[Totals]) -> list[bool]:
        """Which of them are the best; none where nothing is judged or all are alike."""
        numbers = [self.of(one) for one in found]
        judged = self.judged and min(numbers) < max(numbers)
        return [judged and number == min(numbers) for number in numbers]


def lines(slo: float) -> tuple[Line, ...]:
    return (
        Line("requests", lambda one: one.requests, lambda one: whole(one.requests)),
        Line("lost", lambda one: one.lost, lambda one: percent(one.lost), judged=True),
        Line("rejected by an instance", lambda one: one.rejected, lambda one: whole(one.rejected), always=False),
        Line("timed out", lambda one: one.timed_out, lambda one: whole(one.timed_out), always=False),
        Line("no instance to answer", lambda one: one.unreachable, lambda one: whole(one.unreachable), always=False),
        Line("response time, p50", lambda one: one.p50 or 0.0, lambda one: seconds(one.p50), judged=True),
        Line("response time, p99", lambda one: one.p99 or 0.0, lambda one: seconds(one.p99), judged=True),
        Line(
            f"over {seconds(slo)} or 1 % lost", lambda one: one.over_slo, lambda one: hours(one.over_slo), judged=True
        ),
        Line("instance-hours", lambda one: one.instance_hours, lambda one: f"{one.instance_hours:.1f}", judged=True),
        Line("instances, average", lambda one: one.average, lambda one: f"{one.average:.1f}"),
        Line("instances, most", lambda one: one.most, lambda one: str(one.most)),
        Line("alarm transitions", lambda one: one.transitions, lambda one: str(one.transitions)),
        Line("scaling activities", lambda one: one.activities, lambda one: str(one.activities)),
    )


def render(result: Result) -> RenderableType:
    first = result.runs[0]
    parts: list[RenderableType] = [
        Text.assemble((result.trace, "bold"), f" on {result.stack}, {hours(first.seconds)}", f", seed {result.seed}")
    ]
    for number, group in enumerate(first.groups[:GROUPS]):
        parts.append(_block(result, group.name, [run.groups[number] for run in result.runs]))
    if len(first.groups) > GROUPS:
        parts.append(Text(f"and {len(first.groups) - GROUPS} more groups", style="dim"))
    return Group(*parts)


def _block(result: Result, name: str, groups: Sequence[GroupRun]) -> RenderableType:
    table = Table(title=f"\ngroup {name}", title_justify="left", title_style="bold", box=None, padding=(0, 3, 0, 0))
    table.add_column("", style="dim", no_wrap=True)
    for run in result.runs:
        table.add_column(run.policy, justify="right", header_style="bold", overflow="fold")
    found = [group.totals for group in groups]
    for line in lines(result.slo):
        if line.always or any(line.of(one) >= 0.5 for one in found):
            best = zip(found, line.best(found), strict=True)
            table.add_row(line.title, *(Text(line.text(one), style="green" if good else "") for one, good in best))
    table.add_row("desired", *(" → ".join(desired_sequence(group)) for group in groups))
    return table


SHOWN = 9
"""Capacities of a sequence; of a longer one, its ends."""


def desired_sequence(group: GroupRun) -> list[str]:
    found: list[str] = []
    for one in group.capacities:
        if not found or found[-1] != str(one.desired):
            found.append(str(one.desired))
    if len(found) <= SHOWN:
        return found
    return [*found[: SHOWN // 2], "…", *found[-(SHOWN // 2) :]]
