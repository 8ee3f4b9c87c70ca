"""Composite alarms as a caller sees them (bc:cloudwatch.PutCompositeAlarm, cw:alarm-combining)."""

from typing import Any

import pytest

from lab.core.cloudwatch.model import CompositeAlarm
from lab.core.errors import LabError
from tests.actions.aws import NOW, Aws
from tests.actions.conftest import Site
from tests.actions.test_alarms import ALARM, TOPIC

PREFIX = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
SUPPRESSED = {"ActionsSuppressor": "a", "ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 120}


@pytest.fixture
def children(aws: Aws) -> Aws:
    """Two metric alarms, a and b."""
    for name in ("a", "b"):
        aws("cloudwatch", "PutMetricAlarm", **{**ALARM, "AlarmName": name})
    return aws


def put(aws: Aws, name: str, rule: str, **more: Any) -> None:
    aws("cloudwatch", "PutCompositeAlarm", AlarmName=name, AlarmRule=rule, **more)


def composite(aws: Aws, name: str) -> dict[str, Any]:
    [found] = aws("cloudwatch", "DescribeAlarms", AlarmTypes=["CompositeAlarm"], AlarmNames=[name])["CompositeAlarms"]
    return dict(found)


def row(aws: Aws, name: str) -> CompositeAlarm:
    found = aws.store.get(CompositeAlarm, name)
    assert found is not None
    return found


def names(answer: dict[str, Any]) -> list[str]:
    return [alarm["AlarmName"] for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])]


def test_a_new_one_is_unchecked_and_is_told_as_it_was_given(children: Aws) -> None:
    rule = f'ALARM("{PREFIX}a") OR ALARM(b)'
    given = {**SUPPRESSED, "AlarmDescription": "d", "AlarmActions": [TOPIC], "ActionsEnabled": False}
    put(children, "both", rule, **given)
    found = composite(children, "both")
    assert {**given, "AlarmRule": rule, "StateValue": "INSUFFICIENT_DATA"}.items() <= found.items()
    assert "ActionsSuppressedBy" not in found
    assert row(children, "both").seen is None, "the rule is to be looked at"


def test_putting_one_again_keeps_its_state_and_looks_at_the_rule(children: Aws) -> None:
    put(children, "both", "ALARM(a)")
    children("cloudwatch", "SetAlarmState", AlarmName="both", StateValue="OK", StateReason="drill")
    put(children, "both", "ALARM(b)")
    found = composite(children, "both")
    assert (found["StateValue"], found["StateReason"], found["AlarmRule"]) == ("OK", "drill", "ALARM(b)")
    assert row(children, "both").seen is None


@pytest.mark.parametrize(("suppressor", "held_back"), [("a", "WaitPeriod"), ("b", "")])
def test_another_suppressor_ends_the_wait(children: Aws, suppressor: str, held_back: str) -> None:
    """cw:Create_Composite_Alarm_Suppression, the tip."""
    put(children, "both", "ALARM(b)", **SUPPRESSED)
    children.store.put(
        CompositeAlarm(
            "both",
            f"{PREFIX}both",
            "",
            "ALARM(b)",
            NOW,
            suppressor="a",
            wait_period=60,
            extension_period=120,
            suppressed_by="WaitPeriod",
            suppressed_until=NOW + 60,
        )
    )
    put(children, "both", "ALARM(b)", **{**SUPPRESSED, "ActionsSuppressor": suppressor})
    assert composite(children, "both").get("ActionsSuppressedBy", "") == held_back


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"AlarmRule": "ALARM(a) OR ALARM(x) OR OK(y)"},
     "Could not save the composite alarm as alarms [x, y] in the alarm rule do not exist"),
    ({"AlarmRule": " ALARM(a)"}, "AlarmRule must not contain leading or trailing whitespace or be null"),
    ({"AlarmRule": "ALARM(a) ALARM(b)"}, "AlarmRule is not valid, position 10: found ALARM; expected AND, OR or the end"),
    ({"AlarmRule": f"ALARM(a) AND {'TRUE AND ' * 1200}TRUE"}, "AlarmRule must be from 1 to 10240"),
    ({"AlarmRule": " OR ".join(f"ALARM(a{n})" for n in range(101))}, "at most 100"),
    ({"AlarmRule": "ALARM(new)"}, "depend on itself: new → new"),
    ({"AlarmName": "a"}, "exists and is a MetricAlarm"),
    ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "A composite alarm cannot have an EC2 action"),
    ({"OKActions": [TOPIC] * 6}, "more than five"),
    ({"ActionsSuppressor": "a"}, "ActionsSuppressorWaitPeriod is required"),
    ({**SUPPRESSED, "ActionsSuppressorExtensionPeriod": -1}, "ActionsSuppressorExtensionPeriod is required"),
    ({"ActionsSuppressorWaitPeriod": 60}, "need an ActionsSuppressor"),
    ({**SUPPRESSED, "ActionsSuppressor": "none"}, "The alarm none (ActionsSuppressor) does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "said"), REFUSED)
def test_what_is_refused_and_why(children: Aws, members: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError) as caught:
        children("cloudwatch", "PutCompositeAlarm", **{"AlarmName": "new", "AlarmRule": "ALARM(a)", **members})
    assert caught.value.code == "ValidationError"
    assert said in caught.value.message
    assert children.store.all(CompositeAlarm) == []


def test_scaling_policies_are_for_metric_alarms(site: Site) -> None:
    """cw:alarm-combining: SNS, Lambda and Systems Manager only."""
    code = site.aws.refusal(
        "cloudwatch", "PutCompositeAlarm", AlarmName="x", AlarmRule="TRUE", AlarmActions=[site.policy]
    )
    assert code == "ValidationError"


def test_a_circle_is_refused_with_its_way(children: Aws) -> None:
    put(children, "one", "ALARM(a)")
    put(children, "two", "ALARM(one)")
    put(children, "three", "OK(two)")
    with pytest.raises(LabError) as caught:
        put(children, "one", "ALARM(three)")
    assert "one → three → two → one" in caught.value.message


def test_a_metric_alarm_does_not_take_a_composite_ones_name(children: Aws) -> None:
    put(children, "both", "ALARM(a)")
    assert children.refusal("cloudwatch", "PutMetricAlarm", **{**ALARM, "AlarmName": "both"}) == "ValidationError"


def test_children_and_parents(children: Aws) -> None:
    """bc:cloudwatch.DescribeAlarms: only so much is told of relatives."""
    put(children, "both", "ALARM(a) OR ALARM(b)")
    put(children, "all", f"OK({PREFIX}both) AND ALARM(b)")
    told = children("cloudwatch", "DescribeAlarms", ChildrenOfAlarmName="all")
    assert names(told) == ["b", "both"]
    assert set(told["MetricAlarms"][0]) == {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}
    told = children("cloudwatch", "DescribeAlarms", ParentsOfAlarmName="b")
    assert names(told) == ["all", "both"]
    assert set(told["CompositeAlarms"][0]) == {"AlarmName", "AlarmArn"}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"ChildrenOfAlarmName": "a"}, "ValidationError"),
        ({"ChildrenOfAlarmName": "none"}, "ResourceNotFound"),
        ({"ParentsOfAlarmName": "a", "StateValue": "OK"}, "ValidationError"),
        ({"ParentsOfAlarmName": "a", "ChildrenOfAlarmName": "a"}, "ValidationError"),
    ],
)
def test_relatives_that_cannot_be_told(children: Aws, members: dict[str, Any], code: str) -> None:
    assert children.refusal("cloudwatch", "DescribeAlarms", **members) == code


def test_what_a_composite_alarm_depends_on_is_not_deleted(children: Aws) -> None:
    put(children, "both", "ALARM(a)", **{**SUPPRESSED, "ActionsSuppressor": "b"})
    for child in ("a", "b"):
        with pytest.raises(LabError) as caught:
            children("cloudwatch", "DeleteAlarms", AlarmNames=[child])
        assert caught.value.code == "ValidationError"
        assert caught.value.message == f"Cannot delete {child} as there are composite alarm(s) depending on it."
    children("cloudwatch", "DeleteAlarms", AlarmNames=["both", "a"])
    assert names(children("cloudwatch", "DescribeAlarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])) == ["b"]


def test_one_composite_alarm_is_deleted_at_a_time(children: Aws) -> None:
    """bc:cloudwatch.DeleteAlarms."""
    for name in ("one", "two"):
        put(children, name, "ALARM(a)")
    assert children.refusal("cloudwatch", "DeleteAlarms", AlarmNames=["one", "two"]) == "ValidationError"


def test_an_alarm_has_at_most_150_parents(children: Aws) -> None:
    for number in range(150):
        put(children, f"parent-{number}", "ALARM(a)")
    put(children, "parent-7", "ALARM(a) OR ALARM(b)")
    code = children.refusal("cloudwatch", "PutCompositeAlarm", AlarmName="one-more", AlarmRule="ALARM(a)")
    assert code == "LimitExceeded"


def test_tags_and_actions_of_composite_alarms(children: Aws) -> None:
    put(children, "both", "ALARM(a)", Tags=[{"Key": "k", "Value": "v"}])
    found = children("cloudwatch", "ListTagsForResource", ResourceARN=f"{PREFIX}both")
    assert found["Tags"] == [{"Key": "k", "Value": "v"}]
    children("cloudwatch", "DisableAlarmActions", AlarmNames=["both"])
    assert composite(children, "both")["ActionsEnabled"] is False
