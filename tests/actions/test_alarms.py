"""Metric alarms as a caller sees them: put, set, enable, delete, and what may be put (bc:cloudwatch.PutMetricAlarm)."""

import json
from typing import Any

import pytest

from lab.core.cloudwatch.model import AlarmHistory, MetricAlarm
from lab.core.errors import LabError
from tests.actions.aws import NOW, Aws
from tests.actions.conftest import Site

ALARM: dict[str, Any] = {
    "AlarmName": "a", "MetricName": "m", "Namespace": "n", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 3,
    "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip
TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"


def without(*members: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in {**ALARM, **more}.items() if name not in members}


def measured(name: str, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "shop", "MetricName": name}
    return {
        "Id": name.lower(),
        "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
        "ReturnData": False,
        **more,
    }


RATIO = [{"Id": "rate", "Expression": "100 * errors / requests", "Label": "errors %"}, measured("Errors"),
         measured("Requests")]  # fmt: skip


def math(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return without("MetricName", "Namespace", "Statistic", "Period", Metrics=list(lines or RATIO), **more)


def alarm(aws: Aws, name: str = "a") -> dict[str, Any]:
    [found] = aws("cloudwatch", "DescribeAlarms", AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def row(aws: Aws, name: str = "a") -> MetricAlarm:
    found = aws.store.get(MetricAlarm, name)
    assert found is not None
    return found


def summaries(aws: Aws) -> list[str]:
    return [item.summary for item in aws.store.all(AlarmHistory)]


def set_state(aws: Aws, state: str, **more: Any) -> None:
    aws("cloudwatch", "SetAlarmState", **{"AlarmName": "a", "StateValue": state, "StateReason": "drill", **more})


# Put.


def test_a_new_alarm_is_unchecked_and_owes_nothing(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM, InsufficientDataActions=[TOPIC])
    found = alarm(aws)
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert row(aws).acted_at == NOW, "it did not come into this state from another"


def test_what_was_not_given_is_not_told(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    assert not {"DatapointsToAlarm", "TreatMissingData", "Unit", "ExtendedStatistic", "EvaluateLowSampleCountPercentile",
                "StateReasonData", "Metrics"} & set(alarm(aws))  # fmt: skip


def test_everything_given_is_told(aws: Aws) -> None:
    given = without(
        "Statistic", ExtendedStatistic="p99.9", EvaluateLowSampleCountPercentile="ignore", Unit="Seconds",
        DatapointsToAlarm=2, TreatMissingData="notBreaching", AlarmDescription="slow", ActionsEnabled=False,
        OKActions=[TOPIC], AlarmActions=[TOPIC], InsufficientDataActions=[TOPIC], Period=10,
        Dimensions=[{"Name": "Host", "Value": "x"}],
    )  # fmt: skip
    aws("cloudwatch", "PutMetricAlarm", **given)
    assert given.items() <= alarm(aws).items()


def test_an_alarm_on_an_expression_is_told_as_it_was_given(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **math())
    found = alarm(aws)
    assert [line["Id"] for line in found["Metrics"]] == ["rate", "errors", "requests"]
    assert found["Metrics"][0] == {**RATIO[0], "ReturnData": True}
    assert found["Metrics"][1]["MetricStat"]["Metric"]["MetricName"] == "Errors"
    assert not {"MetricName", "Namespace", "Statistic", "Dimensions", "Period"} & set(found)
    assert row(aws).period == 60


def test_putting_an_alarm_again_keeps_its_state_and_replaces_its_configuration(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM, AlarmDescription="old", DatapointsToAlarm=2)
    set_state(aws, "OK", StateReasonData='{"version":"1.0"}')
    before = row(aws)
    aws("cloudwatch", "PutMetricAlarm", **{**ALARM, "Threshold": 7.0})
    found = alarm(aws)
    assert (found["StateValue"], found["StateReason"], found["Threshold"]) == ("OK", "drill", 7.0)
    assert found["AlarmDescription"] == ""
    assert "DatapointsToAlarm" not in found
    assert (row(aws).acted_at, row(aws).state_reason_data) == (before.acted_at, before.state_reason_data)
    assert summaries(aws)[-1] == 'Alarm "a" updated'


def test_tags_are_put_with_a_new_alarm_only(aws: Aws) -> None:
    """bc:cloudwatch.PutMetricAlarm: of an update they are ignored."""
    for value in ("1", "2"):
        aws("cloudwatch", "PutMetricAlarm", **ALARM, Tags=[{"Key": "a", "Value": value}])
    arn = alarm(aws)["AlarmArn"]
    aws("cloudwatch", "TagResource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    aws("cloudwatch", "UntagResource", ResourceARN=arn, TagKeys=["a"])
    assert aws("cloudwatch", "ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_tags_of_an_alarm_that_is_not_there(aws: Aws) -> None:
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:none"
    code = aws.refusal("cloudwatch", "TagResource", ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert code == "ResourceNotFoundException"


ANOTHER_REGION = "arn:aws:sns:eu-west-1:123456789012:ops"
NO_POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:x:autoScalingGroupName/g:policyName/p"
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # Names and sizes.
    ({**ALARM, "AlarmName": ""}, "ValidationError", "AlarmName"),
    ({**ALARM, "AlarmName": "x" * 256}, "ValidationError", "255"),
    ({**ALARM, "AlarmName": "a\tb"}, "ValidationError", "control characters"),
    ({**ALARM, "AlarmDescription": "x" * 1025}, "ValidationError", "1024"),
    ({**ALARM, "Dimensions": [{"Name": str(n), "Value": "v"} for n in range(31)]}, "ValidationError", "30"),
    ({**ALARM, "Tags": [{"Key": str(n), "Value": "v"} for n in range(51)]}, "ValidationError", "50"),
    # What it is on.
    (without("MetricName"), "ValidationError", "one of MetricName and Metrics"),
    ({**ALARM, "Metrics": RATIO}, "ValidationError", "one of MetricName and Metrics"),
    (without("Namespace"), "ValidationError", "Namespace is required"),
    (without("Period"), "ValidationError", "Period is required"),
    (without("Statistic"), "ValidationError", "one of Statistic and ExtendedStatistic"),
    ({**ALARM, "ExtendedStatistic": "p99"}, "ValidationError", "one of Statistic and ExtendedStatistic"),
    (without("Statistic", ExtendedStatistic="p101"), "ValidationError", "p101"),
    (without("Statistic", ExtendedStatistic="Average"), "ValidationError", "Average"),
    ({**ALARM, "Unit": "Furlongs"}, "ValidationError", "Unit must be one of"),
    ({**math(), "Period": 60}, "ValidationError", "Metrics cannot be used together with Period"),
    (math(Dimensions=[]), "ValidationError", "Metrics cannot be used together with Dimensions"),
    (math(measured("Errors")), "ValidationError", "Exactly one element of the metrics list should return data."),
    (math({**measured("Errors"), "ReturnData": True}, {"Id": "e", "Expression": "errors"}), "ValidationError",
     "Exactly one element of the metrics list should return data."),
    (math({"Id": "e", "Expression": "errors +"}, measured("Errors")), "ValidationError", "Error in expression 'e'"),
    (math({"Id": "e", "Expression": "other * 2"}, measured("Errors")), "ValidationError", "other"),
    (math({"Id": "e", "Expression": "METRICS()"}, measured("Errors")), "ValidationError", "single time series"),
    (math({"Id": "e", "Expression": "ANOMALY_DETECTION_BAND(errors)"}, measured("Errors")), "ValidationError",
     "ANOMALY_DETECTION_BAND"),
    (math({"Id": "e"}, measured("Errors")), "ValidationError", "one of Expression and MetricStat"),
    (math({**RATIO[0], "AccountId": "1"}, *RATIO[1:]), "UnsupportedOperation", "AccountId"),
    (math(RATIO[0], RATIO[1], {**RATIO[2], "MetricStat": {**RATIO[2]["MetricStat"], "Period": 7}}), "ValidationError",
     "10, 20, 30 or a multiple of 60"),
    (math(RATIO[0], RATIO[1], {**RATIO[2], "Id": "errors"}), "ValidationError", "unique"),
    # Threshold, periods, missing data.
    (without("Threshold"), "ValidationError", "Threshold is required"),
    ({**ALARM, "Threshold": float("nan")}, "ValidationError", "finite"),
    (without("EvaluationPeriods"), "ValidationError", "EvaluationPeriods is required"),
    ({**ALARM, "ComparisonOperator": "LessThanLowerThreshold"}, "UnsupportedOperation", "anomaly detection"),
    ({**ALARM, "ThresholdMetricId": "band"}, "UnsupportedOperation", "ThresholdMetricId"),
    ({**ALARM, "EvaluationPeriods": 0}, "ValidationError", "EvaluationPeriods"),
    ({**ALARM, "DatapointsToAlarm": 0}, "ValidationError", "DatapointsToAlarm"),
    ({**ALARM, "Period": 45}, "ValidationError", "10, 20, 30 or a multiple of 60"),
    ({**ALARM, "Period": 10, "EvaluationPeriods": 8641}, "ValidationError", "across more than a day"),
    ({**ALARM, "Period": 3600, "EvaluationPeriods": 169}, "ValidationError", "across more than a week"),
    ({**ALARM, "EvaluateLowSampleCountPercentile": "perhaps"}, "ValidationError", "evaluate, ignore"),
    # Actions.
    ({**ALARM, "OKActions": ["arn:aws:s3:::bucket"]}, "ValidationError", "Invalid arn syntax"),
    ({**ALARM, "AlarmActions": [ANOTHER_REGION]}, "ValidationError",
     "Invalid region eu-west-1 specified. Only us-east-1 is supported."),
    ({**ALARM, "AlarmActions": [NO_POLICY]}, "ValidationError", "There is no scaling policy"),
    ({**ALARM, "InsufficientDataActions": [TOPIC] * 6}, "ValidationError", "more than five"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "said"), REFUSED)
def test_what_is_refused_and_why(aws: Aws, request_: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(LabError) as caught:
        aws("cloudwatch", "PutMetricAlarm", **request_)
    assert caught.value.code == code
    assert said in caught.value.message
    assert aws.store.all(MetricAlarm) == []


@pytest.mark.parametrize(
    ("period", "periods"), [(10, 8640), (20, 1), (30, 2880), (60, 1440), (3540, 24), (3600, 168), (86400, 7)]
)
def test_the_longest_ranges_are_taken(aws: Aws, period: int, periods: int) -> None:
    """bc:cloudwatch.PutMetricAlarmInput.Period: up to a day below an hour's period, else up to seven."""
    aws("cloudwatch", "PutMetricAlarm", **{**ALARM, "Period": period, "EvaluationPeriods": periods})


def test_the_period_of_an_expression_is_that_of_what_it_rests_on(aws: Aws) -> None:
    long = {**RATIO[1], "MetricStat": {**RATIO[1]["MetricStat"], "Period": 300}}
    aws("cloudwatch", "PutMetricAlarm", **math(RATIO[0], long, RATIO[2]))
    assert row(aws).period == 300


def test_a_scaling_policy_that_is_there_may_be_an_action(site: Site) -> None:
    site.aws("cloudwatch", "PutMetricAlarm", **ALARM, OKActions=[site.policy])
    assert row(site.aws).ok_actions == (site.policy,)


# SetAlarmState.


def test_a_state_set_by_hand_owes_its_actions(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    data = json.dumps({"version": "1.0", "recentDatapoints": [99.0]})
    set_state(aws, "ALARM", StateReasonData=data)
    assert (row(aws).state, row(aws).acted_at, alarm(aws)["StateReasonData"]) == ("ALARM", None, data)
    assert summaries(aws)[-1] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_setting_the_same_state_is_no_transition(aws: Aws) -> None:
    """bc:cloudwatch.SetAlarmState: actions are invoked when the state differs from the previous one."""
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    set_state(aws, "INSUFFICIENT_DATA")
    assert row(aws).acted_at == NOW
    assert summaries(aws) == ['Alarm "a" created']


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"AlarmName": "none"}, "ResourceNotFound"),
        ({"StateValue": "PANIC"}, "ValidationError"),
        ({"StateReason": "x" * 1024}, "ValidationError"),
        ({"StateReasonData": "x" * 4001}, "ValidationError"),
        ({"StateReasonData": "{"}, "InvalidFormat"),
        ({"StateReasonData": "[1]"}, "InvalidFormat"),
        ({"StateReasonData": '{"a":' + "[" * 3900 + "}"}, "InvalidFormat"),
    ],
)
def test_states_that_cannot_be_set(aws: Aws, more: dict[str, Any], code: str) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    given = {"AlarmName": "a", "StateValue": "OK", "StateReason": "r", **more}
    assert aws.refusal("cloudwatch", "SetAlarmState", **given) == code


# Enable, disable, delete.


def test_actions_are_disabled_and_enabled(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    for operation, enabled in (("DisableAlarmActions", False), ("EnableAlarmActions", True)):
        aws("cloudwatch", operation, AlarmNames=["a", "none"])
        assert alarm(aws)["ActionsEnabled"] is enabled
        aws("cloudwatch", operation, AlarmNames=["a"])
    assert summaries(aws) == ['Alarm "a" created', 'Alarm "a" updated', 'Alarm "a" updated'], "one for each change"


def test_deleting_passes_over_what_is_not_there_and_leaves_the_history(aws: Aws) -> None:
    aws("cloudwatch", "PutMetricAlarm", **ALARM)
    aws("cloudwatch", "DeleteAlarms", AlarmNames=["none", "a", "a"])
    assert aws("cloudwatch", "DescribeAlarms")["MetricAlarms"] == []
    items = aws("cloudwatch", "DescribeAlarmHistory", AlarmName="a")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == ['Alarm "a" deleted', 'Alarm "a" created']


def test_at_most_a_hundred_names(aws: Aws) -> None:
    names = [str(number) for number in range(101)]
    for operation in ("DeleteAlarms", "DescribeAlarms", "EnableAlarmActions"):
        assert aws.refusal("cloudwatch", operation, AlarmNames=names) == "ValidationError"
