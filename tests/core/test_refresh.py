"""Instance refreshes on paper: AWS's own examples, and each rule of the row's life (asg:instance-refresh-overview)."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.model import AutoScalingGroup, InstanceMaintenancePolicy, Member
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.refresh import cancelled, rolled_back, turn
from lab.core.autoscaling.refreshes import InstanceRefresh, Preferences, Progress, bounds, launching, outdated, warmup
from lab.core.autoscaling.steps import BeginTermination, Launch
from lab.core.autoscaling.view import MemberView
from tests.core.rows import NOW, TG, A, B, group, member

WANTED = ("lt-1", 2)


def refresh(**more: Any) -> InstanceRefresh:
    values: dict[str, Any] = {
        "preferences": Preferences(**more.pop("preferences", {})),
        "launch_template_id": "lt-1",
        "launch_template_version": "2",
        "status": "InProgress",
        "start_time": NOW - 60,
        "progressed_at": NOW,
        **more,
    }
    return InstanceRefresh("r-1", "web", NOW - 60, **values)


def old(number: int, **more: Any) -> MemberView:
    return view(f"old{number:02}", (A, B)[number % 2], **more)


def new(number: int, **more: Any) -> MemberView:
    more = {"launch_template_version": 2, "refresh": "r-1", **more}
    return view(f"new{number:02}", (A, B)[number % 2], **more)


def view(name: str, zone: str, **more: Any) -> MemberView:
    return MemberView(member(name, zone, **more), "running", "", ((TG, "healthy"),))


def looked(
    row: InstanceRefresh,
    views: list[MemberView],
    scaled: AutoScalingGroup | None = None,
    now: float = NOW,
    **alarms: str,
) -> InstanceRefresh:
    """The row after a look at a group of as many as there are."""
    return turn(row, scaled or group(desired_capacity=len(views)), views, WANTED, alarms, now).refresh


class World:
    """A group whose instances are in service as soon as they are launched, and gone as soon as they are to go."""

    def __init__(self, size: int, scaled: AutoScalingGroup, preferences: dict[str, Any]) -> None:
        self.group = replace(scaled, desired_capacity=size)
        self.views = [old(number) for number in range(size)]
        self.refresh = refresh(status="Pending", start_time=None, preferences=preferences)
        self.launched = 0
        self.story: list[tuple[float, int]] = []

    def look(self, now: float) -> None:
        """Looks until nothing is due any more; tells how many were replaced."""
        before = self.launched
        for _ in range(10):
            if not self.refresh.active:
                break
            found = turn(self.refresh, self.group, self.views, WANTED, {}, now)
            self.refresh = found.refresh
            steps = plan(launching(self.group, self.refresh), self.views, now, found.demand)
            if not steps:
                break
            for step in steps:
                self._take(step, now)
        if self.launched > before:
            self.story.append(((now - NOW) / 60, self.launched - before))

    def _take(self, step: object, now: float) -> None:
        if isinstance(step, BeginTermination):
            self.views = [one for one in self.views if one.id != step.instance_id]
        elif isinstance(step, Launch):
            self.launched += 1
            mark: dict[str, Any] = {
                "refresh": self.refresh.mark,
                "launch_template_version": 2 if self.refresh.mark else 1,
            }
            made = view(f"x{self.launched}", step.zone, in_service_at=now, launched_at=now, **mark)
            if step.leaving_cause:
                made = replace(made, member=replace(made.member, replaces=step.replaces))
                self.views = [
                    replace(
                        one, member=replace(one.member, leaving_kind=step.kind or "", leaving_cause=step.leaving_cause)
                    )
                    if one.id == step.replaces
                    else one
                    for one in self.views
                ]
            self.views.append(made)


def test_awss_example_of_checkpoints() -> None:
    """Ten instances, checkpoints at 20 and 50 percent, 15 minutes after each, 80 percent healthy
    (asg:asg-adding-checkpoints-instance-refresh)."""
    wanted = {
        "min_healthy_percentage": 80,
        "checkpoint_percentages": (20, 50),
        "checkpoint_delay": 900.0,
        "instance_warmup": 600.0,
    }
    world = World(10, group(), wanted)
    shares = {}
    for minute in range(60):
        world.look(NOW + 60 * minute)
        shares[minute] = world.refresh.live.percentage
    assert world.story == [(0, 2), (25, 2), (35, 1)]
    assert [shares[minute] for minute in (9, 10, 34, 35, 44, 45)] == [0, 20, 20, 40, 40, 50]
    assert world.refresh.status == "Successful"
    assert world.refresh.end_time == NOW + 45 * 60


def test_awss_example_of_a_checkpoint_that_is_skipped() -> None:
    """Two instances and checkpoints at 10, 40 and 100: the first replacement is 50 percent, so the one at 40 is reached."""
    wanted = {"min_healthy_percentage": 50, "checkpoint_percentages": (10, 40, 100), "checkpoint_delay": 600.0}
    world = World(2, group(health_check_grace_period=0.0), wanted)
    world.look(NOW)
    assert (world.launched, world.refresh.checkpoint) == (1, 40)
    world.look(NOW + 599)
    assert world.launched == 1
    world.look(NOW + 600)
    assert (world.launched, world.refresh.status) == (2, "Successful")


@pytest.mark.parametrize(
    ("minimum", "maximum", "first"),
    [
        (90, None, 1),
        (80, None, 2),
        (0, None, 10),
        (100, None, 1),
        (100, 120, 2),
        (90, 120, 3),
        (0, 100, 10),
        (99, 100, 1),
    ],
)
def test_how_many_at_a_time(minimum: int, maximum: int | None, first: int) -> None:
    wanted = {"min_healthy_percentage": minimum, "max_healthy_percentage": maximum, "instance_warmup": 60.0}
    world = World(10, group(), wanted)
    world.look(NOW)
    assert world.launched == first
    for minute in range(30):
        world.look(NOW + 60 * minute)
    assert world.refresh.status == "Successful"
    assert world.launched == 10


def test_bounds_come_from_the_refresh_then_the_policy_then_the_defaults() -> None:
    policy = group(instance_maintenance_policy=InstanceMaintenancePolicy(70, 140))
    assert bounds(group(), Preferences()) == (90, None)
    assert bounds(policy, Preferences()) == (70, 140)
    assert bounds(policy, Preferences(min_healthy_percentage=50, max_healthy_percentage=110)) == (50, 110)
    assert bounds(group(), Preferences(min_healthy_percentage=100)) == (100, 100)


def test_the_warm_up_comes_from_the_refresh_then_the_default_then_the_grace_period() -> None:
    scaled = group(default_instance_warmup=30.0, health_check_grace_period=300.0)
    assert warmup(scaled, Preferences(instance_warmup=5.0)) == 5.0
    assert warmup(scaled, Preferences(instance_warmup=0.0)) == 0.0
    assert warmup(scaled, Preferences()) == 30.0
    assert warmup(replace(scaled, default_instance_warmup=None), Preferences()) == 300.0


@pytest.mark.parametrize(
    ("status", "skip", "row", "expected"),
    [
        ("InProgress", False, {}, True),
        ("InProgress", False, {"launch_template_version": 2}, True),
        ("InProgress", False, {"refresh": "r-1"}, False),
        ("InProgress", False, {"refresh": "r-0"}, True),
        ("InProgress", True, {}, True),
        ("InProgress", True, {"launch_template_version": 2}, False),
        ("InProgress", True, {"launch_template_version": 2, "launch_template_id": "lt-2"}, True),
        ("RollbackInProgress", False, {}, False),
        ("RollbackInProgress", False, {"refresh": "r-1"}, True),
        ("RollbackInProgress", True, {"launch_template_version": 2}, False),
    ],
)
def test_who_is_to_be_replaced(status: str, skip: bool, row: dict[str, Any], expected: bool) -> None:
    """Rolling back undoes what the refresh deployed, and nothing that matched before it."""
    one: Member = member("1", **row)
    assert outdated(one, refresh(status=status, preferences={"skip_matching": skip}), WANTED) is expected


def test_an_hour_without_progress_is_the_end() -> None:
    scaled = group(desired_capacity=2, default_instance_warmup=60.0)
    views = [old(1), new(1, in_service_at=NOW)]
    sick = replace(views[1], targets=((TG, "unhealthy"),))
    row = looked(refresh(progressed_at=NOW, left=1), [views[0], sick], scaled, NOW + 3659)
    assert row.status == "InProgress"
    assert row.status_reason == (
        "Waiting for remaining instances to be available. "
        "For example: i-new01 does not pass the health check of its load balancer."
    )
    ended = looked(row, [views[0], sick], scaled, NOW + 3660)
    assert (ended.status, ended.end_time) == ("Failed", NOW + 3660)
    assert ended.status_reason.startswith("No progress within an hour. Waiting for remaining")
    going = looked(replace(row, preferences=Preferences(auto_rollback=True)), [views[0], sick], scaled, NOW + 3660)
    assert going.status == "RollbackInProgress"
    assert going.rollback is not None
    assert going.rollback.reason.startswith("Automatic rollback: No progress within an hour.")
    again = looked(going, [views[0], sick], scaled, NOW + 3661)
    assert looked(again, [views[0], sick], scaled, NOW + 2 * 3660 + 1).status == "RollbackFailed"


def test_movement_starts_the_hour_anew() -> None:
    scaled = group(desired_capacity=2, default_instance_warmup=0.0)
    row = refresh(progressed_at=NOW - 3000, left=2)
    assert looked(row, [old(1), new(1)], scaled).progressed_at == NOW
    assert looked(replace(row, left=1, updated=1), [old(1), new(1)], scaled).progressed_at == NOW - 3000


def test_fourteen_days_are_the_limit() -> None:
    row = refresh(start_time=NOW - 14 * 86400 + 1, left=2)
    assert looked(row, [old(1), old(2)]).status == "InProgress"
    assert looked(replace(row, start_time=NOW - 14 * 86400), [old(1), old(2)]).status == "Failed"


@pytest.mark.parametrize("process", ["InstanceRefresh", "Launch", "Terminate"])
def test_a_suspended_process_pauses_it(process: str) -> None:
    scaled = group(desired_capacity=2, suspended_processes=((process, "User suspended"),))
    found = turn(refresh(progressed_at=NOW - 9000), scaled, [old(1), old(2)], WANTED, {}, NOW)
    assert found.refresh.status_reason == f"The process {process} is suspended."
    assert found.refresh.progressed_at == NOW
    assert found.demand is not None
    assert found.demand.needs == ()


def test_nothing_to_replace_is_success_at_once() -> None:
    row = refresh(preferences={"skip_matching": True}, status="Pending", start_time=None)
    done = looked(row, [view("1", A, launch_template_version=2)])
    assert (done.status, done.live) == ("Successful", Progress(100, 0))
    assert looked(refresh(), [], group(desired_capacity=0)).status == "Successful"


def test_without_its_launch_template_it_waits_and_fails() -> None:
    views = [old(1)]
    row = turn(refresh(), group(), views, None, {}, NOW)
    assert row.demand is None
    assert "launch template" in row.refresh.status_reason
    assert turn(refresh(), group(health_check_grace_period=0.0), views, None, {}, NOW + 3600).refresh.status == "Failed"


def test_cancelling_waits_for_what_is_under_way_unless_told_otherwise() -> None:
    coming = [old(1), new(1, state="Pending", in_service_at=None)]
    leaving = [old(1), old(2, state="Terminating", leaving_kind="refresh")]
    for views in (coming, leaving):
        assert looked(cancelled(refresh(), wait=True), views).status == "Cancelling"
        assert looked(cancelled(refresh(), wait=False), views).status == "Cancelled"
    resting = MemberView(member("warm", state="Warmed:Stopped", refresh="r-1", in_service_at=None), "stopped")
    ended = looked(cancelled(refresh(), wait=True), [old(1), new(1), resting], group(desired_capacity=2))
    assert (ended.status, ended.end_time) == ("Cancelled", NOW)


def test_a_rollback_remembers_where_it_began_and_counts_down() -> None:
    views = [old(1), old(2), new(1), new(2)]
    row = looked(refresh(), views)
    assert row.live == Progress(50, 2)
    back = rolled_back(row, "Manual", NOW)
    assert back.rollback is not None
    assert back.rollback.live == Progress(50, 2)
    assert looked(back, views).live == Progress(50, 2)
    replaced = view("back", A, in_service_at=NOW - 400)
    assert looked(back, [old(1), old(2), new(1), replaced]).live == Progress(25, 3)
    done = looked(back, [old(1), old(2), replaced, view("more", B)])
    assert (done.status, done.live) == ("RollbackSuccessful", Progress(0, 4))


@pytest.mark.parametrize(("choice", "left", "size"), [("Wait", 2, 2), ("Ignore", 1, 1), ("Refresh", 2, 2)])
def test_protected_members(choice: str, left: int, size: int) -> None:
    views = [old(1, protected=True), old(2)]
    row = refresh(preferences={"scale_in_protected_instances": choice, "min_healthy_percentage": 0})
    found = turn(row, group(desired_capacity=2), views, WANTED, {}, NOW)
    assert found.demand is not None
    assert found.refresh.live.to_update == left
    assert len(found.demand.needs) == (2 if choice == "Refresh" else 1)
    ready = [new(number) for number in range(size - 1)]
    assert looked(row, [views[0], *ready, new(9)], group(desired_capacity=2)).status == (
        "Successful" if choice == "Ignore" else "InProgress"
    )


@pytest.mark.parametrize(("choice", "needs"), [("Wait", 1), ("Ignore", 1), ("Terminate", 2)])
def test_members_in_standby(choice: str, needs: int) -> None:
    views = [old(1), old(2, state="Standby")]
    row = refresh(preferences={"standby_instances": choice, "min_healthy_percentage": 0})
    found = turn(row, group(desired_capacity=1), views, WANTED, {}, NOW)
    assert found.demand is not None
    assert len(found.demand.needs) == needs
    after = looked(row, [new(1), views[1]], group(desired_capacity=1))
    assert after.status == ("Successful" if choice == "Ignore" else "InProgress")
    if choice == "Wait":
        assert "i-old02 is in Standby" in after.status_reason
