"""Algorithms, thresholds and zones: which targets get requests, and how many."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lb.targets.balance import Shares
from tests.lb.balancing import Bench, document, group, target


def bench(*numbers: int, healthy: tuple[int, ...] | None = None, zone: str = "a", **changes: Any) -> Bench:
    made = Bench(zone)
    made.load(document(group(*(target(number) for number in numbers), **changes)))
    made.health(*(numbers if healthy is None else healthy))
    return made


def test_round_robin_takes_turns_among_the_healthy() -> None:
    lab = bench(1, 2, 3, 4, healthy=(1, 2, 4))
    assert lab.picks(6) == ["i-1", "i-2", "i-4", "i-1", "i-2", "i-4"]
    lab.health(2, healthy=False)
    assert Counter(lab.picks(6)) == {"i-1": 3, "i-4": 3}
    lab.health(2, 3)
    assert Counter(lab.picks(8)) == {"i-1": 2, "i-2": 2, "i-3": 2, "i-4": 2}


def test_a_ring_goes_on_when_the_configuration_is_replaced() -> None:
    lab = bench(1, 2, 3)
    found = []
    for _ in range(9):
        found += lab.picks(1)
        lab.load(document(group(target(1), target(2), target(3))))
    assert found == ["i-1", "i-2", "i-3"] * 3


def test_no_targets_or_only_draining_ones_are_none() -> None:
    for algorithm in ("round_robin", "least_outstanding_requests", "weighted_random"):
        lab = bench(algorithm=algorithm)
        assert lab.pick() is None
        lab.load(document(group(target(1, draining=True), algorithm=algorithm)))
        lab.health(1)
        assert lab.pick() is None
    lab = bench(slow_start=30.0)
    assert lab.pick() is None


@pytest.mark.parametrize("algorithm", ["round_robin", "least_outstanding_requests", "weighted_random"])
def test_draining_targets_get_nothing(algorithm: str) -> None:
    lab = bench(1, 2, algorithm=algorithm)
    lab.load(document(group(target(1), target(2, draining=True), algorithm=algorithm)))
    assert set(lab.picks(20)) == {"i-1"}
    lab.health(1, healthy=False)
    assert set(lab.picks(20)) == {"i-1"}


@pytest.mark.parametrize(
    ("changes", "healthy", "everyone"),
    [
        ({}, 0, True),
        ({}, 1, False),
        ({"minimum_healthy": 3}, 2, True),
        ({"minimum_healthy": 3}, 3, False),
        ({"minimum_healthy_percent": 50}, 4, True),
        ({"minimum_healthy_percent": 50}, 5, False),
        ({"minimum_healthy_percent": 51}, 5, True),
        ({"minimum_healthy_percent": 100}, 9, True),
        ({"minimum_healthy": 2, "minimum_healthy_percent": 50}, 4, True),
        ({"minimum_healthy": 6, "minimum_healthy_percent": 50}, 5, True),
    ],
)
def test_thresholds(changes: dict[str, Any], healthy: int, everyone: bool) -> None:
    numbers = tuple(range(1, 11))
    lab = bench(*numbers, healthy=numbers[:healthy], **changes)
    assert lab.group().failing_open is everyone
    expected = numbers if everyone else numbers[:healthy]
    assert set(lab.picks(30)) == {f"i-{number}" for number in expected}


@settings(deadline=None)
@given(
    states=st.lists(st.sampled_from(["healthy", "ill", "draining"]), min_size=1, max_size=8),
    minimum=st.integers(1, 9),
    percent=st.none() | st.integers(1, 100),
    algorithm=st.sampled_from(["round_robin", "least_outstanding_requests", "weighted_random"]),
)
def test_thresholds_decide_between_the_healthy_and_all(
    states: list[str], minimum: int, percent: int | None, algorithm: str
) -> None:
    lab = Bench()
    targets = (target(number, draining=state == "draining") for number, state in enumerate(states, 1))
    lab.load(document(group(*targets, algorithm=algorithm, minimum_healthy=minimum, minimum_healthy_percent=percent)))
    lab.health(*(number for number, state in enumerate(states, 1) if state != "ill"))
    healthy = {f"i-{number}" for number, state in enumerate(states, 1) if state == "healthy"}
    usable = {f"i-{number}" for number, state in enumerate(states, 1) if state != "draining"}
    enough = len(healthy) >= minimum and len(healthy) / max(1, len(usable)) >= (percent or 0) / 100
    allowed = healthy if enough else usable
    expected: set[str | None] = {*allowed} or {None}
    found = set(lab.picks(60))
    assert found <= expected
    if algorithm != "weighted_random":
        assert found == expected or algorithm == "least_outstanding_requests"


def test_least_outstanding_prefers_the_idle_and_takes_turns_among_equals() -> None:
    lab = bench(1, 2, 3, algorithm="least_outstanding_requests")
    lab.member(1).in_flight = 2
    lab.member(2).in_flight = 1
    lab.member(3).in_flight = 1
    assert lab.picks(4) == ["i-2", "i-3", "i-2", "i-3"]
    lab.member(1).in_flight = 0
    assert lab.picks(2) == ["i-1", "i-1"]


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=7), st.lists(st.integers(0, 9), max_size=40))
def test_least_outstanding_never_picks_a_busier_one(in_flight: list[int], endings: list[int]) -> None:
    lab = bench(*range(1, len(in_flight) + 1), algorithm="least_outstanding_requests")
    members = lab.group().members
    for member, count in zip(members, in_flight, strict=True):
        member.in_flight = count
    for ending in endings:
        found = lab.group().balancer.pick(lab.now)
        assert found is not None
        assert found.in_flight == min(member.in_flight for member in members)
        found.in_flight += 1
        ended = members[ending % len(members)]
        ended.in_flight = max(0, ended.in_flight - 1)


def test_weighted_random_is_even_and_not_in_order() -> None:
    lab = bench(1, 2, 3, algorithm="weighted_random")
    found = lab.picks(3000)
    assert all(abs(count - 1000) < 150 for count in Counter(found).values())
    assert found[:30] != ["i-1", "i-2", "i-3"] * 10


def test_weighted_random_goes_by_weights() -> None:
    lab = bench(1, 2, 3, algorithm="weighted_random")
    lab.member(2).record.weight = 0.1
    lab.group().refresh(lab.now)
    counts = Counter(lab.picks(4200))
    assert abs(counts["i-2"] - 200) < 80
    assert abs(counts["i-1"] - 2000) < 200


# Zones.


def zoned(**changes: Any) -> Bench:
    lab = Bench(changes.pop("zone", "a"))
    shifted = changes.pop("shifted_zone", "")
    targets = (target(1, zone="a"), target(2, zone="b"), target(3, zone="all"))
    lab.load(document(group(*targets, **changes), shifted_zone=shifted))
    lab.health(*(int(member.id[2:]) for member in lab.group().members))
    return lab


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"i-1", "i-2", "i-3"}),
        ({"cross_zone": False}, {"i-1", "i-3"}),
        ({"cross_zone": False, "zone": "b"}, {"i-2", "i-3"}),
        ({"cross_zone": False, "zone": "c"}, {"i-3"}),
        ({"shifted_zone": "b"}, {"i-1", "i-3"}),
        ({"shifted_zone": "b", "zone": "b"}, {"i-1", "i-3"}),
        ({"shifted_zone": "a", "cross_zone": False}, {"i-1", "i-3"}),
        ({"shifted_zone": "c"}, {"i-1", "i-2", "i-3"}),
    ],
)
def test_zones(changes: dict[str, Any], expected: set[str]) -> None:
    assert set(zoned(**changes).picks(9)) == expected


def test_a_shifted_zone_gets_nothing_even_when_all_others_are_ill_and_all_again_afterwards() -> None:
    lab = zoned(shifted_zone="b")
    lab.health(1, 3, healthy=False)
    assert set(lab.picks(9)) == {"i-1", "i-3"}
    lab.load(document(group(target(1, zone="a"), target(2, zone="b"), target(3, zone="all"))))
    assert set(lab.picks(9)) == {"i-2"}


def test_without_cross_zone_balancing_thresholds_count_the_own_zone() -> None:
    lab = Bench()
    targets = [target(number, zone="a" if number <= 4 else "b") for number in range(1, 11)]
    lab.load(document(group(*targets, cross_zone=False, minimum_healthy_percent=50)))
    lab.health(1, 2)
    assert set(lab.picks(9)) == {"i-1", "i-2"}
    lab.health(2, healthy=False)
    assert set(lab.picks(9)) == {"i-1", "i-2", "i-3", "i-4"}


# Shares by weight.


def test_a_small_weight_is_spread() -> None:
    shares = Shares((3, 1))
    assert Counter(shares.next() for _ in range(40)) == {0: 30, 1: 10}
    evenly = Shares((2, 2))
    assert [evenly.next() for _ in range(4)] == [0, 1, 0, 1]


def test_weight_zero_gets_nothing_and_no_weights_give_nobody() -> None:
    shares = Shares((0, 5, 0))
    assert {shares.next() for _ in range(20)} == {1}
    assert {Shares(weights).next() for weights in ((), (0,), (0, 0))} == {-1}


@settings(deadline=None)
@given(st.lists(st.integers(0, 999), min_size=1, max_size=5).filter(any), st.integers(1, 400))
def test_shares_are_exact_to_less_than_one(weights: list[int], turns: int) -> None:
    shares = Shares(weights)
    taken = [0] * len(weights)
    for turn in range(1, turns + 1):
        taken[shares.next()] += 1
        for index, weight in enumerate(weights):
            assert abs(taken[index] * sum(weights) - turn * weight) < sum(weights)
