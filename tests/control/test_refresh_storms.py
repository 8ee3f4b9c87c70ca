"""What holds of every instance refresh, whatever its preferences are, and wherever the control plane dies.

* No fewer members serve than the minimum healthy percentage asks for, as long as the bounds leave room at all.
* Exactly those that do not match are replaced, each once.
* A successor of a dead control plane ends where an undisturbed one would.
"""

import random
from typing import Any

import pytest

from lab.adapters.store import MemoryStore
from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import Activity, Member
from lab.core.autoscaling.refreshes import InstanceRefresh
from tests.control.lab import Crash, CrashingStore, Lab
from tests.control.test_refresh import described, of, serving, start, status, versions


async def ready(size: int, store: MemoryStore | None = None) -> Lab:
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    return await of(lab, size)


async def turn_or_die(lab: Lab) -> None:
    try:
        await lab.tick()
    except Crash:
        await lab.restart()
        lab.clock.advance(7.0)


def preferences(chance: random.Random) -> dict[str, Any]:
    minimum = chance.choice([0, 25, 50, 75, 100])
    maximum = chance.choice([None, 100, 125, 150, 200])
    given: dict[str, Any] = {"MinHealthyPercentage": minimum}
    if maximum is not None and maximum - minimum <= 100:
        given["MaxHealthyPercentage"] = maximum
    if chance.random() < 0.4:
        given |= {"CheckpointPercentages": sorted({chance.randint(1, 99), 100}), "CheckpointDelay": 60}
    if chance.random() < 0.5:
        given["SkipMatching"] = True
    return given


@pytest.mark.parametrize("seed", range(16))
async def test_the_floor_holds_and_exactly_what_does_not_match_goes(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(2, 6)
    store = CrashingStore()
    lab = await ready(size, store)
    wanted = preferences(chance)
    if chance.random() < 0.5:  # some of them match already
        start(lab, MinHealthyPercentage=50, CheckpointPercentages=[chance.randint(1, 60)])
        await lab.until(lambda: described(lab).get("EndTime"), 3600)
        await lab.until(lab.settled)
        lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name,
                 LaunchTemplate={"LaunchTemplateId": lab.group.launch_template_id, "Version": "1"})  # fmt: skip
    before = {member.instance_id: member.launch_template_version for member in lab.store.all(Member)}
    skip = wanted.get("SkipMatching", False)
    due = {name for name, version in before.items() if not skip or version != 2}
    floor = -(-size * wanted["MinHealthyPercentage"] // 100)
    start(lab, **wanted)
    for _ in range(2000):
        store.crash_at = store.commits + chance.randint(1, 9) if chance.random() < 0.2 else 0
        await turn_or_die(lab)
        assert serving(lab) >= floor, (wanted, lab.picture())
        if described(lab).get("EndTime") is not None:
            break
    store.crash_at = 0
    await lab.until(lab.settled)
    assert status(lab) == "Successful", (wanted, described(lab))
    assert versions(lab) == [2] * size
    assert set(before) - set(lab.members) == due, wanted
    terminated = [one for one in lab.activities("Terminating") if one.description.split(": ")[1] in due]
    assert len(terminated) == len(due)
    assert all(one.end_time is not None for one in lab.store.all(Activity))


async def refreshed(store: CrashingStore, crash_at: int) -> Lab:
    lab = await ready(2, store)
    store.crash_at = crash_at
    try:
        start(lab, MinHealthyPercentage=50, BakeTime=60)
    except Crash:
        await lab.restart()
        start(lab, MinHealthyPercentage=50, BakeTime=60)
    for _ in range(80):
        await turn_or_die(lab)
    return lab


@pytest.mark.parametrize("part", range(4))
async def test_death_at_any_commit_of_a_refresh(part: int) -> None:
    undisturbed = CrashingStore()
    await ready(2, undisturbed)
    first = undisturbed.commits + 1
    undisturbed = CrashingStore()
    whole = await refreshed(undisturbed, 0)
    assert status(whole) == "Successful"
    for commit in range(first + part, undisturbed.commits + 1, 4):
        lab = await refreshed(CrashingStore(), commit)
        assert status(lab) == "Successful", (commit, lab.picture())
        assert versions(lab) == [2, 2]
        assert len(lab.launches()) == len(whole.launches()), (commit, lab.picture())
        assert len(lab.store.all(InstanceRefresh)) == 1


@pytest.mark.parametrize("seed", range(6))
async def test_a_rollback_amid_death_leaves_what_there_was(seed: int) -> None:
    chance = random.Random(seed)
    store = CrashingStore()
    lab = await ready(4, store)
    start(lab, MinHealthyPercentage=50)
    for _ in range(chance.randint(2, 30)):
        store.crash_at = store.commits + chance.randint(1, 6) if chance.random() < 0.3 else 0
        await turn_or_die(lab)
    store.crash_at = 0
    if described(lab).get("EndTime") is None:
        lab.call("autoscaling", "RollbackInstanceRefresh", AutoScalingGroupName=lab.group.name)
    while described(lab).get("EndTime") is None:
        store.crash_at = store.commits + chance.randint(1, 6) if chance.random() < 0.3 else 0
        await turn_or_die(lab)
        assert serving(lab) >= 2
    store.crash_at = 0
    await lab.until(lab.settled)
    rolled_back = status(lab) == "RollbackSuccessful"
    assert versions(lab) == ([1] if rolled_back else [2]) * 4
    assert sum(1 for member in lab.store.all(Member) if is_capacity(member)) == 4
