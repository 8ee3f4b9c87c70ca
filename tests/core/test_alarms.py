"""Evaluation of metric alarms: the two truth tables of the documentation, the guard against premature alarms, low sample
counts, when an evaluation is due and which periods it looks at.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.cloudwatch.alarms import cadence, datapoints, evaluate, evaluation_range, is_due
from lab.core.cloudwatch.metric import Metric, MetricDataQuery, MetricStat, Statistics, of_values, single
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm
from lab.core.cloudwatch.verdict import TREATMENTS, Datapoint, decide, samples_needed
from tests.core.alarm_rows import NOW, metric_alarm, points

KEEP = "keep"

# cw:alarms-and-missing-data (aws-facts §5.3): the row, then the state for each treatment in TREATMENTS.
THREE_OF_THREE = {
    "0-X-X": (OK, OK, OK, OK),
    "0----": (OK, OK, OK, OK),
    "-----": (INSUFFICIENT_DATA, KEEP, ALARM, OK),
    "0XX-X": (ALARM, ALARM, ALARM, ALARM),
    "--X--": (ALARM, KEEP, ALARM, OK),
}
TWO_OF_THREE = {
    "0-X-X": (ALARM, ALARM, ALARM, ALARM),
    "00X0X": (ALARM, ALARM, ALARM, ALARM),
    "0-X--": (OK, OK, ALARM, OK),
    "----0": (OK, OK, ALARM, OK),
    "---X-": (ALARM, KEEP, ALARM, OK),
}
FILLED = {  # the tables' second column
    3: {"0-X-X": 0, "0----": 2, "-----": 3, "0XX-X": 0, "--X--": 2},
    2: {"0-X-X": 0, "00X0X": 0, "0-X--": 1, "----0": 2, "---X-": 2},
}


@pytest.mark.parametrize(
    ("needed", "row", "treatment", "wanted"),
    [
        (needed, row, treatment, wanted)
        for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for row, states in table.items()
        for treatment, wanted in zip(TREATMENTS, states, strict=True)
    ],
)
@pytest.mark.parametrize("before", [OK, ALARM, INSUFFICIENT_DATA])
def test_truth_tables(needed: int, row: str, treatment: str, wanted: str, before: str) -> None:
    """cw:alarms-and-missing-data."""
    start = metric_alarm(datapoints_to_alarm=needed, treat_missing_data=treatment, state=before)
    assert evaluate(start, points(row), NOW).state == (before if wanted == KEEP else wanted)


@pytest.mark.parametrize(("needed", "row"), [(needed, row) for needed, rows in FILLED.items() for row in rows])
def test_as_many_points_are_filled_as_the_tables_say(needed: int, row: str) -> None:
    """cw:alarms-and-missing-data: "# of data points that must be filled"."""
    alarm = metric_alarm(datapoints_to_alarm=needed, treat_missing_data="breaching")
    assert len(decide(alarm, points(row)).filled) == FILLED[needed][row]


@pytest.mark.parametrize("row", ["----X", "---X-"])
def test_no_alarm_before_its_time(row: str) -> None:
    """cw:alarms-and-missing-data, premature transitions: a breaching point that is new does not alarm."""
    assert evaluate(metric_alarm(), points(row), NOW).state == OK


@pytest.mark.parametrize("row", ["--X--", "--XX-", "-X---", "X---X"])
def test_it_alarms_once_the_oldest_breaching_point_is_old_enough(row: str) -> None:
    """cw:alarms-and-missing-data: at least as old as M, and everything newer breaching or missing."""
    assert evaluate(metric_alarm(), points(row), NOW).state == ALARM


@pytest.mark.parametrize("row", ["---X0", "--X-0"])
def test_a_point_that_does_not_breach_ends_the_suspicion(row: str) -> None:
    """cw:alarms-and-missing-data: the example of what the guard is for."""
    assert evaluate(metric_alarm(), points(row), NOW).state == OK


def test_missing_is_the_treatment_when_none_is_given() -> None:
    assert evaluate(metric_alarm(treat_missing_data=None), points("-----"), NOW).state == INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("operator", "value", "breaches"),
    [
        ("GreaterThanThreshold", 50.0, False),
        ("GreaterThanThreshold", 50.1, True),
        ("GreaterThanOrEqualToThreshold", 50.0, True),
        ("GreaterThanOrEqualToThreshold", 49.9, False),
        ("LessThanThreshold", 50.0, False),
        ("LessThanThreshold", 49.9, True),
        ("LessThanOrEqualToThreshold", 50.0, True),
        ("LessThanOrEqualToThreshold", 50.1, False),
    ],
)
def test_comparisons(operator: str, value: float, breaches: bool) -> None:
    row = [Datapoint(NOW - 60 * back, value) for back in (5, 4, 3, 2, 1)]
    after = evaluate(metric_alarm(comparison_operator=operator), row, NOW)
    assert after.state == (ALARM if breaches else OK)


def test_zero_is_data() -> None:
    row = [Datapoint(NOW - 60 * back, 0.0) for back in (5, 4, 3, 2, 1)]
    after = evaluate(metric_alarm(comparison_operator="LessThanThreshold"), row, NOW)
    assert (after.state, after.recent) == (ALARM, (0.0, 0.0, 0.0))


def test_a_state_that_stays_keeps_its_reason_and_date_and_what_it_did() -> None:
    before = metric_alarm(state=ALARM, state_reason="because", state_updated_at=5.0, acted_at=6.0, results=("",))
    after = evaluate(before, points("XXXXX"), NOW)
    assert (after.state_reason, after.state_updated_at, after.acted_at, after.results) == ("because", 5.0, 6.0, ("",))


def test_a_new_state_has_a_new_date_and_has_not_acted() -> None:
    after = evaluate(metric_alarm(acted_at=6.0, results=("",)), points("XXXXX"), NOW)
    assert (after.state_updated_at, after.acted_at, after.results) == (NOW, None, ())


# Properties.

ROWS = st.text("0X-", min_size=5, max_size=5)
ALARMS = st.builds(
    metric_alarm,
    treat_missing_data=st.sampled_from([None, *TREATMENTS]),
    datapoints_to_alarm=st.sampled_from([None, 1, 2, 3]),
    state=st.sampled_from([OK, ALARM, INSUFFICIENT_DATA]),
)


@given(ALARMS, ROWS)
def test_a_range_without_a_breaching_point_raises_no_alarm_unless_missing_ones_are_breaching(
    alarm: MetricAlarm, row: str
) -> None:
    after = evaluate(alarm, points(row.replace("X", "0")), NOW)
    if alarm.treat_missing_data != "breaching":
        assert after.state != ALARM or alarm.state == ALARM
        assert after.state != ALARM or set(row) == {"-"}


@given(ALARMS)
def test_no_data_alone_leads_only_where_the_treatment_says(alarm: MetricAlarm) -> None:
    wanted = {"ignore": alarm.state, "breaching": ALARM, "notBreaching": OK, "missing": INSUFFICIENT_DATA}
    after = evaluate(alarm, points("-----"), NOW)
    assert after.state == wanted[alarm.treat_missing_data or "missing"]


@given(ALARMS, st.text("0X", min_size=5, max_size=5))
def test_with_all_data_the_newest_n_decide_whatever_the_treatment(alarm: MetricAlarm, row: str) -> None:
    needed = alarm.datapoints_to_alarm or 3
    assert evaluate(alarm, points(row), NOW).state == (ALARM if row[-3:].count("X") >= needed else OK)


@given(ALARMS, ROWS)
def test_an_evaluation_that_is_repeated_changes_nothing(alarm: MetricAlarm, row: str) -> None:
    """What a restart may do: evaluate once more on the same periods."""
    once = evaluate(alarm, points(row), NOW)
    assert evaluate(once, points(row), NOW + 30) == once


# Which periods, and when.


def test_the_range_is_a_little_longer_than_the_periods_and_ends_with_the_last_whole_one() -> None:
    starts = evaluation_range(metric_alarm(), NOW + 59)
    assert starts == (NOW - 300, NOW - 240, NOW - 180, NOW - 120, NOW - 60)


def test_the_window_slides_and_is_not_aligned_to_the_clock() -> None:
    """cw:alarm-evaluation: of 5 minutes, at minute 5 it covers 1 to 5 and at minute 6 it covers 2 to 6."""
    alarm = metric_alarm(period=300, evaluation_periods=1)
    assert NOW % 300 != 0
    assert evaluation_range(alarm, NOW)[-1] == NOW - 300
    assert evaluation_range(alarm, NOW + 60)[-1] == NOW - 240


@pytest.mark.parametrize("period", [10, 20, 30])
def test_high_resolution_alarms_slide_by_ten_seconds(period: int) -> None:
    """cw:alarm-evaluation, high-resolution alarms."""
    alarm = metric_alarm(period=period, evaluation_periods=1)
    assert evaluation_range(alarm, NOW + 19)[-1] == NOW + 10 - period


def test_a_multi_day_alarm_looks_at_data_up_to_the_hour_only() -> None:
    """cw:alarm-evaluation, the example of the job: at 10:03 data up to 10:00, at 11:03 up to 11:00."""
    alarm = metric_alarm(period=86400, evaluation_periods=3)
    ten = 1_751_536_800.0
    assert ten % 3600 == 0
    for minutes in (3, 59):
        assert evaluation_range(alarm, ten + 60 * minutes)[-1] == ten - 86400
    assert evaluation_range(alarm, ten + 60 * 63)[-1] == ten + 3600 - 86400


@pytest.mark.parametrize(
    ("period", "periods", "seconds"),
    [(10, 6, 10), (20, 1, 10), (30, 1, 10), (60, 1440, 60), (300, 288, 60), (3600, 24, 60), (3600, 25, 3600),
     (86400, 1, 60), (86400, 7, 3600)],
)  # fmt: skip
def test_cadences(period: int, periods: int, seconds: int) -> None:
    """cw:alarm-evaluation: every minute, every 10 s for high resolution, hourly when the range exceeds one day."""
    assert cadence(metric_alarm(period=period, evaluation_periods=periods)) == seconds


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [(None, NOW, True), (NOW, NOW + 59, False), (NOW, NOW + 60, True), (NOW + 59, NOW + 60, True)],
)
def test_an_alarm_is_evaluated_once_a_minute(last: float | None, now: float, due: bool) -> None:
    assert is_due(metric_alarm(), last, now) is due


def test_a_new_configuration_is_evaluated_at_once() -> None:
    assert is_due(metric_alarm(configured_at=NOW + 1), NOW, NOW + 2)


# Data points.


def test_data_points_are_those_of_the_metric_in_its_unit() -> None:
    asked = []

    def read(metric: Metric, start: float, period: int, unit: str) -> Statistics | None:
        asked.append((metric.name, period, unit))
        return single(start) if start == NOW - 60 else None

    found = datapoints(metric_alarm(unit="Percent"), read, NOW)
    assert set(asked) == {("CPUUtilization", 60, "Percent")}
    assert found[-1] == Datapoint(NOW - 60, NOW - 60, 1.0)
    assert found[0] == Datapoint(NOW - 300, None)


def test_an_alarm_on_an_expression_is_on_the_query_that_returns_data() -> None:
    def stat(name: str) -> MetricStat:
        return MetricStat(Metric("shop", name, ()), 60, "Sum")

    queries = (
        MetricDataQuery("rate", expression="errors / requests * 100"),
        MetricDataQuery("errors", stat("Errors"), return_data=False),
        MetricDataQuery("requests", stat("Requests"), return_data=False),
    )
    alarm = metric_alarm(metric=None, statistic="", queries=queries)
    found = datapoints(alarm, lambda metric, *_: single({"Errors": 3.0, "Requests": 4.0}[metric.name]), NOW)
    assert [point.value for point in found] == [75.0] * 5
    assert evaluate(alarm, found, NOW).state == ALARM


# Percentiles with few samples.


@pytest.mark.parametrize(
    ("percent", "samples"),
    [("99", 1000), ("99.9", 10_000), ("50", 20), ("90", 100), ("10", 100), ("49", Fraction(1000, 49)), ("0", 0), ("100", 0)],
)  # fmt: skip
def test_samples_that_make_a_percentile_significant(percent: str, samples: int) -> None:
    """cw:percentiles-with-low-samples: 10/(1-percentile) from 0.5 on, 10/percentile below; 1000 for p99."""
    assert samples_needed(Fraction(percent)) == samples


@pytest.mark.parametrize(
    ("setting", "each", "statistic", "state"),
    [
        ("ignore", 333, "p99", OK),
        ("ignore", 334, "p99", ALARM),
        ("evaluate", 1, "p99", ALARM),
        (None, 1, "p99", ALARM),
        ("ignore", 1, "tm99", ALARM),
        ("ignore", 1, "p100", ALARM),
    ],
)
@pytest.mark.parametrize("row", ["XXX", "X-X-X"])
def test_too_few_samples_keep_the_state_if_so_wanted(
    setting: str | None, each: int, statistic: str, state: str, row: str
) -> None:
    alarm = metric_alarm(statistic=statistic, evaluate_low_sample_count_percentile=setting)
    few = [Datapoint(point.start, point.value, None if point.value is None else float(each)) for point in points(row)]
    assert evaluate(alarm, few, NOW).state == state


def test_a_percentile_of_data_without_values_is_missing() -> None:
    """A statistic set that was put without its values has no percentiles (cw:cloudwatch_concepts)."""
    alarm = metric_alarm(statistic="p99")
    assert {point.value for point in datapoints(alarm, lambda *_: Statistics(9.0, 90.0, 1.0, 20.0), NOW)} == {None}
    known = of_values([(1.0, 50.0), (80.0, 50.0)])
    assert {point.value for point in datapoints(alarm, lambda *_: known, NOW)} == {80.0}
