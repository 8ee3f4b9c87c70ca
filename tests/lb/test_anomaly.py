"""Targets that fail more than their peers: found, given less, taken back."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lb.targets.anomaly import MIN_WEIGHT, PERIOD, Record, judge
from tests.lb.balancing import Bench, document, group, target


def judged(*counts: tuple[int, int]) -> list[bool]:
    """The verdicts after one period of (requests, errors) for each target."""
    records = [Record() for _ in counts]
    for record, (requests, errors) in zip(records, counts, strict=True):
        record.close_period(requests, errors)
    judge(records)
    return [record.anomalous for record in records]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([(100, 0), (100, 0), (100, 50)], [False, False, True]),
        ([(100, 1), (100, 2), (100, 50)], [False, False, True]),
        ([(100, 0), (100, 0), (100, 4)], [False, False, False]),  # within the margin
        ([(100, 50), (100, 50), (100, 52)], [False, False, False]),
        ([(100, 100), (100, 100), (100, 100)], [False, False, False]),
        ([(100, 50), (100, 50), (100, 100)], [False, False, True]),
        ([(1000, 10), (1000, 10), (1000, 10), (1000, 200), (1000, 200)], [False, False, False, True, True]),
        ([(9, 0), (9, 0), (9, 9)], [False, False, False]),  # too few requests
        ([(10, 0), (10, 0), (10, 10)], [False, False, True]),
        ([(20, 0), (20, 0), (20, 2)], [False, False, False]),  # too few errors
        ([(0, 0), (0, 0), (50, 25)], [False, False, True]),
        ([(100, 0), (100, 50)], [False, False]),  # too few targets
        ([(100, 0)], [False]),
        ([], []),
    ],
)
def test_verdicts(counts: list[tuple[int, int]], expected: list[bool]) -> None:
    assert judged(*counts) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1)), min_size=3, max_size=9),
    st.integers(10, 500),
)
def test_those_who_fail_least_are_never_anomalous(others: list[tuple[int, float]], requests: int) -> None:
    counts = [(sent, int(sent * share)) for sent, share in others]
    least = min(errors / sent if sent else 0.0 for sent, errors in counts)
    verdicts = judged(*counts, (requests, int(requests * least)))
    assert not verdicts[-1]


class Traffic:
    """Ten requests to each target every half second (or as its weight allows), of which some fail."""

    def __init__(self, targets: int, **changes: object) -> None:
        self.lab = Bench()
        numbers = range(1, targets + 1)
        self.lab.load(document(group(*(target(number) for number in numbers), **changes)))
        self.lab.health(*numbers)

    def run(self, seconds: float, **failing: float) -> None:
        for _ in range(int(seconds * 2)):
            for _ in range(30):
                found = self.lab.group().balancer.pick(self.lab.now)
                assert found is not None
                found.requests += 1
                found.errors += found.requests % 100 < 100 * failing.get(found.id.replace("-", ""), 0.0)
            self.lab.wait(0.5)

    def state(self, number: int) -> tuple[bool, bool]:
        member = self.lab.member(number)
        return member.anomalous, member.mitigated


def test_detection_is_always_on_and_mitigation_is_not() -> None:
    for algorithm in ("round_robin", "least_outstanding_requests", "weighted_random"):
        traffic = Traffic(3, algorithm=algorithm)
        traffic.run(20)
        assert [traffic.state(number) for number in (1, 2, 3)] == [(False, False)] * 3
        traffic.run(20, i2=1.0)
        assert [traffic.state(number) for number in (1, 2, 3)] == [(False, False), (True, False), (False, False)]


def test_an_anomalous_target_gets_less_and_less_and_then_all_again() -> None:
    traffic = Traffic(3, algorithm="weighted_random", anomaly_mitigation=True)
    traffic.run(60)
    sick = traffic.lab.member(3)
    weights = []
    for _ in range(10):
        traffic.run(PERIOD, i3=1.0)
        weights.append(sick.record.weight)
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == MIN_WEIGHT
    assert traffic.state(3) == (True, True)
    shares = Counter(traffic.lab.picks(2000))
    assert shares["i-3"] < 100
    weights.clear()
    for _ in range(20):
        traffic.run(PERIOD)
        weights.append(sick.record.weight)
    assert weights == sorted(weights)
    assert weights[-1] == 1.0
    assert traffic.state(3) == (False, False)


def test_it_is_kept_when_the_configuration_is_replaced_and_ends_with_the_mitigation() -> None:
    changes: dict[str, object] = {"algorithm": "weighted_random", "anomaly_mitigation": True}
    traffic = Traffic(3, **changes)
    traffic.run(40, i1=1.0)
    weight = traffic.lab.member(1).record.weight
    assert weight < 1.0
    targets = [target(number) for number in (1, 2, 3)]
    traffic.lab.load(document(group(*targets, algorithm="weighted_random", anomaly_mitigation=True)))
    assert traffic.state(1) == (True, True)
    assert Counter(traffic.lab.picks(1000))["i-1"] < 100
    traffic.lab.load(document(group(*targets)))
    traffic.lab.wait(PERIOD)
    assert traffic.state(1) == (True, False)


def test_with_fewer_than_three_healthy_targets_nothing_is_anomalous() -> None:
    traffic = Traffic(3, algorithm="weighted_random", anomaly_mitigation=True)
    traffic.run(40, i1=1.0)
    traffic.lab.health(2, healthy=False)
    traffic.lab.wait(PERIOD)
    assert traffic.state(1)[0] is False


def test_periods_are_lab_time() -> None:
    lab = Bench()
    lab.load(document(group(*(target(number) for number in (1, 2, 3))), speed=10.0))
    lab.health(1, 2, 3)
    for member in lab.group().members:
        member.requests = 100
    lab.member(1).errors = 60
    lab.wait(PERIOD / 10)
    assert lab.member(1).anomalous
