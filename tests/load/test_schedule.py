import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.load.schedule import Arrivals, arrivals, steady
from lab.load.shapes import shape
from lab.load.trace import Trace, trace


@pytest.mark.parametrize(
    ("rate", "duration", "expected"),
    [(10, 1, 10), (1, 3, 3), (0.1, 30, 3), (0.1, 5, 1), (3, 0.5, 2), (7, 1 / 7, 1), (5000, 2, 10_000)],
)
def test_constant_arrivals_are_rate_times_duration(rate: float, duration: float, expected: int) -> None:
    assert len(list(arrivals("constant", steady(rate, duration), duration, 0))) == expected


def test_constant_arrivals_begin_at_once_and_do_not_drift() -> None:
    offsets = list(arrivals("constant", steady(1000, 60), 60, 0))
    assert offsets[0] == 0
    assert offsets[59_000] == 59.0


@given(st.sampled_from([0.5, 10, 300]), st.floats(0.01, 20), st.integers())
def test_poisson_arrivals_are_repeatable_ordered_and_inside_the_duration(
    rate: float, duration: float, seed: int
) -> None:
    offsets = list(arrivals("poisson", steady(rate, duration), duration, seed))
    assert offsets == list(arrivals("poisson", steady(rate, duration), duration, seed))
    assert offsets == sorted(offsets)
    assert all(0 <= offset < duration for offset in offsets)


def test_poisson_arrivals_have_the_rate_and_its_variance() -> None:
    offsets = list(arrivals("poisson", steady(100, 1000), 1000, 1))
    per_second = [0] * 1000
    for offset in offsets:
        per_second[int(offset)] += 1
    mean = len(offsets) / 1000
    variance = sum((count - mean) ** 2 for count in per_second) / 1000
    assert mean == pytest.approx(100, rel=0.02)
    assert variance == pytest.approx(100, rel=0.15)


def test_another_seed_is_another_schedule() -> None:
    assert list(arrivals("poisson", steady(10, 10), 10, 1)) != list(arrivals("poisson", steady(10, 10), 10, 2))


STEP = trace("step", [(0, 10), (10, 10), (10, 40), (20, 40)])
QUIET = trace("quiet", [(0, 10), (10, 10), (10, 0), (50, 0), (50, 10), (60, 10)])
LOADS = (STEP, QUIET, trace("ramp", [(0, 0), (10, 50), (20, 0)]), shape("noise:base=20,for=1m", 1))


def within(offsets: list[float], start: float, end: float) -> int:
    return sum(start <= offset < end for offset in offsets)


@pytest.mark.parametrize("kind", ["constant", "poisson"])
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_arrivals_follow_the_load(load: Trace, kind: Arrivals) -> None:
    offsets = list(arrivals(kind, load, load.duration, 3))
    assert offsets == sorted(offsets)
    for number in range(10):
        start, end = load.duration * number / 10, load.duration * (number + 1) / 10
        wanted = load.requests(start, end)
        slack = 1.0 if kind == "constant" else 5.0 * wanted**0.5
        assert abs(within(offsets, start, end) - wanted) <= slack


def test_a_constant_step_is_evenly_spaced_on_both_sides_and_nobody_comes_in_a_quiet_time() -> None:
    offsets = list(arrivals("constant", STEP, 20, 0))
    assert offsets[:3] == [0.0, 0.1, 0.2]
    assert offsets[100:103] == pytest.approx([10.0, 10.025, 10.05])
    assert within(list(arrivals("constant", QUIET, 60, 0)), 10, 50) == 0


def test_after_its_end_a_load_holds_its_last_rate_and_may_be_cut_short() -> None:
    assert within(list(arrivals("constant", STEP, 30, 0)), 20, 30) == 400
    assert len(list(arrivals("constant", STEP, 5, 0))) == 50
