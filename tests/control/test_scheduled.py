"""Scheduled actions on a whole lab: when they run, what they change, and what becomes of those that are missed (§4.4)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.scheduled import ScheduledAction
from tests.control.lab import Lab


def put(lab: Lab, name: str, after: float | None = None, **members: Any) -> None:
    """`after` is the start time, in lab seconds from now."""
    if after is not None:
        members["StartTime"] = datetime.fromtimestamp(lab.clock.now() + after, UTC)
    lab.call("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName=lab.group.name,
             ScheduledActionName=name, **members)  # fmt: skip


def sizes(lab: Lab) -> tuple[int, int, int]:
    return lab.group.min_size, lab.group.desired_capacity, lab.group.max_size


def runs(lab: Lab) -> list[tuple[str, int, str]]:
    return [(one.policy, one.desired, one.why) for one in lab.store.all(Decision) if one.kind == "scheduled"]


def upcoming(lab: Lab) -> list[str]:
    return [action.name for action in lab.store.all(ScheduledAction)]


async def test_an_action_runs_at_its_time_and_is_gone(lab: Lab) -> None:
    put(lab, "morning", after=60, MinSize=3, MaxSize=9, DesiredCapacity=4)
    await lab.run(55)
    assert sizes(lab) == (2, 2, 6)
    await lab.run(10)
    assert sizes(lab) == (3, 4, 9)
    assert upcoming(lab) == []
    assert lab.group.capacity_cause.partition("Z ")[2] == (
        "a scheduled action update of AutoScalingGroup constraints to min: 3, max: 9, desired: 4 "
        "changing the desired capacity from 2 to 4."
    )
    await lab.until(lambda: lab.settled() and len(lab.members) == 4)
    assert "a scheduled action update" in lab.launches()[-1].cause


@pytest.mark.parametrize(
    ("members", "wanted", "why"),
    [
        # A size that is not given stays.
        ({"DesiredCapacity": 5}, (2, 5, 6), ""),
        ({"DesiredCapacity": 2}, (2, 2, 6), "that is what there is already"),
        # Bounds move the capacity.
        ({"MinSize": 4}, (4, 4, 6), "brought to 4 by the minimum of 4"),
        ({"MaxSize": 9}, (2, 2, 9), "that is what there is already"),
        # asg:ec2-auto-scaling-scheduled-scaling asks to give the bounds along with a capacity outside them.
        ({"DesiredCapacity": 9}, (2, 6, 6), "brought to 6 by the maximum of 6"),
        ({"DesiredCapacity": 0}, (2, 2, 6), "brought to 2 by the minimum of 2"),
        ({"MinSize": 0, "DesiredCapacity": 0}, (0, 0, 6), ""),
        ({"MaxSize": 1}, (2, 2, 6), "the minimum of 2 would be above the maximum of 1, so nothing was changed"),
    ],
)
async def test_sizes(lab: Lab, members: dict[str, int], wanted: tuple[int, int, int], why: str) -> None:
    put(lab, "action", after=10, **members)
    await lab.run(20)
    assert sizes(lab) == wanted
    assert runs(lab) == [("action", wanted[1], why)]


async def test_a_recurrence_runs_again_and_again_until_its_end(lab: Lab) -> None:
    """The lab begins at 22:13:20; every five minutes, until 22:27."""
    end = datetime(2023, 11, 14, 22, 27, tzinfo=UTC)
    put(lab, "often", Recurrence="*/5 * * * *", DesiredCapacity=4, EndTime=end)
    times = []
    for _ in range(80):
        if lab.group.desired_capacity == 4:
            times.append(datetime.fromtimestamp(lab.clock.now(), UTC).strftime("%H:%M"))
            lab.store.put(replace(lab.group, desired_capacity=2))
        await lab.tick(15)
    assert times == ["22:15", "22:20", "22:25"]
    assert upcoming(lab) == []


async def test_a_start_time_comes_before_the_recurrence(lab: Lab) -> None:
    put(lab, "often", after=30, Recurrence="*/5 * * * *", DesiredCapacity=4)
    await lab.run(40)
    assert sizes(lab)[1] == 4
    [action] = lab.store.all(ScheduledAction)
    assert action.next_at % 300 == 0
    assert action.next_at > lab.clock.now()


async def test_actions_of_a_group_run_in_the_order_of_their_times(lab: Lab) -> None:
    put(lab, "second", after=12, DesiredCapacity=5)
    put(lab, "first", after=11, DesiredCapacity=3)
    lab.clock.advance(60)
    await lab.turn()
    assert [name for name, _, _ in runs(lab)] == ["first", "second"]
    assert sizes(lab)[1] == 5


async def test_what_came_due_while_the_control_plane_was_down_runs_once_when_it_is_back(lab: Lab) -> None:
    put(lab, "often", Recurrence="*/5 * * * *", DesiredCapacity=4)
    put(lab, "once", after=400, MaxSize=9)
    lab.clock.advance(3600)
    await lab.restart()
    await lab.run(10)
    assert sizes(lab) == (2, 4, 9)
    assert [name for name, _, _ in runs(lab)] == ["often", "once"]
    assert upcoming(lab) == ["often"]


async def test_what_comes_due_while_scheduled_actions_are_suspended_is_lost(lab: Lab) -> None:
    """asg:as-suspend-resume-processes"""
    put(lab, "often", Recurrence="*/5 * * * *", DesiredCapacity=4)
    put(lab, "once", after=30, MaxSize=9)
    lab.store.put(replace(lab.group, suspended_processes=(("ScheduledActions", "User suspended"),)))
    await lab.run(310)
    lab.store.put(replace(lab.group, suspended_processes=()))
    assert sizes(lab) == (2, 2, 6)
    assert {why for _, _, why in runs(lab)} == {"the process ScheduledActions is suspended, so it is lost"}
    assert upcoming(lab) == ["often"]
    await lab.run(300)
    assert sizes(lab) == (2, 4, 6)


async def test_scheduled_actions_do_not_wait_for_a_cooldown(lab: Lab) -> None:
    """asg:ec2-auto-scaling-scaling-cooldowns"""
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.until(lab.settled)
    put(lab, "soon", after=10, DesiredCapacity=5)
    await lab.run(15)
    assert sizes(lab)[1] == 5
