"""How a run looks in a terminal: the live display, its one-line form, and the summary. Values in, text out.

Rich is imported inside the functions that draw with it: a program that only counts does not load it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lab.load.plan import Plan
from lab.load.result import Result, Snapshot

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

BAR = 28
"""Characters of a full bar; with the label, count and share beside it a row stays within 80 columns."""

BANDS = 12
"""Rows of the latency histogram."""

TREND = 60
"""Seconds of history in the live display."""

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"


def seconds(value: float | None) -> str:
    """`1.23 ms`, `12.3 ms`, `1.23 s`; an en dash for None."""
    if value is None:
        return "–"
    number, unit = (value * 1000, "ms") if value < 1 else (value, "s")
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f} {unit}"


def count(value: int) -> str:
    """With thin groups of three: `12 345`."""
    return f"{value:,}".replace(",", "\u202f")


def bar(share: float, width: int = BAR) -> str:
    """`share` (0 to 1) of `width` characters in eighths; anything above 0 is visible."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def trend(values: Sequence[float | None]) -> str:
    """A line of blocks, the greatest value full height; a gap where there is no value."""
    top = max((value for value in values if value is not None), default=0.0)
    if top <= 0:
        return " " * len(values)
    return "".join(" " if value is None else _LEVELS[min(7, int(value / top * 8))] for value in values)


def plain_line(snapshot: Snapshot) -> str:
    """One second of the run, for a log or a pipe: no escape codes, fixed order."""
    parts = [
        f"{snapshot.offset:7.1f} s",
        f"{snapshot.rate:8.1f}/s",
        f"in flight {snapshot.in_flight}",
        f"p50 {seconds(snapshot.p50)}",
        f"p99 {seconds(snapshot.p99)}",
        *(f"{status}: {number}" for status, number in sorted(snapshot.statuses.items())),
        *(f"{kind}: {number}" for kind, number in sorted(snapshot.errors.items())),
    ]
    if snapshot.shed:
        parts.append(f"shed: {snapshot.shed}")
    return "  ".join(parts)


def headline(plan: Plan) -> str:
    more = f" and {len(plan.urls) - 1} more" if len(plan.urls) > 1 else ""
    return f"{plan.method} {plan.urls[0]}{more}   {plan.load.name} {plan.arrivals} for {plan.duration:g} s"


def live(plan: Plan, history: Sequence[Snapshot]) -> "RenderableType":
    """The display of the running second; `history` ends with it and is not empty."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    now = history[-1]
    recent = history[-TREND:]
    facts = Table.grid(padding=(0, 2))
    facts.add_row("rate", f"{now.rate:.0f}/s", "p50", seconds(now.p50), "in flight", count(now.in_flight))
    facts.add_row("elapsed", f"{now.offset:.0f} s", "p99", seconds(now.p99), "connections", count(now.connections))
    p99 = [shot.p99 for shot in recent]
    greatest = max((value for value in p99 if value is not None), default=None)
    trends = Table.grid(padding=(0, 2))
    trends.add_row("p99", Text(trend(p99), style="cyan"), f"≤ {seconds(greatest)}")
    if any(shot.failed_now for shot in history):
        failed = [float(shot.failed_now) or None for shot in recent]
        trends.add_row("failed", Text(trend(failed), style="red"), f"≤ {max(shot.failed_now for shot in recent)}/s")
    return Group(
        Text(headline(plan), style="bold", overflow="ellipsis", no_wrap=True),
        facts,
        trends,
        _tally(now.ok, now.failed, now.shed, 0),
        _shares(_answers(now.statuses, now.errors)),
        _section("last second, by instance"),
        _shares([(name, number, "blue") for name, number in sorted(now.instances.items())]),
    )


def summary(plan: Plan, result: Result) -> "Group":
    """The whole run."""
    from rich.console import Group
    from rich.text import Text

    latency = result.latency
    parts: list[RenderableType] = [
        Text(headline(plan), style="bold", overflow="ellipsis", no_wrap=True),
        _tally(result.ok, result.failed, result.shed, result.unfinished),
        f"{count(result.scheduled)} requests scheduled, {result.achieved_rate:.1f} answers/s",
        _section("answers"),
        _shares(_answers(result.statuses, result.errors)),
        _section("latency, from the intended time of sending"),
        "  ".join(f"p{percent} {seconds(latency.percentile(percent))}" for percent in (50, 90, 99, 99.9))
        + f"  max {seconds(latency.maximum if latency.count else None)}",
        _shares([(f"≤ {seconds(upper)}", number, "cyan") for upper, number in latency.bands(BANDS)]),
        _section("instances"),
        _shares([(name, number, "blue") for name, number in sorted(result.instances.items())]),
        _section("zones"),
        _shares([(name, number, "blue") for name, number in sorted(result.zones.items())]),
    ]
    if result.windows:
        parts.append(_section("failing, by time of sending"))
        parts += [
            Text(f"{window.start:8.2f} s – {window.end:.2f} s   {count(window.failed)} failed", style="red")
            for window in result.windows
        ]
    late = result.lateness.percentile(99)
    if late is not None and late > 0.01:
        parts.append(Text(f"The generator itself was late: p99 {seconds(late)} behind schedule.", style="yellow"))
    return Group(*parts)


def _answers(statuses: Mapping[int, int], errors: Mapping[str, int]) -> list[tuple[str, int, str]]:
    rows = [(str(status), number, "green" if status < 400 else "red") for status, number in sorted(statuses.items())]
    return rows + [(kind.replace("_", " "), number, "red") for kind, number in sorted(errors.items())]


def _tally(ok: int, failed: int, shed: int, unfinished: int) -> "Text":
    from rich.text import Text

    text = Text()
    text.append(f"{count(ok)} ok", style="bold green")
    text.append(f"   {count(failed)} failed", style="bold red" if failed else "dim")
    if shed:
        text.append(f"   {count(shed)} shed", style="bold yellow")
    if unfinished:
        text.append(f"   {count(unfinished)} unfinished", style="yellow")
    return text


def _section(title: str) -> "Text":
    from rich.text import Text

    return Text(f"\n{title}", style="bold")


def _shares(rows: Sequence[tuple[str, int, str]]) -> "Table":
    """Label, count, share and a bar that compares with the greatest; (label, count, style) each."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(max_width=22, overflow="ellipsis", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    total = sum(number for _, number, _ in rows)
    greatest = max((number for _, number, _ in rows), default=0)
    for label, number, style in rows:
        share = f"{number / total:.1%}" if total else ""
        table.add_row(label, count(number), share, Text(bar(number / greatest if greatest else 0.0), style=style))
    return table
