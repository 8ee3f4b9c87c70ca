"""Zones: one that fails drains into the others and comes back balanced; what else unbalances a group (aws-facts §3.5)."""

from collections import Counter

import pytest

from lab.core.autoscaling.model import IN_SERVICE, Member
from lab.core.compute import Role
from lab.core.ec2.model import Subnet
from lab.core.elbv2.model import LoadBalancer
from tests.control.lab import Lab

A, B = "us-east-1a", "us-east-1b"
NO_ROOM = "We currently do not have sufficient"


def zones(lab: Lab) -> Counter[str]:
    return Counter(member.zone for member in lab.store.all(Member) if member.state == IN_SERVICE)


def set_desired(lab: Lab, desired: int) -> None:
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=desired)


def update(lab: Lab, **members: object) -> None:
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, **members)


def subnets(lab: Lab) -> dict[str, str]:
    return {zone: subnet for subnet, zone in lab.group.subnets}


async def settled(lab: Lab, **wanted: int) -> None:
    """As many in service, and no others."""
    counts = {f"us-east-1{letter}": count for letter, count in wanted.items()}
    await lab.until(lambda: zones(lab) == counts and len(lab.members) == sum(wanted.values()), 1500)


async def four(lab: Lab) -> Lab:
    set_desired(lab, 4)
    await settled(lab, a=2, b=2)
    return lab


async def test_a_failed_zone_drains_into_the_other_and_comes_back_balanced(lab: Lab) -> None:
    await four(lab)
    await lab.compute.fail_zone(B)
    await settled(lab, a=4)
    refused = [one for one in lab.launches() if one.status_code == "Failed"]
    assert refused
    assert all(one.status_message.startswith(f"{NO_ROOM} t3.micro capacity") for one in refused)
    assert f"({B})" in refused[0].description
    await lab.run(600)
    assert zones(lab) == {A: 4}
    await lab.compute.recover_zone(B)
    before = len(lab.launches())
    await settled(lab, a=2, b=2)
    launches, ends = lab.launches()[before:], lab.activities("Terminating")[-2:]
    balanced = [one for one in launches if one.status_code == "Successful"]
    assert "availability zones us-east-1a us-east-1b had 4 0 instances respectively." in balanced[0].cause
    assert "An instance was launched to aid in balancing the group's zones." in balanced[0].cause
    assert f"instances were launched to balance instances in zones {A} with other zones" in ends[0].cause
    assert "was selected for termination." in ends[0].cause
    assert all(end.start_time >= launch.start_time for end, launch in zip(ends, balanced, strict=True))


async def test_while_a_zone_is_failed_its_node_is_down_and_comes_back(lab: Lab) -> None:
    await lab.compute.fail_zone(B)
    await lab.run(120)
    [balancer] = lab.store.all(LoadBalancer)
    assert balancer.state == "active_impaired"
    assert len(await lab.running(Role.NODE)) == 1
    await lab.compute.recover_zone(B)
    await lab.until(lambda: lab.store.all(LoadBalancer)[0].state == "active", 300)
    assert len(await lab.running(Role.NODE)) == 2


async def test_a_failed_zone_survives_a_restart_of_the_control_plane(lab: Lab) -> None:
    await four(lab)
    await lab.compute.fail_zone(B)
    await lab.restart()
    await settled(lab, a=4)


async def test_balanced_only_waits_for_its_zone(lab: Lab) -> None:
    update(lab, AvailabilityZoneDistribution={"CapacityDistributionStrategy": "balanced-only"})
    await four(lab)
    await lab.compute.fail_zone(B)
    await lab.run(900)
    assert zones(lab) == {A: 2}
    await lab.compute.recover_zone(B)
    await settled(lab, a=2, b=2)


async def test_rebalancing_never_goes_more_than_a_tenth_over_the_maximum(lab: Lab) -> None:
    update(lab, MaxSize=4)
    await four(lab)
    await lab.compute.fail_zone(B)
    await settled(lab, a=4)
    await lab.compute.recover_zone(B)
    most = 0
    while zones(lab) != {A: 2, B: 2} or len(lab.members) > 4:
        await lab.tick()
        most = max(most, sum(member.state in ("Pending", IN_SERVICE) for member in lab.store.all(Member)))
    assert most == 5, "one above the maximum"


async def test_a_zone_that_is_taken_away_is_left_and_one_that_is_added_is_filled(lab: Lab) -> None:
    await four(lab)
    places = subnets(lab)
    update(lab, VPCZoneIdentifier=places[A])
    await settled(lab, a=4)
    moves = [one.cause for one in lab.launches() if "invalid availability zones us-east-1b had" in one.cause]
    assert len(moves) == 2
    assert "An instance was launched to aid in migrating instances from these zones to valid ones." in moves[0]
    update(lab, VPCZoneIdentifier=f"{places[A]},{places[B]}")
    await settled(lab, a=2, b=2)


@pytest.mark.parametrize("process", ["AZRebalance", "Launch"])
async def test_without_its_process_a_group_stays_unbalanced(lab: Lab, process: str) -> None:
    await four(lab)
    places = subnets(lab)
    update(lab, VPCZoneIdentifier=places[A])
    lab.call("autoscaling", "SuspendProcesses", AutoScalingGroupName=lab.group.name, ScalingProcesses=[process])
    await lab.run(300)
    assert zones(lab) == {A: 2, B: 2}
    lab.call("autoscaling", "ResumeProcesses", AutoScalingGroupName=lab.group.name)
    await settled(lab, a=4)


async def test_what_a_user_takes_away_from_one_zone_is_balanced_by_the_launches(lab: Lab) -> None:
    await four(lab)
    for member in [one for one in lab.store.all(Member) if one.zone == A]:
        lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=member.instance_id,
                 ShouldDecrementDesiredCapacity=True)  # fmt: skip
    await settled(lab, a=1, b=1)


async def test_launches_go_to_the_subnet_with_the_most_room(lab: Lab) -> None:
    vpc = next(row.vpc_id for row in lab.store.all(Subnet))
    made = lab.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.0.96.0/20", AvailabilityZone=A)
    wide = made["Subnet"]["SubnetId"]
    update(lab, VPCZoneIdentifier=f"{subnets(lab)[A]},{wide}")
    set_desired(lab, 4)
    await settled(lab, a=4)
    new = [one for one in lab.launches()[2:] if one.status_code == "Successful"]
    assert all(wide in one.details for one in new)
