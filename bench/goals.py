"""What our node is to reach. Goals, not tests: a missed one is shown, and that is all."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contender import AIOHTTP, CADDY, COMPILED, OURS

CPU, RATE, P99, IDLE, PEER = "cpu", "rate", "p99", "idle", "peer"
"""What is measured: CPU time per request, requests per second of a saturated core and 99th percentile of latency, all against
nginx; KB per idle connection; the CPU time per request of a peer against ours."""


@dataclass(frozen=True, slots=True)
class Goal:
    limit: float
    at_most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


def _at_most(ours: float, compiled: float | None = None) -> dict[str, Goal]:
    return {OURS: Goal(ours)} | ({COMPILED: Goal(compiled)} if compiled is not None else {})


def _at_least(ours: float, compiled: float) -> dict[str, Goal]:
    return {OURS: Goal(ours, at_most=False), COMPILED: Goal(compiled, at_most=False)}


GOALS: Mapping[tuple[str, str], Mapping[str, Goal]] = {
    (CPU, "small"): _at_most(1.3, 1.15),
    (CPU, "browser"): _at_most(1.4, 1.2),
    (CPU, "unique"): _at_most(1.6, 1.4),
    (CPU, "1m"): _at_most(0.4),
    (CPU, "tls"): _at_most(1.3, 1.2),
    (CPU, "connect"): _at_most(1.3, 1.25),
    (RATE, "small"): _at_least(0.70, 0.85),
    (RATE, "browser"): _at_least(0.70, 0.85),
    (P99, "small"): _at_most(1.5, 1.5),
    (P99, "browser"): _at_most(1.5, 1.5),
    (P99, "unique"): _at_most(1.5, 1.5),
    (IDLE, "idle"): _at_most(2.0, 2.0),
    (IDLE, "idle-tls"): _at_most(16.0, 16.0),
    (PEER, AIOHTTP): _at_least(5.0, 5.0),
    (PEER, CADDY): _at_least(3.0, 3.0),
}
"""By measure and scenario (for a peer: its name), of our node interpreted and compiled."""
