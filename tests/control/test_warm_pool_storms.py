"""A warm pool under a control plane that dies: it fills, gives and takes back as if nothing had been."""

import random

import pytest

from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import Activity, Member
from lab.core.compute import MachineState
from lab.core.ec2.model import Instance
from tests.control.lab import Crash, CrashingStore, Lab
from tests.control.test_warm_pool import hibernating, put_pool, resize

PLAN = ((2, 4), (4, 4), (3, 4), (1, 4))
"""Desired capacity and maximum, one after the other."""

MACHINES = {
    "InService": MachineState.RUNNING,
    "Warmed:Running": MachineState.RUNNING,
    "Warmed:Stopped": MachineState.STOPPED,
    "Warmed:Hibernated": MachineState.PAUSED,
}


async def turn_or_die(lab: Lab) -> None:
    try:
        await lab.tick()
    except Crash:
        await lab.restart()
        lab.clock.advance(7.0)


async def ready(store: CrashingStore, rest: str) -> Lab:
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    hibernating(lab)
    resize(lab, 2, 2)
    put_pool(lab, PoolState=rest, InstanceReusePolicy={"ReuseOnScaleIn": True})
    await lab.run(30)
    return lab


async def played(store: CrashingStore, rest: str, crash_at: int) -> Lab:
    """The plan, each step once, and what it leads to."""
    lab = await ready(store, rest)
    store.crash_at = crash_at
    for desired, most in PLAN:
        asked = False
        for _ in range(30):
            try:
                if not asked:
                    resize(lab, desired, most)
                    asked = True
                await lab.tick()
            except Crash:
                await lab.restart()
                lab.clock.advance(7.0)
    return lab


def rests(lab: Lab, rest: str, pooled: int) -> bool:
    """All of the group serves, all of the pool rests; one that cannot hibernate is stopped instead."""
    members = [member for member in lab.store.all(Member) if is_in_pool(member)]
    fallen_back = {row.instance_id for row in lab.store.all(Instance) if rest == "Hibernated" and not row.hibernation}
    wanted = {one.instance_id: "Stopped" if one.instance_id in fallen_back else rest for one in members}
    return (
        lab.settled()
        and len(members) == pooled
        and all(one.state == f"Warmed:{wanted[one.instance_id]}" for one in members)
    )


async def assert_at_rest(lab: Lab, rest: str, pooled: int, lost: bool = False) -> None:
    """`lost`: engines that were restarted may have lost what was in memory."""
    assert rests(lab, rest, pooled), lab.picture()
    machines = {machine.id: machine.state for machine in await lab.compute.machines() if machine.id.startswith("i-")}
    assert set(machines) == set(lab.members)
    for member in lab.store.all(Member):
        allowed = {MACHINES[member.state]} | ({MachineState.STOPPED} if lost and is_in_pool(member) else set())
        assert machines[member.instance_id] in allowed
    assert all(one.end_time is not None for one in lab.store.all(Activity)), lab.picture()
    assert {row.state for row in lab.store.all(Instance)} <= {"running", "stopped", "terminated"}


@pytest.mark.parametrize("rest", ["Stopped", "Hibernated"])
@pytest.mark.parametrize("part", range(3))
async def test_death_at_any_commit_while_the_pool_fills_gives_and_takes_back(part: int, rest: str) -> None:
    undisturbed = CrashingStore()
    await ready(undisturbed, rest)
    first = undisturbed.commits + 1
    undisturbed = CrashingStore()
    whole = await played(undisturbed, rest, 0)
    await assert_at_rest(whole, rest, 3)
    for commit in range(first + part, undisturbed.commits + 1, 3):
        lab = await played(CrashingStore(), rest, commit)
        await assert_at_rest(lab, rest, 3)
        assert len(lab.activities("into warm pool")) == len(whole.activities("into warm pool")), (commit, lab.picture())
        assert set(lab.compute.terminated) == set(whole.compute.terminated), commit


@pytest.mark.parametrize("seed", range(12))
async def test_a_storm_over_the_pool(seed: int) -> None:
    """Machines die, are paused and are started by hand, capacities move, pools change and the control plane dies."""
    chance = random.Random(seed)
    store = CrashingStore()
    rest = chance.choice(["Stopped", "Running", "Hibernated"])
    lab = await ready(store, rest)
    for _ in range(50):
        store.crash_at = store.commits + chance.randint(1, 10) if chance.random() < 0.3 else 0
        try:
            if chance.random() < 0.25:
                resize(lab, chance.randint(1, 4), chance.randint(4, 6))
            if chance.random() < 0.1:
                put_pool(lab, MinSize=chance.randint(0, 2), MaxGroupPreparedCapacity=chance.choice([-1, 4, 5]),
                         InstanceReusePolicy={"ReuseOnScaleIn": chance.random() < 0.5})  # fmt: skip
        except Crash:
            await lab.restart()
        alive = [one.id for one in await lab.compute.machines() if one.state is not MachineState.STOPPED]
        if alive and chance.random() < 0.15:
            await lab.compute.kill(chance.choice(alive))
        await turn_or_die(lab)
    store.crash_at = 0
    put_pool(lab, MinSize=0, MaxGroupPreparedCapacity=-1)
    resize(lab, 2, 4)
    await lab.until(lambda: rests(lab, rest, 2), 3000)
    await lab.run(60)
    await assert_at_rest(lab, rest, 2, lost=True)
