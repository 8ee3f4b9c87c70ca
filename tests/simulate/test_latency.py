"""Response times: what a step's wait and service come to, against single requests."""

import math
import random

import pytest

from lab.simulate.latency import coarse, percentile, services, spread
from lab.simulate.queueing import Server, Wait, advance
from tests.simulate.events import simulate


@pytest.mark.parametrize("cv", [0.0, 0.2, 1.0])
def test_service_times_have_their_mean_and_much_of_their_variation(cv: float) -> None:
    times = services(0.05, cv)
    mean = sum(times) / len(times)
    assert mean == pytest.approx(0.05)
    deviation = math.sqrt(sum((time - mean) ** 2 for time in times) / len(times))
    assert deviation / mean == pytest.approx(cv, rel=0.35)


WAITS = [Wait(0, 0, 0, 9), Wait(0, 0.5, 0.1, 9), Wait(3.0, 0.9, 0.2, 9), Wait(9, 1, 1, 9)]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_shares_are_all_of_it_and_none_is_negative(wait: Wait, cv: float) -> None:
    shares = spread(wait, 0.05, cv, 0.003)
    assert sum(share for _, share in shares) == pytest.approx(1.0, abs=1e-6)
    assert all(share > 0 for _, share in shares)
    assert [bucket for bucket, _ in shares] == sorted(bucket for bucket, _ in shares)


@pytest.mark.parametrize("rate", [5.0, 15.0, 18.0])
def test_percentiles_are_those_of_single_requests(rate: float) -> None:
    server = Server(1, 20.0, 0.3, 1000, 60.0)
    load = 0.0
    for _ in range(200):
        step = advance(server, load, rate, 5.0)
        load = step.load
    seen = simulate(server, lambda _: rate, rate, 100.0, 20_000.0, 3)
    chance, sigma = random.Random(1), math.sqrt(math.log1p(0.09))
    times = [wait + 0.003 + chance.lognormvariate(math.log(0.05) - sigma**2 / 2, sigma) for wait in seen.waits]
    times.sort()
    shares = dict(spread(coarse(step.wait), 0.05, 0.3, 0.003))
    for percent, within in ((50.0, 0.12), (90.0, 0.12), (99.0, 0.2)):
        assert percentile(shares, percent) == pytest.approx(times[int(len(times) * percent / 100)], rel=within)


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 99) is None
    assert percentile({5: 0.0}, 99) is None


def test_a_coarse_wait_is_nearly_the_same() -> None:
    wait = coarse(Wait(1.2345, 0.777, 0.0321, 60.0))
    assert (wait.backlog, wait.longer) == pytest.approx((1.2345, 0.0321), rel=0.011)
    assert coarse(wait) == wait
