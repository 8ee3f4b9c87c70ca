"""One instance as a queue: c workers, a general service time, a bounded line, a time-out. Pure.

What the instance is at a moment is one number, the mean of requests in it (`Queue.load`); a step moves it on.

* In a steady state with utilisation ρ the mean number of requests is that of an M/G/c queue by Allen and Cunneen's
  approximation (A. O. Allen, "Probability, Statistics, and Queueing Theory", 2nd ed., 1990, §5.3):
  `G(ρ) = cρ + C(c, cρ) · ρ/(1−ρ) · (1 + cv²)/2`, with Erlang's C and Poisson arrivals. It is exact for c = 1 (Pollaczek and
  Khinchine) and for exponential service (cv = 1).
* Between steady states it moves by the pointwise stationary fluid flow approximation (W.-P. Wang, D. Tipper, S. Banerjee, "A
  simple approximation for modeling nonstationary queues", INFOCOM 1996): `dx/dt = λ − μ·G⁻¹(x)`. Each step solves it
  implicitly, so that a step may be a thousand times longer than a request. Above capacity, x grows as a fluid does.
* A request waits longer than t with probability `C·exp(−t·C/W)`, W being the mean wait: exact for exponential service, and
  what Kingman's heavy traffic limit says of any other.
* Loss: a request that finds the line full is rejected, and one that waits longer than the time-out leaves. The lost share is
  `(1−ρ)Π/(1−ρΠ)`, Π being the chance that an endless line would be that long (H. C. Tijms, "A First Course in Stochastic
  Models", 2003, §9.8); what a full line cannot take in is lost on top of that.
* Where the arrival rate changes faster than the line, the excess over the steady line is a backlog that everybody waits for
  to the same length; beyond capacity the fluctuation around it is that of the mirrored utilisation 1/ρ.

`tests/simulate/test_queueing.py` holds all of it to a simulation of single requests.
"""

import math
from dataclasses import dataclass

NEARLY_ALL = 1.0 - 1e-9
"""The utilisation that stands for "all the time": G is infinite at 1."""
HALVINGS = 34


@dataclass(frozen=True, slots=True)
class Server:
    """`capacity` in requests per second when no worker idles; `cv` is the coefficient of variation of the service time;
    `line` is how many requests may wait; `timeout` how long one may, in seconds."""

    workers: int
    capacity: float
    cv: float
    line: int
    timeout: float

    @property
    def holds(self) -> float:
        """Requests in the instance at most, in the mean: the line is full, or as long as patience is."""
        return self.workers + min(float(self.line), self.capacity * self.timeout)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long served requests wait: `backlog` seconds all of them, and with probability `chance` longer, by an exponential
    time of mean `longer` seconds; but none more than `longest`."""

    backlog: float
    chance: float
    longer: float
    longest: float

    def beyond(self, seconds: float) -> float:
        """The share of served requests that wait longer than that."""
        if seconds >= self.longest:
            return 0.0
        if seconds < self.backlog:
            return 1.0
        lost = self._tail(self.longest)
        return (self._tail(seconds) - lost) / (1.0 - lost)

    def _tail(self, seconds: float) -> float:
        return self.chance * math.exp((self.backlog - seconds) / self.longer) if self.longer > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: requests in the instance at its end; per second of it, requests served, rejected and timed out;
    the share of the workers' time that was busy; the wait."""

    load: float
    served: float
    rejected: float
    timed_out: float
    busy: float
    wait: Wait


def erlang_c(workers: int, busy: float) -> float:
    """The chance that all workers are busy, at a utilisation below 1 (A. K. Erlang, 1917)."""
    offered = workers * busy
    blocking = 1.0
    for number in range(1, workers + 1):
        blocking = offered * blocking / (number + offered * blocking)
    return blocking / (1.0 - busy * (1.0 - blocking))


def waiting(server: Server, busy: float, chance: float) -> float:
    """The mean number of requests that wait in a steady state of that utilisation, with Erlang's `chance` to wait at all."""
    return chance * busy / (1.0 - busy) * (1.0 + server.cv**2) / 2.0


def lost(server: Server, busy: float, chance: float, line: float) -> float:
    """The share of requests that are rejected or time out in a steady state, `line` requests waiting in the mean."""
    if line <= 0.0:
        return 0.0
    full = chance * math.exp(-(server.holds - server.workers) * chance / line)
    return (1.0 - busy) * full / (1.0 - busy * full)


def advance(server: Server, load: float, rate: float, seconds: float) -> Step:
    """`seconds` on with `rate` requests a second arriving, from `load` requests in the instance."""
    busy = _busy_at_the_end(server, load, rate, seconds)
    chance = erlang_c(server.workers, busy)
    line = waiting(server, busy, chance)
    admitted = rate * (1.0 - lost(server, busy, chance, line))
    after = server.workers * busy + line
    if after >= server.holds:
        # No worker idles while the line is full; the loss is the limit of `lost` for ρ → 1, or else what cannot be served.
        after = server.holds
        turned_away = rate / (1.0 + 2.0 * (after - server.workers) / (1.0 + server.cv**2))
        admitted = min(rate - turned_away, server.capacity + max(0.0, after - load) / seconds)
    # What leaves follows from what came and what is there: no request is lost from the books.
    served = min(max(0.0, admitted - (after - load) / seconds), server.capacity)
    missed = max(0.0, rate - admitted)
    patient = server.line <= server.capacity * server.timeout
    return Step(
        load=after,
        served=served,
        rejected=missed if patient else 0.0,
        timed_out=0.0 if patient else missed,
        busy=served / server.capacity,
        wait=_wait(server, after, rate),
    )


def _busy_at_the_end(server: Server, load: float, rate: float, seconds: float) -> float:
    """The root of `G(ρ) − load = seconds·(rate·(1 − lost(ρ)) − capacity·ρ)`, by halving: the left grows in ρ, and faster than
    the right."""
    low, high = 0.0, NEARLY_ALL
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        chance = erlang_c(server.workers, middle)
        line = waiting(server, middle, chance)
        surplus = seconds * (rate * (1.0 - lost(server, middle, chance, line)) - server.capacity * middle)
        if server.workers * middle + line - load < surplus:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _wait(server: Server, load: float, rate: float) -> Wait:
    offered = rate / server.capacity
    mirrored = min(offered if offered < 1.0 else 1.0 / offered, NEARLY_ALL)
    longest = (server.holds - server.workers + 1.0) / server.capacity
    if mirrored <= 0.0:
        return Wait(0.0, 0.0, 0.0, longest)
    chance = erlang_c(server.workers, mirrored)
    steady = waiting(server, mirrored, chance)
    line = max(0.0, load - server.workers * min(offered, 1.0))
    steady = min(steady, line)
    throughput = min(rate, server.capacity)
    # Who waits at all waits `line/throughput/chance` in the mean (Little).
    return Wait((line - steady) / server.capacity, chance, steady / throughput / chance, longest)
