"""Instance refreshes in a whole lab: who is replaced, in which pace, and how a refresh ends (asg:instance-refresh-overview)."""

from typing import Any

import pytest

from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import IN_SERVICE, Member
from lab.core.autoscaling.refreshes import InstanceRefresh
from lab.core.ec2.model import LaunchTemplate
from tests.control.lab import Lab

WARMUP = 60.0


def scale(lab: Lab, desired: int) -> None:
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=desired, MaxSize=20,
             DesiredCapacity=desired, DefaultInstanceWarmup=int(WARMUP))  # fmt: skip


async def of(lab: Lab, size: int) -> Lab:
    """A group of this size, all of it warmed up, whose launch template has a second version that is not in force."""
    [template] = lab.store.all(LaunchTemplate)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name,
             LaunchTemplate={"LaunchTemplateId": template.key, "Version": "1"})  # fmt: skip
    lab.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template.key, SourceVersion="1",
             LaunchTemplateData={"InstanceType": "t3.small"})  # fmt: skip
    scale(lab, size)
    await lab.until(lambda: len(lab.members) == size and lab.settled())
    await lab.run(WARMUP + 30)
    return lab


def start(lab: Lab, **preferences: Any) -> str:
    [template] = lab.store.all(LaunchTemplate)
    wanted: Any = {"DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": template.key, "Version": "2"}}}
    made = lab.call("autoscaling", "StartInstanceRefresh", AutoScalingGroupName=lab.group.name, Preferences=preferences,
                    **wanted)  # fmt: skip
    return str(made["InstanceRefreshId"])


def described(lab: Lab) -> dict[str, Any]:
    found = lab.call("autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName=lab.group.name)
    first: dict[str, Any] = found["InstanceRefreshes"][0]
    return first


def status(lab: Lab) -> str:
    return str(described(lab)["Status"])


def serving(lab: Lab) -> int:
    """Members in service on instances that run and that their nodes call healthy."""
    return sum(
        1
        for member in lab.store.all(Member)
        if member.state == IN_SERVICE
        and lab.state(member.instance_id) == "running"
        and lab.health.get(member.instance_id, "healthy") == "healthy"
    )


def versions(lab: Lab) -> list[int]:
    """Of the members that are held against the desired capacity."""
    return sorted(member.launch_template_version for member in lab.store.all(Member) if is_capacity(member))


async def ends(lab: Lab, seconds: float = 7200.0) -> int:
    """Run until the refresh has ended; the lowest number of members that served meanwhile."""
    low = serving(lab)
    limit = lab.clock.now() + seconds
    while described(lab).get("EndTime") is None:
        assert lab.clock.now() < limit, described(lab)
        await lab.tick()
        low = min(low, serving(lab))
    return low


async def test_all_are_replaced_and_the_group_keeps_the_new_configuration(lab: Lab) -> None:
    await of(lab, 4)
    before = lab.members
    start(lab, MinHealthyPercentage=50)
    assert status(lab) == "Pending"
    low = await ends(lab)
    assert status(lab) == "Successful"
    assert described(lab)["PercentageComplete"] == 100
    assert described(lab)["InstancesToUpdate"] == 0
    assert low == 2
    assert not set(before) & set(lab.members)
    assert versions(lab) == [2, 2, 2, 2]
    assert lab.group.launch_template_version == "2"
    terminations = [one for one in lab.activities("Terminating") if one.description.split(": ")[1] in before]
    assert all("in response to an instance refresh.  At " in one.cause for one in terminations)
    assert all("was selected for termination." in one.cause for one in terminations)
    causes = [one.cause.split("Z ")[1] for one in lab.launches()[-4:]]
    assert causes == ["an instance was launched in response to an instance refresh."] * 4


async def test_in_the_middle_it_says_what_it_waits_for(lab: Lab) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=75)
    await lab.until(lambda: "is warming up" in described(lab).get("StatusReason", ""))
    reason = described(lab)["StatusReason"]
    [new] = [one for one in lab.members if one in reason]
    assert reason == f"Waiting for instances to warm up before continuing. For example: {new} is warming up."
    assert (described(lab)["PercentageComplete"], described(lab)["InstancesToUpdate"]) == (0, 3)
    await lab.until(lambda: described(lab)["PercentageComplete"] == 25)
    assert described(lab)["InstancesToUpdate"] in (2, 3)


@pytest.mark.parametrize(("minimum", "maximum"), [(100, None), (100, 100), (100, 150), (90, 120)])
async def test_launch_before_terminate(lab: Lab, minimum: int, maximum: int | None) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=minimum, **({} if maximum is None else {"MaxHealthyPercentage": maximum}))
    assert await ends(lab) >= 4 * minimum / 100
    assert status(lab) == "Successful"
    assert versions(lab) == [2, 2, 2, 2]


async def test_a_group_of_one_is_out_of_service_unless_told_otherwise(lab: Lab) -> None:
    """asg:asg-instance-refresh: "an instance refresh can result in an outage"."""
    await of(lab, 1)
    start(lab)
    assert await ends(lab) == 0
    start(lab, MinHealthyPercentage=100)
    assert await ends(lab) == 1


async def test_what_matches_is_skipped(lab: Lab) -> None:
    await of(lab, 4)
    before = set(lab.members)
    start(lab, MinHealthyPercentage=50, CheckpointPercentages=[50])
    await ends(lab)
    assert versions(lab) == [1, 1, 2, 2]
    kept = {member.instance_id for member in lab.store.all(Member) if member.launch_template_version == 2}
    start(lab, MinHealthyPercentage=50, SkipMatching=True)
    await ends(lab)
    assert versions(lab) == [2, 2, 2, 2]
    assert kept <= set(lab.members)
    assert not before & set(lab.members)
    launched = len(lab.launches())
    start(lab, SkipMatching=True)
    await lab.tick()
    assert status(lab) == "Successful"
    await lab.run(120)
    assert len(lab.launches()) == launched


async def test_what_is_launched_meanwhile_has_the_new_configuration_and_stays(lab: Lab) -> None:
    await of(lab, 2)
    start(lab, MinHealthyPercentage=50)
    await lab.tick()
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=4)
    await lab.tick()
    new = {member.instance_id for member in lab.store.all(Member) if member.launch_template_version == 2}
    assert len(new) >= 2
    await ends(lab)
    assert versions(lab) == [2, 2, 2, 2]
    assert new <= set(lab.members)


async def test_the_template_cannot_be_changed_meanwhile(lab: Lab) -> None:
    await of(lab, 2)
    start(lab)
    with pytest.raises(Exception, match="An active instance refresh with a desired configuration exists"):
        lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name,
                 LaunchTemplate={"LaunchTemplateName": "none", "Version": "1"})  # fmt: skip


async def test_checkpoints_are_reached_and_waited_at(lab: Lab) -> None:
    """asg:asg-adding-checkpoints-instance-refresh, on four: 25 % is one, 50 % two."""
    await of(lab, 4)
    start(lab, MinHealthyPercentage=50, CheckpointPercentages=[25, 50, 100], CheckpointDelay=600)
    await lab.until(lambda: described(lab)["PercentageComplete"] == 25)
    await lab.run(400)
    assert versions(lab) == [1, 1, 1, 2]
    assert described(lab)["StatusReason"] == "Waiting for 600 seconds after the checkpoint at 25 percent."
    await lab.until(lambda: described(lab)["PercentageComplete"] == 50)
    await lab.run(400)
    assert versions(lab) == [1, 1, 2, 2]
    await ends(lab)
    assert versions(lab) == [2, 2, 2, 2]
    [row] = lab.store.all(InstanceRefresh)
    assert row.end_time is not None
    assert row.start_time is not None
    assert row.end_time - row.start_time > 2 * 600 + 3 * WARMUP


async def test_baking_comes_last(lab: Lab) -> None:
    await of(lab, 2)
    start(lab, MinHealthyPercentage=50, BakeTime=900)
    await lab.until(lambda: status(lab) == "Baking")
    assert versions(lab) == [2, 2]
    assert lab.group.launch_template_version == "1"
    await lab.run(800)
    assert status(lab) == "Baking"
    await lab.until(lambda: status(lab) == "Successful", 200)
    assert lab.group.launch_template_version == "2"


async def test_a_cancelled_refresh_ends_what_it_has_begun(lab: Lab) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=75)
    await lab.tick()
    lab.call("autoscaling", "CancelInstanceRefresh", AutoScalingGroupName=lab.group.name)
    assert status(lab) == "Cancelling"
    await lab.until(lambda: status(lab) == "Cancelled")
    await lab.run(300)
    assert versions(lab) == [1, 1, 1, 2]
    assert lab.group.launch_template_version == "1"


async def test_a_refresh_that_is_rolled_back_leaves_the_group_as_it_was(lab: Lab) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=50)
    await lab.until(lambda: described(lab)["PercentageComplete"] == 50)
    untouched = {member.instance_id for member in lab.store.all(Member) if member.launch_template_version == 1}
    lab.call("autoscaling", "RollbackInstanceRefresh", AutoScalingGroupName=lab.group.name)
    assert status(lab) == "RollbackInProgress"
    assert described(lab)["RollbackDetails"]["PercentageCompleteOnRollback"] == 50
    assert await ends(lab) >= 2
    assert status(lab) == "RollbackSuccessful"
    assert described(lab)["PercentageComplete"] == 0
    assert versions(lab) == [1, 1, 1, 1]
    assert untouched <= set(lab.members) | {one.description.split(": ")[1] for one in lab.activities("Terminating")}
    assert lab.group.launch_template_version == "1"


def sicken(lab: Lab) -> None:
    """Whatever has version 2 never answers."""
    for member in lab.store.all(Member):
        if member.launch_template_version == 2:
            lab.health[member.instance_id] = "unhealthy"


async def test_a_deployment_that_never_gets_healthy_is_rolled_back(lab: Lab) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=75, AutoRollback=True)
    began = lab.clock.now()
    low = 4
    while described(lab).get("EndTime") is None:
        assert lab.clock.now() - began < 8000, described(lab)
        await lab.tick()
        sicken(lab)
        low = min(low, serving(lab))
    assert status(lab) == "RollbackSuccessful"
    assert low == 3, "one was tried, the others were left alone"
    assert versions(lab) == [1, 1, 1, 1]
    assert described(lab)["RollbackDetails"]["RollbackReason"].startswith(
        "Automatic rollback: No progress within an hour."
    )
    assert "does not pass the health check" in described(lab)["RollbackDetails"]["RollbackReason"]


async def test_without_auto_rollback_it_fails_and_stays(lab: Lab) -> None:
    await of(lab, 4)
    start(lab, MinHealthyPercentage=75)
    began = lab.clock.now()
    while described(lab).get("EndTime") is None:
        assert lab.clock.now() - began < 8000, described(lab)
        await lab.tick()
        sicken(lab)
    assert status(lab) == "Failed"
    assert lab.group.launch_template_version == "1"
    assert versions(lab).count(1) >= 3


async def test_protected_members_are_waited_for_ignored_or_replaced(lab: Lab) -> None:
    await of(lab, 2)
    name, protected = lab.group.name, lab.members[0]
    lab.call("autoscaling", "SetInstanceProtection", AutoScalingGroupName=name, InstanceIds=[protected],
             ProtectedFromScaleIn=True)  # fmt: skip
    start(lab, MinHealthyPercentage=0)
    await ends(lab)
    assert status(lab) == "Failed"
    assert f"{protected} is protected from scale in" in described(lab)["StatusReason"]
    assert protected in lab.members
    start(lab, MinHealthyPercentage=0, ScaleInProtectedInstances="Ignore")
    await ends(lab)
    assert status(lab) == "Successful"
    assert protected in lab.members
    start(lab, MinHealthyPercentage=0, ScaleInProtectedInstances="Refresh")
    await ends(lab)
    assert status(lab) == "Successful"
    assert protected not in lab.members


async def test_a_suspended_refresh_pauses_and_does_not_fail(lab: Lab) -> None:
    await of(lab, 2)
    lab.call(
        "autoscaling", "SuspendProcesses", AutoScalingGroupName=lab.group.name, ScalingProcesses=["InstanceRefresh"]
    )
    start(lab)
    await lab.run(5000)
    assert status(lab) == "InProgress"
    assert described(lab)["StatusReason"] == "The process InstanceRefresh is suspended."
    assert versions(lab) == [1, 1]
    lab.call("autoscaling", "ResumeProcesses", AutoScalingGroupName=lab.group.name)
    await ends(lab)
    assert versions(lab) == [2, 2]


def watch(lab: Lab, state: str) -> None:
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="errors", Namespace="Test", MetricName="Errors", Statistic="Sum",
             Period=60, EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
             TreatMissingData="ignore")  # fmt: skip
    lab.call("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue=state, StateReason="drill")


async def test_an_alarm_fails_a_refresh_or_rolls_it_back(lab: Lab) -> None:
    await of(lab, 4)
    watch(lab, "OK")
    start(lab, MinHealthyPercentage=75, AlarmSpecification={"Alarms": ["errors"]})
    await lab.until(lambda: 2 in versions(lab))
    watch(lab, "ALARM")
    await lab.tick()
    assert (status(lab), described(lab)["StatusReason"]) == (
        "Failed", "The CloudWatch alarm errors went into the ALARM state.",
    )  # fmt: skip
    watch(lab, "OK")
    start(lab, MinHealthyPercentage=75, AutoRollback=True, AlarmSpecification={"Alarms": ["errors"]})
    await lab.until(lambda: versions(lab).count(2) > 1)
    watch(lab, "ALARM")
    await ends(lab)
    assert status(lab) == "RollbackSuccessful"


async def test_a_silent_alarm_holds_replacing_back(lab: Lab) -> None:
    await of(lab, 2)
    watch(lab, "OK")
    start(lab, MinHealthyPercentage=50, AlarmSpecification={"Alarms": ["errors"]})
    watch(lab, "INSUFFICIENT_DATA")
    await lab.run(600)
    assert versions(lab) == [1, 1]
    assert described(lab)["StatusReason"] == "Waiting for the CloudWatch alarm errors to have data."
    watch(lab, "OK")
    await ends(lab)
    assert status(lab) == "Successful"


async def test_members_in_standby_are_waited_for_ignored_or_terminated(lab: Lab) -> None:
    await of(lab, 3)
    resting = lab.members[0]

    def stand_by() -> None:
        lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=2)
        lab.call("autoscaling", "EnterStandby", AutoScalingGroupName=lab.group.name, InstanceIds=[resting],
                 ShouldDecrementDesiredCapacity=True)  # fmt: skip

    stand_by()
    await lab.run(60)
    start(lab, MinHealthyPercentage=50)
    await lab.until(lambda: f"{resting} is in Standby" in described(lab).get("StatusReason", ""))
    lab.call("autoscaling", "ExitStandby", AutoScalingGroupName=lab.group.name, InstanceIds=[resting])
    await ends(lab)
    assert status(lab) == "Successful"
    assert resting not in lab.members
    resting = lab.members[0]
    stand_by()
    await lab.run(60)
    start(lab, MinHealthyPercentage=50, StandbyInstances="Ignore")
    await ends(lab)
    assert status(lab) == "Successful"
    assert resting in lab.members
    start(lab, MinHealthyPercentage=50, StandbyInstances="Terminate")
    await ends(lab)
    assert status(lab) == "Successful"
    await lab.until(lambda: resting not in lab.members)
    await lab.until(lab.settled)


async def test_a_refresh_waits_for_the_hooks_of_its_launches(lab: Lab) -> None:
    await of(lab, 2)
    lab.call("autoscaling", "PutLifecycleHook", LifecycleHookName="boot", AutoScalingGroupName=lab.group.name,
             LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING")  # fmt: skip
    start(lab, MinHealthyPercentage=50)
    await lab.run(300)
    [coming] = [member for member in lab.store.all(Member) if member.state == "Pending:Wait"]
    assert versions(lab) == [1, 2]
    for _ in range(2):
        await lab.until(lambda: [member for member in lab.store.all(Member) if member.state == "Pending:Wait"])
        [coming] = [member for member in lab.store.all(Member) if member.state == "Pending:Wait"]
        lab.call("autoscaling", "CompleteLifecycleAction", LifecycleHookName="boot", AutoScalingGroupName=lab.group.name,
                 InstanceId=coming.instance_id, LifecycleActionResult="CONTINUE")  # fmt: skip
        await lab.tick()
    await ends(lab)
    assert status(lab) == "Successful"
