"""What a run counted: the recorder that the engine feeds and the values it hands out. No clock, no I/O.

Every scheduled arrival ends in exactly one of four: `ok` (an answer below 400), `failed` (an answer from 400 up, or no
answer), `shed` (not sent: too many in flight) or `unfinished` (in flight when the run was stopped). The histogram holds
the latency of answered requests, whatever their status; a request without an answer has an error kind instead.

`slow` counts answers that took longer than they should, `retried` the requests that were sent because another had failed.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.load.histogram import Histogram
from lab.load.http1 import Response

UNNAMED = "-"
"""Counted as the instance and the zone of an answer that names none, a balancer's own 503 for example."""

CALM = 1.0
"""Seconds without a failure that end a window of failures."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which requests failed, or were slow: offsets of the first and the last such one (their intended times,
    seconds), and how many."""

    start: float
    end: float
    failed: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The run at `offset` seconds. `scheduled` to `errors` are totals; `rate` to `p99` are of the time since the last
    snapshot (answers per second; seconds, None when nothing was answered)."""

    offset: float
    scheduled: int
    ok: int
    failed: int
    shed: int
    in_flight: int
    connections: int
    statuses: Mapping[int, int]
    errors: Mapping[str, int]
    rate: float
    failed_now: int
    instances: Mapping[str, int]
    zones: Mapping[str, int]
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """The whole run. `elapsed` is in seconds and includes waiting for the last answers; `achieved_rate` is answers per
    second of sending. `lateness` is how long after their intended times requests were handed to a connection: when its
    p99 is not small, the generator itself was the bottleneck."""

    scheduled: int
    ok: int
    failed: int
    shed: int
    unfinished: int
    failovers: int
    retried: int
    slow: int
    body_bytes: int
    elapsed: float
    achieved_rate: float
    statuses: Mapping[int, int]
    errors: Mapping[str, int]
    instances: Mapping[str, int]
    zones: Mapping[str, int]
    latency: Histogram
    lateness: Histogram
    windows: tuple[Window, ...]
    slow_windows: tuple[Window, ...]

    @property
    def lost(self) -> float:
        """The share of requests that failed or were not sent."""
        return (self.failed + self.shed) / self.scheduled if self.scheduled else 0.0

    def percentile(self, percent: float) -> float | None:
        """Seconds that `percent` of 100 requests do not exceed. One that got no answer took longer than any that did:
        infinity, where it comes to those. None without a request."""
        asked = self.latency.count + sum(self.errors.values())
        rank = max(1, math.ceil(percent / 100 * asked))
        if asked == 0:
            return None
        return math.inf if rank > self.latency.count else self.latency.percentile(100 * rank / self.latency.count)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json.dumps` takes; times in seconds."""
        return {
            "scheduled": self.scheduled,
            "ok": self.ok,
            "failed": self.failed,
            "shed": self.shed,
            "unfinished": self.unfinished,
            "failovers": self.failovers,
            "retried": self.retried,
            "slow": self.slow,
            "body_bytes": self.body_bytes,
            "elapsed": self.elapsed,
            "achieved_rate": self.achieved_rate,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "errors": dict(sorted(self.errors.items())),
            "instances": dict(sorted(self.instances.items())),
            "zones": dict(sorted(self.zones.items())),
            "latency": self.latency.to_json(),
            "lateness": self.lateness.to_json(),
            "windows": [asdict(window) for window in self.windows],
            "slow_windows": [asdict(window) for window in self.slow_windows],
        }


class Recorder:
    """The mutable state of the counts: one per run, written by the engine only. Offsets and latencies in seconds."""

    def __init__(self, slow: float = math.inf) -> None:
        """`slow`: seconds above which an answer is counted as slow."""
        self.scheduled = self.ok = self.failed = self.shed = self.unfinished = self.failovers = self.body_bytes = 0
        self.retried = 0
        self._slow = slow
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.latency = Histogram()
        self.lateness = Histogram()
        self._instances: Counter[str] = Counter()
        self._zones: Counter[str] = Counter()
        self._failures = array("d")
        self._slow_ones = array("d")
        self._since = _Interval(0.0, 0)

    def answered(self, intended: float, latency: float, response: Response) -> None:
        self.statuses[response.status] += 1
        self.body_bytes += response.body_bytes
        self._since.latency.record(latency)
        self._since.instances[response.instance or UNNAMED] += 1
        self._since.zones[response.zone or UNNAMED] += 1
        if latency > self._slow:
            self._slow_ones.append(intended)
        if response.status < 400:
            self.ok += 1
        else:
            self._fail(intended)

    def no_answer(self, intended: float, kind: str) -> None:
        self.errors[kind] += 1
        self._fail(intended)

    def _fail(self, intended: float) -> None:
        self.failed += 1
        self._failures.append(intended)

    def snapshot(self, offset: float, in_flight: int, connections: int) -> Snapshot:
        """The run so far; begins the next interval."""
        since = self._since
        span = offset - since.start
        shot = Snapshot(
            offset=offset,
            scheduled=self.scheduled,
            ok=self.ok,
            failed=self.failed,
            shed=self.shed,
            in_flight=in_flight,
            connections=connections,
            statuses=dict(self.statuses),
            errors=dict(self.errors),
            rate=since.latency.count / span if span > 0 else 0.0,
            failed_now=self.failed - since.failed_before,
            instances=dict(since.instances),
            zones=dict(since.zones),
            p50=since.latency.percentile(50),
            p99=since.latency.percentile(99),
        )
        self._fold(offset)
        return shot

    def _fold(self, offset: float) -> None:
        self.latency.merge(self._since.latency)
        self._instances.update(self._since.instances)
        self._zones.update(self._since.zones)
        self._since = _Interval(offset, self.failed)

    def result(self, sending: float, elapsed: float) -> Result:
        """The whole run, of which `sending` seconds were spent sending."""
        self._fold(elapsed)
        return Result(
            scheduled=self.scheduled,
            ok=self.ok,
            failed=self.failed,
            shed=self.shed,
            unfinished=self.unfinished,
            failovers=self.failovers,
            retried=self.retried,
            slow=len(self._slow_ones),
            body_bytes=self.body_bytes,
            elapsed=elapsed,
            achieved_rate=self.latency.count / sending if sending > 0 else 0.0,
            statuses=dict(self.statuses),
            errors=dict(self.errors),
            instances=dict(self._instances),
            zones=dict(self._zones),
            latency=self.latency,
            lateness=self.lateness,
            windows=failure_windows(self._failures),
            slow_windows=failure_windows(self._slow_ones),
        )


class _Interval:
    """What was counted since the last snapshot; folded into the totals by the next one."""

    def __init__(self, start: float, failed_before: int) -> None:
        self.start = start
        self.failed_before = failed_before
        self.latency = Histogram()
        self.instances: Counter[str] = Counter()
        self.zones: Counter[str] = Counter()


def failure_windows(offsets: Iterable[float], calm: float = CALM) -> tuple[Window, ...]:
    """Join failures that are at most `calm` seconds apart. Offsets in any order; windows in time order."""
    windows: list[Window] = []
    for offset in sorted(offsets):
        if windows and offset - windows[-1].end <= calm:
            windows[-1] = Window(windows[-1].start, offset, windows[-1].failed + 1)
        else:
            windows.append(Window(offset, offset, 1))
    return tuple(windows)
