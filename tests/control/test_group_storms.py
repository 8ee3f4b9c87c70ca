"""Whatever is done to a group, and wherever the control plane dies meanwhile: what always holds, and where it all ends.

Seeded random stories on a whole lab: capacities moved, instances killed, called unhealthy, terminated, protected, put on
standby, detached and attached, zones failed, zones of the group changed, processes suspended, hooks put and completed. At every
turn:

* the desired capacity is between the sizes, and no more than a tenth above the maximum is in service or coming;
* no protected instance is taken by scaling in, rebalancing or its lifetime;
* each launch and each termination has one activity, and nothing else has one.

When the storm is over, everything is as desired: members in service, zones equal within one, nothing lost and nothing left.
"""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from lab.control.autoscaling.groups import Groups
from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import IN_SERVICE, STANDBY, AutoScalingGroup, Member
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Registration
from lab.core.errors import LabError
from tests.control.lab import TICK, Crash, CrashingStore, Lab

PROCESSES = ["Launch", "Terminate", "AZRebalance", "HealthCheck", "ReplaceUnhealthy"]
VOLUNTARY = (
    "in response to a difference between desired and actual capacity",
    "instances were launched to balance instances in zones",
    "in response to its maximum instance lifetime",
)
"""Reasons for which a protected instance is never terminated."""


class Storm:
    """One story. `detached` are instances that were let go alive; `protected` those that are protected when a turn begins;
    `before` is the capacity of a turn ago and what it might have been at most."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = CrashingStore()
        self.lab = Lab(self.store)
        self.detached: set[str] = set()
        self.protected: set[str] = set()
        self.seen: set[str] = set()
        self.places: list[str] = []
        self.before = (0, 0)

    # What is done to the group; each may be refused, and may be the last thing that this control plane does.

    def ask(self, operation: str, **members: object) -> None:
        self.lab.call("autoscaling", operation, AutoScalingGroupName=self.lab.group.name, **members)

    def some(self, *states: str) -> list[str]:
        found = [member.instance_id for member in self.store.all(Member) if member.state in states]
        return self.chance.sample(found, min(len(found), 1))

    def set_desired(self) -> None:
        self.ask("SetDesiredCapacity", DesiredCapacity=self.chance.randint(1, 7))

    def resize(self) -> None:
        low = self.chance.randint(0, 3)
        self.ask("UpdateAutoScalingGroup", MinSize=low, MaxSize=low + self.chance.randint(1, 5))

    def call_unhealthy(self) -> None:
        for name in self.some(IN_SERVICE):
            self.lab.call("autoscaling", "SetInstanceHealth", InstanceId=name, HealthStatus="Unhealthy",
                          ShouldRespectGracePeriod=False)  # fmt: skip

    def terminate(self) -> None:
        for name in self.some(IN_SERVICE, "Pending", STANDBY, "Pending:Wait"):
            self.lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=name,
                          ShouldDecrementDesiredCapacity=self.chance.random() < 0.5)  # fmt: skip

    def protect(self) -> None:
        self.ask(
            "SetInstanceProtection", InstanceIds=self.some(IN_SERVICE), ProtectedFromScaleIn=self.chance.random() < 0.6
        )

    def enter_standby(self) -> None:
        self.ask(
            "EnterStandby", InstanceIds=self.some(IN_SERVICE), ShouldDecrementDesiredCapacity=self.chance.random() < 0.5
        )

    def exit_standby(self) -> None:
        self.ask("ExitStandby", InstanceIds=self.some(STANDBY))

    def detach(self) -> None:
        names = self.some(IN_SERVICE, STANDBY)
        self.ask("DetachInstances", InstanceIds=names, ShouldDecrementDesiredCapacity=self.chance.random() < 0.5)
        self.detached.update(names)

    def attach(self) -> None:
        members = {member.instance_id for member in self.store.all(Member)}
        names = sorted(name for name in self.detached - members if self.lab.state(name) == "running")[:1]
        self.ask("AttachInstances", InstanceIds=names)
        self.detached.difference_update(names)

    def suspend(self) -> None:
        self.ask("SuspendProcesses", ScalingProcesses=[self.chance.choice(PROCESSES)])

    def resume(self) -> None:
        self.ask("ResumeProcesses")

    def put_hook(self) -> None:
        side = self.chance.choice(["LAUNCHING", "TERMINATING"])
        self.ask("PutLifecycleHook", LifecycleHookName=side.lower(), HeartbeatTimeout=self.chance.choice([30, 60]),
                 LifecycleTransition=f"autoscaling:EC2_INSTANCE_{side}",
                 DefaultResult=self.chance.choice(["CONTINUE", "ABANDON"]))  # fmt: skip

    def complete_hook(self) -> None:
        for member in self.store.all(Member):
            for action in member.actions:
                self.ask("CompleteLifecycleAction", LifecycleHookName=action.hook, InstanceId=member.instance_id,
                         LifecycleActionResult=self.chance.choice(["CONTINUE", "CONTINUE", "ABANDON"]))  # fmt: skip
                return

    def maintain(self) -> None:
        least, most = self.chance.choice([(100, 150), (50, 100), (90, 120), (-1, -1)])
        policy = {"MinHealthyPercentage": least, "MaxHealthyPercentage": most}
        self.ask("UpdateAutoScalingGroup", InstanceMaintenancePolicy=policy)

    def change_zones(self) -> None:
        places = self.chance.sample(self.places, self.chance.randint(1, len(self.places)))
        self.ask("UpdateAutoScalingGroup", VPCZoneIdentifier=",".join(places))

    # What happens to it.

    async def hazard(self) -> None:
        luck = self.chance.random()
        if luck < 0.08:
            alive = [one.id for one in await self.lab.compute.machines() if one.exit_code is None and one.id[0] == "i"]
            if alive:
                await self.lab.compute.kill(self.chance.choice(alive))
        elif luck < 0.11:
            await self.lab.compute.fail_zone(self.chance.choice(["us-east-1a", "us-east-1b"]))
        elif luck < 0.24:
            for zone in await self.lab.compute.failed_zones():
                await self.lab.compute.recover_zone(zone)
        elif luck < 0.3:
            self.lab.health = {name: "unhealthy" for name in self.lab.members if self.chance.random() < 0.4}
        elif luck < 0.4:
            self.lab.health = {}

    async def step(self) -> None:
        if self.chance.random() < 0.25:
            self.store.crash_at = self.store.commits + self.chance.randint(1, 10)
        await self.hazard()
        try:
            if self.chance.random() < 0.5:
                self.chance.choice(ACTIONS)(self)
        except LabError:
            pass
        except Crash:
            await self.lab.restart()
        self.protected = {member.instance_id for member in self.store.all(Member) if member.protected}
        try:
            await self.lab.turn()
            self.store.crash_at = 0 if self.chance.random() < 0.5 else self.store.crash_at
            self.check_that_nothing_was_passed_over()
            self.lab.clock.advance(TICK)
            self.check_that_nothing_was_passed_over()
        except Crash:
            await self.lab.restart()
            self.lab.clock.advance(7.0)
        self.check()

    def check_that_nothing_was_passed_over(self) -> None:
        """Groups at rest are not looked at: nothing may be due in them."""
        now, groups = self.lab.clock.now(), self.lab.loop.groups
        for _ in range(20):
            if not groups.look(now):
                break
        assert not Groups(self.lab.world, self.lab.loop.balancers.drained).look(now), self.lab.picture()

    # What always holds.

    def check(self) -> None:
        group = self.lab.group
        assert group.min_size <= group.desired_capacity <= group.max_size
        if group.runs("Terminate") and not self.protected and self.capacity() > self.before[0]:
            assert self.capacity() <= max(self.ceiling(), self.before[1]), self.lab.picture()
        self.before = (self.capacity(), self.ceiling())
        for activity in self.lab.activities("Terminating EC2 instance"):
            if activity.activity_id not in self.seen and any(reason in activity.cause for reason in VOLUNTARY):
                assert activity.description.rpartition(" ")[2] not in self.protected, activity
            self.seen.add(activity.activity_id)
        self.check_activities()

    def capacity(self) -> int:
        return sum(is_capacity(member) for member in self.store.all(Member))

    def ceiling(self) -> int:
        """Rebalancing may exceed the maximum by a tenth or one, replacing by what the policy allows, or by one."""
        group = self.lab.group
        policy = group.instance_maintenance_policy
        share = 0 if policy is None else group.desired_capacity * policy.max_healthy_percentage // 100 + 1
        return max(share, group.max_size + max(1, group.max_size // 10))

    def check_activities(self) -> None:
        """One for each launch and each termination; who waits for something has its activity open."""
        launches = Counter(one.description.split(".")[0] for one in self.lab.launches() if ": i-" in one.description)
        ends = Counter(one.description for one in self.lab.activities("Terminating EC2 instance"))
        assert set(launches.values()) <= {1}
        assert set(ends.values()) <= {1}
        resting = {member.activity_id for member in self.store.all(Member) if member.state in (IN_SERVICE, STANDBY)}
        open_ones = {one.activity_id for one in self.lab.activities() if one.end_time is None}
        assert open_ones == {member.activity_id for member in self.store.all(Member)} - resting, self.lab.picture()


ACTIONS: list[Callable[[Storm], None]] = [
    Storm.set_desired, Storm.set_desired, Storm.resize, Storm.call_unhealthy, Storm.terminate, Storm.protect,
    Storm.enter_standby, Storm.exit_standby, Storm.exit_standby, Storm.detach, Storm.attach, Storm.suspend, Storm.resume,
    Storm.resume, Storm.put_hook, Storm.complete_hook, Storm.complete_hook, Storm.maintain, Storm.change_zones,
]  # fmt: skip


async def calm(storm: Storm) -> None:
    """No more of it: everything is allowed, well, and back where it was."""
    lab = storm.lab
    storm.store.crash_at = 0
    lab.health = {}
    for zone in await lab.compute.failed_zones():
        await lab.compute.recover_zone(zone)
    group = lab.group
    storm.ask("ResumeProcesses")
    for hook in group.lifecycle_hooks:
        storm.ask("DeleteLifecycleHook", LifecycleHookName=hook.name)
    sizes = {"MinSize": 1, "MaxSize": 8, "DesiredCapacity": 6}
    storm.ask("UpdateAutoScalingGroup", **sizes, VPCZoneIdentifier=",".join(storm.places))
    protected = [
        member.instance_id for member in lab.store.all(Member) if member.protected and member.state == IN_SERVICE
    ]
    if protected:
        storm.ask("SetInstanceProtection", InstanceIds=protected, ProtectedFromScaleIn=False)
    await lab.run(60)
    for member in lab.store.all(Member):
        if member.state == STANDBY:
            lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=member.instance_id,
                     ShouldDecrementDesiredCapacity=False)  # fmt: skip


def at_rest(lab: Lab) -> bool:
    members = lab.store.all(Member)
    zones = Counter(member.zone for member in members)
    return (
        len(members) == lab.group.desired_capacity
        and all(member.state == IN_SERVICE and member.health == "Healthy" for member in members)
        and max(zones.values()) - min(zones.values()) <= 1
        and len(zones) == 2
    )


@pytest.mark.parametrize("seed", [*range(24), 1670])
async def test_a_storm(seed: int) -> None:
    storm = Storm(seed)
    lab = storm.lab
    lab.create_stack()
    await lab.up()
    # Only what is asked for here moves the capacity.
    lab.call(
        "autoscaling", "SuspendProcesses", AutoScalingGroupName=lab.group.name, ScalingProcesses=["AlarmNotification"]
    )
    storm.places = [subnet for subnet, _ in lab.group.subnets]
    for _ in range(120):
        await storm.step()
    await calm(storm)
    await lab.until(lambda: at_rest(lab), 3000)
    storm.ask("SetDesiredCapacity", DesiredCapacity=3)
    await lab.run(120)
    assert at_rest(lab)
    storm.check_activities()
    instances = {row.instance_id for row in lab.store.all(Instance) if row.state != "terminated"}
    assert instances == set(lab.members) | {name for name in storm.detached if lab.state(name) != "terminated"}
    machines = {one.id for one in await lab.compute.machines() if one.id.startswith("i-")}
    assert machines == instances, "nothing is lost and nothing is left"
    assert {row.target_id for row in lab.store.all(Registration) if row.deregistered_at is None} == set(lab.members)
    assert len(lab.store.all(AutoScalingGroup)) == 1
