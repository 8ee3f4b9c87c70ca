"""What is printed in the end, and what is kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.machine import Machine
from bench.summary import Row, Run, Spread

_WIDTH = 200  # a table that is cut to a narrow terminal says nothing
_COLUMNS = (
    "CPU us/request\nours | nginx",
    "ours/nginx\nmedian (IQR)",
    "requests/s\nours | nginx",
    "ours/nginx\nmedian (IQR)",
    "core busy %\nours | nginx",
    "p99 ms\nours | nginx",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one must know to read the numbers. `steal_percent`: time of all cores taken by other guests of the host."""

    machine: Machine
    nginx: str
    wrk: str
    cores: str
    cpu_time_from: str
    rounds: int
    seconds: int
    connections: int
    load_average_before: tuple[float, float, float]
    load_average_after: tuple[float, float, float]
    steal_percent: float
    access_log: str = "on in both, the same fields"


def show(facts: Facts, rows: Sequence[Row]) -> None:
    before, after = _load(facts.load_average_before), _load(facts.load_average_after)
    print(f"machine: {facts.machine}; {facts.nginx}, {facts.wrk}")
    print(f"load average (1/5/15 min): {before} before, {after} after; stolen by the host: {facts.steal_percent} %")
    print(f"{facts.cores}; CPU time (user and kernel) from {facts.cpu_time_from}")
    print(f"{facts.rounds} rounds of {facts.seconds} s in pairs, A B B A; {facts.connections} connections")
    print(f"access log: {facts.access_log}")
    Console(width=_WIDTH, highlight=False).print(_table(rows))


def keep(file: Path, facts: Facts, runs: Sequence[Run], rows: Sequence[Row]) -> None:
    """Everything as JSON, each single run included."""
    document = {**asdict(facts), "rows": [asdict(row) for row in rows], "runs": [run.to_json() for run in runs]}
    file.write_text(json.dumps(document, indent=1) + "\n")


def _table(rows: Sequence[Row]) -> Table:
    """A row with errors proves nothing, and says so."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("\nscenario", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        wrong = any(row.errors)
        table.add_row(
            f"{row.title}: ERRORS {_pair(row.errors, '{}')}" if wrong else row.title,
            _pair(row.cpu_us, "{:.1f}"),
            _spread(row.cpu_ratio),
            _pair(row.rate, "{:,.0f}"),
            _spread(row.rate_ratio),
            _pair([100 * share for share in row.busy], "{:.0f}"),
            _pair([us / 1e3 for us in row.p99_us], "{:.1f}"),
            style="red" if wrong else None,
        )
    return table


def _pair(values: Sequence[float], form: str) -> str:
    return " | ".join(form.format(value) for value in values)


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def _load(average: Sequence[float]) -> str:
    return "/".join(f"{value:.2f}" for value in average)
