"""From single runs to paired ratios. Pure."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.load import Load
from bench.scenarios import SCENARIOS

OURS, COMPILED, NGINX = "ours", "compiled", "nginx"


@dataclass(frozen=True, slots=True)
class Run:
    """One balancer under one load. `cpu_ns` is on-CPU time of the balancer's processes while wrk ran, `elapsed` the seconds
    that took. Rounds count from 1; `first`: it ran before the other of its pair."""

    scenario: str
    round: int
    balancer: str
    first: bool
    cpu_ns: int
    elapsed: float
    load: Load

    @property
    def cpu_us(self) -> float:
        """Microseconds per request."""
        return self.cpu_ns / 1e3 / self.load.requests

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.load.requests / self.load.seconds

    @property
    def busy(self) -> float:
        """The share of one core."""
        return self.cpu_ns / 1e9 / self.elapsed

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "cpu_us_per_request": self.cpu_us, "requests_per_second": self.rate}


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and the quartiles of paired ratios, ours / nginx."""

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
class Row:
    """One scenario. Pairs are (ours, nginx), medians over the rounds; `contender` is which of ours."""

    scenario: str
    contender: str
    title: str
    rounds: int
    cpu_us: tuple[float, float]
    cpu_ratio: Spread
    rate: tuple[float, float]
    rate_ratio: Spread
    busy: tuple[float, float]
    p50_us: tuple[float, float]
    p99_us: tuple[float, float]
    errors: tuple[int, int]
    """Summed over the rounds."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """A row for each scenario that was run."""
    for scenario in SCENARIOS:
        by_round: dict[int, dict[str, Run]] = {}
        for run in runs:
            if run.scenario == scenario.name:
                by_round.setdefault(run.round, {})[run.balancer] = run
        for contender in (COMPILED, OURS):
            pairs = [(pair[contender], pair[NGINX]) for pair in by_round.values() if contender in pair]
            if not pairs:
                continue
            ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            yield Row(
                scenario=scenario.name,
                contender=contender,
                title=scenario.title + ", compiled" * (contender == COMPILED),
                rounds=len(pairs),
                cpu_us=(_median(run.cpu_us for run in ours), _median(run.cpu_us for run in theirs)),
                cpu_ratio=Spread.of([one.cpu_us / other.cpu_us for one, other in pairs]),
                rate=(_median(run.rate for run in ours), _median(run.rate for run in theirs)),
                rate_ratio=Spread.of([one.rate / other.rate for one, other in pairs]),
                busy=(_median(run.busy for run in ours), _median(run.busy for run in theirs)),
                p50_us=(_median(run.load.p50_us for run in ours), _median(run.load.p50_us for run in theirs)),
                p99_us=(_median(run.load.p99_us for run in ours), _median(run.load.p99_us for run in theirs)),
                errors=(sum(run.load.errors for run in ours), sum(run.load.errors for run in theirs)),
            )


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)
