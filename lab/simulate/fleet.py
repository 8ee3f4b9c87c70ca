"""The instances of a simulation under load: each a queue (`queueing`), all fed from one trace as load balancers would.

A load balancer gets the whole trace and shares it out by the weights of its default action: over its nodes equally (as DNS
does), by each node over the targets it uses (`routing`). A group without a target group gets the whole trace for its
instances in service, as workers on one queue would.

Instances in the same situation (same load inside, same rate, same size and age) are computed once, so that a fleet costs
little more than one of them. A stretch of time is cut into steps of `STEP` seconds at most; between its ends nothing changes
but the load.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from lab.simulate import queueing
from lab.simulate.calibration import Calibration
from lab.simulate.latency import coarse, spread
from lab.simulate.queueing import Server, Wait
from lab.simulate.tally import Tally

STEP = 10.0
IDLE = 1e-3
"""Requests inside that are none."""
DIGITS = 6
"""The load inside is kept to so many decimals: what differs less is the same situation."""

Situation = tuple[float, float, float, float]
"""Share of the trace's rate, requests inside, slowness and vCPUs."""


@dataclass(slots=True, eq=False)
class Host:
    """One instance. `answers_at` is when it has booted; `inside` the mean number of requests in it; `portions` are the shares
    of the trace's rate that it gets, each with the tally that counts it, `share` their sum. `served` counts since the last
    look, `requests` and `errors` since its start."""

    instance_id: str
    group: str
    vcpus: float
    answers_at: float
    inside: float = 0.0
    share: float = 0.0
    portions: tuple[tuple[Tally, float], ...] = ()
    served: float = 0.0
    requests: float = 0.0
    errors: float = 0.0
    response_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to for every host in one situation: requests (not per second), requests inside at its end, and the
    mean service time."""

    arrived: float
    served: float
    rejected: float
    timed_out: float
    inside: float
    wait: Wait
    service: float


@dataclass(slots=True)
class Fleet:
    """`hosts` are the instances that run, by id. `turned_away` and `refused` are shares of the trace's rate that find no
    target, or one that has not booted, each with its tally."""

    calibration: Calibration
    hosts: dict[str, Host] = field(default_factory=dict)
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    turned_away: tuple[tuple[Tally, float], ...] = ()
    refused: tuple[tuple[Tally, float], ...] = ()

    def tally(self, target_group: str, group: str) -> Tally:
        key = (target_group, group)
        if key not in self.tallies:
            self.tallies[key] = Tally(target_group, group)
        return self.tallies[key]

    def advance(self, start: float, end: float, requests: Callable[[float, float], float]) -> None:
        """From `start` to `end`; `requests(a, b)` is how many the trace has from a to b."""
        steps = max(1, math.ceil((end - start) / STEP - 1e-9))
        bounds = [start + (end - start) * number / steps for number in range(steps + 1)]
        working = [host for host in self.hosts.values() if host.share > 0.0 or host.inside > IDLE]
        waits: defaultdict[tuple[Tally, Wait, float], float] = defaultdict(float)
        for before, after in pairwise(bounds):
            self._step(working, before, after - before, requests(before, after), waits)
        for (tally, wait, service), served in waits.items():
            of = self.calibration
            tally.took(spread(wait, service, of.service_cv, of.base_seconds), served)

    def utilisation(self, host: Host, seconds: float) -> float:
        """The share of its CPU allowance that the host has used since the last look, `seconds` ago; the next one begins."""
        of = self.calibration
        used = of.idle_cpu + host.served * of.cpu_seconds / (seconds * host.vcpus)
        host.served = 0.0
        return min(1.0, used)

    def _step(
        self,
        working: Iterable[Host],
        now: float,
        seconds: float,
        arriving: float,
        waits: defaultdict[tuple[Tally, Wait, float], float],
    ) -> None:
        known: dict[Situation, Outcome] = {}
        counts: defaultdict[tuple[tuple[tuple[Tally, float], ...], Situation], int] = defaultdict(int)
        for host in working:
            slowness = self.calibration.slowness(now - host.answers_at)
            situation = (host.share, host.inside, slowness, host.vcpus)
            outcome = known.get(situation)
            if outcome is None:
                outcome = known[situation] = self._outcome(situation, seconds, arriving * host.share)
            host.inside = outcome.inside
            host.served += outcome.served
            host.requests += outcome.arrived
            host.errors += outcome.rejected
            host.response_seconds = outcome.wait.backlog + outcome.wait.chance * outcome.wait.longer + outcome.service
            counts[host.portions, situation] += 1
        for (portions, situation), count in counts.items():
            _count(portions, situation[0], known[situation], count, waits)
        for tally, share in self.turned_away:
            tally.arrived += share * arriving
            tally.turned_away += share * arriving
        for tally, share in self.refused:
            tally.arrived += share * arriving
            tally.refused += share * arriving

    def _outcome(self, situation: Situation, seconds: float, arriving: float) -> Outcome:
        _, inside, slowness, vcpus = situation
        server = self.calibration.server(vcpus, slowness)
        step = queueing.advance(server, inside, arriving / seconds, seconds)
        return Outcome(
            arrived=arriving,
            served=step.served * seconds,
            rejected=step.rejected * seconds,
            timed_out=step.timed_out * seconds,
            inside=round(step.load, DIGITS),
            wait=coarse(step.wait),
            service=self._service(server, slowness, step.busy),
        )

    def _service(self, server: Server, slowness: float, busy: float) -> float:
        """The mean service time, to three digits: that of an idle instance, up to what fills the capacity of a busy one. A CPU
        allowance is a share of time, so that a request in an idle instance has a whole core for a moment."""
        idle = self.calibration.service_seconds * slowness
        full = max(idle, server.workers / server.capacity)
        return float(f"{idle + (full - idle) * busy:.3g}")


def _count(
    portions: tuple[tuple[Tally, float], ...],
    share: float,
    outcome: Outcome,
    hosts: int,
    waits: defaultdict[tuple[Tally, Wait, float], float],
) -> None:
    for tally, portion in portions:
        # What gets nothing new counts what it still has where it came from.
        part = hosts * portion / share if share > 0.0 else hosts / len(portions)
        tally.arrived += part * outcome.arrived
        tally.served += part * outcome.served
        tally.rejected += part * outcome.rejected
        tally.timed_out += part * outcome.timed_out
        waits[tally, outcome.wait, outcome.service] += part * outcome.served
