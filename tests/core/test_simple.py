"""Simple scaling: what it waits for (asg:ec2-auto-scaling-scaling-cooldowns)."""

from typing import Any

import pytest

from lab.core.autoscaling.model import Activity
from lab.core.autoscaling.simple import cooldown_of, last_scaled, waits, wish
from tests.core.rows import NOW, breach, group, member, simple_policy

TWO = (member("1"), member("2"))


def activity(what: str = "Launching a new EC2 instance: i-1", ended: float | None = -100.0, **more: Any) -> Activity:
    """`ended` is in seconds from now."""
    status, end = ("InProgress", None) if ended is None else ("Successful", NOW + ended)
    values = {"status_code": status, "progress": 100, "details": "{}", "end_time": end, **more}
    return Activity(f"{what}{ended}", "web", what, "because", NOW - 1000, **values)


@pytest.mark.parametrize(
    ("activities", "words"),
    [
        ([], ""),
        ([activity(ended=-300.0)], ""),
        ([activity(ended=-299.0)], "in its cooldown of 300 s"),
        # It begins when the last instance has been launched or terminated.
        ([activity(ended=-500.0), activity("Terminating EC2 instance: i-2", -10.0)], "in its cooldown"),
        # It waits for activities and replacements first.
        ([activity(ended=-10.0), activity("Terminating EC2 instance: i-2", None)],
         "an activity is in progress (Terminating EC2 instance: i-2)"),
        # What a warm pool does by itself, and instances that move between the pool and the group.
        ([activity("Launching a new EC2 instance into warm pool: i-1", None)], ""),
        ([activity("Launching a new EC2 instance into warm pool: i-1", -10.0)], ""),
        ([activity("Terminating EC2 instance from warm pool: i-1", -10.0)], ""),
        ([activity("Launching a new EC2 instance from warm pool: i-1", -10.0)], "in its cooldown"),
        ([activity("Returning EC2 instance to warm pool: i-1", -10.0)], "in its cooldown"),
        # A launch that failed has launched nothing, and other activities scale nothing.
        ([activity(ended=-10.0, status_code="Failed")], ""),
        ([activity("Moving EC2 instance to Standby: i-1", -10.0)], ""),
    ],
)  # fmt: skip
def test_it_waits_for_activities_and_then_the_cooldown(activities: list[Activity], words: str) -> None:
    found = waits(group(), TWO, activities, 300.0, NOW)
    assert found.startswith(words)
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("desired", "members", "words"),
    [
        (2, TWO, ""),
        (3, TWO, "1 instance yet to be launched, and a simple policy waits for that"),
        (1, TWO, "1 instance yet to be terminated, and a simple policy waits for that"),
        # Nothing is to be waited for where all are protected.
        (1, (member("1", protected=True), member("2", protected=True)), ""),
        (2, (*TWO, member("3", state="Terminating")), ""),
    ],
)
def test_it_waits_for_what_was_decided_and_has_not_begun(desired: int, members: tuple[Any, ...], words: str) -> None:
    assert waits(group(desired_capacity=desired), members, [], 300.0, NOW) == words


def test_the_cooldown_is_told_with_its_times() -> None:
    assert waits(group(), TWO, [activity(ended=-60.0)], 300.0, NOW) == (
        "in its cooldown of 300 s: the last launch or termination ended at 22:12:20, so it is ignored until 22:17:20"
    )


def test_the_policys_cooldown_goes_before_the_groups() -> None:
    assert cooldown_of(simple_policy(cooldown=60.0), group(default_cooldown=200.0)) == 60.0
    assert cooldown_of(simple_policy(cooldown=0.0), group(default_cooldown=200.0)) == 0.0
    assert cooldown_of(simple_policy(), group(default_cooldown=200.0)) == 200.0


def test_nothing_was_ever_scaled() -> None:
    assert last_scaled([]) is None
    assert last_scaled([activity(ended=None)]) is None


@pytest.mark.parametrize(
    ("amount", "kind", "wanted"),
    [
        (2, "ChangeInCapacity", 4),
        (-1, "ChangeInCapacity", 1),
        (5, "ExactCapacity", 5),
        (50, "PercentChangeInCapacity", 3),
    ],
)
def test_one_adjustment_of_the_desired_capacity(amount: int, kind: str, wanted: int) -> None:
    assert wish(simple_policy(amount, kind), group(), breach(80.0), "").capacity == wanted


def test_it_needs_no_data_point() -> None:
    found = wish(simple_policy(2), group(), breach(), "")
    assert (found.capacity, found.value) == (4, None)


def test_what_it_waits_for_keeps_it_from_asking() -> None:
    found = wish(simple_policy(2), group(), breach(80.0), "in its cooldown")
    assert (found.capacity, found.held) == (2, "in its cooldown")
