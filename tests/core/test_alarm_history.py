"""Items of an alarm's history, against those of live alarms."""

import json
from dataclasses import replace

import pytest

from lab.core.cloudwatch import history
from lab.core.cloudwatch.alarm_actions import kind_of, not_executed
from lab.core.cloudwatch.alarms import evaluate
from lab.core.cloudwatch.condition import condition
from lab.core.cloudwatch.metric import Metric, MetricDataQuery, MetricStat, dimensions
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, Alarm
from lab.core.cloudwatch.verdict import Datapoint
from tests.core.alarm_rows import NOW, PREFIX, composite_alarm, metric_alarm, points

CURRENCY = Metric("AWS/Billing", "EstimatedCharges", dimensions({"Currency": "USD"}))
RATIO = (
    MetricDataQuery("rate", expression="errors / requests"),
    MetricDataQuery("errors", MetricStat(Metric("shop", "Errors", ()), 300, "Sum"), return_data=False),
    MetricDataQuery("requests", MetricStat(Metric("shop", "Requests", ()), 300, "Sum"), return_data=False),
)


def test_the_making_of_an_alarm() -> None:
    """obs:15361872989: an item of a live alarm, with this alarm's ARN and dates."""
    alarm = metric_alarm(
        name="Crudalarm", metric=CURRENCY, statistic="Maximum", period=21600, threshold=20.0, evaluation_periods=1,
        datapoints_to_alarm=1, treat_missing_data="missing", state=INSUFFICIENT_DATA, configured_at=NOW,
        state_updated_at=NOW,
    )  # fmt: skip
    item = history.configured("id", alarm, "Create", NOW)
    assert (item.item_type, item.summary) == ("ConfigurationUpdate", 'Alarm "Crudalarm" created')
    assert (item.alarm_type, item.timestamp) == ("MetricAlarm", NOW)
    assert item.data == (
        '{"version":"1.0","type":"Create","createdAlarm":{"alarmName":"Crudalarm","alarmDescription":"",'
        f'"alarmArn":"{PREFIX}Crudalarm","alarmConfigurationUpdatedTimestamp":"2025-07-03T08:34:00.000+0000",'
        '"namespace":"AWS/Billing","metricName":"EstimatedCharges","statistic":"Maximum","period":21600,'
        '"dimensions":[{"value":"USD","name":"Currency"}],"threshold":20.0,"comparisonOperator":"GreaterThanThreshold",'
        '"evaluationPeriods":1,"datapointsToAlarm":1,"treatMissingData":"missing","stateValue":"INSUFFICIENT_DATA",'
        '"stateUpdatedTimestamp":"2025-07-03T08:34:00.000+0000","actionsEnabled":true,"alarmActions":[],'
        '"insufficientDataActions":[],"okactions":[]}}'
    )


@pytest.mark.parametrize(
    ("verb", "summary", "member"),
    [("Update", 'Alarm "a" updated', "updatedAlarm"), ("Delete", 'Alarm "a" deleted', "deletedAlarm")],
)
def test_changes_of_its_configuration(verb: str, summary: str, member: str) -> None:
    item = history.configured("id", metric_alarm(), verb, NOW)
    assert item.summary == summary
    assert set(json.loads(item.data)) == {"version", "type", member}


def test_an_alarm_on_an_expression_and_a_composite_one_show_what_they_are_on() -> None:
    ratio = history.configuration(metric_alarm(metric=None, statistic="", queries=RATIO))
    assert [line["id"] for line in ratio["metrics"]] == ["rate", "errors", "requests"]
    assert ratio["metrics"][1]["metricStat"]["metric"]["metricName"] == "Errors"
    both = history.configuration(composite_alarm("ALARM(a)", suppressor="s", wait_period=0, extension_period=60))
    assert (both["alarmRule"], both["actionsSuppressor"], both["actionsSuppressorWaitPeriod"]) == ("ALARM(a)", "s", 0)


def test_a_transition() -> None:
    """obs:609709671: the data of both states are JSON inside, not text."""
    before = metric_alarm(state_reason="testing purposes")
    after = evaluate(before, points("XXXXX"), NOW)
    item = history.transitioned("id", before, after, NOW)
    assert (item.item_type, item.summary) == ("StateUpdate", "Alarm updated from OK to ALARM")
    data = json.loads(item.data)
    assert data["oldState"] == {"stateValue": "OK", "stateReason": "testing purposes"}
    assert data["newState"]["stateReasonData"] == json.loads(after.state_reason_data)
    assert history.reason_of(item) == after.state_reason


def test_a_transition_keeps_to_awss_length() -> None:
    """bc:cloudwatch.HistoryData: 4095 characters. The old state's data go first."""
    alarm, states = metric_alarm(evaluation_periods=100), []
    for value in (99.0, 1.0, 99.0):
        row = [Datapoint(NOW - 60 * back, value, 1.0) for back in range(102, 0, -1)]
        states.append(alarm := evaluate(alarm, row, NOW))
    item = history.transitioned("id", states[1], states[2], NOW)
    assert len(item.data) <= history.LONGEST_DATA
    assert history.reason_of(item) == states[2].state_reason
    assert "stateReasonData" not in json.loads(item.data)["oldState"]


def test_an_action_that_was_executed() -> None:
    """obs:9498156819, obs:31396143105."""
    alarm = metric_alarm(state_updated_at=1667756633.496)
    item = history.acted("id", alarm, "arn:aws:sns:us-east-1:123456789012:ops", "", NOW)
    assert item.summary == "Successfully executed action arn:aws:sns:us-east-1:123456789012:ops"
    assert item.data == (
        '{"actionState":"Succeeded","stateUpdateTimestamp":1667756633496,'
        '"notificationResource":"arn:aws:sns:us-east-1:123456789012:ops"}'
    )


def test_an_action_that_failed() -> None:
    """obs:16008905508."""
    item = history.acted("id", metric_alarm(), "arn:x", "the topic is gone", NOW)
    assert item.summary == 'Failed to execute action arn:x. Received error: "the topic is gone"'
    assert json.loads(item.data)["actionState"] == "Failed"


def test_a_long_summary_is_cut() -> None:
    """bc:cloudwatch.HistorySummary."""
    assert len(history.acted("id", metric_alarm(), "arn:x", "because " * 99, NOW).summary) == 255


@pytest.mark.parametrize(
    ("arn", "kind"),
    [  # bc:cloudwatch.PutMetricAlarm
        ("arn:aws:automate:us-east-1:ec2:stop", "EC2 action"),
        ("arn:aws:swf:us-east-1:123456789012:action/actions/AWS_EC2.InstanceId.Reboot/1.0", "EC2 action"),
        ("arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:id:autoScalingGroupName/g:policyName/p",
         "Auto Scaling policy"),
        ("arn:aws:lambda:us-east-1:123456789012:function:mend:7", "Lambda function"),
        ("arn:aws:sns:us-east-1:123456789012:ops", "Amazon SNS topic"),
        ("arn:aws:ssm:us-east-1:123456789012:opsitem:3#CATEGORY=Cost", "Systems Manager OpsItem"),
        ("arn:aws:ssm-incidents::123456789012:responseplan/plan", "Incident Manager response plan"),
        ("arn:aws:aiops:us-east-1:123456789012:investigation-group/g", "CloudWatch investigation"),
    ],
)  # fmt: skip
def test_the_actions_aws_has(arn: str, kind: str) -> None:
    found = kind_of(arn)
    assert found is not None
    assert found.name == kind
    assert kind in not_executed(arn)


@pytest.mark.parametrize("arn", ["", "arn:aws:sns", "arn:aws:s3:::bucket", "arn:aws:automate:us-east-1:ec2:dance"])
def test_what_is_no_action(arn: str) -> None:
    assert kind_of(arn) is None


@pytest.mark.parametrize(
    ("alarm", "wanted"),
    [
        (metric_alarm(), "CPUUtilization > 50 for 3 datapoints within 3 minutes"),
        (
            metric_alarm(
                statistic="p99", comparison_operator="GreaterThanOrEqualToThreshold", threshold=0.5, period=10,
                datapoints_to_alarm=1,
            ),
            "p99 of CPUUtilization ≥ 0.5 for 1 datapoint within 30 seconds",
        ),
        (
            metric_alarm(metric=None, statistic="", queries=RATIO, period=300, evaluation_periods=1),
            "errors / requests > 50 for 1 datapoint within 5 minutes",
        ),
        (composite_alarm("ALARM(a) OR ALARM(b)"), "ALARM(a) OR ALARM(b)"),
        (composite_alarm("TRUE", suppressed_by="WaitPeriod"), "TRUE (actions held back: WaitPeriod)"),
    ],
)  # fmt: skip
def test_what_an_alarm_is_on_in_one_line(alarm: Alarm, wanted: str) -> None:
    assert condition(alarm) == wanted


def test_actions_are_those_of_the_state() -> None:
    alarm = metric_alarm(ok_actions=("a",), alarm_actions=("b",), insufficient_data_actions=("c",))
    found = [replace(alarm, state=state).actions for state in ("OK", ALARM, INSUFFICIENT_DATA)]
    assert found == [("a",), ("b",), ("c",)]
