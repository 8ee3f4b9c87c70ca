import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.load.histogram import FLOOR, Histogram

latencies = st.lists(st.floats(min_value=FLOOR, max_value=1e4), min_size=1, max_size=200)


def recorded(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(latencies, st.floats(min_value=0, max_value=100))
def test_a_percentile_is_within_two_percent_of_the_value_of_that_rank(values: list[float], percent: float) -> None:
    exact = sorted(values)[max(1, math.ceil(percent / 100 * len(values))) - 1]
    approximate = recorded(values).percentile(percent)
    assert approximate == pytest.approx(exact, rel=0.02)


@given(latencies, latencies)
def test_merging_equals_recording_everything_in_one(left: list[float], right: list[float]) -> None:
    merged, whole = recorded(left), recorded(left + right)
    merged.merge(recorded(right))
    assert merged.buckets == whole.buckets
    assert (merged.count, merged.minimum, merged.maximum) == (whole.count, whole.minimum, whole.maximum)
    assert merged.total == pytest.approx(whole.total)


@given(latencies, st.integers(min_value=1, max_value=20))
def test_bands_hold_every_value_once_and_grow(values: list[float], rows: int) -> None:
    bands = recorded(values).bands(rows)
    assert len(bands) <= rows
    assert sum(count for _, count in bands) == len(values)
    assert [upper for upper, _ in bands] == sorted(upper for upper, _ in bands)
    assert bands[-1][0] >= max(values) * 0.999


def test_an_empty_histogram_has_no_percentiles() -> None:
    assert Histogram().percentile(99) is None
    assert Histogram().bands(5) == []
    assert Histogram().to_json()["max"] is None


def test_zero_is_a_value() -> None:
    assert recorded([0.0, 0.0]).percentile(50) == FLOOR


@pytest.mark.parametrize("percent", [-1, 100.1, math.nan])
def test_a_percentile_is_between_0_and_100(percent: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        recorded([1.0]).percentile(percent)
