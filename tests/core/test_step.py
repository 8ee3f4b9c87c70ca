"""Step scaling, by the tables of AWS's own pages (asg:as-scaling-simple-step; bc:autoscaling.StepAdjustment)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.adjustment import CHANGE, EXACT, PERCENT, adjusted, rounded
from lab.core.autoscaling.available import Capacity
from lab.core.autoscaling.policy import Adjustment, Step
from lab.core.autoscaling.step import aggregated, matching, wish
from tests.core.rows import breach, group, step_policy

OUT = (Step(0, 10, 0), Step(10, 20, 10), Step(20, None, 30))
IN = (Step(-10, 0, 0), Step(-20, -10, -10), Step(None, -20, -30))
"""The two policies of AWS's example, for alarms with a threshold of 50 (asg:as-scaling-simple-step)."""


# Bounds.


@pytest.mark.parametrize(
    ("steps", "value", "above", "adjustment"),
    [
        # bc:autoscaling.StepAdjustment: above the threshold the lower bound is inclusive, the upper exclusive.
        (OUT, 50.0, True, 0),
        (OUT, 59.999, True, 0),
        (OUT, 60.0, True, 10),
        (OUT, 69.999, True, 10),
        (OUT, 70.0, True, 30),
        (OUT, 1e9, True, 30),
        # Below it the lower bound is exclusive, the upper inclusive.
        (IN, 50.0, False, 0),
        (IN, 40.001, False, 0),
        (IN, 40.0, False, -10),
        (IN, 30.001, False, -10),
        (IN, 30.0, False, -30),
        (IN, -1e9, False, -30),
        # One set of steps for both sides of the threshold.
        ((*IN, *OUT[1:]), 45.0, True, 0),
        # Nothing fits.
        (OUT, 49.999, True, None),
        (IN, 50.001, False, None),
        (OUT, 50.0, False, None),
        (IN, 50.0, True, None),
    ],
)
def test_bounds(steps: tuple[Step, ...], value: float, above: bool, adjustment: int | None) -> None:
    found = matching(steps, value - 50.0, above=above)
    assert (None if found is None else found.adjustment) == adjustment


@pytest.mark.parametrize(("value", "threshold", "adjustment"), [(85.3, 75.0, 30), (0.3, 0.1, 30), (0.2, 0.1, 10)])
def test_a_bound_is_met_whatever_floating_point_makes_of_the_difference(
    value: float, threshold: float, adjustment: int
) -> None:
    """85.3 − 75 is 10.299999999999997, and 0.3 − 0.1 is less than 0.2."""
    bounds = (0.1, 0.2) if threshold < 1 else (5.0, 10.3)
    steps = (Step(0, bounds[0], 1), Step(bounds[0], bounds[1], 10), Step(bounds[1], None, 30))
    found = wish(step_policy(*steps), group(max_size=1000), breach(value, threshold=threshold), Capacity(2))
    assert found.capacity == 2 + adjustment


@given(value=st.floats(-200, 200), above=st.booleans())
def test_steps_that_cover_everything_always_have_one_that_fits(value: float, above: bool) -> None:
    steps = (*IN[::-1], *OUT)
    fits = [one for one in steps if matching((one,), value, above=above) is not None]
    assert len(fits) == 1


@pytest.mark.parametrize(("kind", "value"), [("", 20.0), ("Average", 20.0), ("Minimum", 10.0), ("Maximum", 36.0)])
def test_the_aggregation_type_is_of_the_alarms_data_points(kind: str, value: float) -> None:
    assert aggregated((10.0, 14.0, 36.0), kind) == value


# Rounding.


@pytest.mark.parametrize(
    ("exact", "wanted"),
    [
        # asg:as-scaling-simple-step, the note on rounding.
        ((1270, 100), 12), ((67, 100), 1), ((-58, 100), -1), ((-667, 100), -6),
        # Around its edges.
        ((100, 100), 1), ((101, 100), 1), ((199, 100), 1), ((1, 100), 1), ((0, 100), 0), ((-1, 100), -1), ((-100, 100), -1),
        ((-199, 100), -1), ((300, 100), 3),
    ],
)  # fmt: skip
def test_rounding(exact: tuple[int, int], wanted: int) -> None:
    assert rounded(*exact) == wanted


@pytest.mark.parametrize(
    ("adjustment", "amount", "base", "capacity"),
    [
        # asg:as-scaling-simple-step, "Scaling adjustment types".
        (Adjustment(CHANGE), 5, 3, 8),
        (Adjustment(EXACT), 5, 3, 5),
        (Adjustment(PERCENT), 10, 10, 11),
        # 25 % of 4 is 1, and a minimum magnitude of 2 makes it 2.
        (Adjustment(PERCENT, 2), 25, 4, 6),
        (Adjustment(PERCENT, 2), -25, 4, 2),
        (Adjustment(PERCENT, 2), 75, 4, 7),
        # A minimum magnitude does not make a change of none.
        (Adjustment(PERCENT, 2), 0, 4, 4),
        (Adjustment(PERCENT), 100, 0, 0),
        # Never below nothing.
        (Adjustment(CHANGE), -5, 3, 0),
        (Adjustment(PERCENT), -200, 3, 0),
    ],
)
def test_adjustment_types(adjustment: Adjustment, amount: int, base: int, capacity: int) -> None:
    assert adjusted(adjustment, amount, base, "warm").capacity == capacity


@pytest.mark.parametrize(
    ("adjustment", "amount", "base", "words"),
    [
        (Adjustment(CHANGE), 2, 3, "3 warm + 2 = 5"),
        (Adjustment(CHANGE), -2, 3, "3 warm − 2 = 1"),
        (Adjustment(EXACT), 5, 3, "exactly 5"),
        (Adjustment(PERCENT), 30, 11, "30 % of 11 warm is 3.3, rounded to 3: 11 + 3 = 14"),
        (Adjustment(PERCENT), 10, 10, "10 % of 10 warm is 1: 10 + 1 = 11"),
        (Adjustment(PERCENT, 2), 25, 4, "25 % of 4 warm is 1, at least 2: 4 + 2 = 6"),
    ],
)
def test_an_adjustment_shows_its_arithmetic(adjustment: Adjustment, amount: int, base: int, words: str) -> None:
    assert adjusted(adjustment, amount, base, "warm").arithmetic == words


# Warm-up credit.


def scaled(steps: tuple[Step, ...], value: float, desired: int, capacity: Capacity, **more: Any) -> int:
    policy = step_policy(*steps, **{"kind": PERCENT, **more})
    below = steps is IN
    return wish(policy, group(desired_capacity=desired), breach(value, above=not below), capacity).capacity


@pytest.mark.parametrize(
    ("value", "desired", "capacity", "wanted"),
    [
        # asg:as-scaling-simple-step, the example: 10 instances, the metric gets to 60.
        (60.0, 10, Capacity(10), 11),
        # To 62 while the new one warms up: 10 % of 10 again, which is there already.
        (62.0, 11, Capacity(10, 1), 11),
        # To 70 while it warms up: 30 % of 10 is 3, of which 1 is there; 2 are added.
        (70.0, 11, Capacity(10, 1), 13),
        # To 70 after it has warmed up: 30 % of 11 is 3.3, rounded down to 3.
        (70.0, 11, Capacity(11), 14),
        (59.0, 11, Capacity(11), 11),
    ],
)
def test_warm_up_credit(value: float, desired: int, capacity: Capacity, wanted: int) -> None:
    assert scaled(OUT, value, desired, capacity) == wanted


@pytest.mark.parametrize(
    ("value", "desired", "capacity", "wanted"),
    [
        # asg:as-scaling-simple-step, the example goes on: 14 instances at 40, then 13 at 30.
        (40.0, 14, Capacity(14), 13),
        (30.0, 13, Capacity(13), 10),
        # What terminates counts as current capacity: 10 % of 14 again is what is under way.
        (40.0, 13, Capacity(13, terminating=1), 13),
        (30.0, 13, Capacity(13, terminating=1), 10),
        # A scale-in does not start while a scale-out is in progress.
        (30.0, 13, Capacity(12, 1), 13),
        (30.0, 13, Capacity(12), 13),
    ],
)
def test_scaling_in(value: float, desired: int, capacity: Capacity, wanted: int) -> None:
    assert scaled(IN, value, desired, capacity) == wanted


@pytest.mark.parametrize(
    ("amount", "desired", "capacity", "wanted"),
    [
        (5, 3, Capacity(3), 5),
        (5, 3, Capacity(2, 1), 5),
        (2, 5, Capacity(5), 2),
        (2, 5, Capacity(4, 1), 5),
        (5, 5, Capacity(3, 2), 5),
    ],
)
def test_an_exact_capacity_is_taken_from_both_sides(amount: int, desired: int, capacity: Capacity, wanted: int) -> None:
    assert scaled((Step(0, None, amount),), 60.0, desired, capacity, kind=EXACT) == wanted


def test_a_breach_that_no_step_fits_is_aws_s_failure() -> None:
    """github.com/DFE-Digital/teaching-vacancies/pull/58"""
    found = wish(step_policy(*OUT), group(), breach(10.0, 12.5, threshold=85.0, above=False), Capacity(2))
    assert found.failure == "No step adjustment found for metric value [10.0, 12.5] and breach threshold 85.0"
    assert found.capacity == 2


def test_a_wish_tells_its_step() -> None:
    found = wish(step_policy(*OUT, kind=PERCENT), group(desired_capacity=11), breach(70.0), Capacity(10, 1))
    assert found.arithmetic == "step +20 to +∞: 30 % of 10 warm is 3: 10 + 3 = 13"
    held = wish(step_policy(*IN, kind=PERCENT), group(desired_capacity=11), breach(30.0, above=False), Capacity(10, 1))
    assert held.held == "1 instance is still warming up, and scale-in waits for that"
