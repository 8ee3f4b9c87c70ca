"""Alarm evaluation: the two truth tables of the documentation, the guard against premature alarms, the reasons.

A row is drawn as the documentation draws it, oldest left: `0` does not breach, `X` does, `-` is missing.
"""

import pytest

from lab.core.cloudwatch.alarms import Datapoint, evaluate, evaluation_range, is_due
from lab.core.cloudwatch.metric import Metric
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm

NOW = 1_751_531_640.0
VALUES = {"0": 1.0, "X": 99.0, "-": None}
KEEP = "keep"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def alarm(**more: object) -> MetricAlarm:
    values = {
        "name": "a",
        "arn": "arn:a",
        "description": "",
        "metric": Metric("AWS/EC2", "CPUUtilization", ()),
        "statistic": "Average",
        "period": 60,
        "evaluation_periods": 3,
        "datapoints_to_alarm": None,
        "threshold": 50.0,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": None,
        "configured_at": 0.0,
        "state": OK,
        **more,
    }
    return MetricAlarm(**values)  # type: ignore[arg-type]  # a table of keywords


def points(row: str) -> list[Datapoint]:
    return [Datapoint(NOW - 60 * (len(row) - index), VALUES[mark]) for index, mark in enumerate(row)]


# aws-facts §5.3 (cw:alarms-and-missing-data): the row, then the state for each treatment in TREATMENTS.
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
    start = alarm(datapoints_to_alarm=needed, treat_missing_data=treatment, state=before)
    assert evaluate(start, points(row), NOW).state == (before if wanted == KEEP else wanted)


@pytest.mark.parametrize("row", ["----X", "---X-"])
def test_no_alarm_before_its_time(row: str) -> None:
    """aws-facts §5.3: one or two breaching points of three do not alarm while they are new."""
    assert evaluate(alarm(), points(row), NOW).state == OK


@pytest.mark.parametrize("row", ["--X--", "--XX-", "-X---", "X---X"])
def test_it_alarms_once_the_oldest_breaching_point_is_old_enough(row: str) -> None:
    assert evaluate(alarm(), points(row), NOW).state == ALARM


def test_missing_is_the_treatment_when_none_is_given() -> None:
    assert evaluate(alarm(treat_missing_data=None), points("-----"), NOW).state == INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("operator", "value", "breaches"),
    [
        ("GreaterThanThreshold", 50.0, False),
        ("GreaterThanThreshold", 50.1, True),
        ("GreaterThanOrEqualToThreshold", 50.0, True),
        ("LessThanThreshold", 50.0, False),
        ("LessThanThreshold", 49.9, True),
        ("LessThanOrEqualToThreshold", 50.0, True),
    ],
)
def test_comparisons(operator: str, value: float, breaches: bool) -> None:
    row = [Datapoint(NOW - 60 * back, value) for back in (5, 4, 3, 2, 1)]
    after = evaluate(alarm(comparison_operator=operator), row, NOW)
    assert after.state == (ALARM if breaches else OK)


def test_zero_is_data() -> None:
    row = [Datapoint(NOW - 60 * back, 0.0) for back in (5, 4, 3, 2, 1)]
    after = evaluate(alarm(comparison_operator="LessThanThreshold"), row, NOW)
    assert (after.state, after.recent) == (ALARM, (0.0, 0.0, 0.0))


def crossed(values: list[float | None], **more: object) -> str:
    """The reason; the newest point is of 03/07/25 08:33:00."""
    row = [Datapoint(NOW - 60 * (len(values) - index), value) for index, value in enumerate(values)]
    return evaluate(alarm(**more), row, NOW).state_reason


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        (  # cw:alarm-actions
            crossed([1.0, 1.0, 32.0, 31.5, 32.6], threshold=31.0),
            "Threshold Crossed: 3 out of the last 3 datapoints [32.6 (03/07/25 08:33:00), 31.5 (03/07/25 08:32:00), "
            "32.0 (03/07/25 08:31:00)] were greater than the threshold (31.0) "
            "(minimum 3 datapoints for OK -> ALARM transition).",
        ),
        (  # the singular
            crossed([None, None, 60.0], evaluation_periods=1),
            "Threshold Crossed: 1 out of the last 1 datapoint [60.0 (03/07/25 08:33:00)] was greater than the threshold "
            "(50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (  # and back
            crossed([None, None, 5.0], evaluation_periods=1, state=ALARM),
            "Threshold Crossed: 1 out of the last 1 datapoint [5.0 (03/07/25 08:33:00)] was not greater than the "
            "threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (  # only the points that decided are named
            crossed([9.0, 9.0, 60.0, 9.0, 60.0], datapoints_to_alarm=2),
            "Threshold Crossed: 2 out of the last 3 datapoints [60.0 (03/07/25 08:33:00), 60.0 (03/07/25 08:31:00)] were "
            "greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (crossed([None] * 3, evaluation_periods=1), "Insufficient Data: 1 datapoint was unknown."),
        (crossed([None] * 5), "Insufficient Data: 3 datapoints were unknown."),
        (
            crossed([None] * 5, treat_missing_data="breaching"),
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
            "[Breaching].",
        ),
    ],
)
def test_reasons_are_in_awss_words(reason: str, wanted: str) -> None:
    assert reason == wanted


def test_a_state_that_stays_keeps_its_reason_and_date() -> None:
    before = alarm(state=ALARM, state_reason="because", state_updated_at=5.0, acted_at=6.0)
    after = evaluate(before, points("XXXXX"), NOW)
    assert (after.state_reason, after.state_updated_at, after.acted_at) == ("because", 5.0, 6.0)
    assert after.evaluated_at == NOW


def test_a_new_state_has_a_new_date_and_has_not_acted() -> None:
    after = evaluate(alarm(acted_at=6.0), points("XXXXX"), NOW)
    assert (after.state_updated_at, after.acted_at) == (NOW, None)


def test_the_range_is_a_little_longer_than_the_periods_and_ends_with_the_last_whole_one() -> None:
    starts = evaluation_range(alarm(), NOW + 59)
    assert starts == (NOW - 300, NOW - 240, NOW - 180, NOW - 120, NOW - 60)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [(0.0, NOW, True), (NOW, NOW + 59, False), (NOW, NOW + 60, True), (NOW + 59, NOW + 60, True)],
)
def test_an_alarm_is_evaluated_once_a_minute(last: float, now: float, due: bool) -> None:
    assert is_due(alarm(evaluated_at=last), now) is due
