"""StateReason and StateReasonData, against what AWS's documentation and live alarms say."""

import json
from typing import Any

import pytest

from lab.core.cloudwatch.alarms import evaluate
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA
from lab.core.cloudwatch.reasons import java_double
from lab.core.cloudwatch.verdict import Datapoint
from tests.core.alarm_rows import NOW, metric_alarm


def after(values: list[float | None], **more: Any) -> Any:
    """The alarm; the newest point is of 03/07/25 08:33:00."""
    row = [
        Datapoint(NOW - 60 * (len(values) - index), value, None if value is None else 5.0)
        for index, value in enumerate(values)
    ]
    return evaluate(metric_alarm(**more), row, NOW)


def reason(values: list[float | None], **more: Any) -> str:
    return str(after(values, **more).state_reason)


ROW = "32.6 (03/07/25 08:33:00), 33.8 (03/07/25 08:32:00), 41.0 (03/07/25 08:31:00)"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (  # cw:alarm-actions
            reason([1.0, 1.0, 41.0, 33.8, 32.6], threshold=31.0, datapoints_to_alarm=3),
            f"Threshold Crossed: 3 out of the last 3 datapoints [{ROW}] were greater than the threshold (31.0) "
            "(minimum 3 datapoints for OK -> ALARM transition).",
        ),
        (  # aws-facts §10.6: target tracking's alarms have no DatapointsToAlarm
            reason([1.0, 1.0, 41.0, 33.8, 32.6], threshold=31.0),
            f"Threshold Crossed: 3 datapoints [{ROW}] were greater than the threshold (31.0).",
        ),
        (  # cw:cloudwatch-and-eventbridge
            reason([None, None, 60.5], evaluation_periods=1, datapoints_to_alarm=1),
            "Threshold Crossed: 1 out of the last 1 datapoints [60.5 (03/07/25 08:33:00)] was greater than the threshold "
            "(50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (  # cw:cloudwatch-and-eventbridge, metric math: the transition is named so from INSUFFICIENT_DATA, too
            reason([None, None, 60.5], evaluation_periods=1, datapoints_to_alarm=1, state=INSUFFICIENT_DATA),
            "Threshold Crossed: 1 out of the last 1 datapoints [60.5 (03/07/25 08:33:00)] was greater than the threshold "
            "(50.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (  # cw:cloudwatch-and-eventbridge, and back
            reason([None, None, 5.0], evaluation_periods=1, datapoints_to_alarm=1, state=ALARM),
            "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (03/07/25 08:33:00)] was not greater than the "
            "threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (  # obs:31667376623: one of two is enough to go back
            reason([99.0, 99.0, 5.0], evaluation_periods=2, datapoints_to_alarm=2, state=ALARM),
            "Threshold Crossed: 1 out of the last 2 datapoints [5.0 (03/07/25 08:33:00)] was not greater than the "
            "threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (  # only the points that decided are named
            reason([9.0, 9.0, 60.0, 9.0, 60.0], datapoints_to_alarm=2),
            "Threshold Crossed: 2 out of the last 3 datapoints [60.0 (03/07/25 08:33:00), 60.0 (03/07/25 08:31:00)] were "
            "greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (  # obs:45613667561: of more than three the five newest, after the sentence
            reason([60.0, 61.0, 62.0, 63.0, 64.0, 65.0], evaluation_periods=6),
            "Threshold Crossed: 6 datapoints were greater than the threshold (50.0). The most recent datapoints which "
            "crossed the threshold: [65.0 (03/07/25 08:33:00), 64.0 (03/07/25 08:32:00), 63.0 (03/07/25 08:31:00), "
            "62.0 (03/07/25 08:30:00), 61.0 (03/07/25 08:29:00)].",
        ),
        (  # obs:41144352575
            reason([60.0, 61.0, 62.0, 63.0], evaluation_periods=4, datapoints_to_alarm=4),
            "Threshold Crossed: 4 out of the last 4 datapoints were greater than the threshold (50.0). The most recent "
            "datapoints which crossed the threshold: [63.0 (03/07/25 08:33:00), 62.0 (03/07/25 08:32:00), "
            "61.0 (03/07/25 08:31:00), 60.0 (03/07/25 08:30:00)] (minimum 4 datapoints for OK -> ALARM transition).",
        ),
        (  # aws-facts §5.3
            reason([None] * 3, evaluation_periods=1),
            "Insufficient Data: 1 datapoint was unknown.",
        ),
        (reason([None] * 5), "Insufficient Data: 3 datapoints were unknown."),  # obs:51868473989
        (  # obs:8145279366
            reason([None] * 5, treat_missing_data="breaching"),
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
            "[Breaching].",
        ),
        (  # obs:57653488664
            reason([None] * 3, treat_missing_data="notBreaching", evaluation_periods=1, state=ALARM),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[NonBreaching].",
        ),
        (  # obs:46314339023
            reason([None, 613.0, None, None, None], treat_missing_data="notBreaching", datapoints_to_alarm=1),
            "Threshold Crossed: 1 out of the last 3 datapoints [613.0 (03/07/25 08:30:00)] was greater than the threshold "
            "(50.0) and 2 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM "
            "transition).",
        ),
        (  # obs:67122887483
            reason([None, None, None, 2.0, None], treat_missing_data="breaching", state=ALARM),
            "Threshold Crossed: 1 datapoint [2.0 (03/07/25 08:32:00)] was not greater than the threshold (50.0) and 2 "
            "missing datapoints were treated as [Breaching].",
        ),
        (  # obs:61293652697: the missing ones alone make the alarm
            reason([None, None, None, 2.0, None], treat_missing_data="breaching", datapoints_to_alarm=2),
            "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as "
            "[Breaching].",
        ),
        (  # obs:59679585060: the guard let it alarm with fewer than the minimum
            reason([None, None, 60.0, None, None], datapoints_to_alarm=3),
            "Threshold Crossed: 1 out of the last 3 datapoints [60.0 (03/07/25 08:31:00)] was greater than the threshold "
            "(50.0) (minimum 3 datapoints for OK -> ALARM transition).",
        ),
    ],
)  # fmt: skip
def test_reasons_are_in_awss_words(told: str, wanted: str) -> None:
    assert told == wanted


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ("GreaterThanThreshold", "greater than"),
        ("GreaterThanOrEqualToThreshold", "greater than or equal to"),
        ("LessThanThreshold", "less than"),
        ("LessThanOrEqualToThreshold", "less than or equal to"),
    ],
)
def test_comparisons_in_words(operator: str, words: str) -> None:
    told = reason([99.0] * 5, comparison_operator=operator, state=INSUFFICIENT_DATA)
    assert f"{words} the threshold (50.0)." in told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (50.0, "50.0"),
        (0.0666851903306472, "0.0666851903306472"),  # cw:cloudwatch-and-eventbridge
        (2147483648.0, "2.147483648E9"),  # the form is obs:66883704061's
        (83714617344.0, "8.3714617344E10"),  # obs:66883704061
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (-0.0001, "-1.0E-4"),
        (0.0, "0.0"),
    ],
)
def test_numbers_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert java_double(value) == text


def test_state_reason_data_is_laid_out_as_awss() -> None:
    """cw:alarm-actions; obs:24327135724, obs:26915613893 (unit)."""
    found = after([1.0, None, 41.0, 33.8, 32.6], threshold=31.0, unit="Percent")
    assert found.state_reason_data == (
        '{"version":"1.0","queryDate":"2025-07-03T08:34:00.000+0000","startDate":"2025-07-03T08:31:00.000+0000",'
        '"unit":"Percent","statistic":"Average","period":60,"recentDatapoints":[41.0,33.8,32.6],"threshold":31.0,'
        '"evaluatedDatapoints":[{"timestamp":"2025-07-03T08:33:00.000+0000","sampleCount":5.0,"value":32.6},'
        '{"timestamp":"2025-07-03T08:32:00.000+0000","sampleCount":5.0,"value":33.8},'
        '{"timestamp":"2025-07-03T08:31:00.000+0000","sampleCount":5.0,"value":41.0}]}'
    )


def test_missing_data_points_have_a_timestamp_only() -> None:
    """obs:51868473989: no startDate, no values."""
    data = json.loads(after([None] * 5).state_reason_data)
    assert "startDate" not in data
    assert data["recentDatapoints"] == []
    assert data["evaluatedDatapoints"] == [
        {"timestamp": f"2025-07-03T08:{minute}:00.000+0000"} for minute in (33, 32, 31)
    ]


def test_an_expression_has_no_statistic() -> None:
    """cw:cloudwatch-and-eventbridge, metric math."""
    assert "statistic" not in json.loads(after([99.0] * 5, statistic="").state_reason_data)


def test_state_reason_data_keeps_to_awss_length() -> None:
    """bc:cloudwatch.StateReasonData: 4000 characters; the newest data points stay."""
    found = after([float(value) for value in range(100, 1542)], evaluation_periods=1440)
    data = json.loads(found.state_reason_data)
    assert len(found.state_reason_data) <= 4000
    assert data["recentDatapoints"][-1] == 1541.0
