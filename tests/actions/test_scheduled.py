"""Scheduled actions: put, described, refused in AWS's words, deleted (aws-facts §4.4)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.core.autoscaling.scheduled import ScheduledAction
from lab.core.errors import LabError
from tests.actions.conftest import Site

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
"""tests.actions.aws.NOW"""
LATER, LATEST = datetime(2023, 11, 15, 8, tzinfo=UTC), datetime(2023, 12, 24, tzinfo=UTC)
PAST = datetime(2023, 11, 14, 22, tzinfo=UTC)


def put(site: Site, name: str = "morning", **members: Any) -> None:
    site.aws("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName="web", ScheduledActionName=name,
             **members)  # fmt: skip


def described(site: Site, **members: Any) -> list[dict[str, Any]]:
    found = site.aws("autoscaling", "DescribeScheduledActions", **members)["ScheduledUpdateGroupActions"]
    return [dict(one) for one in found]


def test_an_action_that_runs_once(site: Site) -> None:
    put(site, StartTime=LATER, DesiredCapacity=3, MaxSize=9)
    [action] = described(site)
    arn = action.pop("ScheduledActionARN")
    assert arn.startswith("arn:aws:autoscaling:us-east-1:123456789012:scheduledUpdateGroupAction:")
    assert arn.endswith(":autoScalingGroupName/web:scheduledActionName/morning")
    assert action == {
        "AutoScalingGroupName": "web", "ScheduledActionName": "morning", "StartTime": LATER, "Time": LATER,
        "DesiredCapacity": 3, "MaxSize": 9,
    }  # fmt: skip


def test_a_recurring_action_shows_when_it_runs_next(site: Site) -> None:
    """asg:ec2-auto-scaling-scheduled-scaling, "Describe scheduled actions"."""
    put(site, Recurrence="30 0 1 1,6,12 *", MinSize=1, EndTime=LATEST, TimeZone="Europe/Berlin")
    [action] = described(site)
    assert action["StartTime"] == action["Time"] == datetime(2023, 11, 30, 23, 30, tzinfo=UTC)
    assert (action["Recurrence"], action["TimeZone"], action["EndTime"]) == ("30 0 1 1,6,12 *", "Europe/Berlin", LATEST)


def test_a_start_time_is_the_first_run_of_a_recurrence(site: Site) -> None:
    put(site, Recurrence="0 9 * * *", StartTime=LATER, MinSize=1)
    assert described(site)[0]["StartTime"] == LATER


@pytest.mark.parametrize(
    "start", [LATER.replace(tzinfo=None), "2023-11-15T08:00:00Z", "2023-11-15T09:00:00+01:00", LATER.timestamp()]
)
def test_a_time_in_any_form(site: Site, start: Any) -> None:
    """Without a zone it is UTC's."""
    put(site, StartTime=start, MinSize=1)
    assert described(site)[0]["StartTime"] == LATER


def test_the_same_name_replaces_an_action(site: Site) -> None:
    put(site, StartTime=LATER, MinSize=1)
    before = described(site)[0]["ScheduledActionARN"]
    put(site, Recurrence="0 9 * * *", MaxSize=3)
    [action] = described(site)
    assert (action["ScheduledActionARN"], action.get("MinSize"), action["MaxSize"]) == (before, None, 3)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["early", "late"]),
        ({"AutoScalingGroupName": "web"}, ["early", "late"]),
        ({"AutoScalingGroupName": "none"}, []),
        ({"ScheduledActionNames": ["late", "none"]}, ["late"]),
        ({"StartTime": LATEST}, ["late"]),
        ({"EndTime": LATER}, ["early"]),
    ],
)
def test_they_are_described_by_time(site: Site, asked: dict[str, Any], names: list[str]) -> None:
    put(site, "late", StartTime=LATEST, MinSize=1)
    put(site, "early", StartTime=LATER, MinSize=1)
    assert [one["ScheduledActionName"] for one in described(site, **asked)] == names


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"StartTime": LATER}, "At least one of max size, min size, or desired capacity must be specified"),
        ({"MinSize": 1}, "Scheduled start time must be specified for non-recurrent future group action"),
        ({"MinSize": 1, "EndTime": LATER}, "Scheduled start time must be specified for non-recurrent future group action"),
        ({"MinSize": 1, "StartTime": PAST}, "Given start time is in the past"),
        ({"MinSize": 1, "Recurrence": "0 9 * * *", "EndTime": PAST}, "Given end time is in the past"),
        ({"MinSize": 1, "StartTime": LATEST, "EndTime": LATER}, "Given end time must be after start time"),
        ({"MinSize": 1, "Recurrence": "cron(0 9 * * ? *)"}, "Given recurrence string: cron(0 9 * * ? *) is invalid"),
        ({"MinSize": 1, "Recurrence": "0 9 * * *", "TimeZone": "CEST"},
         "Time zone specified does not conform to standardized time zones found in IANA Time Zone Database"),
        ({"MinSize": 1, "StartTime": LATER, "TimeZone": "Europe/Berlin"}, "TimeZone is for a Recurrence"),
        ({"MinSize": 1, "Recurrence": "0 9 1 1 *", "EndTime": LATEST}, "The recurrence does not come up before the end"),
        ({"MinSize": -1, "StartTime": LATER}, "Min size must be non-negative"),
        ({"DesiredCapacity": -1, "StartTime": LATER}, "Desired capacity must be non-negative"),
        ({"MinSize": 3, "MaxSize": 2, "StartTime": LATER}, "Min size must be less than or equal to max size"),
        ({"DesiredCapacity": 3, "MaxSize": 2, "StartTime": LATER},
         "Desired capacity must be less than or equal to max size"),
        ({"DesiredCapacity": 1, "MinSize": 2, "StartTime": LATER},
         "Desired capacity must be greater than or equal to min size"),
    ],
)  # fmt: skip
def test_messages(site: Site, members: dict[str, Any], message: str) -> None:
    """github.com/badmintoncryer/cdk-preflight"""
    with pytest.raises(LabError) as caught:
        put(site, **members)
    assert caught.value.message.startswith(message)
    assert site.aws.store.all(ScheduledAction) == []


def test_two_actions_cannot_start_at_the_same_time(site: Site) -> None:
    """asg:ec2-auto-scaling-scheduled-scaling, "Limitations"."""
    put(site, StartTime=LATER, MinSize=1)
    for members in ({"StartTime": LATER}, {"Recurrence": "0 8 * * *"}):
        assert site.aws.refusal("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName="web",
                                ScheduledActionName="other", MinSize=1, **members) == "AlreadyExists"  # fmt: skip
    put(site, StartTime=LATER, MinSize=2)


def test_a_group_has_125_scheduled_actions_at_most(site: Site) -> None:
    for minute in range(125):
        put(site, f"a{minute}", Recurrence=f"{minute % 60} {minute // 60} * * *", MinSize=1)
    assert site.aws.refusal("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName="web", MinSize=1,
                            ScheduledActionName="more", StartTime=LATER) == "LimitExceeded"  # fmt: skip


def test_a_batch_is_put_one_by_one(site: Site) -> None:
    actions = [
        {"ScheduledActionName": "good", "Recurrence": "0 9 * * *", "MinSize": 1},
        {"ScheduledActionName": "bad", "Recurrence": "0 9 * *", "MinSize": 1},
        {"ScheduledActionName": "same", "Recurrence": "0 9 * * *", "MinSize": 2},
    ]
    failed = site.aws("autoscaling", "BatchPutScheduledUpdateGroupAction", AutoScalingGroupName="web",
                      ScheduledUpdateGroupActions=actions)["FailedScheduledUpdateGroupActions"]  # fmt: skip
    assert [(one["ScheduledActionName"], one["ErrorCode"]) for one in failed] == [
        ("bad", "ValidationError"), ("same", "AlreadyExists"),
    ]  # fmt: skip
    assert [one["ScheduledActionName"] for one in described(site)] == ["good"]


def test_they_are_deleted_one_by_one_and_in_batches(site: Site) -> None:
    for hour, name in enumerate(("one", "two", "three")):
        put(site, name, Recurrence=f"0 {hour} * * *", MinSize=1)
    site.aws("autoscaling", "DeleteScheduledAction", AutoScalingGroupName="web", ScheduledActionName="one")
    failed = site.aws("autoscaling", "BatchDeleteScheduledAction", AutoScalingGroupName="web",
                      ScheduledActionNames=["two", "none"])["FailedScheduledActions"]  # fmt: skip
    assert [one["ScheduledActionName"] for one in failed] == ["none"]
    assert [one["ScheduledActionName"] for one in described(site)] == ["three"]
    assert site.aws.refusal("autoscaling", "DeleteScheduledAction", AutoScalingGroupName="web",
                            ScheduledActionName="one") == "ValidationError"  # fmt: skip
