"""The instance's queue against textbooks, and against a simulation of single requests."""

import math

import pytest

from lab.simulate.queueing import Server, Step, Wait, advance, erlang_c, waiting
from tests.simulate.events import Seen, simulate


def steady(server: Server, rate: float) -> Step:
    step = advance(server, 0.0, rate, 5.0)
    for _ in range(400):
        step = advance(server, step.load, rate, 5.0)
    return step


def mean(wait: Wait) -> float:
    """By integrating the share that waits longer, in the middle of each of many slices."""
    slices = 20_000
    width = wait.longest / slices
    return sum(wait.beyond((number + 0.5) * width) for number in range(slices)) * width


def percentile(wait: Wait, percent: float) -> float:
    low, high = 0.0, wait.longest
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if wait.beyond(middle) > 1 - percent / 100 else (low, middle)
    return high


def test_erlang_c_is_erlangs() -> None:
    """Erlang's own tables; one worker is busy with probability ρ."""
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 0.5) == pytest.approx(1 / 3)
    assert erlang_c(10, 0.8) == pytest.approx(0.4092, abs=1e-4)
    assert erlang_c(3, 0.0) == 0.0


@pytest.mark.parametrize(("workers", "rho", "cv", "line"), [
    (1, 0.9, 1.0, 0.81 / 0.1),  # M/M/1
    (1, 0.5, 0.0, 0.25),  # M/D/1: half of M/M/1's
    (1, 0.8, 2.0, 0.64 / 0.2 * 2.5),  # Pollaczek and Khinchine
])  # fmt: skip
def test_the_line_of_one_worker_is_the_exact_one(workers: int, rho: float, cv: float, line: float) -> None:
    server = Server(workers, 40.0, cv, 10_000, 1000.0)
    assert waiting(server, rho, erlang_c(workers, rho)) == pytest.approx(line)
    assert steady(server, 40.0 * rho).load == pytest.approx(line + rho, rel=1e-3)


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.99, 1.2, 3.0])
def test_the_loss_of_one_exponential_worker_is_the_exact_one(rho: float) -> None:
    """M/M/1/K: one in service, 20 in the line. At capacity and beyond it is as exact as the line is long."""
    places = 21
    exact = (1 - rho) * rho**places / (1 - rho ** (places + 1))
    step = steady(Server(1, 40.0, 1.0, places - 1, 1000.0), 40.0 * rho)
    assert step.rejected / (40.0 * rho) == pytest.approx(exact, abs=0.008)
    assert step.timed_out == 0.0


CASES = {
    "half busy": (Server(1, 40.0, 0.5, 1000, 60.0), 20.0),
    "busy": (Server(1, 40.0, 0.3, 1000, 60.0), 32.0),
    "very busy": (Server(1, 40.0, 0.3, 1000, 60.0), 37.0),
    "four workers": (Server(4, 40.0, 1.0, 1000, 60.0), 36.0),
    "eight workers": (Server(8, 40.0, 0.5, 100, 60.0), 38.0),
    "long service times among short": (Server(2, 20.0, 2.0, 1000, 60.0), 15.0),
    "a short line": (Server(1, 40.0, 1.0, 20, 60.0), 34.0),
    "too much for a short line": (Server(1, 40.0, 0.5, 50, 60.0), 50.0),
    "impatience": (Server(1, 40.0, 0.5, 1000, 1.0), 36.0),
    "far too much": (Server(2, 40.0, 0.5, 1000, 2.0), 80.0),
}


@pytest.mark.parametrize("name", CASES)
def test_a_steady_state_is_that_of_single_requests(name: str) -> None:
    server, rate = CASES[name]
    step = steady(server, rate)
    seen = simulate(server, lambda _: rate, rate, 200.0, 6000.0, 7)
    assert step.busy == pytest.approx(seen.busy / 5800 / server.workers, abs=0.02)
    assert step.served == pytest.approx(len(seen.waits) / 5800, rel=0.02)
    assert (step.rejected + step.timed_out) / rate == pytest.approx(seen.lost, abs=0.01)
    assert (step.rejected > step.timed_out) == (seen.rejected > seen.timed_out) or seen.lost == 0
    assert mean(step.wait) == pytest.approx(seen.mean, rel=0.25)
    assert percentile(step.wait, 99) == pytest.approx(seen.percentile(99), rel=0.25)


def storm(time: float) -> float:
    """Calm, ten minutes of a third more than can be served, calm."""
    return 53.0 if 600 <= time < 1200 else 20.0


def test_a_storm_and_its_end_are_those_of_single_requests() -> None:
    """The line grows through the storm, is worked off after it, and everybody waits for it meanwhile."""
    server = Server(1, 40.0, 0.5, 20_000, 1000.0)
    windows = [(300, 600), (700, 720), (1100, 1120), (1300, 1320), (1800, 2100)]
    seen = [simulate(server, storm, 53.0, start, end, 11) for start, end in windows]
    load, waits = 0.0, dict[int, Wait]()
    for second in range(0, 2100, 10):
        step = advance(server, load, storm(second), 10.0)
        load, waits[second] = step.load, step.wait
    for (start, _), one in zip(windows, seen, strict=True):
        assert mean(waits[start + 10]) == pytest.approx(one.mean, rel=0.15, abs=0.02), start
    assert max(one.mean for one in seen) > 100


def test_a_storm_with_impatience_loses_what_single_requests_lose() -> None:
    server = Server(1, 40.0, 0.5, 20_000, 30.0)
    seen = simulate(server, storm, 53.0, 0.0, 2400.0, 13)
    load = timed_out = served = 0.0
    for second in range(0, 2400, 10):
        step = advance(server, load, storm(second), 10.0)
        load, timed_out, served = step.load, timed_out + 10 * step.timed_out, served + 10 * step.served
    assert timed_out == pytest.approx(seen.timed_out, rel=0.1)
    assert served == pytest.approx(len(seen.waits), rel=0.02)


@pytest.mark.parametrize("seconds", [0.5, 5.0, 60.0])
def test_no_request_is_lost_from_the_books(seconds: float) -> None:
    """Arrived = served + rejected + timed out + what is in the instance, whatever the length of the steps."""
    server = Server(2, 40.0, 0.7, 200, 3.0)
    load = arrived = gone = 0.0
    for number in range(400):
        rate = 40.0 + 60.0 * math.sin(number / 9)
        step = advance(server, load, max(0.0, rate), seconds)
        assert min(step.served, step.rejected, step.timed_out, step.load) >= 0.0
        arrived += seconds * max(0.0, rate)
        gone += seconds * (step.served + step.rejected + step.timed_out)
        load = step.load
        assert arrived == pytest.approx(gone + load, rel=1e-6)
        assert step.busy <= 1.0


def test_the_single_requests_are_counted_once() -> None:
    seen: Seen = simulate(Server(1, 40.0, 0.5, 10, 0.1), lambda _: 60.0, 60.0, 0.0, 500.0, 3)
    assert seen.arrived == len(seen.waits) + seen.rejected + seen.timed_out
