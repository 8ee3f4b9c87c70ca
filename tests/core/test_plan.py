"""One look at a group: each rule in the head of `plan`, as a row (aws-facts §3.2, §3.4, §3.5, §3.6)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling import causes
from lab.core.autoscaling.capacity import backoff, surplus
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.needs import Demand, Need
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import (
    BeginTermination,
    EnterService,
    Forget,
    Kind,
    Launch,
    LaunchFailed,
    OfMember,
    ScaleInBlocked,
    Step,
    TerminateInstance,
)
from lab.core.autoscaling.view import MemberView
from lab.core.times import iso
from tests.core.rows import NOW, TG, A, B, group, member

AT = f"At {iso(NOW)} "


def view(name: str, zone: str = A, instance: str = "running", targets: str = "healthy", **more: Any) -> MemberView:
    """`targets` is the health in the group's one target group; `drained` and `reason` are the view's, the rest the member's."""
    drained, reason = more.pop("drained", False), more.pop("reason", "")
    return MemberView(member(name, zone, **more), instance, reason, ((TG, targets),) if targets else (), drained)


def pending(name: str, **more: Any) -> MemberView:
    return view(name, instance=more.pop("instance", "pending"), targets="", state="Pending", in_service_at=None, **more)


def terminating(name: str, **more: Any) -> MemberView:
    return view(name, state="Terminating", **{"replaced": True, **more})


def look(scaled: AutoScalingGroup, *views: MemberView) -> tuple[Step, ...]:
    return plan(scaled, views, NOW)


TWO = (view("1", A), view("2", B))


@pytest.mark.parametrize(
    ("one", "steps"),
    [
        (pending("2", zone=B), ()),
        (pending("2", zone=B, instance="running"), (EnterService("i-2"),)),
        (view("2", B), ()),
        (view("2", B, targets="initial"), ()),
        (view("2", B, targets="draining"), ()),
        (view("2", B, targets="unused"), ()),
    ],
)
def test_a_group_that_is_as_it_should_be(one: MemberView, steps: tuple[Step, ...]) -> None:
    assert look(group(), view("1", A), one) == steps


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (terminating("3", instance="running", drained=False), None),
        (terminating("3", instance="running", drained=True), TerminateInstance("i-3")),
        (terminating("3", instance="stopped", drained=False), TerminateInstance("i-3")),
        (terminating("3", instance="shutting-down", drained=True), None),
        (terminating("3", instance="pending", drained=True), None),
        (terminating("3", instance="terminated"), Forget("i-3")),
        (terminating("3", instance=""), Forget("i-3")),
    ],
)
def test_a_member_on_its_way_out(one: MemberView, step: Step | None) -> None:
    assert look(group(), *TWO, one) == ((step,) if step else ())


@pytest.mark.parametrize("instance", ["stopped", "terminated", ""])
def test_a_launch_that_failed_is_forgotten_and_holds_the_next_one_back(instance: str) -> None:
    steps = look(group(), view("1"), pending("2", instance=instance, reason="no image"))
    assert steps == (LaunchFailed("i-2", "no image"),)


@pytest.mark.parametrize("instance", ["stopped", "shutting-down", "terminated", ""])
@pytest.mark.parametrize("age", [0.0, 1000.0])
def test_an_instance_that_does_not_run_goes_at_once_also_in_its_grace_period(instance: str, age: float) -> None:
    begin, launch = look(group(), view("1", instance=instance, in_service_at=NOW - age), view("2", B))
    assert begin == BeginTermination("i-1", AT + causes.EC2_UNHEALTHY, Kind.UNHEALTHY, owed=True)
    assert launch == Launch(A, AT + causes.REPLACEMENT, "i-1", Kind.UNHEALTHY)


@pytest.mark.parametrize(
    ("kind", "age", "goes"),
    [("ELB", 300.0, True), ("ELB", 299.0, False), ("ELB", 0.0, False), ("EC2", 9999.0, False)],
)
def test_a_target_that_answers_badly_counts_with_elb_and_after_the_grace_period(
    kind: str, age: float, goes: bool
) -> None:
    steps = look(group(health_check_type=kind), view("1", targets="unhealthy", in_service_at=NOW - age), view("2", B))
    begin = BeginTermination("i-1", AT + causes.ELB_UNHEALTHY, Kind.UNHEALTHY, owed=True)
    assert steps == ((begin, Launch(A, AT + causes.REPLACEMENT, "i-1", Kind.UNHEALTHY)) if goes else ())


@pytest.mark.parametrize(
    ("desired", "bad", "leaving", "warming", "go"),
    [
        (2, 2, 0, 0, 1),
        (9, 9, 0, 0, 1),
        (20, 20, 0, 0, 2),
        (35, 5, 0, 0, 3),
        # Others leave already: where a tenth is less than one, they are waited for.
        (20, 5, 2, 0, 2),
        (2, 1, 1, 0, 0),
        # Their successors are not warm yet.
        (20, 5, 0, 1, 1),
        (20, 5, 0, 2, 0),
        (2, 1, 0, 1, 0),
    ],
)
def test_bad_answers_are_replaced_a_tenth_at_a_time(
    desired: int, bad: int, leaving: int, warming: int, go: int
) -> None:
    views = [
        *(terminating(f"l{n}", leaving_kind="unhealthy", drained=False) for n in range(leaving)),
        *(view(f"s{n}", (A, B)[n % 2], targets="unhealthy") for n in range(bad)),
        *(view(f"n{n}", (A, B)[n % 2], in_service_at=NOW - 50) for n in range(warming)),
        *(view(f"w{n}", (A, B)[n % 2]) for n in range(desired - bad - warming)),
    ]
    steps = look(group(desired_capacity=desired, default_instance_warmup=60.0), *views)
    assert sum(isinstance(step, BeginTermination) for step in steps) == go
    assert sum(isinstance(step, Launch) for step in steps) == go


def test_a_pending_replacement_counts_as_under_way() -> None:
    steps = look(
        group(desired_capacity=3), view("1", targets="unhealthy"), view("2", B, targets="unhealthy"), pending("3")
    )
    assert steps == ()


def test_an_instance_the_user_calls_unhealthy_is_replaced() -> None:
    begin, launch = look(group(), view("1", health="Unhealthy", unhealthy_cause=causes.USER_UNHEALTHY), view("2", B))
    assert begin == BeginTermination("i-1", AT + causes.USER_UNHEALTHY, Kind.UNHEALTHY, owed=True)
    assert isinstance(launch, Launch)


def test_a_successor_still_owed_is_launched_with_the_replacement_cause() -> None:
    owed = terminating("9", replaced=False, unhealthy_cause="because")
    assert look(group(), view("1"), owed) == (Launch(B, AT + causes.REPLACEMENT, "i-9", Kind.UNHEALTHY),)


def test_a_successor_is_owed_once() -> None:
    paid = terminating("9", replaced=True, unhealthy_cause="because")
    assert look(group(), *TWO, paid) == ()


def test_more_capacity_has_the_difference_cause_after_the_reason_of_the_capacity() -> None:
    first, second = look(group(desired_capacity=4), *TWO)
    for step, old in ((first, 2), (second, 3)):
        assert isinstance(step, Launch)
        assert step.cause == (
            f"At X a user request did it.  {AT}an instance was started in response to a difference between desired and "
            f"actual capacity, increasing the capacity from {old} to {old + 1}."
        )
        assert step.replaces == ""


def test_replacements_come_before_more_capacity() -> None:
    steps = look(group(desired_capacity=3), view("1", instance="stopped"), view("2", B))
    launches = [step for step in steps if isinstance(step, Launch)]
    assert [bool(step.replaces) for step in launches] == [True, False]


@pytest.mark.parametrize(
    ("zones", "desired", "wanted"),
    [
        ([], 3, [A, B, A]),
        ([A], 3, [B, A]),
        ([B], 2, [A]),
        ([A, A, B], 5, [B, A]),
        ([A, A, A], 5, [B, B]),
        (["us-east-1f"], 2, [A]),
    ],
)
def test_launches_go_to_the_zone_with_the_fewest(zones: list[str], desired: int, wanted: list[str]) -> None:
    steps = look(group(desired_capacity=desired), *(view(str(n), zone) for n, zone in enumerate(zones)))
    assert [step.zone for step in steps if isinstance(step, Launch)] == wanted


@pytest.mark.parametrize("seconds", [0.1, 3600.0])
def test_launches_wait_for_the_back_off(seconds: float) -> None:
    assert look(group(desired_capacity=5, launch_not_before=NOW + seconds), *TWO) == ()


def test_launches_go_on_when_the_back_off_is_over() -> None:
    assert len(look(group(desired_capacity=5, launch_not_before=NOW), *TWO)) == 3


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0.0), (1, 15.0), (2, 30.0), (3, 60.0), (9, 3600.0), (99, 3600.0)]
)
def test_the_back_off_doubles_up_to_an_hour(failures: int, seconds: float) -> None:
    assert backoff(failures) == seconds


def test_scaling_in_says_by_how_much_and_whom() -> None:
    views = [view("1", A), view("2", A), view("3", B), view("4", B)]
    first, second = look(group(desired_capacity=2), *views)
    assert first == BeginTermination(
        "i-1",
        f"At X a user request did it.  {AT}an instance was taken out of service in response to a difference between "
        f"desired and actual capacity, shrinking the capacity from 4 to 3.  {AT}instance i-1 was selected for termination.",
    )
    assert isinstance(second, BeginTermination)
    assert "from 3 to 2." in second.cause
    assert second.instance_id == "i-3"


def test_a_pending_instance_counts_as_capacity_when_scaling_in() -> None:
    assert len(look(group(desired_capacity=1), view("1", A), pending("2", zone=B))) == 1


def test_protected_instances_stay_when_scaling_in_and_an_activity_says_so_once() -> None:
    views = view("1", protected=True), view("2", B, protected=True)
    reason = group().capacity_cause
    assert look(group(desired_capacity=0), *views) == (ScaleInBlocked(f"{reason}  {AT}group reached equilibrium."),)
    assert look(group(desired_capacity=0, blocked_cause=reason), *views) == ()


def test_protection_does_not_keep_the_dead() -> None:
    steps = look(group(), view("1", instance="stopped", protected=True), view("2", B))
    assert isinstance(steps[0], BeginTermination)


def test_a_cause_has_at_most_1023_characters() -> None:
    steps = look(group(desired_capacity=3, capacity_cause="x" * 2000), *TWO)
    assert [len(step.cause) for step in steps if isinstance(step, Launch)] == [1023]


MEMBERS = st.builds(
    lambda state, zone, health, protected: (state, zone, health, protected),
    st.sampled_from(["Pending", "InService", "Terminating"]),
    st.sampled_from([A, B]),
    st.sampled_from(["Healthy", "Unhealthy"]),
    st.booleans(),
)


@given(
    rows=st.lists(st.tuples(MEMBERS, st.sampled_from(["pending", "running", "stopped", "terminated", ""])), max_size=8),
    targets=st.sampled_from(["healthy", "unhealthy", "initial"]),
    desired=st.integers(0, 8),
)
def test_whatever_a_group_looks_like_a_member_takes_one_step_and_launches_fill_the_gap(
    rows: list[tuple[tuple[str, str, str, bool], str]], targets: str, desired: int
) -> None:
    views = []
    for number, ((state, zone, health, protected), instance) in enumerate(rows):
        since = None if state == "Pending" else NOW - 1000
        one: Member = member(str(number), zone, state=state, health=health, protected=protected, in_service_at=since)
        views.append(MemberView(one, instance, "", ((TG, targets),)))
    steps = plan(group(desired_capacity=desired), views, NOW)
    launches = [step for step in steps if isinstance(step, Launch)]
    touched = [step.instance_id for step in steps if isinstance(step, OfMember) and not isinstance(step, EnterService)]
    assert len(touched) == len(set(touched))
    alive = {one.member.instance_id for one in views if one.member.state != "Terminating"} - set(touched)
    assert len(alive) + len(launches) <= max(desired, len(alive))
    if launches:
        assert len(alive) + len(launches) == desired


def test_the_same_group_gives_the_same_plan() -> None:
    views = [view("1", A), view("2", A), view("3", B, instance="stopped"), pending("4", zone=B, instance="running")]
    scaled = replace(group(), desired_capacity=2)
    assert plan(scaled, views, NOW) == plan(scaled, views, NOW)


def test_what_a_refresh_would_replace_goes_first_when_there_are_too_many() -> None:
    """By age the old would go."""
    scaled = group(desired_capacity=2)
    views = [
        view("old", A, launch_template_version=1),
        view("other", B, launch_template_version=1),
        view("new", A, launch_template_version=2),
    ]

    def gone(*outdated: str, spared: bool = False) -> list[str]:
        found = [*views[:2], view("new", A, launch_template_version=2, protected=spared)]
        steps = surplus(scaled, Roster(found, lambda _: False), NOW, frozenset(outdated))
        return [step.instance_id for step in steps if isinstance(step, BeginTermination)]

    assert gone() == ["i-old"]
    assert gone("i-new") == ["i-new"]
    assert gone("i-new", spared=True) == ["i-old"]


def test_who_stood_aside_for_one_that_has_to_go_stays() -> None:
    """A refresh that is rolled back takes away what it launched ahead, and leaves in place what that was to replace."""
    scaled = group(desired_capacity=2)
    old = view("old", A, leaving_kind=Kind.REFRESH.value)
    new = view("new", A, targets="unhealthy", replaces="i-old", launch_template_version=2)
    views = (old, view("other", B), new)
    need = Need("i-new", Kind.REFRESH, "an instance was taken out of service in response to an instance refresh.")
    steps = plan(scaled, views, NOW, Demand((need,), floor=2, ceiling=3, warmup=0.0, strict=True))
    assert [step.instance_id for step in steps if isinstance(step, BeginTermination)] == ["i-new"]
    assert not [step for step in steps if isinstance(step, Launch)]
