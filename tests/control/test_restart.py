"""`kill -9` of the control plane, anywhere: the next one goes on, and nothing is launched or terminated for it.

A control plane dies between any two commits, between any two turns, and between deciding and acting. Whatever it had begun,
its successor ends up where an undisturbed one would: that is the property, over many points of death.
"""

import random
from pathlib import Path

import pytest

from lab.adapters.metrics import MetricStore
from lab.adapters.store import SqliteStore
from lab.core.autoscaling.model import Activity
from lab.core.cloudwatch.model import ALARM, AlarmHistory
from lab.core.elbv2.model import LoadBalancer, Published, Registration
from lab.rows import ROWS
from tests.control.lab import Crash, CrashingStore, Lab


def assert_nothing_extra(lab: Lab) -> None:
    """Two instances, two nodes and a database, each launched under one id, and none terminated."""
    assert len(set(lab.compute.launched)) == 5, lab.compute.launched
    assert lab.compute.terminated == []
    assert [one.status_code for one in lab.store.all(Activity)] == ["Successful"] * 2


async def undisturbed_commits() -> int:
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    return store.commits


async def turn_or_die(lab: Lab) -> None:
    """One tick; when the process dies in it, the next one starts a little later."""
    try:
        await lab.tick()
    except Crash:
        await lab.restart()
        lab.clock.advance(7.0)


@pytest.mark.parametrize("part", range(6))
async def test_death_at_any_commit_of_a_stack_coming_up(part: int) -> None:
    for commit in range(2 + part, await undisturbed_commits() + 1, 6):
        store = CrashingStore()
        lab = Lab(store)
        lab.create_stack()
        store.crash_at = commit
        for _ in range(40):
            await turn_or_die(lab)
        assert lab.serves(), (commit, lab.picture())
        assert_nothing_extra(lab)


async def grow(lab: Lab) -> None:
    """The CPU is busy until the group has grown from two to four instances."""
    for _ in range(60):
        lab.set_cpu(0.8)
        await turn_or_die(lab)


async def warm(store: CrashingStore) -> Lab:
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    await lab.run(310)
    return lab


@pytest.mark.parametrize("part", range(2))
async def test_death_at_any_commit_around_an_alarm(part: int) -> None:
    """The alarm changes its state and its policy the capacity, in one commit; neither is lost or done twice."""
    store = CrashingStore()
    lab = await warm(store)
    first = store.commits
    await grow(lab)
    assert lab.group.desired_capacity == 4
    for commit in range(first + 1 + part, min(store.commits, first + 20) + 1, 2):
        store = CrashingStore()
        lab = await warm(store)
        store.crash_at = commit
        await grow(lab)
        name = lab.alarm("High").name
        items = [row for row in store.where(AlarmHistory, "alarm_name", name) if row.item_type != "ConfigurationUpdate"]
        states = [row.summary for row in items if row.item_type == "StateUpdate"]
        assert states[-1] == "Alarm updated from OK to ALARM", commit
        assert len(states) == 2, (commit, states)
        assert [row.item_type for row in items].count("Action") == 1, commit
        assert [one.cause.count("changing the desired capacity from 2 to 4") for one in lab.launches()[2:]] == [1, 1]
        assert len(lab.members) == lab.group.desired_capacity == 4


@pytest.mark.parametrize("every", [7, 11, 23, 40])
async def test_death_again_and_again(every: int) -> None:
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    for _ in range(200):
        store.crash_at = store.commits + every
        await turn_or_die(lab)
    store.crash_at = 0
    await lab.up()
    assert_nothing_extra(lab)


@pytest.mark.parametrize("seed", range(12))
async def test_death_between_turns_and_between_deciding_and_acting(seed: int, tmp_path: Path) -> None:
    """The rows come back from the file, by way of JSON; effects that had not begun are lost."""
    chance = random.Random(seed)
    store, metrics = SqliteStore(tmp_path / "lab.sqlite", ROWS), MetricStore(tmp_path / "metrics.sqlite")
    lab = Lab(store, metrics)
    lab.create_stack()
    for _ in range(30):
        await lab.report()
        await lab.loop.turn()
        if chance.random() < 0.5:
            await lab.loop.effects.settle()
        if chance.random() < 0.4:
            store.close()
            metrics.close()
            store, metrics = SqliteStore(tmp_path / "lab.sqlite", ROWS), MetricStore(tmp_path / "metrics.sqlite")
            await lab.restart(store, metrics)
        lab.clock.advance(chance.uniform(0, 8))
    await lab.up()
    assert_nothing_extra(lab)
    store.close()
    metrics.close()


@pytest.mark.parametrize("seed", range(20))
async def test_death_amid_a_storm(seed: int) -> None:
    """Instances, nodes and the database die, the capacity is moved, and the control plane dies in between."""
    chance = random.Random(seed)
    store = CrashingStore()
    lab = Lab(store)
    lab.create_stack()
    await lab.up()
    for _ in range(60):
        if chance.random() < 0.3:
            store.crash_at = store.commits + chance.randint(1, 12)
        if chance.random() < 0.15:
            running = [one.id for one in await lab.compute.machines() if one.exit_code is None]
            if running:
                await lab.compute.kill(chance.choice(running))
        try:
            if chance.random() < 0.15:
                name = lab.group.name
                lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=name,
                         DesiredCapacity=chance.randint(2, 6))  # fmt: skip
        except Crash:
            await lab.restart()
        await turn_or_die(lab)
        assert lab.group.min_size <= lab.group.desired_capacity <= lab.group.max_size
    store.crash_at = 0
    await lab.until(lab.settled, 1200)
    await lab.run(120)
    machines = {machine.id for machine in await lab.compute.machines()}
    assert {name for name in machines if name.startswith("i-")} == set(lab.members)
    assert len(machines) == len(lab.members) + 3
    assert {row.target_id for row in lab.store.all(Registration)} == set(lab.members)
    assert all(one.end_time is not None for one in lab.activities()), lab.picture()
    assert len(lab.launches()) == len(set(lab.instances_launched()) | {
        one.description.split(": ")[1].split(".")[0] for one in lab.launches()
    }), "exactly one activity for each launch"  # fmt: skip


async def test_a_restart_amid_draining_waits_for_what_is_in_flight(lab: Lab) -> None:
    victim = lab.members[0]
    lab.in_flight[victim] = 1
    lab.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=victim,
             ShouldDecrementDesiredCapacity=False)  # fmt: skip
    await lab.tick()
    await lab.restart()
    for _ in range(4):  # turns before the first report
        await lab.loop.turn()
        await lab.loop.effects.settle()
    assert lab.state(victim) == "running"
    await lab.run(20)
    assert lab.state(victim) == "running"
    lab.in_flight.clear()
    await lab.until(lambda: lab.state(victim) == "terminated", 60)


async def test_a_restart_replaces_no_target_before_the_nodes_have_reported(lab: Lab) -> None:
    await lab.run(400)
    await lab.restart()
    for _ in range(3):
        await lab.loop.turn()
        await lab.loop.effects.settle()
        lab.clock.advance(0.5)
    await lab.run(60)
    assert_nothing_extra(lab)


async def test_a_restart_publishes_the_document_that_was_in_force(lab: Lab) -> None:
    [before] = lab.store.all(Published)
    await lab.restart()
    await lab.turn()
    [balancer] = lab.store.all(LoadBalancer)
    document = lab.world.nodes.document(balancer.arn)
    assert document is not None
    assert (document.generation, document.content_hash) == (before.generation, before.content_hash)
    assert lab.store.all(Published) == [before]


async def test_an_alarms_window_survives_a_restart(lab: Lab, tmp_path: Path) -> None:
    metrics = MetricStore(tmp_path / "metrics.sqlite")
    await lab.restart(metrics=metrics)
    await lab.run(310)
    lab.set_cpu(0.9)
    await lab.run(130)
    assert lab.alarm("High").state != ALARM
    metrics.close()
    metrics = MetricStore(tmp_path / "metrics.sqlite")
    await lab.restart(metrics=metrics)
    await lab.until(lambda: lab.alarm("High").state == ALARM, 130)
    metrics.close()


async def test_an_instance_that_dies_before_it_is_in_service_is_replaced(lab: Lab) -> None:
    """The control plane dies between seeing it run and putting it in service, and the instance does meanwhile."""
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.tick()
    [new] = [member for member in lab.members if lab.state(member) == "pending"]
    lab.loop.machines.observe(await lab.compute.machines(), lab.clock.now())
    assert lab.state(new) == "running"
    await lab.restart()
    await lab.compute.kill(new)
    await lab.until(lambda: new not in lab.members and lab.settled())
    await lab.run(30)
    assert new in lab.compute.terminated
    assert lab.launches()[2].status_code == "Failed"
