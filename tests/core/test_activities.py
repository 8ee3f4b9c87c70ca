"""Members and their activities: each row of the table in `activities` (aws-facts §3.9)."""

import json

import pytest

from lab.core.autoscaling import activities, causes
from lab.core.autoscaling.model import Activity, Member
from lab.core.autoscaling.steps import BeginTermination, Kind, LaunchFailed
from tests.core.rows import NOW, A, group, member

PLACE = ("subnet-a", A)
DETAILS = '{"Subnet ID":"subnet-a","Availability Zone":"us-east-1a"}'

SCALE_IN = BeginTermination("i-1", "because")


def launched() -> tuple[Member, Activity]:
    one = member("1", state="Pending", in_service_at=None, activity_id="activity")
    return one, activities.launched(one, group(), "subnet-a", "because", NOW)


def test_launched() -> None:
    _, activity = launched()
    assert (activity.activity_id, activity.cause) == ("activity", "because")
    assert (activity.status_code, activity.progress, activity.end_time) == ("PreInService", 30, None)
    assert activity.description == "Launching a new EC2 instance: i-1"
    assert activity.details == DETAILS
    assert json.loads(activity.details)["Subnet ID"] == "subnet-a"


def test_in_service() -> None:
    one, activity = activities.entered_service(*launched(), NOW + 9)
    assert (one.state, one.in_service_at) == ("InService", NOW + 9)
    assert (activity.status_code, activity.progress, activity.end_time) == ("Successful", 100, NOW + 9)


def test_launch_failed() -> None:
    activity = activities.launch_failed(launched()[1], LaunchFailed("i-1", "there is no image 'app'."), NOW + 9)
    assert (activity.status_code, activity.progress, activity.end_time) == ("Failed", 100, NOW + 9)
    assert activity.status_message == "there is no image 'app'. Launching EC2 instance failed."
    assert activity.description == (
        "Launching a new EC2 instance: i-1.  Status Reason: there is no image 'app'. Launching EC2 instance failed."
    )


def test_launch_refused() -> None:
    activity = activities.launch_refused(group(), PLACE, "because", "The key pair 'X' does not exist", "a", NOW)
    assert (activity.status_code, activity.progress, activity.end_time) == ("Failed", 100, NOW)
    assert activity.description == (
        "Launching a new EC2 instance.  Status Reason: The key pair 'X' does not exist. Launching EC2 instance failed."
    )


def test_a_status_message_has_at_most_255_characters() -> None:
    assert len(activities.launch_failed(launched()[1], LaunchFailed("i-1", "x" * 999), NOW).status_message) == 255


def test_launch_given_up() -> None:
    activity = activities.launch_given_up(launched()[1], NOW + 9)
    assert (activity.status_code, activity.progress, activity.end_time) == ("Cancelled", 100, NOW + 9)


@pytest.mark.parametrize(
    ("arns", "status"), [(("arn:tg",), "WaitingForELBConnectionDraining"), ((), "InProgress")]
)  # fmt: skip
def test_to_be_terminated(arns: tuple[str, ...], status: str) -> None:
    one, activity = activities.terminating(member("1"), group(target_group_arns=arns), SCALE_IN, "a2", NOW)
    assert (one.state, one.activity_id, one.health) == ("Terminating", "a2", "Healthy")
    assert (activity.status_code, activity.progress) == (status, 20)
    assert activity.description == "Terminating EC2 instance: i-1"
    assert activity.details == DETAILS


def test_a_member_whose_successor_is_owed_is_unhealthy_and_says_why() -> None:
    step = BeginTermination("i-1", "because", Kind.UNHEALTHY, owed=True)
    one, _ = activities.terminating(member("1"), group(), step, "a2", NOW)
    assert (one.replaced, one.health, one.unhealthy_cause) == (False, "Unhealthy", "because")


def test_drained_and_terminated() -> None:
    _, activity = activities.terminating(member("1"), group(), SCALE_IN, "a2", NOW)
    drained = activities.drained(activity)
    assert (drained.status_code, drained.progress, drained.end_time) == ("InProgress", 50, None)
    ended = activities.terminated(drained, NOW + 9)
    assert (ended.status_code, ended.progress, ended.end_time) == ("Successful", 100, NOW + 9)


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [  # aws-facts §3.9
        (causes.group_created(0, 1), "a user request created an AutoScalingGroup changing the desired capacity from 0 to 1."),
        (causes.group_updated(0, 1, 5, 0, 3),
         "a user request update of AutoScalingGroup constraints to min: 1, max: 5, desired: 3 "
         "changing the desired capacity from 0 to 3."),
        (causes.desired_set(0, 1, 2),
         "a user request explicitly set group desired capacity changing the desired capacity from 1 to 2."),
        (causes.alarm_triggered(0, "high", "ALARM", "cpu", 3, 2),
         "a monitor alarm high in state ALARM triggered policy cpu changing the desired capacity from 3 to 2."),
        (causes.selected(0, "i-1"), "instance i-1 was selected for termination."),
        (causes.user_terminated(0, "i-1", 2, 1),
         "instance i-1 was taken out of service in response to a user request, shrinking the capacity from 2 to 1."),
        (causes.user_terminated(0, "i-1", 2, 2),
         "instance i-1 was taken out of service in response to a user request."),
    ],
)  # fmt: skip
def test_sentences_are_awss(sentence: str, wanted: str) -> None:
    assert sentence == f"At 1970-01-01T00:00:00Z {wanted}"
