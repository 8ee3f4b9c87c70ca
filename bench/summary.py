"""From single runs to the lines of the table: medians of paired ratios. Pure.

The values of a line come from pairs: each contender's run of a round is divided by nginx's of the same round, and of these
ratios there are a median and quartiles. nginx's own cells, and those of idle connections, hold no ratios.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.contender import AIOHTTP, CADDY, COMPILED, NGINX, OURS, TITLES
from bench.goals import CPU, GOALS, IDLE, P99, PEER, RATE, Goal
from bench.load import Load
from bench.memory import Growth
from bench.scenarios import IDLE as IDLE_SCENARIOS
from bench.scenarios import SCENARIOS

SATURATED = 0.95
"""The share of a core from which on it counts as saturated."""
_AT_SATURATION = ("small", "browser", "unique")
_COMPARED = "small"
"""The scenario in which peers are compared with ours."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contender under one load. `cpu_ns` is on-CPU time of its processes while the load ran, `elapsed` the seconds that
    took; `after_ns` is what it spent afterwards on what the load left to do. Rounds count from 1; `turn` is its place in the
    round, from 0."""

    scenario: str
    round: int
    turn: int
    contender: str
    cpu_ns: int
    after_ns: int
    elapsed: float
    load: Load

    @property
    def cpu_us(self) -> float:
        """Microseconds per request, all included."""
        return (self.cpu_ns + self.after_ns) / 1e3 / self.load.requests

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.load.requests / self.load.seconds

    @property
    def busy(self) -> float:
        """The share of one core, under load."""
        return self.cpu_ns / 1e9 / self.elapsed

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "cpu_us_per_request": self.cpu_us,
            "requests_per_second": self.rate,
            "core_busy": self.busy,
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True, slots=True)
class Cell:
    """`busy` is the share of its core that the contender had at work, where that matters to the value: a rate says what a
    core can do only when it had nothing else to do, and a ratio needs two such rates, or is not `sound`. `errors` are those
    of all its runs, and make the value worthless."""

    spread: Spread
    goal: Goal | None = None
    busy: float | None = None
    sound: bool = True
    errors: int = 0

    @property
    def met(self) -> bool | None:
        """None where there is no goal, or no telling."""
        if self.goal is None or not self.sound:
            return None
        return not self.errors and self.goal.met(self.spread.median)


@dataclass(frozen=True, slots=True)
class Line:
    """`cells` by contender. `unit` is that of nginx's cell, or of all where there are no ratios."""

    measure: str
    scenario: str
    title: str
    unit: str
    cells: Mapping[str, Cell]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def lines(runs: Sequence[Run], growths: Sequence[Growth]) -> Iterator[Line]:
    """What there are runs for."""
    yield from _ratios(runs, CPU, "CPU per request", "us", lambda run: run.cpu_us, [one.name for one in SCENARIOS])
    yield from _ratios(runs, RATE, "requests per second", "/s", lambda run: run.rate, _AT_SATURATION)
    yield from _ratios(runs, P99, "99 % of latencies", "ms", lambda run: run.load.p99_us / 1e3, _AT_SATURATION)
    yield from _memory(growths)
    for peer in (CADDY, AIOHTTP):
        yield from _peer(runs, peer)


def _ratios(
    runs: Sequence[Run], measure: str, what: str, unit: str, value: Callable[[Run], float], scenarios: Iterable[str]
) -> Iterator[Line]:
    titles = {one.name: one.title for one in SCENARIOS}
    for scenario in scenarios:
        rounds = _rounds(runs, scenario)
        cells = {}
        for name in TITLES:
            pairs = [(one[name], one[NGINX]) for one in rounds if name in one and NGINX in one]
            if pairs:
                busy, base_busy = (statistics.median(run.busy for run in own) for own in zip(*pairs, strict=True))
                cells[name] = Cell(
                    Spread.of([value(run) / (1.0 if name == NGINX else value(base)) for run, base in pairs]),
                    GOALS.get((measure, scenario), {}).get(name),
                    None if measure == CPU else busy,
                    measure == CPU or min(busy, base_busy) >= SATURATED,
                    sum(run.load.errors for run, _ in pairs),
                )
        if cells:
            yield Line(measure, scenario, f"{what}: {titles[scenario]}", unit, cells)


def _memory(growths: Sequence[Growth]) -> Iterator[Line]:
    for idle in IDLE_SCENARIOS:
        cells = {}
        for name in TITLES:
            own = [one.per_connection / 1024 for one in growths if (one.scenario, one.contender) == (idle.name, name)]
            if own:
                cells[name] = Cell(Spread.of(own), GOALS[(IDLE, idle.name)].get(name))
        if cells:
            yield Line(IDLE, idle.name, idle.title, "KB", cells)


def _peer(runs: Sequence[Run], peer: str) -> Iterator[Line]:
    rounds = _rounds(runs, _COMPARED)
    cells = {}
    for name in (OURS, COMPILED):
        pairs = [(one[peer], one[name]) for one in rounds if peer in one and name in one]
        if pairs:
            cells[name] = Cell(
                Spread.of([other.cpu_us / own.cpu_us for other, own in pairs]),
                GOALS[(PEER, peer)].get(name),
                errors=sum(run.load.errors for pair in pairs for run in pair),
            )
    if cells:
        yield Line(PEER, peer, f"{TITLES[peer]}'s CPU per request against it", "", cells)


def _rounds(runs: Sequence[Run], scenario: str) -> list[dict[str, Run]]:
    """The runs of each round, by contender."""
    found: dict[int, dict[str, Run]] = {}
    for run in runs:
        if run.scenario == scenario:
            found.setdefault(run.round, {})[run.contender] = run
    return list(found.values())


def unsaturated(found: Iterable[Line]) -> list[str]:
    """The titles of lines at saturation, and the contenders that left more of their core idle than they should."""
    return [
        f"{line.title}: {', '.join(idle)}"
        for line in found
        if line.measure == RATE
        and (
            idle := [
                f"{TITLES[name]} {100 * cell.busy:.0f} %"
                for name, cell in line.cells.items()
                if cell.busy is not None and cell.busy < SATURATED
            ]
        )
    ]
