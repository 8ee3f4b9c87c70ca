"""How many may leave and how many successors may be launched (asg:instance-maintenance-policy-overview-and-considerations)."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import InstanceMaintenancePolicy
from lab.core.autoscaling.needs import Demand, Need, bounded
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.steps import BeginTermination, Kind, Launch, Step
from lab.core.autoscaling.view import MemberView
from lab.core.times import iso
from tests.core.rows import NOW, TG, A, B, group, member

AT = f"At {iso(NOW)} "


def view(name: str, zone: str = A, **more: object) -> MemberView:
    return MemberView(member(name, zone, **more), "running", "", ((TG, "healthy"),))


def old(count: int) -> list[MemberView]:
    """Members that have outlived a day."""
    return [view(f"{n:03}", (A, B)[n % 2], launched_at=NOW - 90000.0) for n in range(count)]


def looks(minimum: int, maximum: int, desired: int, views: list[MemberView]) -> tuple[Step, ...]:
    policy = InstanceMaintenancePolicy(minimum, maximum)
    scaled = group(
        desired_capacity=desired, max_size=200, max_instance_lifetime=86400.0, instance_maintenance_policy=policy
    )
    return plan(scaled, views, NOW)


@pytest.mark.parametrize(
    ("minimum", "maximum", "desired", "leave", "before"),
    [
        # AWS's example: as few as 90 and as many as 120 of 100.
        (90, 120, 100, 10, 20),
        # Launch before terminate; terminate and launch.
        (100, 110, 100, 0, 10),
        (90, 100, 100, 10, 0),
        (0, 100, 4, 4, 0),
        (50, 150, 2, 1, 1),
        # Neither bound leaves room: one at a time, its successor first.
        (100, 100, 4, 0, 1),
        (90, 100, 4, 0, 1),
        (100, 110, 1, 0, 1),
    ],
)
def test_between_the_bounds(minimum: int, maximum: int, desired: int, leave: int, before: int) -> None:
    steps = looks(minimum, maximum, desired, old(desired))
    launches = [step for step in steps if isinstance(step, Launch)]
    assert sum(isinstance(step, BeginTermination) for step in steps) == leave
    assert sum(bool(step.leaving_cause) for step in launches) == before
    assert len(launches) == leave + before


@pytest.mark.parametrize(
    ("state", "goes"),
    [
        ({"state": "Pending", "in_service_at": None}, False),
        ({"in_service_at": NOW - 59}, False),
        ({"in_service_at": NOW - 60}, True),
    ],
)
def test_a_member_leaves_when_its_successor_is_ready(state: dict[str, object], goes: bool) -> None:
    leaving = view("1", leaving_kind="lifetime", leaving_cause=causes.LIFETIME, launched_at=NOW - 90000.0)
    successor = view("2", B, replaces="i-1", launched_at=NOW - 100, **state)
    policy = InstanceMaintenancePolicy(100, 200)
    scaled = group(
        desired_capacity=1,
        default_instance_warmup=60.0,
        max_instance_lifetime=86400.0,
        instance_maintenance_policy=policy,
    )
    steps = plan(scaled, [leaving, successor], NOW)
    begin = [step for step in steps if isinstance(step, BeginTermination)]
    assert begin == ([BeginTermination("i-1", AT + causes.LIFETIME, Kind.LIFETIME)] if goes else [])
    assert not any(isinstance(step, Launch) for step in steps)


def test_a_member_whose_successor_failed_gets_another() -> None:
    leaving = view("1", leaving_kind="lifetime", leaving_cause=causes.LIFETIME, launched_at=NOW - 90000.0)
    policy = InstanceMaintenancePolicy(100, 200)
    scaled = group(desired_capacity=1, max_instance_lifetime=86400.0, instance_maintenance_policy=policy)
    [launch] = plan(scaled, [leaving], NOW)
    assert isinstance(launch, Launch)
    assert (launch.replaces, launch.kind, launch.leaving_cause) == ("i-1", Kind.LIFETIME, causes.LIFETIME)


def test_protection_from_scale_in_outlasts_the_lifetime() -> None:
    assert looks(0, 100, 1, [view("1", launched_at=0.0, protected=True)]) == ()


def test_the_dead_are_replaced_at_once_whatever_the_policy_says() -> None:
    dead = MemberView(member("1"), "stopped")
    begin, launch = looks(100, 110, 2, [dead, view("2", B)])
    assert begin == BeginTermination("i-1", AT + causes.EC2_UNHEALTHY, Kind.UNHEALTHY, owed=True)
    assert isinstance(launch, Launch)
    assert launch.leaving_cause == ""


def test_a_refresh_brings_bounds_of_its_own() -> None:
    scaled = group(desired_capacity=4)
    needs = [Need(f"i-{n}", Kind.REFRESH, causes.REFRESH) for n in range(4)]
    wanted: Demand = bounded(scaled, needs, 50, None)
    steps = plan(scaled, [view(str(n), (A, B)[n % 2]) for n in range(4)], NOW, wanted)
    assert [step.instance_id for step in steps if isinstance(step, BeginTermination)] == ["i-0", "i-1"]
    assert [step.cause for step in steps if isinstance(step, Launch)] == [AT + causes.SUCCESSOR[Kind.REFRESH]] * 2


def test_a_member_that_stands_by_meanwhile_is_not_replaced_and_counts_again_when_it_is_back() -> None:
    """Its successor was launched before; the user took it out and put it back."""
    back = view("1", leaving_kind="")
    successor = view("2", B, replaces="i-1")
    scaled = group(desired_capacity=2, max_size=2)
    assert plan(scaled, [back, successor], NOW) == ()


def test_a_successor_that_is_on_its_way_out_itself_replaces_nobody() -> None:
    leaving = view("1", leaving_kind="lifetime", leaving_cause=causes.LIFETIME, launched_at=NOW - 90000.0)
    gone = view("2", B, replaces="i-1", state="Terminating", replaced=True)
    policy = InstanceMaintenancePolicy(100, 200)
    scaled = group(desired_capacity=1, max_instance_lifetime=86400.0, instance_maintenance_policy=policy)
    [launch] = plan(scaled, [leaving, gone], NOW)
    assert isinstance(launch, Launch)
    assert launch.replaces == "i-1"


@dataclass(frozen=True)
class Serving:
    """A member in service: whether it has outlived a day, for how long it serves, its target's health."""

    old: bool
    age: float
    health: str
    protected: bool

    def view(self, number: int) -> MemberView:
        launched = NOW - (90000.0 if self.old else 100.0)
        row = member(f"{number:02}", (A, B)[number % 2], launched_at=launched, in_service_at=NOW - self.age)
        return MemberView(replace(row, protected=self.protected), "running", "", ((TG, self.health),))

    @property
    def counts(self) -> bool:
        """Toward the floor: warm and healthy, or sick or old, which serves for as long as it does."""
        return self.old or self.health == "unhealthy" or (self.health == "healthy" and self.age >= 60.0)


SERVING = st.builds(
    Serving,
    st.booleans(),
    st.sampled_from([0.0, 30.0, 1000.0]),
    st.sampled_from(["healthy", "unhealthy", "initial"]),
    st.booleans(),
)


@given(
    rows=st.lists(SERVING, min_size=1, max_size=12),
    least=st.integers(0, 100),
    spread=st.integers(0, 100),
    desired=st.integers(1, 12),
)
def test_never_more_than_the_bounds_allow(rows: list[Serving], least: int, spread: int, desired: int) -> None:
    """Whoever must go: the floor stays ready and the ceiling is kept, but for one when nothing else would ever move."""
    most = max(100, min(200, least + spread))
    scaled = group(
        desired_capacity=desired,
        max_instance_lifetime=86400.0,
        instance_maintenance_policy=InstanceMaintenancePolicy(least, most),
        health_check_grace_period=0.0,
        default_instance_warmup=60.0,
        suspended_processes=(("AZRebalance", ""),),
    )
    members = {f"i-{number:02}": row for number, row in enumerate(rows)}
    steps = plan(scaled, [row.view(number) for number, row in enumerate(rows)], NOW)
    going = [step.instance_id for step in steps if isinstance(step, BeginTermination) and step.kind is not None]
    before = [step for step in steps if isinstance(step, Launch) and step.leaving_cause]
    ready = sum(row.counts for name, row in members.items() if name not in going)
    assert not going or ready >= -(-desired * least // 100) or len(going) + len(before) <= 1
    beside = max(desired, len(rows) - len(going)) + len(before)
    assert not before or beside <= desired * most // 100 or len(going) + len(before) <= 1
    assert all(members[name].health == "unhealthy" for name in going if members[name].protected)
