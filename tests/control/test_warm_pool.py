"""A warm pool in a whole lab: it fills, gives, takes back, and empties (asg:ec2-auto-scaling-warm-pools)."""

from typing import Any

import pytest

from lab.core.autoscaling.counts import is_capacity, is_in_pool
from lab.core.autoscaling.model import Member
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.compute import MachineState
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.elbv2.model import Registration
from tests.control.lab import Lab

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


def resize(lab: Lab, desired: int, most: int = 6) -> None:
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=desired, MaxSize=most,
             DesiredCapacity=desired)  # fmt: skip


def put_pool(lab: Lab, **members: Any) -> None:
    lab.call("autoscaling", "PutWarmPool", AutoScalingGroupName=lab.group.name, **members)


def described(lab: Lab) -> dict[str, Any]:
    return lab.call("autoscaling", "DescribeWarmPool", AutoScalingGroupName=lab.group.name)


def pooled(lab: Lab) -> list[Member]:
    return [member for member in lab.store.all(Member) if is_in_pool(member)]


def targets(lab: Lab) -> set[str]:
    """Those that are registered and do not drain."""
    return {row.target_id for row in lab.store.all(Registration) if row.deregistered_at is None}


def states(lab: Lab) -> list[str]:
    return sorted(member.state for member in pooled(lab))


async def warm(lab: Lab, desired: int = 2, most: int = 4, rest: str = "Stopped", **members: Any) -> Lab:
    """A group with a pool that is full and at rest."""
    resize(lab, desired, most)
    put_pool(lab, PoolState=rest, **members)
    await lab.until(lab.settled)
    await lab.until(lambda: states(lab) and set(states(lab)) == {f"Warmed:{rest}"})
    await lab.run(30)
    return lab


def hibernating(lab: Lab) -> None:
    [template] = lab.store.all(LaunchTemplate)
    lab.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template.key, SourceVersion="1",
             LaunchTemplateData={"HibernationOptions": {"Configured": True}})  # fmt: skip
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name,
             LaunchTemplate={"LaunchTemplateId": template.key, "Version": "2"})  # fmt: skip


async def machine_states(lab: Lab, names: list[str]) -> set[MachineState]:
    return {machine.state for machine in await lab.compute.machines() if machine.id in names}


@pytest.mark.parametrize(
    ("rest", "machine"),
    [("Stopped", MachineState.STOPPED), ("Running", MachineState.RUNNING), ("Hibernated", MachineState.PAUSED)],
)
async def test_the_pool_fills_and_rests(lab: Lab, rest: str, machine: MachineState) -> None:
    hibernating(lab)
    await warm(lab, rest=rest)
    names = [member.instance_id for member in pooled(lab)]
    assert len(names) == 2
    assert await machine_states(lab, names) == {machine}
    assert {member.zone for member in pooled(lab)} == {"us-east-1a", "us-east-1b"}
    assert not targets(lab) & set(names)
    activities = lab.activities("Launching a new EC2 instance into warm pool: i-")
    assert [one.description.split(": ")[1] for one in activities] == names
    assert {one.status_code for one in activities} == {"Successful"}
    assert activities[0].cause.endswith("increasing its size from 0 to 1.")
    [shown] = lab.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    assert (len(shown["Instances"]), shown["WarmPoolSize"]) == (2, 2)
    assert (
        shown["WarmPoolConfiguration"] == described(lab)["WarmPoolConfiguration"] == {"MinSize": 0, "PoolState": rest}
    )
    assert [one["LifecycleState"] for one in described(lab)["Instances"]] == [f"Warmed:{rest}"] * 2


async def test_scaling_out_takes_from_the_pool_first_and_then_starts_cold(lab: Lab) -> None:
    await warm(lab, MaxGroupPreparedCapacity=3)
    [ready] = pooled(lab)
    launched = len(lab.compute.launched)
    resize(lab, 4)
    await lab.until(lab.settled)
    [taken] = lab.activities("Launching a new EC2 instance from warm pool: ")
    assert taken.description.endswith(ready.instance_id)
    assert "increasing the capacity from " in taken.cause
    assert ready.instance_id in lab.members
    assert len(lab.instances_launched()) == 2 + 1 + 1 + 1, "the first two, the pool's, its restart, and a cold start"
    assert len(lab.compute.launched) == launched + 2
    assert pooled(lab) == [], "the desired capacity is beyond what is to be prepared"
    assert targets(lab) == set(lab.members)


async def test_what_is_hibernated_goes_on_where_it_was(lab: Lab) -> None:
    hibernating(lab)
    await warm(lab, rest="Hibernated")
    launched = len(lab.compute.launched)
    resize(lab, 3, 4)
    await lab.until(lab.settled)
    await lab.run(30)
    assert len(lab.compute.launched) == launched, "it was unpaused"
    assert states(lab) == ["Warmed:Hibernated"]


async def test_a_minimum_is_kept_whatever_the_capacity(lab: Lab) -> None:
    await warm(lab, MinSize=2, MaxGroupPreparedCapacity=2)
    assert len(pooled(lab)) == 2
    resize(lab, 4)
    await lab.until(lambda: lab.settled() and states(lab) == ["Warmed:Stopped"] * 2)
    assert len(lab.activities("from warm pool")) == 2
    assert len(lab.activities("into warm pool")) == 4


async def test_the_pool_shrinks_as_the_group_grows_and_grows_as_it_shrinks(lab: Lab) -> None:
    await warm(lab, desired=2, most=5)
    assert len(pooled(lab)) == 3
    resize(lab, 2, 3)
    await lab.until(lambda: len(pooled(lab)) == 1)
    gone = lab.activities("Terminating EC2 instance from warm pool: i-")
    assert len(gone) == 2
    assert "shrinking its size from 3 to 2." in gone[0].cause
    resize(lab, 1, 4)
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 3 and lab.settled())


async def test_a_replacement_comes_from_the_pool_too(lab: Lab) -> None:
    await warm(lab)
    victim = lab.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members and lab.settled())
    [taken] = lab.activities("from warm pool")
    assert "in response to an unhealthy instance needing to be replaced" in taken.cause
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 2)


async def test_what_leaves_service_returns_to_the_pool_if_that_is_the_policy(lab: Lab) -> None:
    await warm(lab, desired=3, InstanceReusePolicy={"ReuseOnScaleIn": True})
    before = set(lab.members)
    resize(lab, 2, 4)
    await lab.until(lambda: lab.settled() and states(lab) == ["Warmed:Stopped"] * 2)
    assert set(lab.members) == before
    assert lab.activities("Terminating") == []
    [returned] = lab.activities("Returning EC2 instance to warm pool: ")
    assert returned.status_code == "Successful"
    assert "shrinking the capacity from 3 to 2." in returned.cause
    name = returned.description.split(": ")[1]
    assert name not in targets(lab)
    resize(lab, 4, 4)
    await lab.until(lab.settled)
    assert set(lab.members) == before
    assert name in targets(lab)


async def test_what_returns_drains_first(lab: Lab) -> None:
    await warm(lab, desired=3, InstanceReusePolicy={"ReuseOnScaleIn": True})
    for name in lab.members:
        lab.in_flight[name] = 1
    resize(lab, 2, 4)
    await lab.run(60)
    [returning] = [member for member in pooled(lab) if member.state == "Warmed:Pending"]
    assert lab.state(returning.instance_id) == "running"
    lab.in_flight.clear()
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 2)


def hook(lab: Lab, transition: str) -> None:
    lab.call("autoscaling", "PutLifecycleHook", LifecycleHookName="hook", AutoScalingGroupName=lab.group.name,
             LifecycleTransition=transition)  # fmt: skip


def complete(lab: Lab, result: str = "CONTINUE") -> None:
    for member in lab.store.all(Member):
        if member.actions:
            lab.call("autoscaling", "CompleteLifecycleAction", LifecycleHookName="hook",
                     AutoScalingGroupName=lab.group.name, InstanceId=member.instance_id,
                     LifecycleActionResult=result)  # fmt: skip


async def test_launch_hooks_run_on_the_way_in_and_on_the_way_out(lab: Lab) -> None:
    resize(lab, 2, 3)
    hook(lab, LAUNCHING)
    put_pool(lab)
    await lab.until(lambda: states(lab) == ["Warmed:Pending:Wait"])
    await lab.run(60)
    [ready] = pooled(lab)
    assert lab.state(ready.instance_id) == "running", "it is prepared before it is stopped"
    complete(lab)
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"])
    resize(lab, 3, 3)
    await lab.until(lambda: [m.state for m in lab.store.all(Member) if m.state != "InService"] == ["Pending:Wait"])
    complete(lab)
    await lab.until(lab.settled)
    assert ready.instance_id in lab.members


async def test_a_launch_that_is_abandoned_on_the_way_in_is_made_again(lab: Lab) -> None:
    resize(lab, 2, 3)
    hook(lab, LAUNCHING)
    put_pool(lab)
    await lab.until(lambda: states(lab) == ["Warmed:Pending:Wait"])
    [first] = pooled(lab)
    complete(lab, "ABANDON")
    await lab.until(lambda: states(lab) == ["Warmed:Pending:Wait"] and first.instance_id not in lab.members)
    [activity] = lab.activities(first.instance_id)
    assert activity.status_code == "Cancelled"


async def test_what_returns_waits_for_the_terminating_hook(lab: Lab) -> None:
    await warm(lab, desired=3, InstanceReusePolicy={"ReuseOnScaleIn": True})
    hook(lab, TERMINATING)
    resize(lab, 2, 4)
    await lab.until(lambda: "Warmed:Pending:Wait" in states(lab))
    complete(lab)
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 2)


async def test_what_is_abandoned_on_its_way_back_is_terminated(lab: Lab) -> None:
    await warm(lab, desired=3, InstanceReusePolicy={"ReuseOnScaleIn": True})
    before = set(lab.members)
    hook(lab, TERMINATING)
    resize(lab, 2, 4)
    await lab.until(lambda: "Warmed:Pending:Wait" in states(lab))
    complete(lab, "ABANDON")
    await lab.until(lambda: any(state.startswith("Warmed:Terminating") for state in states(lab)))
    await lab.until(lambda: "Warmed:Terminating:Wait" in states(lab))
    complete(lab)
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 2)
    assert len(before - set(lab.members)) == 1


async def test_an_instance_that_is_lost_in_the_pool_is_replaced_there(lab: Lab) -> None:
    await warm(lab)
    lost, other = pooled(lab)
    await lab.compute.terminate(lost.instance_id, 0)
    await lab.until(lambda: lost.instance_id not in lab.members and states(lab) == ["Warmed:Stopped"] * 2)
    [activity] = lab.activities(f"Terminating EC2 instance from warm pool: {lost.instance_id}")
    assert "EC2 health check" in activity.cause
    lab.call("autoscaling", "SetInstanceHealth", InstanceId=other.instance_id, HealthStatus="Unhealthy")
    await lab.until(lambda: other.instance_id not in lab.members and states(lab) == ["Warmed:Stopped"] * 2)
    assert lab.settled()


async def test_what_is_started_by_hand_is_put_to_rest_again(lab: Lab) -> None:
    await warm(lab)
    name = pooled(lab)[0].instance_id
    lab.call("ec2", "StartInstances", InstanceIds=[name])
    await lab.run(60)
    row = lab.store.get(Instance, name)
    assert row is not None
    assert (row.state, row.boots) == ("stopped", 2)
    assert states(lab) == ["Warmed:Stopped"] * 2
    assert name in lab.members


async def test_a_warm_instance_that_does_not_start_is_a_failed_launch(lab: Lab) -> None:
    await warm(lab)
    resize(lab, 3, 4)
    await lab.turn()
    [name] = [member.instance_id for member in lab.store.all(Member) if member.state == "Pending"]
    await lab.compute.kill(name)
    await lab.until(lambda: name not in lab.members and lab.settled(), 900)
    [activity] = lab.activities(f"from warm pool: {name}")
    assert activity.status_code == "Failed"


async def test_a_pool_is_emptied_by_force(lab: Lab) -> None:
    await warm(lab)
    hook(lab, TERMINATING)
    with pytest.raises(Exception, match="still has 2 instances"):
        lab.call("autoscaling", "DeleteWarmPool", AutoScalingGroupName=lab.group.name)
    lab.call("autoscaling", "DeleteWarmPool", AutoScalingGroupName=lab.group.name, ForceDelete=True)
    assert described(lab)["WarmPoolConfiguration"]["Status"] == "PendingDelete"
    await lab.until(lambda: pooled(lab) == [], 60)
    assert lab.store.all(WarmPool) == []
    assert "WarmPoolConfiguration" not in described(lab)
    assert lab.settled()


async def test_a_group_that_is_deleted_by_force_takes_its_pool_along(lab: Lab) -> None:
    await warm(lab)
    name = lab.group.name
    lab.call("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete=True)
    await lab.until(lambda: lab.call("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"] == [])
    await lab.run(30)
    assert lab.members == []
    assert [machine.id for machine in await lab.compute.machines() if machine.id.startswith("i-")] == []


async def test_a_refresh_replaces_the_pool_after_the_group(lab: Lab) -> None:
    await warm(lab)
    [template] = lab.store.all(LaunchTemplate)
    lab.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template.key, SourceVersion="1",
             LaunchTemplateData={"InstanceType": "t3.small"})  # fmt: skip
    before = set(lab.members)
    lab.call("autoscaling", "StartInstanceRefresh", AutoScalingGroupName=lab.group.name,
             DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template.key, "Version": "2"}},
             Preferences={"MinHealthyPercentage": 50, "InstanceWarmup": 30})  # fmt: skip
    with pytest.raises(Exception, match="An Instance Refresh is already in progress"):
        put_pool(lab, MinSize=3)

    def refresh() -> dict[str, Any]:
        found = lab.call("autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName=lab.group.name)
        first: dict[str, Any] = found["InstanceRefreshes"][0]
        return first

    def old(members: list[Member]) -> int:
        return sum(1 for member in members if member.launch_template_version == 1)

    while refresh().get("EndTime") is None:
        await lab.tick()
        progress = refresh().get("ProgressDetails")
        live = [member for member in lab.store.all(Member) if is_capacity(member)]
        if old(live):
            assert old(pooled(lab)) == 2, "the group comes first"
        elif progress is not None and refresh()["Status"] == "InProgress":
            assert progress["WarmPoolProgress"]["InstancesToUpdate"] == sum(
                1 for member in pooled(lab) if member.launch_template_version == 1 and "Terminating" not in member.state
            )
    assert refresh()["Status"] == "Successful"
    assert refresh()["ProgressDetails"]["WarmPoolProgress"] == {"PercentageComplete": 100, "InstancesToUpdate": 0}
    await lab.until(lambda: states(lab) == ["Warmed:Stopped"] * 2)
    assert not before & set(lab.members)
    assert {member.launch_template_version for member in lab.store.all(Member)} == {2}
    assert [
        one.description for one in lab.activities("from warm pool: ") if one.description.startswith("Launching")
    ] == []


POOL = """
Resources:
  Pool:
    Type: AWS::AutoScaling::WarmPool
    Properties:
      AutoScalingGroupName: {group}
      {properties}
"""


async def test_a_stack_makes_changes_and_deletes_a_pool(lab: Lab) -> None:
    resize(lab, 2, 3)
    group = lab.group.name

    def status() -> str:
        found = lab.call("cloudformation", "DescribeStacks", StackName="pool")["Stacks"]
        return str(found[0]["StackStatus"])

    lab.deploy("pool", POOL.format(group=group, properties="MinSize: 1\n      PoolState: Running"), {})
    await lab.until(lambda: status() == "CREATE_COMPLETE" and states(lab) == ["Warmed:Running"])
    lab.call("cloudformation", "UpdateStack", StackName="pool",
             TemplateBody=POOL.format(group=group, properties="MaxGroupPreparedCapacity: 4"))  # fmt: skip
    await lab.until(lambda: status() == "UPDATE_COMPLETE" and len(states(lab)) == 2)
    configuration = {"MinSize": 0, "MaxGroupPreparedCapacity": 4, "PoolState": "Stopped"}
    assert described(lab)["WarmPoolConfiguration"] == configuration
    assert set(states(lab)) <= {"Warmed:Running", "Warmed:Stopped", "Warmed:Pending"}, "what was there stays as it was"
    lab.call("cloudformation", "DeleteStack", StackName="pool")
    await lab.until(lambda: lab.store.all(WarmPool) == [] and pooled(lab) == [])
    assert lab.settled()
