"""Predictive scaling: the forecast's method as it is stated, and the capacity it takes (aws-facts §4.5)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.predictive import (
    AHEAD_HOURS,
    DAY,
    HISTORY_DAYS,
    HOUR,
    Forecast,
    ForecastHour,
    floor,
    forecast,
    hour_at,
    hours_before,
    is_due,
    needed,
    raised_maximum,
)

THIS = 1_700_000_000 // HOUR * HOUR
NOW = THIS + 1000.0


def daily(start: int) -> float:
    """A load that is the same every day: quiet at night, busy at noon."""
    return 100.0 + 80.0 * math.sin(2 * math.pi * (start % DAY) / DAY)


def history(hours: int, load: float = 1.0) -> dict[int, float]:
    return {start: load * daily(start) for start in range(THIS - hours * HOUR, THIS, HOUR)}


def made(load: dict[int, float], target: float = 50.0, known: Forecast | None = None) -> Forecast:
    """Demand is the load as it is."""
    return forecast(load, load, target, "arn:policy", known, NOW)


@pytest.mark.parametrize("hours", [0, 1, 23])
def test_less_than_a_day_of_history_is_not_enough(hours: int) -> None:
    found = made(history(hours))
    assert found.hours == ()
    assert found.problem == f"there are {hours} hours of load so far, and a forecast needs 24"


@pytest.mark.parametrize("hours", [24, 48, 7 * 24, 14 * 24])
def test_what_is_the_same_every_day_is_forecast_as_it_is(hours: int) -> None:
    found = made(history(hours))
    assert [hour.start for hour in found.hours] == list(range(THIS, THIS + AHEAD_HOURS * HOUR, HOUR))
    assert all(hour.load == pytest.approx(daily(hour.start)) for hour in found.hours)
    assert all(hour.capacity == math.ceil(round(daily(hour.start) / 50, 9)) for hour in found.hours)


def test_a_day_of_the_week_counts_more_for_the_same_day() -> None:
    """A hundred on this day of last week, ten on all others."""
    load = dict.fromkeys(history(14 * 24), 10.0)
    load |= dict.fromkeys(range(THIS - 7 * DAY, THIS - 6 * DAY, HOUR), 100.0)
    hours = made(load).hours
    assert hours[0].load > 1.5 * hours[24].load


def test_a_level_that_has_risen_lifts_the_forecast_within_bounds() -> None:
    load = history(8 * 24)
    steady = made(load).hours[0].load
    risen = {start: value * (1.5 if start >= THIS - DAY else 1.0) for start, value in load.items()}
    soared = {start: value * (50 if start >= THIS - DAY else 1) for start, value in load.items()}
    assert steady * 1.3 < made(risen).hours[0].load < steady * 2
    season = sum(2.0 ** (-(day - 1) / 7) * (7 if day == 7 else 1) * soared[THIS - day * DAY] for day in range(1, 9))
    season /= sum(2.0 ** (-(day - 1) / 7) * (7 if day == 7 else 1) for day in range(1, 9))
    assert made(soared).hours[0].load == pytest.approx(2 * season)


def test_what_a_unit_of_load_means_is_read_from_the_history() -> None:
    """A thousand requests an hour make 25 % of CPU of one instance: 8000 make 200 %, which 50 % each need four for."""
    load = dict.fromkeys(range(THIS - DAY, THIS, HOUR), 8000.0)
    demand = {start: value * 25 / 1000 for start, value in load.items()}
    found = forecast(load, demand, 50.0, "arn:policy", None, NOW)
    assert {hour.capacity for hour in found.hours} == {4}


def test_gaps_in_the_history_are_passed_over() -> None:
    load = history(3 * 24)
    for start in list(load)[10:20]:
        del load[start]
    found = made(load)
    assert len(found.hours) == AHEAD_HOURS
    assert all(hour.load == pytest.approx(daily(hour.start)) for hour in found.hours)


def test_hours_that_are_past_stay_as_they_were_forecast() -> None:
    old = tuple(ForecastHour(THIS - ago * HOUR, 7.0, 1) for ago in (HISTORY_DAYS * 24 + 1, 2, 1, 0, -1))
    found = made(history(24), known=Forecast("arn:policy", NOW - 6 * HOUR, old, applied=THIS - HOUR))
    assert [hour for hour in found.hours if hour.start < THIS] == list(old[1:3])
    assert len(found.hours) == 2 + AHEAD_HOURS
    assert found.applied == THIS - HOUR


@pytest.mark.parametrize(
    ("age", "problem", "due"),
    [(0, "", False), (6 * HOUR - 1, "", False), (6 * HOUR, "", True), (HOUR - 1, "none", False), (HOUR, "none", True)],
)
def test_it_is_refreshed_every_six_hours(age: float, problem: str, due: bool) -> None:
    assert is_due(Forecast("arn", NOW - age, (), problem), NOW) is due


def test_history_is_the_whole_hours_of_a_fortnight() -> None:
    hours = hours_before(NOW)
    assert (hours[0], hours[-1], len(hours)) == (THIS - 14 * DAY, THIS - HOUR, 14 * 24)


HOURS = (ForecastHour(THIS, 1.0, 4), ForecastHour(THIS + HOUR, 1.0, 6), ForecastHour(THIS + 2 * HOUR, 1.0, 2))


@pytest.mark.parametrize(
    ("at", "kept", "begun"),
    [
        (-301, None, None),
        (-300, 4, 4),  # the buffer time before the hour
        (0, 4, 4),
        (HOUR - 301, 4, 4),
        (HOUR - 300, 6, 6),
        (2 * HOUR - 300, 6, 2),  # the hour that is not over yet is kept to
        (2 * HOUR, 2, 2),
        (3 * HOUR, None, None),
    ],
)
def test_the_capacity_of_an_hour_is_wanted_from_the_buffer_time_before_it(
    at: float, kept: int | None, begun: int | None
) -> None:
    found, newest = floor(HOURS, 300.0, THIS + at), hour_at(HOURS, 300.0, THIS + at)
    assert (None if found is None else found.capacity) == kept
    assert (None if newest is None else newest.capacity) == begun


@pytest.mark.parametrize(
    ("capacity", "buffer", "maximum", "raised"),
    [
        (50, 10, 40, 55),  # bc:autoscaling.PredictiveScalingConfiguration
        (50, 0, 40, 50),  # a buffer of 0: equal to the forecast, not above it
        (38, 10, 40, 42),  # close to the maximum: the buffer reaches above it
        (30, 10, 40, 40),
        (30, 100, 40, 60),
    ],
)
def test_the_maximum_may_rise_with_the_forecast(capacity: int, buffer: int, maximum: int, raised: int) -> None:
    assert raised_maximum(capacity, buffer, maximum) == raised


@given(instances=st.integers(0, 1000), target=st.floats(0.01, 1e6))
def test_a_demand_of_n_targets_needs_n_instances(instances: int, target: float) -> None:
    assert needed(instances * target, target) == instances
