"""Alarms change the desired capacity by the arithmetic; launches and terminations follow, each with one activity."""

import pytest

from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.cloudwatch.model import ALARM, AlarmHistory
from lab.core.elbv2.model import TargetGroup
from lab.core.errors import Refused, Unavailable
from tests.control.lab import Lab

WARM = 300
"""The default cooldown: how long an instance of the shipped stack warms up."""


async def warm(lab: Lab) -> None:
    await lab.run(WARM + 10)


async def test_busy_cpu_raises_an_alarm_and_the_capacity_by_the_arithmetic(lab: Lab) -> None:
    await warm(lab)
    lab.set_cpu(0.8)
    began = lab.clock.now()
    await lab.until(lambda: lab.group.desired_capacity > 2, 600)
    assert lab.clock.now() - began >= 120, "three periods of a minute must breach"
    assert lab.alarm("High").state == ALARM
    assert lab.alarm("High").state_reason.startswith("Threshold Crossed: 3 datapoints [80.0 (")
    assert lab.group.desired_capacity == 4  # ceil(2 × 80 / 50)
    await lab.until(lambda: len(lab.members) == 4)
    alarm, [policy] = lab.alarm("High").name, lab.store.all(ScalingPolicy)
    for number, activity in enumerate(lab.launches()[2:], 2):
        first, second = (sentence.partition("Z ")[2] for sentence in activity.cause.split("  "))
        assert first == (
            f"a monitor alarm {alarm} in state ALARM triggered policy {policy.name} "
            "changing the desired capacity from 2 to 4."
        )
        assert second.endswith(f"increasing the capacity from {number} to {number + 1}.")


async def test_a_decision_is_kept_with_its_arithmetic(lab: Lab) -> None:
    await warm(lab)
    lab.set_cpu(0.8)
    await lab.until(lambda: lab.group.desired_capacity > 2)
    [decision] = lab.store.all(Decision)
    assert (decision.current, decision.wanted, decision.desired) == (2, 4, 4)
    assert decision.reason == "2 warm instances × 80 / 50 = 3.20, rounded up to 4"


async def test_instances_that_warm_up_are_not_asked_for_twice(lab: Lab) -> None:
    await warm(lab)
    lab.set_cpu(0.8)
    await lab.until(lambda: lab.group.desired_capacity == 4)
    await lab.run(240)
    assert lab.group.desired_capacity == 4


async def test_a_lasting_alarm_goes_on_to_the_maximum_and_not_past_it(lab: Lab) -> None:
    await warm(lab)
    for _ in range(80):
        lab.set_cpu(1.0)
        await lab.run(30)
        assert lab.group.min_size <= lab.group.desired_capacity <= lab.group.max_size
    assert lab.group.desired_capacity == 6
    assert "capped to 6" in lab.store.all(Decision)[-1].why


async def test_idle_cpu_brings_the_group_back_to_its_minimum(lab: Lab) -> None:
    await warm(lab)
    lab.set_cpu(0.9)
    await lab.until(lambda: lab.group.desired_capacity == 4)
    await lab.until(lab.settled)
    lab.set_cpu(0.05)
    began = lab.clock.now()
    await lab.until(lambda: lab.group.desired_capacity < 4, 1800)
    assert lab.clock.now() - began >= 14 * 60, "fifteen periods of a minute must be below"
    assert lab.group.desired_capacity == 2
    await lab.until(lab.settled)
    shrinking = [one.cause.split("  ") for one in lab.activities("Terminating")]
    assert [causes[1].partition("capacity from ")[2] for causes in shrinking] == ["4 to 3.", "3 to 2."]
    for causes in shrinking:
        assert "triggered policy" in causes[0]
        assert causes[2].endswith("was selected for termination.")


async def test_each_change_of_capacity_has_exactly_one_activity(lab: Lab) -> None:
    for desired in (4, 3, 6, 2):
        lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=desired)
        await lab.until(lab.settled)
    await lab.run(60)
    assert len(lab.launches()) == len(set(lab.instances_launched())) == 2 + 2 + 3
    assert len(lab.activities("Terminating")) == 1 + 4
    assert {one.status_code for one in lab.activities()} == {"Successful"}


async def test_alarms_keep_a_history(lab: Lab) -> None:
    await warm(lab)
    lab.set_cpu(0.8)
    await lab.until(lambda: lab.alarm("High").state == ALARM)
    name = lab.alarm("High").name
    summaries = [row.summary for row in lab.store.all(AlarmHistory) if row.alarm_name == name]
    assert summaries[0] == f'Alarm "{name}" created'
    [policy] = lab.store.all(ScalingPolicy)
    assert summaries[-2:] == ["Alarm updated from OK to ALARM", f"Successfully executed action {policy.arn}"]


async def test_cpu_of_instances_that_warm_up_is_not_the_groups(lab: Lab) -> None:
    group = Metric("AWS/EC2", "CPUUtilization", dimensions({"AutoScalingGroupName": lab.group.name}))
    lab.set_cpu(1.0)
    await lab.run(200)
    assert group not in lab.metrics.metrics()
    await lab.run(240)
    assert group in lab.metrics.metrics()


async def test_a_disabled_policy_does_nothing(lab: Lab) -> None:
    [policy] = lab.store.all(ScalingPolicy)
    lab.call("autoscaling", "PutScalingPolicy", AutoScalingGroupName=policy.group, PolicyName=policy.name,
             PolicyType="TargetTrackingScaling", Enabled=False, TargetTrackingConfiguration={
                 "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                 "TargetValue": 50.0})  # fmt: skip
    await warm(lab)
    lab.set_cpu(1.0)
    await lab.until(lambda: lab.alarm("High").state == ALARM)
    await lab.run(300)
    assert lab.group.desired_capacity == 2


async def test_an_alarm_set_by_hand_acts_once_it_has_a_value(lab: Lab) -> None:
    """aws-facts §5.3: SetAlarmState lasts until the next evaluation; the actions of its state are invoked."""
    await warm(lab)
    lab.set_cpu(0.3)
    await lab.run(240)
    lab.call("cloudwatch", "SetAlarmState", AlarmName=lab.alarm("High").name, StateValue="ALARM", StateReason="drill")
    await lab.run(70)
    assert [decision.alarm for decision in lab.store.all(Decision)] == [lab.alarm("High").name]
    assert lab.alarm("High").state == "OK"
    assert lab.group.desired_capacity == 2


async def test_a_refused_launch_is_a_failed_activity_and_holds_the_next_one_back(lab: Lab) -> None:
    for _ in range(2):
        lab.compute.fail_next_launch(Refused("there is no image 'app'"))
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.until(lambda: lab.settled() and len(lab.members) == 3)
    starts = [activity.start_time for activity in lab.launches()[2:]]
    assert [one.status_code for one in lab.launches()[2:]] == ["Failed", "Failed", "Successful"]
    assert starts[1] - starts[0] >= 15
    assert starts[2] - starts[1] >= 30
    failed = lab.launches()[2]
    assert failed.status_message == "there is no image 'app'. Launching EC2 instance failed."
    assert failed.description.endswith(f".  Status Reason: {failed.status_message}")
    assert lab.group.launch_failures == 0, "a success ends the series"


async def test_a_launch_that_must_wait_is_not_a_failure(lab: Lab) -> None:
    lab.compute.fail_next_launch(Unavailable("the engine is busy"))
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.until(lambda: lab.settled() and len(lab.members) == 3)
    assert [one.status_code for one in lab.launches()] == ["Successful"] * 3


async def test_a_deleted_launch_template_fails_launches_and_nothing_else(lab: Lab) -> None:
    lab.call("ec2", "DeleteLaunchTemplate", LaunchTemplateId=lab.group.launch_template_id)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    await lab.run(60)
    failed = [one for one in lab.launches() if one.status_code == "Failed"]
    assert failed
    assert all("does not exist" in one.status_message for one in failed)
    assert all(one.cause.endswith("an unhealthy instance needing to be replaced.") for one in failed[:1])
    assert len(lab.members) == 1
    assert len(failed) <= 3, "launches are held back"


async def test_members_of_a_group_whose_target_group_is_gone_are_still_looked_after(lab: Lab) -> None:
    [target_group] = lab.store.all(TargetGroup)
    for listener in lab.call("elbv2", "DescribeListeners")["Listeners"]:
        lab.call("elbv2", "DeleteListener", ListenerArn=listener["ListenerArn"])
    lab.call("elbv2", "DeleteTargetGroup", TargetGroupArn=target_group.arn)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members and len(lab.members) == 2, 60)


@pytest.mark.parametrize("protected", [False, True])
async def test_a_group_deleted_by_force_takes_its_instances_along(lab: Lab, protected: bool) -> None:
    name = lab.group.name
    lab.call("autoscaling", "SetInstanceProtection", AutoScalingGroupName=name, InstanceIds=lab.members,
             ProtectedFromScaleIn=protected)  # fmt: skip
    lab.call("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete=True)
    await lab.until(lambda: not lab.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"], 120)
    assert lab.members == []


async def test_protected_instances_are_not_scaled_in(lab: Lab) -> None:
    name, keep = lab.group.name, lab.members
    lab.call("autoscaling", "SetInstanceProtection", AutoScalingGroupName=name, InstanceIds=keep,
             ProtectedFromScaleIn=True)  # fmt: skip
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=name, MinSize=0, DesiredCapacity=0)
    await lab.run(60)
    assert lab.members == keep


async def test_scaling_in_before_an_instance_runs_leaves_nothing_behind(lab: Lab) -> None:
    name = lab.group.name
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=name, DesiredCapacity=6)
    await lab.loop.turn()  # rows are there, machines are not
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=name, DesiredCapacity=2)
    await lab.until(lambda: len(lab.members) == 2 and lab.settled())
    await lab.run(30)
    assert len(await lab.compute.machines()) == 5
    assert {one.status_code for one in lab.launches()} == {"Successful", "Cancelled"}
    assert [one.status_code for one in lab.activities("Terminating")] == ["Successful"] * 4


@pytest.mark.parametrize(("asked", "taken"), [("$Latest", 3), ("$Default", 2), ("1", 1)])
async def test_the_version_of_the_launch_template_is_resolved_at_each_launch(lab: Lab, asked: str, taken: int) -> None:
    template, name = lab.group.launch_template_id, lab.group.name
    chosen = {"LaunchTemplateId": template, "Version": asked}
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=name, LaunchTemplate=chosen)
    for _ in range(2):
        lab.call(
            "ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={}
        )
    lab.call("ec2", "ModifyLaunchTemplate", LaunchTemplateId=template, DefaultVersion="2")
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=name, DesiredCapacity=3)
    await lab.until(lab.settled)
    versions = [found.launch_template_version for one in lab.members if (found := lab.member(one))]
    assert versions == [1, 1, taken]
    [group] = lab.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    assert group["LaunchTemplate"]["Version"] == asked
    assert [one["LaunchTemplate"]["Version"] for one in group["Instances"]] == ["1", "1", str(taken)]
