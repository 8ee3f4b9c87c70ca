"""An instance request by request: what `lab.simulate.queueing` is held to."""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.simulate.queueing import Server


@dataclass
class Seen:
    """What became of the requests that arrived after `since`; `busy` is worker seconds, `waits` those of the served."""

    since: float
    until: float
    waits: list[float] = field(default_factory=list)
    arrived: int = 0
    rejected: int = 0
    timed_out: int = 0
    busy: float = 0.0

    def percentile(self, percent: float) -> float:
        return sorted(self.waits)[int(len(self.waits) * percent / 100)]

    @property
    def mean(self) -> float:
        return sum(self.waits) / len(self.waits)

    @property
    def lost(self) -> float:
        return (self.rejected + self.timed_out) / self.arrived


def simulate(
    server: Server, rate: Callable[[float], float], peak: float, since: float, until: float, seed: int
) -> Seen:
    """Poisson arrivals of `rate(t)` (thinned from `peak`), a lognormal service time, first come first served."""
    chance = random.Random(seed)
    mean = server.workers / server.capacity
    sigma = math.sqrt(math.log1p(server.cv**2))
    mu = math.log(mean) - sigma**2 / 2
    free = [0.0] * server.workers  # when each worker is done with what it has
    line: deque[float] = deque()  # when those who wait will begin
    seen = Seen(since, until)
    now = 0.0
    while (now := now + chance.expovariate(peak)) < until:
        if chance.random() * peak >= rate(now):
            continue
        counted = now >= since
        seen.arrived += counted
        while line and line[0] <= now:
            line.popleft()
        begin = max(now, free[0])
        if begin > now and len(line) >= server.line:
            seen.rejected += counted
            continue
        if begin - now > server.timeout:
            seen.timed_out += counted
            continue
        service = chance.lognormvariate(mu, sigma) if sigma else mean
        heapq.heapreplace(free, begin + service)
        if begin > now:
            line.append(begin)
        if counted:
            seen.waits.append(begin - now)
            seen.busy += service
    return seen
