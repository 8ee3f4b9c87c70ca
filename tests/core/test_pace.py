"""The pace of lab time: two clocks that belong together, across changes of speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.errors import Refused
from lab.core.pace import KEPT, Pace, Stretch, checked

speeds = st.floats(0.5, 1000)
changes = st.lists(st.tuples(st.floats(0.1, 100), speeds), max_size=6)


def paced(start: float, steps: list[tuple[float, float]]) -> tuple[Pace, float]:
    """A pace that was changed after so many wall seconds to these speeds, and the wall clock's last change."""
    pace, wall = Pace((Stretch(5000.0, 100.0, start),)), 100.0
    for seconds, speed in steps:
        wall += seconds
        pace = pace.changed(pace.lab(wall), wall, speed)
    return pace, wall


@given(speeds, changes, st.floats(0, 100))
def test_what_one_clock_says_the_other_says_back(start: float, steps: list[tuple[float, float]], more: float) -> None:
    pace, wall = paced(start, steps)
    assert pace.wall(pace.lab(wall + more)) == pytest.approx(wall + more)


@given(speeds, changes)
def test_wall_seconds_are_counted_across_changes(start: float, steps: list[tuple[float, float]]) -> None:
    pace, wall = paced(start, steps)
    assert pace.wall_between(5000.0, pace.lab(wall)) == pytest.approx(wall - 100.0)


def test_a_change_bends_lab_time_and_does_not_break_it() -> None:
    pace, _ = paced(100.0, [(1.0, 2.0)])
    assert (pace.speed, pace.lab(101.0), pace.lab(102.0)) == (2.0, 5100.0, 5102.0)
    # Half a second before the change and half a second after it: 51 lab seconds are one wall second.
    assert pace.wall_between(5050.0, 5101.0) == 1.0


def test_a_moment_before_the_first_is_reckoned_at_its_speed() -> None:
    pace, _ = paced(10.0, [])
    assert pace.wall_between(4990.0, 5010.0) == 2.0


def test_only_the_last_changes_are_kept() -> None:
    pace, wall = paced(1.0, [(1.0, 10.0)] * 40)
    assert len(pace.stretches) == KEPT
    assert pace.lab(wall) == 5001.0 + 39 * 10


@pytest.mark.parametrize("speed", [0.0, -1.0, 1000.1, float("nan"), float("inf")])
def test_speeds_there_are_not(speed: float) -> None:
    with pytest.raises(Refused, match="above 0 and at most 1000"):
        checked(speed)
