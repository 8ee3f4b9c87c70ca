"""Instance refreshes as callers see them: defaults, checks, errors, one at a time (bc:autoscaling)."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.refreshes import InstanceRefresh
from tests.actions.conftest import Site


def numbered(site: Site) -> None:
    """The group uses the number of a version."""
    row = site.aws.store.get(AutoScalingGroup, site.group)
    assert row is not None
    site.aws.store.put(replace(row, launch_template_version="1"))


def desired(site: Site, **more: Any) -> dict[str, Any]:
    return {"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": site.template, "Version": "1"}, **more}}


def start(site: Site, **members: Any) -> str:
    return str(
        site.aws("autoscaling", "StartInstanceRefresh", AutoScalingGroupName=site.group, **members)["InstanceRefreshId"]
    )


def described(site: Site, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.aws(
        "autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName=site.group, **members
    )["InstanceRefreshes"]
    return found


def test_a_new_refresh_is_pending_with_awss_defaults(site: Site) -> None:
    name = start(site)
    [shown] = described(site)
    assert shown == {
        "InstanceRefreshId": name,
        "AutoScalingGroupName": site.group,
        "Strategy": "Rolling",
        "Status": "Pending",
        "PercentageComplete": 0,
        "InstancesToUpdate": 0,
        "Preferences": {
            "SkipMatching": False,
            "AutoRollback": False,
            "ScaleInProtectedInstances": "Wait",
            "StandbyInstances": "Wait",
            "BakeTime": 0,
        },
    }


def test_all_that_was_asked_for_is_shown(site: Site) -> None:
    numbered(site)
    preferences = {
        "MinHealthyPercentage": 50,
        "MaxHealthyPercentage": 150,
        "InstanceWarmup": 60,
        "CheckpointPercentages": [20, 100],
        "CheckpointDelay": 0,
        "SkipMatching": True,
        "AutoRollback": True,
        "ScaleInProtectedInstances": "Refresh",
        "StandbyInstances": "Terminate",
        "BakeTime": 30,
    }
    start(site, Preferences=preferences, **desired(site))
    [shown] = described(site)
    assert shown["Preferences"] == preferences
    assert shown["DesiredConfiguration"]["LaunchTemplate"] == {
        "LaunchTemplateId": site.template,
        "LaunchTemplateName": "web",
        "Version": "1",
    }


def test_one_at_a_time(site: Site) -> None:
    name = start(site)
    assert refused(site) == "InstanceRefreshInProgress"
    site.aws("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName=site.group)
    assert refused(site) == "InstanceRefreshInProgress"
    row = site.aws.store.get(InstanceRefresh, name)
    assert row is not None
    site.aws.store.put(replace(row, status="Cancelled"))
    start(site)


def refused(site: Site, action: str = "StartInstanceRefresh", **members: Any) -> str:
    return site.aws.refusal("autoscaling", action, AutoScalingGroupName=site.group, **members)


def test_the_active_one_comes_first_then_the_newest(site: Site) -> None:
    names = []
    for status in ("Successful", "Failed", "InProgress", "Cancelled"):
        names.append(start(site))
        row = site.aws.store.get(InstanceRefresh, names[-1])
        assert row is not None
        site.aws.store.put(replace(row, status="Cancelled" if status == "InProgress" else status))
        site.aws.now += 60
    row = site.aws.store.get(InstanceRefresh, names[2])
    assert row is not None
    site.aws.store.put(replace(row, status="InProgress"))
    assert [one["InstanceRefreshId"] for one in described(site)] == [names[2], names[3], names[1], names[0]]
    assert [one["InstanceRefreshId"] for one in described(site, InstanceRefreshIds=[names[0]])] == [names[0]]
    assert len(described(site, MaxRecords=2)) == 2


@pytest.mark.parametrize("action", ["CancelInstanceRefresh", "RollbackInstanceRefresh"])
def test_without_an_active_refresh_there_is_nothing_to_end(site: Site, action: str) -> None:
    assert refused(site, action) == "ActiveInstanceRefreshNotFound"


def test_only_what_can_be_undone_is_rolled_back(site: Site) -> None:
    start(site)
    assert refused(site, "RollbackInstanceRefresh") == "IrreversibleInstanceRefresh", "no desired configuration"
    site.aws("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName=site.group)
    assert refused(site, "RollbackInstanceRefresh") == "ActiveInstanceRefreshNotFound", "it is being cancelled"
    [row] = site.aws.store.all(InstanceRefresh)
    site.aws.store.put(replace(row, status="Cancelled"))
    start(site, **desired(site))
    assert refused(site, "RollbackInstanceRefresh") == "IrreversibleInstanceRefresh", "the group uses $Default"
    numbered(site)
    site.aws("autoscaling", "RollbackInstanceRefresh", AutoScalingGroupName=site.group)
    shown = described(site)[0]
    assert shown["Status"] == "RollbackInProgress"
    assert shown["RollbackDetails"]["PercentageCompleteOnRollback"] == 0
    assert refused(site, "RollbackInstanceRefresh") == "ActiveInstanceRefreshNotFound"
    site.aws("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName=site.group)
    assert described(site)[0]["Status"] == "Cancelling"


@pytest.mark.parametrize(
    "preferences",
    [
        {"MinHealthyPercentage": 101},
        {"MinHealthyPercentage": -1},
        {"MaxHealthyPercentage": 110},
        {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 99},
        {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 201},
        {"MinHealthyPercentage": 50, "MaxHealthyPercentage": 151},
        {"InstanceWarmup": -1},
        {"CheckpointPercentages": [0, 100]},
        {"CheckpointPercentages": [50, 101]},
        {"CheckpointPercentages": [50, 20]},
        {"CheckpointPercentages": [50, 50]},
        {"CheckpointDelay": 60},
        {"CheckpointPercentages": [50], "CheckpointDelay": 172801},
        {"BakeTime": 172801},
        {"ScaleInProtectedInstances": "Terminate"},
        {"StandbyInstances": "Refresh"},
        {"AutoRollback": True},
        {"AlarmSpecification": {"Alarms": ["none"]}},
        {"AlarmSpecification": {"Alarms": [f"alarm-{number}" for number in range(11)]}},
    ],
)
def test_preferences_that_cannot_be(site: Site, preferences: dict[str, Any]) -> None:
    assert refused(site, Preferences=preferences) == "ValidationError"


@pytest.mark.parametrize(("state", "starts"), [("OK", True), ("ALARM", False), ("INSUFFICIENT_DATA", False)])
def test_an_alarm_must_be_ok_at_the_start(site: Site, state: str, starts: bool) -> None:
    site.aws("cloudwatch", "PutMetricAlarm", AlarmName="errors", Namespace="Test", MetricName="Errors", Statistic="Sum",
             Period=60, EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold")  # fmt: skip
    site.aws("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue=state, StateReason="drill")
    preferences = {"AlarmSpecification": {"Alarms": ["errors"]}}
    if starts:
        start(site, Preferences=preferences)
        assert described(site)[0]["Preferences"]["AlarmSpecification"] == preferences["AlarmSpecification"]
    else:
        assert refused(site, Preferences=preferences) == "ValidationError"


def test_an_alarm_may_be_a_composite_one(site: Site) -> None:
    site.aws("cloudwatch", "PutCompositeAlarm", AlarmName="either", AlarmRule="FALSE")
    preferences = {"AlarmSpecification": {"Alarms": ["either"]}}
    site.aws("cloudwatch", "SetAlarmState", AlarmName="either", StateValue="ALARM", StateReason="drill")
    assert refused(site, Preferences=preferences) == "ValidationError"
    site.aws("cloudwatch", "SetAlarmState", AlarmName="either", StateValue="OK", StateReason="drill")
    start(site, Preferences=preferences)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Strategy": "ReplaceRootVolume"}, "UnsupportedOperation"),
        ({"DesiredConfiguration": {"MixedInstancesPolicy": {}}}, "UnsupportedOperation"),
        ({"DesiredConfiguration": {}}, "ValidationError"),
        ({"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": "lt-0"}}}, "InvalidLaunchTemplateId.NotFound"),
        ({"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateName": "web", "Version": "9"}}},
         "InvalidLaunchTemplateId.VersionNotFound"),
        ({"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateName": "web", "Version": "1"}},
          "Preferences": {"AutoRollback": True}}, "ValidationError"),
    ],
)  # fmt: skip
def test_what_cannot_be_started(site: Site, members: dict[str, Any], code: str) -> None:
    assert refused(site, **members) == code


def test_a_group_that_is_not_there(site: Site) -> None:
    for action in ("Start", "Cancel", "Rollback"):
        assert (
            site.aws.refusal("autoscaling", f"{action}InstanceRefresh", AutoScalingGroupName="none")
            == "ValidationError"
        )
    assert (
        site.aws.refusal("autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName="none") == "ValidationError"
    )


def test_a_deleted_groups_refreshes_are_gone(site: Site) -> None:
    start(site)
    site.aws("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=site.group, ForceDelete=True)
    assert site.aws.store.all(InstanceRefresh) == []
