"""What a suspended process stops, and what happens when it is resumed (aws-facts §3.7)."""

import pytest

from lab.core.autoscaling.model import Member
from lab.core.elbv2.model import Registration
from tests.control.lab import Lab


def suspend(lab: Lab, *processes: str) -> None:
    lab.call("autoscaling", "SuspendProcesses", AutoScalingGroupName=lab.group.name, ScalingProcesses=list(processes))


def resume(lab: Lab, *processes: str) -> None:
    lab.call("autoscaling", "ResumeProcesses", AutoScalingGroupName=lab.group.name, ScalingProcesses=list(processes))


def set_desired(lab: Lab, desired: int) -> None:
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=desired)


def member(lab: Lab, instance_id: str) -> Member:
    found = lab.member(instance_id)
    assert found is not None
    return found


async def test_without_launch_the_unhealthy_go_and_their_successors_wait(lab: Lab) -> None:
    suspend(lab, "Launch")
    set_desired(lab, 3)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members, 60)
    await lab.run(60)
    assert len(lab.launches()) == 2
    resume(lab, "Launch")
    await lab.until(lambda: lab.settled() and len(lab.members) == 3, 60)


async def test_without_terminate_nothing_is_scaled_in_and_the_unhealthy_are_marked_and_stay(lab: Lab) -> None:
    set_desired(lab, 3)
    await lab.until(lab.settled)
    suspend(lab, "Terminate")
    set_desired(lab, 2)
    victim = lab.members[0]
    await lab.compute.kill(victim)
    await lab.run(60)
    assert len(lab.members) == 3
    assert (member(lab, victim).state, member(lab, victim).health) == ("InService", "Unhealthy")
    assert lab.activities("Terminating") == []
    resume(lab, "Terminate")
    await lab.until(lambda: lab.settled() and victim not in lab.members, 120)
    assert len(lab.members) == 2


async def test_without_replace_unhealthy_they_are_marked_until_it_is_resumed(lab: Lab) -> None:
    suspend(lab, "ReplaceUnhealthy")
    await lab.run(300)
    dead, sick = lab.members
    await lab.compute.kill(dead)
    lab.health[sick] = "unhealthy"
    await lab.run(60)
    assert [member(lab, name).health for name in (dead, sick)] == ["Unhealthy", "Unhealthy"]
    assert lab.activities("Terminating") == []
    resume(lab, "ReplaceUnhealthy")
    await lab.until(lambda: lab.settled() and not {dead, sick} & set(lab.members), 300)


async def test_without_health_check_only_users_call_an_instance_unhealthy(lab: Lab) -> None:
    suspend(lab, "HealthCheck")
    dead, other = lab.members
    await lab.compute.kill(dead)
    await lab.run(60)
    assert member(lab, dead).health == "Healthy"
    lab.call("autoscaling", "SetInstanceHealth", InstanceId=other, HealthStatus="Unhealthy",
             ShouldRespectGracePeriod=False)  # fmt: skip
    await lab.until(lambda: other not in lab.members, 200)
    assert dead in lab.members


async def test_what_is_launched_without_add_to_load_balancer_is_never_registered(lab: Lab) -> None:
    suspend(lab, "AddToLoadBalancer")
    set_desired(lab, 3)
    await lab.until(lab.settled)
    resume(lab, "AddToLoadBalancer")
    await lab.run(60)
    new = lab.members[-1]
    assert lab.store.where(Registration, "target_id", new) == []
    set_desired(lab, 4)
    await lab.until(lab.settled)
    assert len(lab.store.where(Registration, "target_id", lab.members[-1])) == 1


async def test_rebalancing_without_terminate_overshoots_by_a_tenth_at_most(lab: Lab) -> None:
    set_desired(lab, 4)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MaxSize=4)
    await lab.until(lab.settled)
    suspend(lab, "Terminate")
    [place, _] = [subnet for subnet, _ in lab.group.subnets]
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, VPCZoneIdentifier=place)
    await lab.run(120)
    assert len(lab.members) == 5
    resume(lab, "Terminate")
    await lab.until(
        lambda: len(lab.members) == 4 and {member(lab, name).zone for name in lab.members} == {"us-east-1a"}
    )


def launch_from(lab: Lab, version: str) -> None:
    template = {"LaunchTemplateId": lab.group.launch_template_id, "Version": version}
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, LaunchTemplate=template)


async def test_a_day_of_failing_launches_suspends_launch_until_somebody_resumes_it(lab: Lab) -> None:
    good = lab.group.launch_template_version
    lab.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=lab.group.launch_template_id, SourceVersion="1",
             LaunchTemplateData={"ImageId": "ami-0123456789abcdef0"})  # fmt: skip
    launch_from(lab, "$Latest")
    set_desired(lab, 3)
    while lab.group.runs("Launch"):
        await lab.tick(600.0)
        if lab.clock.now() - lab.group.created > 100_000:
            pytest.fail(lab.picture())
    [(process, reason)] = lab.group.suspended_processes
    assert process == "Launch"
    assert reason.startswith("Administratively suspended at ")
    failed = [one for one in lab.launches() if one.status_code == "Failed"]
    assert 24 <= len(failed) <= 40, "the waits double up to an hour"
    assert "The image id '[ami-0123456789abcdef0]' does not exist" in failed[0].status_message
    await lab.run(7200)
    assert len(lab.launches()) == 2 + len(failed)
    launch_from(lab, good)
    resume(lab, "Launch")
    await lab.until(lambda: lab.settled() and len(lab.members) == 3, 60)
