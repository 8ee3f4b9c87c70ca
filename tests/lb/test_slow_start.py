"""Slow start: who enters, how the share grows, who leaves."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.lb.targets.slow_start import share
from services.lb.targets.target import FULL_SHARE
from tests.lb.balancing import Bench, document, group, target

SECONDS = 100.0


def bench(*numbers: int, **changes: Any) -> Bench:
    """These targets are healthy, registered together."""
    lab = Bench()
    lab.load(document(group(*(target(number) for number in numbers), slow_start=SECONDS), **changes))
    lab.health(*numbers)
    return lab


def add(lab: Bench, *numbers: int) -> None:
    lab.load(document(group(*(target(number) for number in numbers), slow_start=SECONDS)))


def warming(lab: Bench) -> set[str]:
    return {member.id for member in lab.group().members if member.warming_since != FULL_SHARE}


def test_targets_registered_with_the_first_do_not_enter() -> None:
    lab = bench(1, 2)
    assert warming(lab) == set()
    late = Bench()
    late.load(document(group(target(1), target(2), slow_start=SECONDS)))
    late.health(1)
    late.wait(3)
    late.health(2)
    assert warming(late) == set()
    late.health(2, healthy=False)
    late.health(2)
    assert warming(late) == {"i-2"}


def test_a_newcomer_enters_and_leaves_when_the_time_has_passed() -> None:
    lab = bench(1)
    add(lab, 1, 2)
    assert warming(lab) == set()
    lab.health(2)
    assert warming(lab) == {"i-2"}
    lab.wait(SECONDS - 1)
    assert warming(lab) == {"i-2"}
    lab.wait(1)
    assert warming(lab) == set()
    assert Counter(lab.picks(10)) == {"i-1": 5, "i-2": 5}


def test_a_newcomer_does_not_enter_when_nobody_else_carries_the_load() -> None:
    lab = bench(1)
    lab.health(1, healthy=False)
    add(lab, 1, 2, 3)
    lab.health(2, 3)
    assert warming(lab) == set()


def test_one_that_falls_ill_leaves_and_enters_again() -> None:
    lab = bench(1)
    add(lab, 1, 2)
    lab.health(2)
    lab.wait(50)
    lab.health(2, healthy=False)
    assert warming(lab) == set()
    lab.health(2)
    assert lab.member(2).warming_since == lab.now


def test_deregistered_and_registered_again_it_enters_again() -> None:
    lab = bench(1, 2)
    lab.load(document(group(target(1), target(2, draining=True), slow_start=SECONDS)))
    add(lab, 1, 2)
    assert warming(lab) == {"i-2"}
    lab.load(document(group(target(1), slow_start=SECONDS)))
    add(lab, 1, 2)
    lab.health(2)
    assert warming(lab) == {"i-2"}


def test_switching_it_on_or_off_concerns_only_those_who_come_later() -> None:
    lab = Bench()
    lab.load(document(group(target(1), target(2))))
    lab.health(1, 2)
    add(lab, 1, 2)
    assert warming(lab) == set()
    lab.health(2, healthy=False)
    lab.health(2)
    assert warming(lab) == {"i-2"}
    lab.load(document(group(target(1), target(2))))
    assert warming(lab) == set()


def test_only_round_robin_has_it() -> None:
    for algorithm in ("least_outstanding_requests", "weighted_random"):
        lab = Bench()
        lab.load(document(group(target(1), slow_start=SECONDS, algorithm=algorithm)))
        lab.health(1)
        lab.load(document(group(target(1), target(2), slow_start=SECONDS, algorithm=algorithm)))
        lab.health(2)
        assert warming(lab) == set()


def test_it_goes_on_when_the_configuration_is_replaced() -> None:
    lab = bench(1)
    add(lab, 1, 2)
    lab.health(2)
    since = lab.member(2).warming_since
    lab.wait(40)
    add(lab, 1, 2)
    assert lab.member(2).warming_since == since


def test_lab_time_runs_faster() -> None:
    lab = bench(1, speed=10.0)
    lab.load(document(group(target(1), target(2), slow_start=SECONDS), speed=10.0))
    lab.health(2)
    lab.wait(SECONDS / 10 - 1)
    assert warming(lab) == {"i-2"}
    lab.wait(1)
    assert warming(lab) == set()


def test_the_share_grows_linearly() -> None:
    lab = bench(1, 2)
    add(lab, 1, 2, 3)
    lab.health(3)
    counts = []
    for _ in range(10):
        lab.wait(5)
        found = Counter(lab.picks(1000))
        counts.append(found["i-3"] / found["i-1"])
        assert abs(found["i-1"] - found["i-2"]) <= 1
        lab.wait(5)
    assert counts == sorted(counts)
    assert all(abs(count - (0.05 + 0.1 * step)) < 0.01 for step, count in enumerate(counts))


def test_the_first_moment_is_nothing_and_nobody_is_forgotten() -> None:
    lab = bench(1)
    add(lab, 1, 2)
    lab.health(2)
    assert set(lab.picks(50)) == {"i-1"}
    lab.wait(50)
    assert Counter(lab.picks(30)) == {"i-1": 20, "i-2": 10}


def test_alone_in_slow_start_they_still_serve() -> None:
    lab = bench(1)
    add(lab, 1, 2, 3)
    lab.health(2, 3)
    lab.health(1, healthy=False)
    assert warming(lab) == {"i-2", "i-3"}
    assert Counter(lab.picks(20)) == {"i-2": 10, "i-3": 10}


@settings(deadline=None)
@given(
    since=st.floats(0, 1000),
    duration=st.floats(0.1, 1000),
    moments=st.lists(st.floats(0, 3000), min_size=2, max_size=10).map(sorted),
)
def test_the_ramp_never_falls(since: float, duration: float, moments: list[float]) -> None:
    lab = bench(1)
    one = lab.member(1)
    one.warming_since = since
    shares = [share(one, moment, duration) for moment in moments]
    assert shares == sorted(shares)
    assert all(0.0 <= each <= 1.0 for each in shares)
    assert share(one, since, duration) == 0.0
    assert share(one, since + 2 * duration, duration) == 1.0
