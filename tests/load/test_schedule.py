import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.load.schedule import arrivals


@pytest.mark.parametrize(
    ("rate", "duration", "expected"),
    [(10, 1, 10), (1, 3, 3), (0.1, 30, 3), (0.1, 5, 1), (3, 0.5, 2), (7, 1 / 7, 1), (5000, 2, 10_000)],
)
def test_constant_arrivals_are_rate_times_duration(rate: float, duration: float, expected: int) -> None:
    assert len(list(arrivals("constant", rate, duration, 0))) == expected


def test_constant_arrivals_begin_at_once_and_do_not_drift() -> None:
    offsets = list(arrivals("constant", 1000, 60, 0))
    assert offsets[0] == 0
    assert offsets[59_000] == 59.0


@given(st.sampled_from([0.5, 10, 300]), st.floats(0.01, 20), st.integers())
def test_poisson_arrivals_are_repeatable_ordered_and_inside_the_duration(
    rate: float, duration: float, seed: int
) -> None:
    offsets = list(arrivals("poisson", rate, duration, seed))
    assert offsets == list(arrivals("poisson", rate, duration, seed))
    assert offsets == sorted(offsets)
    assert all(0 <= offset < duration for offset in offsets)


def test_poisson_arrivals_have_the_rate_and_its_variance() -> None:
    offsets = list(arrivals("poisson", 100, 1000, 1))
    per_second = [0] * 1000
    for offset in offsets:
        per_second[int(offset)] += 1
    mean = len(offsets) / 1000
    variance = sum((count - mean) ** 2 for count in per_second) / 1000
    assert mean == pytest.approx(100, rel=0.02)
    assert variance == pytest.approx(100, rel=0.15)


def test_another_seed_is_another_schedule() -> None:
    assert list(arrivals("poisson", 10, 10, 1)) != list(arrivals("poisson", 10, 10, 2))
