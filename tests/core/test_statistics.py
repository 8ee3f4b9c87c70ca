"""Statistic sets and what is read from them: percentiles and trimmed statistics as AWS describes them
(cw:Statistics-definitions), merging in any order, and bounded size."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.cloudwatch.distribution import ERROR, EXACT, Distribution, distribution
from lab.core.cloudwatch.metric import STATISTICS, Statistics, is_statistic, of_values, single

TEN = [float(value) for value in range(1, 11)]


def statistics(values: Sequence[float]) -> Statistics:
    found = of_values((value, 1.0) for value in values)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        # The nearest rank: `p99` is the highest of the lowest 99 percent.
        ("p0", 1),
        ("p10", 1),
        ("p10.0000000001", 2),
        ("p50", 5),
        ("p89.9999999999", 9),
        ("p90", 9),
        ("p90.5", 10),
        ("p99.99", 10),
        ("p100", 10),
        # Percents cut a share of the data, also a part of a value.
        ("tm90", 5),
        ("tm95", (45 + 5) / 9.5),
        ("TM(:95%)", (45 + 5) / 9.5),
        ("TM(20%:80%)", 5.5),
        ("TM(10%:)", 6),
        ("IQM", (0.5 * 3 + 4 + 5 + 6 + 7 + 0.5 * 8) / 5),
        ("tc95", 9.5),
        ("ts95", 50),
        ("TS(80%:)", 19),
        ("wm90", (45 + 9) / 10),
        ("WM(20%:80%)", (2 * 2 + 3 + 4 + 5 + 6 + 7 + 8 * 3) / 10),
        # Values cut what is at most the lower and what is above the upper.
        ("TM(2:8)", 5.5),
        ("TC(2:8)", 6),
        ("TC(:2.5)", 2),
        ("TS(8:)", 19),
        ("WM(2:8)", (2 * 2 + 3 + 4 + 5 + 6 + 7 + 8 * 3) / 10),
        ("TM(20:30)", None),
        ("TC(20:30)", 0),
        ("PR(:3)", 30),
        ("PR(2:8)", 60),
        ("PR(8:)", 20),
    ],
)
def test_statistics_of_one_to_ten(name: str, value: float | None) -> None:
    assert is_statistic(name)
    assert statistics(TEN).get(name) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    "name",
    [
        "average", "Median", "", "p", "p101", "p-1", "p99.12345678901", "P99", "tm", "tm101", "TM", "TM90", "TM()", "TM(:)",
        "TM(%:%)", "TM(10%:90)", "TM(10:90%)", "TM(90%:10%)", "TM(10%:101%)", "tm(10%:90%)", "PR(10%:90%)", "PR(5)", "iqm",
        "p99 ", " p99",
    ],
)  # fmt: skip
def test_what_is_no_statistic(name: str) -> None:
    assert not is_statistic(name)
    with pytest.raises(ValueError, match="unknown statistic"):
        single(1.0).get(name)


def test_counts_weigh_values() -> None:
    found = of_values([(1.0, 98), (5.0, 0), (100.0, 2)])
    assert found is not None
    assert (found.sample_count, found.sum, found.minimum, found.maximum) == (100, 298, 1, 100)
    assert [found.get(name) for name in ("p98", "p98.1", "tm98", "PR(:1)")] == [1, 100, 1, 98]
    assert of_values([(5.0, 0)]) is None


def test_a_set_without_values_has_percentiles_only_when_all_are_alike() -> None:
    assert Statistics(3, 6, 1, 3).get("p50") is None
    assert Statistics(3, 6, 1, 3).get("Average") == 2
    assert Statistics(1, 7, 7, 7).get("p50") == 7
    assert Statistics(4, 28, 7, 7).get("tc50") == 2
    assert Statistics(4, 30, 7, 7).get("p50") is None
    assert Statistics(3, 6, 1, 3).plus(single(2)).get("p50") is None
    assert single(2).plus(Statistics(3, 6, 1, 3)).get("p50") is None


def test_negative_values_have_no_percentiles() -> None:
    assert single(-1).get("p50") is None
    assert single(-1).plus(single(5)).get("p50") is None
    assert single(-1).plus(single(5)).get("Average") == 2
    assert statistics([-1, 2]).plus(single(7)).get("p99") is None


def test_no_samples_have_no_average() -> None:
    assert Statistics(0, 0, 0, 0).get("Average") is None
    assert Statistics(0, 0, 0, 0).get("p50") is None


# Merging.

VALUES = st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=60)


@given(st.lists(VALUES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_parts_in_any_order_say_what_the_whole_says(parts: list[list[float]], chance: object) -> None:
    whole = statistics([value for part in parts for value in part])
    chance.shuffle(parts)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    merged = statistics(parts[0])
    for part in parts[1:]:
        merged = merged.plus(statistics(part))
    for name in STATISTICS:
        assert merged.get(name) == pytest.approx(whole.get(name))
    for name in ("p0", "p37.5", "p50", "p99.9", "p100", "tm90", "PR(1:1000)"):
        assert merged.get(name) == pytest.approx(whole.get(name), rel=2.1 * ERROR, abs=1e-12)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=900), st.floats(0, 100).map(lambda x: round(x, 4)))
def test_a_percentile_is_never_further_off_than_it_says(values: list[float], percent: float) -> None:
    found = statistics(values).get(f"p{percent:.4f}")
    rank = max(1, math.ceil(round(percent * 10000) * len(values) / 1_000_000))
    exact = sorted(values)[rank - 1]
    tolerance = 0.0 if len(set(values)) <= EXACT else ERROR * 1.0001
    assert found == pytest.approx(exact, rel=tolerance, abs=0)


def test_few_values_are_kept_exactly_many_in_bounded_space() -> None:
    few = [index / 7 for index in range(EXACT)]
    assert distribution((value, 1.0) for value in few).pairs() == [(value, 1.0) for value in few]
    many = Distribution(())
    for index in range(20_000):
        many = many.plus(Distribution(((1e-4 * 1.0009**index % 10.0, 1.0),)))
    assert sum(count for _, count in many.pairs()) == 20_000
    assert len(many.pairs()) < 115 * 6
    [packed] = many.packed().parts
    assert len(packed) < 8_000


def test_rounding_twice_is_rounding_once() -> None:
    values = [1.013**index for index in range(400)]
    once = distribution((value, 1.0) for value in values)
    twice = once.plus(distribution([(5.0, 1.0)])).plus(Distribution(())).packed()
    assert {value for value, _ in once.pairs()} <= {value for value, _ in twice.pairs()}


def test_the_bounds_are_exact_also_where_values_are_rounded() -> None:
    found = statistics([1.013**index for index in range(400)])
    assert found.get("p0") == found.minimum == 1.0
    assert found.get("p100") == found.maximum
