"""Instances stopped, hibernated, started and rebooted, with a control plane that may die at any commit."""

from typing import Any

import pytest

from lab.actions.ec2.instances import launch
from lab.core.compute import MachineState
from lab.core.ec2.model import Instance, LaunchTemplate, Subnet
from tests.control.lab import Crash, CrashingStore, Lab


def lone_instance(lab: Lab, *, hibernation: bool = False) -> str:
    """An instance that is in no group, launched as a group would launch it."""
    [template] = lab.store.all(LaunchTemplate)
    version = template.versions[-1]
    if hibernation:
        data = {**version.data, "HibernationOptions": {"Configured": True}}
        lab.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=template.key, LaunchTemplateData=data)
        [template] = lab.store.all(LaunchTemplate)
        version = template.versions[-1]
    subnet = next(row for row in lab.store.all(Subnet))
    return launch(lab.world.context(lab.clock.now()), template, version, subnet.subnet_id, {}).instance_id


async def machine_state(lab: Lab, name: str) -> MachineState | None:
    return next((machine.state for machine in await lab.compute.machines() if machine.id == name), None)


async def reaches(lab: Lab, name: str, state: str) -> None:
    await lab.until(lambda: lab.state(name) == state)


async def test_an_instance_is_stopped_and_started_as_itself(lab: Lab) -> None:
    name = lone_instance(lab)
    await reaches(lab, name, "running")
    before = lab.store.get(Instance, name)
    assert before is not None
    lab.call("ec2", "StopInstances", InstanceIds=[name])
    await reaches(lab, name, "stopped")
    assert await machine_state(lab, name) is MachineState.STOPPED
    lab.call("ec2", "StartInstances", InstanceIds=[name])
    await reaches(lab, name, "running")
    after = lab.store.get(Instance, name)
    assert after is not None
    assert (after.private_ip_address, after.endpoints, after.boots) == (before.private_ip_address, before.endpoints, 2)
    assert name not in lab.compute.terminated


async def test_a_hibernated_instance_is_a_paused_machine(lab: Lab) -> None:
    name = lone_instance(lab, hibernation=True)
    await reaches(lab, name, "running")
    launched = lab.compute.launched.count(name)
    lab.call("ec2", "StopInstances", InstanceIds=[name], Hibernate=True)
    await reaches(lab, name, "stopped")
    assert await machine_state(lab, name) is MachineState.PAUSED
    lab.call("ec2", "StartInstances", InstanceIds=[name])
    await reaches(lab, name, "running")
    assert await machine_state(lab, name) is MachineState.RUNNING
    assert lab.compute.launched.count(name) == launched, "it went on where it was"


async def test_a_machine_that_loses_its_memory_boots_again(lab: Lab) -> None:
    name = lone_instance(lab, hibernation=True)
    await reaches(lab, name, "running")
    lab.call("ec2", "StopInstances", InstanceIds=[name], Hibernate=True)
    await reaches(lab, name, "stopped")
    await lab.compute.kill(name)  # an engine that was restarted, say
    await lab.tick()
    lab.call("ec2", "StartInstances", InstanceIds=[name])
    await reaches(lab, name, "running")
    assert await machine_state(lab, name) is MachineState.RUNNING


async def test_a_reboot_is_one_stop_and_one_launch(lab: Lab) -> None:
    name = lone_instance(lab)
    await reaches(lab, name, "running")
    launched = lab.compute.launched.count(name)
    lab.call("ec2", "RebootInstances", InstanceIds=[name])
    for _ in range(6):
        await lab.tick()
        assert lab.state(name) == "running"
    assert lab.compute.launched.count(name) == launched + 1


async def test_a_member_that_is_stopped_by_hand_is_replaced(lab: Lab) -> None:
    victim = lab.members[0]
    lab.call("ec2", "StopInstances", InstanceIds=[victim])
    await lab.until(lambda: victim not in lab.members and lab.settled())
    [activity] = lab.activities(f"Terminating EC2 instance: {victim}")
    assert "EC2 health check indicating it has been terminated or stopped" in activity.cause
    assert lab.state(victim) == "terminated"


async def test_a_machine_that_dies_as_it_starts_is_stopped_again(lab: Lab) -> None:
    name = lone_instance(lab)
    await reaches(lab, name, "running")
    lab.call("ec2", "StopInstances", InstanceIds=[name])
    await reaches(lab, name, "stopped")
    lab.call("ec2", "StartInstances", InstanceIds=[name])
    await lab.turn()
    await lab.compute.kill(name)
    await reaches(lab, name, "stopped")
    row = lab.store.get(Instance, name)
    assert row is not None
    assert row.state_reason_code == "Server.InternalError"


STORY: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("StopInstances", {}, "stopped"),
    ("StartInstances", {}, "running"),
    ("StopInstances", {"Hibernate": True}, "stopped"),
    ("StartInstances", {}, "running"),
    ("RebootInstances", {}, "running"),
)


async def tell(lab: Lab, name: str) -> None:
    """The whole story, each request made once; a request that dies with the control plane is made again."""
    for action, members, state in STORY:
        asked = False
        for _ in range(30):
            try:
                if not asked:
                    lab.call("ec2", action, InstanceIds=[name], **members)
                    asked = True
                await lab.tick()
            except Crash:
                await lab.restart()
                lab.clock.advance(7.0)
        assert lab.state(name) == state, (action, lab.picture())


async def up() -> tuple[Lab, CrashingStore, str]:
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    name = lone_instance(lab, hibernation=True)
    await reaches(lab, name, "running")
    return lab, store, name


@pytest.mark.parametrize("part", range(4))
async def test_death_at_any_commit_of_stops_starts_and_reboots(part: int) -> None:
    lab, store, name = await up()
    first = store.commits + 1
    await tell(lab, name)
    for commit in range(first + part, store.commits + 1, 4):
        lab, again, name = await up()
        again.crash_at = commit
        await tell(lab, name)
        assert await machine_state(lab, name) is MachineState.RUNNING
        row = lab.store.get(Instance, name)
        assert row is not None
        assert row.reboot == ""
        # The first launch, the start after the stop, the reboot; a death between an effect and its commit repeats none but
        # a launch, which does nothing to what runs.
        assert name not in lab.compute.terminated
        assert lab.compute.stopped.count(name) == 2, (commit, lab.compute.stopped)
