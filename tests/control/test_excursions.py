"""Standby, detaching, attaching; the end of a life; a maintenance policy; attachments (aws-facts §3.2, §3.4)."""

from typing import Any

import pytest

from lab.core.autoscaling.model import IN_SERVICE, Member
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Registration, TargetGroup
from tests.control.lab import Lab


def asg(lab: Lab, operation: str, **members: Any) -> dict[str, Any]:
    return lab.call("autoscaling", operation, AutoScalingGroupName=lab.group.name, **members)


def state(lab: Lab, instance_id: str) -> str:
    member = lab.member(instance_id)
    return "" if member is None else member.state


def targets(lab: Lab, instance_id: str) -> list[str]:
    """The target groups that send it requests."""
    rows = lab.store.where(Registration, "target_id", instance_id)
    return [row.target_group_arn for row in rows if row.deregistered_at is None]


def in_service(lab: Lab) -> list[Member]:
    return [member for member in lab.store.all(Member) if member.state == IN_SERVICE]


@pytest.mark.parametrize("shrink", [False, True])
async def test_standby_and_back(lab: Lab, shrink: bool) -> None:
    asg(lab, "SetDesiredCapacity", DesiredCapacity=3)
    await lab.until(lab.settled)
    name = lab.members[0]
    lab.in_flight[name] = 1
    [begun] = asg(lab, "EnterStandby", InstanceIds=[name], ShouldDecrementDesiredCapacity=shrink)["Activities"]
    tail = ", shrinking the capacity from 3 to 2." if shrink else "."
    assert begun["Cause"].endswith(f"instance {name} was moved to standby in response to a user request{tail}")
    assert (begun["StatusCode"], begun["Progress"]) == ("InProgress", 50)
    await lab.run(20)
    assert (state(lab, name), targets(lab, name)) == ("EnteringStandby", [])
    lab.in_flight.clear()
    await lab.until(lambda: state(lab, name) == "Standby", 30)
    assert lab.activities("to Standby")[0].status_code == "Successful"
    await lab.until(lambda: len(in_service(lab)) == (2 if shrink else 3), 60)
    # No health checks in standby.
    lab.health[name] = "unhealthy"
    await lab.run(400)
    assert state(lab, name) == "Standby"
    lab.health.clear()
    [back] = asg(lab, "ExitStandby", InstanceIds=[name])["Activities"]
    assert (back["StatusCode"], back["Progress"]) == ("PreInService", 30)
    grown = "increasing the capacity from 2 to 3." if shrink else "increasing the capacity from 3 to 4."
    assert back["Cause"].endswith(f"was moved out of standby in response to a user request, {grown}")
    since = lab.clock.now()
    await lab.until(lambda: state(lab, name) == IN_SERVICE, 30)
    member = lab.member(name)
    assert member is not None
    assert member.in_service_at is not None
    assert member.in_service_at >= since, "the grace period begins anew"
    assert targets(lab, name) == list(lab.group.target_group_arns)


async def test_what_dies_in_standby_is_replaced_when_it_is_put_back(lab: Lab) -> None:
    name = lab.members[0]
    asg(lab, "EnterStandby", InstanceIds=[name], ShouldDecrementDesiredCapacity=False)
    await lab.until(lambda: state(lab, name) == "Standby", 60)
    await lab.compute.kill(name)
    await lab.run(60)
    member = lab.member(name)
    assert member is not None
    assert (member.state, member.health) == ("Standby", "Healthy")
    asg(lab, "ExitStandby", InstanceIds=[name])
    await lab.until(lambda: lab.settled() and name not in lab.members, 60)
    assert len(lab.members) == 3


@pytest.mark.parametrize("shrink", [False, True])
async def test_detaching_lets_an_instance_go_alive_and_attaching_takes_it_in(lab: Lab, shrink: bool) -> None:
    asg(lab, "SetDesiredCapacity", DesiredCapacity=3)
    await lab.until(lab.settled)
    name = lab.members[0]
    lab.in_flight[name] = 1
    [begun] = asg(lab, "DetachInstances", InstanceIds=[name], ShouldDecrementDesiredCapacity=shrink)["Activities"]
    tail = ", shrinking the capacity from 3 to 2." if shrink else "."
    assert begun["Cause"].endswith(f"instance {name} was detached in response to a user request{tail}")
    await lab.run(20)
    assert (state(lab, name), targets(lab, name)) == ("Detaching", [])
    lab.in_flight.clear()
    await lab.until(lambda: lab.settled() and name not in lab.members, 60)
    assert len(lab.members) == (2 if shrink else 3)
    assert lab.state(name) == "running"
    instance = lab.store.get(Instance, name)
    assert instance is not None
    assert "aws:autoscaling:groupName" not in instance.tags
    asg(lab, "AttachInstances", InstanceIds=[name])
    await lab.until(lambda: lab.settled() and name in lab.members, 60)
    attached = lab.activities("Attaching an existing EC2 instance")[0]
    assert attached.status_code == "Successful"
    new = 3 if shrink else 4
    assert attached.cause.endswith(
        f"an instance was added in response to user request. Keeping the capacity at the new {new}."
    )
    assert targets(lab, name) == list(lab.group.target_group_arns)


async def test_an_instance_of_nobodys_can_be_attached(lab: Lab) -> None:
    [subnet, _] = [subnet for subnet, _ in lab.group.subnets]
    made = lab.call("ec2", "RunInstances", MinCount=1, MaxCount=1, SubnetId=subnet,
                    LaunchTemplate={"LaunchTemplateId": lab.group.launch_template_id})  # fmt: skip
    name = made["Instances"][0]["InstanceId"]
    await lab.until(lambda: lab.state(name) == "running", 30)
    asg(lab, "AttachInstances", InstanceIds=[name])
    await lab.until(lambda: state(lab, name) == IN_SERVICE, 30)


async def test_members_that_have_lived_long_enough_are_replaced_one_at_a_time(lab: Lab) -> None:
    asg(lab, "UpdateAutoScalingGroup", MaxInstanceLifetime=86400)
    before = set(lab.members)
    lab.clock.advance(86400.0)
    fewest = 2
    while before & set(lab.members):
        await lab.tick()
        fewest = min(fewest, len(in_service(lab)))
        if lab.clock.now() - lab.group.created > 90000:
            pytest.fail(lab.picture())
    assert fewest == 1
    await lab.until(lab.settled)
    assert len(lab.launches()) == 4
    [first, _] = lab.activities("Terminating")
    assert "in response to its maximum instance lifetime." in first.cause


async def test_with_a_maintenance_policy_a_successor_comes_first(lab: Lab) -> None:
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    asg(lab, "UpdateAutoScalingGroup", InstanceMaintenancePolicy=policy, DefaultInstanceWarmup=60)
    await lab.run(300)
    victim = lab.members[0]
    lab.health[victim] = "unhealthy"
    fewest, most = 2, 2
    while victim in lab.members:
        await lab.tick()
        fewest = min(fewest, len(in_service(lab)))
        most = max(most, sum(member.state in ("Pending", IN_SERVICE) for member in lab.store.all(Member)))
    assert (fewest, most) == (2, 3)
    [launch], [end] = lab.launches()[2:], lab.activities("Terminating")
    assert end.start_time - launch.start_time >= 60, "the successor has warmed up"
    await lab.until(lab.settled)


async def test_attachments_go_through_their_states(lab: Lab) -> None:
    [arn] = lab.group.target_group_arns
    [group] = [row for row in lab.store.all(TargetGroup) if row.arn == arn]
    made = lab.call("elbv2", "CreateTargetGroup", Name="second", Port=8000, Protocol="HTTP", VpcId=group.vpc_id)
    other = made["TargetGroups"][0]["TargetGroupArn"]

    def states() -> dict[str, str]:
        rows = asg(lab, "DescribeTrafficSources")["TrafficSources"]
        return {row["Identifier"]: row["State"] for row in rows}

    assert states() == {arn: "InService"}
    asg(lab, "AttachTrafficSources", TrafficSources=[{"Identifier": other, "Type": "elbv2"}])
    assert states()[other] == "Adding"
    await lab.run(10)
    assert states()[other] == "Added", "no load balancer checks it, so no target of it is healthy"
    assert all(sorted(targets(lab, name)) == sorted([arn, other]) for name in lab.members)
    asg(lab, "DetachTrafficSources", TrafficSources=[{"Identifier": other}])
    assert states()[other] == "Removing"
    await lab.until(lambda: other not in states(), 330)
    assert all(targets(lab, name) == [arn] for name in lab.members)


async def test_a_health_check_that_has_never_passed_replaces_nobody(lab: Lab) -> None:
    asg(lab, "DetachLoadBalancerTargetGroups", TargetGroupARNs=(arns := list(lab.group.target_group_arns)))
    await lab.until(lambda: not lab.group.traffic_states, 120)
    lab.health = dict.fromkeys(lab.members, "unhealthy")
    asg(lab, "AttachLoadBalancerTargetGroups", TargetGroupARNs=arns)
    await lab.run(900)
    assert lab.activities("Terminating") == []
    lab.health.clear()
    await lab.run(60)
    lab.health[lab.members[0]] = "unhealthy"
    await lab.until(lambda: lab.activities("Terminating"), 60)


async def test_force_delete_takes_standby_along_and_leaves_the_detached(lab: Lab) -> None:
    asg(lab, "SetDesiredCapacity", DesiredCapacity=4)
    await lab.until(lab.settled)
    resting, leaving, *others = lab.members
    asg(lab, "EnterStandby", InstanceIds=[resting], ShouldDecrementDesiredCapacity=True)
    asg(lab, "DetachInstances", InstanceIds=[leaving], ShouldDecrementDesiredCapacity=True)
    await lab.until(lambda: state(lab, resting) == "Standby" and not state(lab, leaving), 60)
    asg(lab, "DeleteAutoScalingGroup", ForceDelete=True)
    await lab.until(lambda: lab.state(resting) == "terminated", 120)
    await lab.until(lambda: all(lab.state(name) == "terminated" for name in others), 120)
    assert lab.state(leaving) == "running"
