"""Lifecycle hooks at work: who waits, for how long, and what becomes of it (aws-facts §3.3)."""

from typing import Any

import pytest

from lab.core.autoscaling.model import Activity, Member
from lab.core.elbv2.model import Registration
from lab.core.errors import LabError
from tests.control.lab import Lab

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


def put_hook(lab: Lab, name: str, transition: str = LAUNCHING, **members: Any) -> None:
    lab.call("autoscaling", "PutLifecycleHook", LifecycleHookName=name, AutoScalingGroupName=lab.group.name,
             LifecycleTransition=transition, **members)  # fmt: skip


def complete(lab: Lab, hook: str, instance_id: str, result: str = "CONTINUE") -> None:
    lab.call("autoscaling", "CompleteLifecycleAction", LifecycleHookName=hook, AutoScalingGroupName=lab.group.name,
             InstanceId=instance_id, LifecycleActionResult=result)  # fmt: skip


def set_desired(lab: Lab, desired: int) -> None:
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=desired)


async def waiting(lab: Lab, state: str) -> Member:
    await lab.until(lambda: [one for one in lab.store.all(Member) if one.state == state])
    [member] = [one for one in lab.store.all(Member) if one.state == state]
    return member


def state(lab: Lab, instance_id: str) -> str:
    member = lab.member(instance_id)
    return "" if member is None else member.state


def last(lab: Lab, about: str) -> Activity:
    return lab.activities(about)[-1]


async def test_a_launch_waits_for_its_hook_before_it_gets_requests(lab: Lab) -> None:
    put_hook(lab, "install")
    set_desired(lab, 3)
    member = await waiting(lab, "Pending:Wait")
    assert (last(lab, "Launching").status_code, last(lab, "Launching").progress) == ("MidLifecycleAction", 60)
    await lab.run(1000)
    assert state(lab, member.instance_id) == "Pending:Wait"
    assert lab.store.where(Registration, "target_id", member.instance_id) == []
    complete(lab, "install", member.instance_id)
    await lab.until(lab.settled, 30)
    assert last(lab, "Launching").status_code == "Successful"
    served = lab.member(member.instance_id)
    assert served is not None
    assert served.in_service_at is not None
    assert served.in_service_at - member.launched_at >= 1000, "the grace period starts at InService"
    assert lab.store.where(Registration, "target_id", member.instance_id)


async def test_several_hooks_run_at_once_and_all_must_continue(lab: Lab) -> None:
    put_hook(lab, "one")
    put_hook(lab, "two")
    set_desired(lab, 3)
    member = await waiting(lab, "Pending:Wait")
    assert len({action.token for action in member.actions}) == 2
    complete(lab, "two", member.instance_id)
    await lab.run(20)
    assert state(lab, member.instance_id) == "Pending:Wait"
    with pytest.raises(LabError, match="No active Lifecycle Action found with instance ID"):
        complete(lab, "two", member.instance_id)
    complete(lab, "one", member.instance_id)
    await lab.until(lab.settled, 30)


@pytest.mark.parametrize("by", ["result", "timeout"])
async def test_an_abandoned_launch_is_cancelled_and_replaced_after_a_while(lab: Lab, by: str) -> None:
    put_hook(lab, "install", HeartbeatTimeout=60)
    put_hook(lab, "other")
    set_desired(lab, 3)
    member = await waiting(lab, "Pending:Wait")
    token = next(action.token for action in member.actions if action.hook == "install")
    if by == "result":
        complete(lab, "install", member.instance_id, "ABANDON")
    await lab.until(lambda: lab.member(member.instance_id) is None, 70)
    how = {"result": "Lifecycle Action Completed with ABANDON Result", "timeout": "Heartbeat Timeout"}[by]
    gone = last(lab, "Launching")
    assert gone.status_code == "Cancelled"
    assert gone.status_message == (
        f"Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was abandoned: {how}"
    )
    await lab.until(lambda: lab.state(member.instance_id) == "terminated", 60)
    await lab.until(lambda: len(lab.launches()) == 4, 60)


async def test_a_timeout_that_continues_puts_the_instance_in_service(lab: Lab) -> None:
    put_hook(lab, "install", HeartbeatTimeout=60, DefaultResult="CONTINUE")
    set_desired(lab, 3)
    await waiting(lab, "Pending:Wait")
    await lab.until(lab.settled, 80)


async def test_heartbeats_keep_an_action_alive_up_to_the_global_timeout(lab: Lab) -> None:
    put_hook(lab, "install", HeartbeatTimeout=30, DefaultResult="CONTINUE")
    set_desired(lab, 3)
    member = await waiting(lab, "Pending:Wait")
    begun = lab.clock.now()
    while state(lab, member.instance_id) == "Pending:Wait":
        lab.call("autoscaling", "RecordLifecycleActionHeartbeat", LifecycleHookName="install",
                 AutoScalingGroupName=lab.group.name, LifecycleActionToken=member.actions[0].token)  # fmt: skip
        await lab.run(20)
        if lab.clock.now() - begun > 3100:
            pytest.fail("the global timeout, 100 heartbeats, is over")
    assert lab.clock.now() - begun > 2900


async def test_a_termination_drains_first_then_waits_for_its_hook(lab: Lab) -> None:
    put_hook(lab, "collect-logs", TERMINATING)
    set_desired(lab, 3)
    await lab.until(lab.settled)
    lab.in_flight = dict.fromkeys(lab.members, 1)
    set_desired(lab, 2)
    await lab.run(20)
    [leaving] = [one for one in lab.store.all(Member) if one.state == "Terminating"]
    assert last(lab, "Terminating").status_code == "WaitingForELBConnectionDraining"
    lab.in_flight.clear()
    member = await waiting(lab, "Terminating:Wait")
    assert member.instance_id == leaving.instance_id
    assert last(lab, "Terminating").status_code == "MidLifecycleAction"
    await lab.run(100)
    assert lab.state(member.instance_id) == "running"
    complete(lab, "collect-logs", member.instance_id)
    await lab.until(lab.settled, 60)
    assert lab.state(member.instance_id) == "terminated"
    assert last(lab, "Terminating").status_code == "Successful"


async def test_abandon_ends_the_other_terminating_hooks_too(lab: Lab) -> None:
    put_hook(lab, "one", TERMINATING)
    put_hook(lab, "two", TERMINATING)
    set_desired(lab, 3)
    await lab.until(lab.settled)
    set_desired(lab, 2)
    member = await waiting(lab, "Terminating:Wait")
    complete(lab, "one", member.instance_id, "ABANDON")
    await lab.until(lab.settled, 60)


async def test_a_crashed_instance_still_has_its_terminating_hook(lab: Lab) -> None:
    put_hook(lab, "collect-logs", TERMINATING)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    member = await waiting(lab, "Terminating:Wait")
    assert member.instance_id == victim
    await lab.until(lambda: len(lab.launches()) == 3, 30)
    complete(lab, "collect-logs", victim)
    await lab.until(lab.settled, 60)


async def test_an_abandoned_instance_is_retained_if_the_policy_says_so(lab: Lab) -> None:
    put_hook(lab, "finish", TERMINATING, HeartbeatTimeout=60)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name,
             InstanceLifecyclePolicy={"RetentionTriggers": {"TerminateHookAbandon": "retain"}})  # fmt: skip
    victim = lab.members[0]
    lab.call(
        "autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=victim, ShouldDecrementDesiredCapacity=False
    )
    await lab.until(lambda: state(lab, victim) == "Terminating:Retained", 120)
    await lab.until(lambda: len([one for one in lab.store.all(Member) if one.state == "InService"]) == 2, 60)
    await lab.run(300)
    assert lab.state(victim) == "running"
    lab.call(
        "autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=victim, ShouldDecrementDesiredCapacity=False
    )
    await lab.until(lambda: lab.settled() and victim not in lab.members, 60)
    assert len(lab.launches()) == 3


async def test_force_delete_skips_terminating_hooks(lab: Lab) -> None:
    put_hook(lab, "collect-logs", TERMINATING)
    members = list(lab.members)
    lab.call("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=lab.group.name, ForceDelete=True)
    await lab.until(lambda: all(lab.state(name) == "terminated" for name in members), 100)


@pytest.mark.parametrize(("transition", "gone"), [(LAUNCHING, "Cancelled"), (TERMINATING, "Successful")])
async def test_a_hook_that_is_deleted_lets_go_of_who_waits_for_it(lab: Lab, transition: str, gone: str) -> None:
    set_desired(lab, 3)
    await lab.until(lab.settled)
    put_hook(lab, "hook", transition)
    set_desired(lab, 4 if transition == LAUNCHING else 2)
    word = "Pending:Wait" if transition == LAUNCHING else "Terminating:Wait"
    member = await waiting(lab, word)
    lab.call("autoscaling", "DeleteLifecycleHook", LifecycleHookName="hook", AutoScalingGroupName=lab.group.name)
    await lab.until(lambda: lab.member(member.instance_id) is None, 60)
    assert lab.activities(member.instance_id)[-1].status_code == gone


async def test_an_action_survives_a_restart_of_the_control_plane(lab: Lab) -> None:
    put_hook(lab, "install", HeartbeatTimeout=120, DefaultResult="CONTINUE")
    set_desired(lab, 3)
    member = await waiting(lab, "Pending:Wait")
    await lab.run(60)
    await lab.restart()
    await lab.run(30)
    assert state(lab, member.instance_id) == "Pending:Wait"
    await lab.until(lab.settled, 60)
