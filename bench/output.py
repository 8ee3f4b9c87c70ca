"""The table, on a terminal and as Markdown, and all numbers as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contender import COMPILED, NGINX, OURS, TITLES
from bench.goals import GOALS, IDLE, RATE
from bench.machine import Machine
from bench.memory import Growth
from bench.summary import SATURATED, Line, Run, unsaturated

_WIDTH = 240  # a table that is cut to a narrow terminal says nothing
_MET, _MISSED, _UNSOUND = "✓", "✗", "~"


@dataclass(frozen=True, slots=True)
class Facts:
    """What one must know to read the numbers. `steal_percent`: time of all cores taken by other guests of the host.
    `contenders`: name and version; `remarks`: what differs, what is missing."""

    date: str
    machine: Machine
    python: str
    contenders: Mapping[str, str]
    remarks: Sequence[str]
    load_generators: str
    cores: str
    cpu_time_from: str
    rounds: int
    seconds: int
    connections: int
    load_average_before: tuple[float, float, float]
    load_average_after: tuple[float, float, float]
    steal_percent: float

    def lines(self) -> list[str]:
        before, after = _load(self.load_average_before), _load(self.load_average_after)
        versions = dict.fromkeys(text for name, text in self.contenders.items() if name not in (OURS, COMPILED))
        return [
            f"machine: {self.machine}; our node on {self.python}",
            f"{'; '.join(versions)}; load by {self.load_generators}",
            f"load average (1/5/15 min): {before} before, {after} after; stolen by the host: {self.steal_percent} %",
            f"{self.cores}; CPU time (user and kernel) of the process trees from {self.cpu_time_from}",
            f"{self.rounds} rounds of {self.seconds} s each in turns, every other one in reverse; "
            f"{self.connections} connections; all with an access log of an ALB's fields",
        ]


def show(facts: Facts, found: Sequence[Line]) -> None:
    print("\n".join(facts.lines()))
    header, *rows = _rows(found)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in header:
        table.add_column(column, justify="left" if column == header[0] else "right", no_wrap=True)
    for row, line in zip(rows, found, strict=True):
        wrong = any(cell.errors for cell in line.cells.values())
        table.add_row(*row, style="red" if wrong else None)
    Console(width=_WIDTH, highlight=False).print(table)
    print("\n".join(_notes(facts, found)))


def keep(folder: Path, facts: Facts, runs: Sequence[Run], growths: Sequence[Growth], found: Sequence[Line]) -> Path:
    """Everything as JSON, each single run included, and the table as Markdown. The file with the table. An earlier result of
    the same day is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        **asdict(facts),
        "lines": [line.to_json() for line in found],
        "runs": [run.to_json() for run in runs],
        "memory": [asdict(growth) for growth in growths],
    }
    (folder / f"{facts.date}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    file = folder / f"{facts.date}.md"
    file.write_text(markdown(facts, found))
    return file


def markdown(facts: Facts, found: Sequence[Line]) -> str:
    header, *rows = _rows(found)
    ruler = ["---", *("--:" for _ in header[1:])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *rows))
    listed = "\n".join(f"- {line}" for line in (*facts.lines(), *_notes(facts, found)))
    return f"# The balancer measured on {facts.date}\n\n{table}\n\n{listed}\n"


def _rows(found: Sequence[Line]) -> list[list[str]]:
    """The header, and a row for each line."""
    names = [name for name in TITLES if any(name in line.cells for line in found)]
    rows = [["", *(TITLES[name] for name in names), "goal"]]
    for line in found:
        cells = [_cell(line, name) if name in line.cells else "" for name in names]
        goals = GOALS.get((line.measure, line.scenario), {})
        rows.append([line.title, *cells, ", ".join(dict.fromkeys(map(str, goals.values())))])
    return rows


def _cell(line: Line, name: str) -> str:
    cell = line.cells[name]
    if cell.errors:
        return f"{cell.errors} ERRORS"
    low, median, high = (
        _number(line, name, value) for value in (cell.spread.low, cell.spread.median, cell.spread.high)
    )
    unit = f" {line.unit}" if name == NGINX or line.measure == IDLE else ""
    mark = "" if cell.met is None else f" {_MET if cell.met else _MISSED}"
    return f"{'' if cell.sound else _UNSOUND}{median}{unit} ({low}-{high}){mark}"


def _number(line: Line, name: str, value: float) -> str:
    """In a unit with one decimal, which a rate does not need; a ratio with two."""
    if name == NGINX or line.measure == IDLE:
        return f"{value:,.0f}" if line.measure == RATE else f"{value:.1f}"
    return f"{value:.2f}"


def _notes(facts: Facts, found: Sequence[Line]) -> list[str]:
    notes = [
        f"nginx in its units, the others as ratios to nginx's run of the same round: median (quartiles). "
        f"{_MET} {_MISSED}: goal met, missed. Idle connections in KB of memory, without the kernel's."
    ]
    notes += [
        f"{_UNSOUND} not judged, as a core was less than {100 * SATURATED:.0f} % busy: {text}"
        for text in unsaturated(found)
    ]
    return [*notes, *facts.remarks]


def _load(average: Sequence[float]) -> str:
    return "/".join(f"{value:.2f}" for value in average)
