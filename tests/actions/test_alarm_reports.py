"""DescribeAlarms, DescribeAlarmsForMetric and DescribeAlarmHistory: filters, order and pages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.actions.aws import NOW, Aws
from tests.actions.test_alarms import ALARM, TOPIC, math


def put(aws: Aws, name: str, **more: Any) -> None:
    aws("cloudwatch", "PutMetricAlarm", **{**ALARM, "AlarmName": name, **more})


def names(answer: dict[str, Any]) -> list[str]:
    return [alarm["AlarmName"] for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])]


def described(aws: Aws, **members: Any) -> list[str]:
    return names(aws("cloudwatch", "DescribeAlarms", **members))


@pytest.fixture
def alarms(aws: Aws) -> Aws:
    put(aws, "web-high", AlarmActions=[TOPIC])
    put(aws, "web-low", InsufficientDataActions=["arn:aws:lambda:us-east-1:123456789012:function:mend"])
    put(aws, "db")
    aws("cloudwatch", "PutCompositeAlarm", AlarmName="web", AlarmRule='ALARM("web-high") OR ALARM("web-low")')
    aws("cloudwatch", "SetAlarmState", AlarmName="db", StateValue="ALARM", StateReason="r")
    return aws


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({}, ["db", "web-high", "web-low"]),
        ({"AlarmTypes": ["MetricAlarm"]}, ["db", "web-high", "web-low"]),
        ({"AlarmTypes": ["CompositeAlarm"]}, ["web"]),
        ({"AlarmTypes": ["LogAlarm"]}, []),
        ({"AlarmTypes": ["CompositeAlarm", "MetricAlarm"]}, ["db", "web-high", "web-low", "web"]),
        ({"AlarmNamePrefix": "web"}, ["web-high", "web-low"]),
        ({"AlarmNames": ["web-low", "db", "web", "none"]}, ["db", "web-low"]),
        ({"StateValue": "ALARM"}, ["db"]),
        ({"ActionPrefix": "arn:aws:sns:"}, ["web-high"]),
        ({"ActionPrefix": "arn:aws:"}, ["web-high", "web-low"]),
    ],
)
def test_filters(alarms: Aws, members: dict[str, Any], wanted: list[str]) -> None:
    assert described(alarms, **members) == wanted


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"AlarmNames": ["a"], "AlarmNamePrefix": "a"}, "ValidationError"),
        ({"AlarmTypes": ["Siren"]}, "ValidationError"),
        ({"MaxRecords": 0}, "ValidationError"),
        ({"MaxRecords": 101}, "ValidationError"),
        ({"NextToken": "²"}, "InvalidNextToken"),
        ({"NextToken": "next"}, "InvalidNextToken"),
    ],
)
def test_what_cannot_be_asked(aws: Aws, members: dict[str, Any], code: str) -> None:
    assert aws.refusal("cloudwatch", "DescribeAlarms", **members) == code


def test_pages_of_alarms_hold_each_once_also_while_alarms_go(aws: Aws) -> None:
    for number in range(25):
        put(aws, f"alarm-{number:02}")
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = aws("cloudwatch", "DescribeAlarms", MaxRecords=10, **token)
        found += names(answer)
        aws("cloudwatch", "DeleteAlarms", AlarmNames=names(answer))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert found == [f"alarm-{number:02}" for number in range(25)]


def test_a_hundred_alarms_at_a_time(aws: Aws) -> None:
    for number in range(101):
        put(aws, f"alarm-{number:03}")
    assert len(described(aws)) == 100


def test_alarms_for_a_metric(aws: Aws) -> None:
    """bc:cloudwatch.DescribeAlarmsForMetric: not those on expressions."""
    host = [{"Name": "Host", "Value": "x"}]
    put(aws, "one")
    put(aws, "two", Period=300, Statistic="Sum")
    put(aws, "other", Dimensions=host)
    aws("cloudwatch", "PutMetricAlarm", **math(AlarmName="ratio"))

    def found(**members: Any) -> list[str]:
        asked = {"MetricName": "m", "Namespace": "n", **members}
        answer = aws("cloudwatch", "DescribeAlarmsForMetric", **asked)
        return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]

    assert found() == ["one", "two"]
    assert found(Dimensions=host) == ["other"]
    assert found(Period=300) == ["two"]
    assert found(Statistic="Average") == ["one"]
    assert found(ExtendedStatistic="p99") == []
    assert found(MetricName="Errors", Namespace="shop") == []


# History.


def history(aws: Aws, **members: Any) -> list[str]:
    items = aws("cloudwatch", "DescribeAlarmHistory", **members)["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


@pytest.fixture
def past(aws: Aws) -> Aws:
    """Something happens at NOW, a minute and two minutes later."""
    put(aws, "a")
    aws.now = NOW + 60
    aws("cloudwatch", "SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="drill")
    aws.now = NOW + 120
    aws("cloudwatch", "PutCompositeAlarm", AlarmName="both", AlarmRule="ALARM(a)")
    put(aws, "b")
    return aws


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


TURNED = "Alarm updated from INSUFFICIENT_DATA to ALARM"


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({}, ['Alarm "b" created', TURNED, 'Alarm "a" created']),
        ({"ScanBy": "TimestampAscending"}, ['Alarm "a" created', TURNED, 'Alarm "b" created']),
        ({"AlarmName": "a"}, [TURNED, 'Alarm "a" created']),
        ({"AlarmName": "both"}, []),
        ({"AlarmTypes": ["CompositeAlarm"]}, ['Alarm "both" created']),
        ({"HistoryItemType": "StateUpdate"}, [TURNED]),
        ({"StartDate": at(60)}, ['Alarm "b" created', TURNED]),
        ({"EndDate": at(60)}, [TURNED, 'Alarm "a" created']),
        ({"StartDate": at(1), "EndDate": at(59)}, []),
    ],
)
def test_history_by_what_is_asked(past: Aws, members: dict[str, Any], wanted: list[str]) -> None:
    assert history(past, **members) == wanted


def test_history_has_its_data(past: Aws) -> None:
    [item] = past("cloudwatch", "DescribeAlarmHistory", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert (item["AlarmName"], item["AlarmType"], item["Timestamp"]) == ("a", "MetricAlarm", at(60))
    assert json.loads(item["HistoryData"])["newState"] == {"stateValue": "ALARM", "stateReason": "drill"}


@pytest.mark.parametrize("scan", ["TimestampAscending", "TimestampDescending"])
def test_pages_of_history_hold_each_item_once_while_more_comes(aws: Aws, scan: str) -> None:
    for number in range(7):
        put(aws, f"alarm-{number}")
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = aws("cloudwatch", "DescribeAlarmHistory", MaxRecords=3, ScanBy=scan, EndDate=at(0), **token)
        found += [item["AlarmName"] for item in answer["AlarmHistoryItems"]]
        aws.now += 1
        put(aws, f"later-{len(found)}")
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    wanted = [f"alarm-{number}" for number in range(7)]
    assert found == (wanted if scan == "TimestampAscending" else wanted[::-1])


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"NextToken": "bm9uZQ=="}, "InvalidNextToken"),
        ({"ScanBy": "Taste"}, "ValidationError"),
        ({"MaxRecords": 500}, "ValidationError"),
    ],
)
def test_history_that_cannot_be_asked(past: Aws, members: dict[str, Any], code: str) -> None:
    assert past.refusal("cloudwatch", "DescribeAlarmHistory", **members) == code
