"""Instances that die, answer badly or are called unhealthy: replaced, with AWS's causes, and drained when they can be."""

import pytest

from lab.core.compute import MachineSpec, Network, Role
from lab.core.elbv2.model import LoadBalancer, Registration
from lab.core.rds.model import DBInstance, Event
from tests.control.lab import Lab

REPLACEMENT = "an instance was launched in response to an unhealthy instance needing to be replaced."
ELB = "an instance was taken out of service in response to an ELB system health check failure."
EC2 = "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped."
USER = "an instance was taken out of service in response to a user health-check."


def sentences(cause: str) -> list[str]:
    """Without their dates."""
    return [sentence.partition("Z ")[2] for sentence in cause.split("  ")]


async def test_a_killed_instance_is_replaced_at_once(lab: Lab) -> None:
    victim, other = lab.members
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members and lab.settled(), 60)
    [old], [new] = lab.activities("Terminating"), lab.launches()[2:]
    assert (sentences(old.cause), sentences(new.cause)) == ([EC2], [REPLACEMENT])
    assert (old.status_code, new.status_code) == ("Successful", "Successful")
    assert old.description == f"Terminating EC2 instance: {victim}"
    assert other in lab.members
    assert lab.compute.terminated == [victim]
    assert lab.state(victim) == "terminated"


async def test_the_successor_is_in_the_zone_of_the_dead(lab: Lab) -> None:
    victim = lab.members[0]
    before = lab.member(victim)
    await lab.compute.kill(victim)
    await lab.until(lambda: victim not in lab.members and lab.settled(), 60)
    after = lab.member(lab.members[-1])
    assert before is not None
    assert after is not None
    assert after.zone == before.zone


async def test_an_unhealthy_target_is_replaced_only_after_the_grace_period(lab: Lab) -> None:
    victim = lab.members[0]
    lab.health[victim] = "unhealthy"
    await lab.run(230)
    assert lab.activities("Terminating") == []
    await lab.until(lambda: lab.activities("Terminating"), 120)
    member = lab.member(victim)
    assert member is not None
    assert member.in_service_at is not None
    assert lab.clock.now() - member.in_service_at >= 300
    assert sentences(lab.activities("Terminating")[0].cause) == [ELB]


async def test_an_unhealthy_target_is_drained_before_it_is_terminated(lab: Lab) -> None:
    victim = lab.members[0]
    await lab.run(300)
    lab.health[victim], lab.in_flight[victim] = "unhealthy", 3
    await lab.until(lambda: lab.activities("Terminating"))
    await lab.run(25)
    assert lab.state(victim) == "running"
    assert [row.target_id for row in lab.store.all(Registration) if row.deregistered_at is not None] == [victim]
    assert lab.activities("Terminating")[0].status_code == "WaitingForELBConnectionDraining"
    lab.in_flight[victim] = 0
    await lab.until(lambda: lab.state(victim) == "terminated", 30)


async def test_draining_ends_with_the_deregistration_delay(lab: Lab) -> None:
    victim = lab.members[0]
    lab.in_flight[victim] = 1
    lab.call("autoscaling", "SetInstanceHealth", InstanceId=victim, HealthStatus="Unhealthy",
             ShouldRespectGracePeriod=False)  # fmt: skip
    await lab.tick()
    await lab.run(50)
    assert lab.state(victim) == "running"
    await lab.until(lambda: lab.state(victim) == "terminated", 30)


async def test_replacements_for_bad_answers_come_one_at_a_time(lab: Lab) -> None:
    await lab.run(300)
    first, second = lab.members
    lab.health |= {first: "unhealthy", second: "unhealthy"}
    lab.in_flight |= {first: 1, second: 1}
    await lab.run(30)
    leaving = [name for name in (first, second) if (found := lab.member(name)) and found.state == "Terminating"]
    assert len(leaving) == 1
    await lab.until(lambda: lab.settled() and not {first, second} & set(lab.members))
    assert len(lab.launches()) == 4


async def test_an_instance_called_unhealthy_is_replaced(lab: Lab) -> None:
    victim = lab.members[0]
    lab.call("autoscaling", "SetInstanceHealth", InstanceId=victim, HealthStatus="Unhealthy")
    await lab.run(20)
    assert victim in lab.members, "the grace period is respected"
    lab.call("autoscaling", "SetInstanceHealth", InstanceId=victim, HealthStatus="Unhealthy",
             ShouldRespectGracePeriod=False)  # fmt: skip
    await lab.until(lambda: victim not in lab.members and lab.settled())
    assert sentences(lab.activities("Terminating")[0].cause) == [USER]
    assert sentences(lab.launches()[-1].cause) == [REPLACEMENT]


@pytest.mark.parametrize("shrink", [False, True])
async def test_an_instance_terminated_by_the_user_is_drained_and_gone(lab: Lab, shrink: bool) -> None:
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.until(lab.settled)
    victim = lab.members[0]
    lab.in_flight[victim] = 1
    lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=victim,
             ShouldDecrementDesiredCapacity=shrink)  # fmt: skip
    await lab.run(20)
    assert lab.state(victim) == "running", "requests in flight may end"
    assert all(row.deregistered_at for row in lab.store.all(Registration) if row.target_id == victim)
    lab.in_flight.clear()
    await lab.until(lambda: victim not in lab.members and lab.settled(), 200)
    tail = ", shrinking the capacity from 3 to 2." if shrink else "."
    [old] = lab.activities("Terminating")
    assert sentences(old.cause) == [f"instance {victim} was taken out of service in response to a user request{tail}"]
    assert len(lab.launches()) == (3 if shrink else 4)
    assert len(lab.members) == (2 if shrink else 3)


async def test_an_instance_terminated_behind_the_groups_back_is_replaced(lab: Lab) -> None:
    victim = lab.members[0]
    lab.call("ec2", "TerminateInstances", InstanceIds=[victim])
    await lab.until(lambda: victim not in lab.members and lab.settled())
    assert sentences(lab.launches()[-1].cause) == [REPLACEMENT]


async def test_a_killed_node_is_started_again(lab: Lab) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    victim = balancer.nodes[0].node_id
    await lab.compute.kill(victim)
    await lab.run(20)
    assert sorted(await lab.running(Role.NODE)) == sorted(node.node_id for node in balancer.nodes)
    assert lab.compute.launched.count(victim) == 2
    assert [row.state for row in lab.store.all(LoadBalancer)] == ["active"]


async def test_a_killed_database_is_rebooted(lab: Lab) -> None:
    [database] = lab.store.all(DBInstance)
    await lab.compute.kill(database.machine_id)
    await lab.turn()
    assert [row.status for row in lab.store.all(DBInstance)] == ["rebooting"]
    await lab.until(lab.settled, 60)
    assert [row.status for row in lab.store.all(DBInstance)] == ["available"]
    assert [event.message for event in lab.store.all(Event)] == [
        "DB instance created.",
        "DB instance shutdown.",
        "DB instance restarted",
    ]


async def test_a_machine_that_no_row_wants_is_terminated(lab: Lab) -> None:
    stray = MachineSpec("i-stray", Role.INSTANCE, "app", "vpc-x", "us-east-1a", "10.9.0.4", 1.0, 128, {}, ())
    await lab.compute.ensure_network(Network("vpc-x", "10.9.0.0/16", "10.9.255.254"))
    await lab.compute.launch(stray)
    await lab.run(10)
    assert lab.compute.terminated == ["i-stray"]
    assert sorted(await lab.running(Role.INSTANCE)) == sorted(lab.members)
