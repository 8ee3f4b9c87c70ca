"""The warm pool on paper: its size by AWS's examples, what is taken, what goes in and out (asg:ec2-auto-scaling-warm-pools)."""

from typing import Any

import pytest

from lab.core.autoscaling import causes
from lab.core.autoscaling.hooks import LAUNCHING, TERMINATING, LifecycleHook, begun
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.progress import progress
from lab.core.autoscaling.steps import (
    BeginTermination,
    Launch,
    LaunchFailed,
    Park,
    Proceed,
    ReturnToPool,
    Step,
    Store,
    WaitForHooks,
)
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import Pool, WarmPool, size
from lab.core.times import iso
from tests.core.rows import NOW, TG, A, B, group, member

AT = f"At {iso(NOW)} "


def warm(name: str, zone: str = A, rest: str = "Stopped", **more: Any) -> MemberView:
    state = "running" if rest == "Running" else "stopped"
    return MemberView(member(name, zone, state=f"Warmed:{rest}", **more), state)


def serving(name: str, zone: str = A, **more: Any) -> MemberView:
    return MemberView(member(name, zone, **more), "running", "", ((TG, "healthy"),))


def steps(scaled: AutoScalingGroup, views: list[MemberView], pool: Pool) -> list[Step]:
    return list(plan(scaled, views, NOW, None, pool))


def pool(**more: Any) -> Pool:
    return Pool(WarmPool("web", **more))


@pytest.mark.parametrize(
    ("desired", "most", "row", "expected"),
    [
        # AWS's examples.
        (6, 10, {}, 4),
        (6, 10, {"max_group_prepared_capacity": 8}, 2),
        (6, 20, {"max_group_prepared_capacity": 8}, 2),
        (800, 1500, {"max_group_prepared_capacity": 900}, 100),
        (800, 1500, {"max_group_prepared_capacity": 900, "min_size": 25}, 100),
        (900, 1500, {"max_group_prepared_capacity": 900, "min_size": 25}, 25),
        # Beyond what is to be prepared nothing is, but for the minimum; the same value for both is an absolute size.
        (10, 20, {"max_group_prepared_capacity": 8}, 0),
        (10, 20, {"max_group_prepared_capacity": 8, "min_size": 3}, 3),
        (15, 20, {"max_group_prepared_capacity": 10, "min_size": 10}, 10),
        (6, 10, {"max_group_prepared_capacity": 0}, 0),
        (6, 10, {"deleting": True, "min_size": 3}, 0),
    ],
)
def test_how_large_it_is(desired: int, most: int, row: dict[str, Any], expected: int) -> None:
    scaled = group(desired_capacity=desired, max_size=most)
    assert size(WarmPool("web", **row), scaled) == expected


def test_without_a_pool_or_a_group_there_is_none() -> None:
    assert size(None, group()) == 0
    assert size(WarmPool("web", min_size=2), group(deleting=True)) == 0


def test_it_is_filled_so_that_group_and_pool_together_are_balanced() -> None:
    views = [serving("1", A), serving("2", B), serving("3", A)]
    found = steps(group(desired_capacity=3, max_size=6), views, pool())
    assert [step.zone for step in found if isinstance(step, Launch)] == [B, A, B]
    assert all(isinstance(step, Launch) and step.pooled and not step.warm for step in found)
    [first, *_] = found
    assert isinstance(first, Launch)
    assert first.cause == AT + causes.POOL_GROWS.format(old=0, new=1)


def test_launches_are_taken_from_what_is_ready_the_oldest_first_and_then_start_cold() -> None:
    views = [serving("1", A), warm("young", B, launched_at=NOW - 5), warm("old", B, launched_at=NOW - 9), warm("3", A)]
    found = steps(group(desired_capacity=5, max_size=5), views, pool())
    assert [(step.zone, step.warm) for step in found if isinstance(step, Launch)] == [
        (B, "i-old"), (A, "i-3"), (B, "i-young"), (A, ""),
    ]  # fmt: skip


def test_of_equal_zones_the_warm_one_is_chosen_but_balance_comes_first() -> None:
    tied = steps(group(desired_capacity=1, max_size=1), [warm("1", B)], pool())
    assert [(step.zone, step.warm) for step in tied if isinstance(step, Launch)] == [(B, "i-1")]
    uneven = steps(group(desired_capacity=2, max_size=3), [serving("1", A), warm("2", A)], pool())
    assert [(step.zone, step.warm) for step in uneven if isinstance(step, Launch)] == [(B, "")]


@pytest.mark.parametrize(
    "view",
    [
        MemberView(member("1", state="Warmed:Pending"), "pending"),
        MemberView(member("1", state="Warmed:Stopped"), "stopping"),
        MemberView(member("1", state="Warmed:Running"), "stopped"),
        warm("1", health="Unhealthy"),
    ],
)
def test_what_is_not_ready_is_not_taken(view: MemberView) -> None:
    found = steps(group(desired_capacity=1, max_size=1), [view], pool())
    assert [step.warm for step in found if isinstance(step, Launch)] == [""]


def test_what_a_refresh_forbids_is_not_taken() -> None:
    stale = Pool(WarmPool("web", min_size=1), stale=frozenset({"i-1"}))
    found = steps(group(desired_capacity=1, max_size=1), [warm("1")], stale)
    assert [step.warm for step in found if isinstance(step, Launch)] == [""]


def test_a_pool_that_is_being_deleted_gives_nothing_and_goes() -> None:
    found = steps(group(desired_capacity=1, max_size=1), [warm("1")], pool(deleting=True, min_size=1))
    assert [step.warm for step in found if isinstance(step, Launch)] == [""]
    assert [step.instance_id for step in found if isinstance(step, BeginTermination)] == ["i-1"]


def test_too_many_go_by_the_default_termination_policy() -> None:
    views = [warm("1", A, launch_template_version=2), warm("2", B, launch_template_version=1), warm("3", A)]
    scaled = group(
        desired_capacity=0, max_size=2, termination_policies=("NewestInstance",), launch_template_version="2"
    )
    [step] = steps(scaled, views, pool())
    assert isinstance(step, BeginTermination)
    assert step.instance_id == "i-3", "of the fullest zone the one with the oldest version"
    assert step.cause.startswith(AT + causes.POOL_SHRINKS.format(old=3, new=2))


def test_scaling_in_returns_to_the_pool_if_it_reuses() -> None:
    views = [serving("1", A), serving("2", B), serving("3", A)]
    scaled = group(desired_capacity=2, max_size=3)
    [plain, _] = steps(scaled, views, pool())
    assert isinstance(plain, BeginTermination)
    [reused] = steps(scaled, views, pool(reuse_on_scale_in=True))
    assert isinstance(reused, ReturnToPool)
    assert reused.cause == plain.cause


def test_only_scaling_in_returns_to_the_pool() -> None:
    views = [serving("1", A), MemberView(member("2", B), "stopped")]
    found = steps(group(desired_capacity=2, max_size=2), views, pool(reuse_on_scale_in=True))
    assert [type(step) for step in found] == [BeginTermination, Launch]


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (MemberView(member("1", state="Warmed:Stopped"), "terminated"), causes.EC2_UNHEALTHY),
        (MemberView(member("1", state="Warmed:Running"), "stopped"), causes.EC2_UNHEALTHY),
        (warm("1", health="Unhealthy", unhealthy_cause=causes.USER_UNHEALTHY), causes.USER_UNHEALTHY),
    ],
)
def test_what_is_unhealthy_in_the_pool_is_replaced_there(view: MemberView, text: str) -> None:
    out, back = steps(group(desired_capacity=0, max_size=1), [view], pool())
    assert isinstance(out, BeginTermination)
    assert out.cause.startswith(AT + text)
    assert isinstance(back, Launch)
    assert back.pooled


@pytest.mark.parametrize("state", ["stopping", "pending", "running"])
def test_what_was_started_by_hand_is_not_unhealthy(state: str) -> None:
    views = [MemberView(member("1", state="Warmed:Stopped"), state)]
    found = steps(group(desired_capacity=0, max_size=1), views, pool())
    assert found == ([Park("i-1")] if state == "running" else [])


def hooked(*transitions: str) -> AutoScalingGroup:
    return group(lifecycle_hooks=tuple(LifecycleHook(f"hook-{name[-9:]}", name) for name in transitions))


def waiting(result: str, **more: Any) -> dict[str, Any]:
    action = begun(LifecycleHook("hook", LAUNCHING, default_result=result), "token", NOW - 4000)
    return {"state": "Warmed:Pending:Wait", "actions": (action,), **more}


@pytest.mark.parametrize(
    ("scaled", "row", "state", "step"),
    [
        (group(), {}, "pending", None),
        (group(), {}, "running", Park("i-1")),
        (group(), {}, "terminated", LaunchFailed("i-1", "")),
        (group(), {"parked": True}, "stopping", None),
        (group(), {"parked": True}, "stopped", Store("i-1")),
        (group(), {"parked": True}, "running", Park("i-1")),
        (group(), {}, "stopped", LaunchFailed("i-1", "")),
        (hooked(LAUNCHING), {}, "running", WaitForHooks("i-1", LAUNCHING)),
        (hooked(TERMINATING), {}, "running", Park("i-1")),
        (hooked(TERMINATING, LAUNCHING), {"returning": True}, "running", WaitForHooks("i-1", TERMINATING)),
        (hooked(LAUNCHING), waiting("CONTINUE"), "running", Proceed("i-1")),
        (hooked(LAUNCHING), {"state": "Warmed:Pending:Proceed"}, "running", Park("i-1")),
        (hooked(LAUNCHING), waiting("ABANDON", returning=True, leaving_cause="why"), "running", BeginTermination("i-1", "why")),
        (group(), {"returning": True}, "stopped", BeginTermination("i-1", AT + causes.EC2_UNHEALTHY)),
        (group(), {"state": "Warmed:Running"}, "running", None),
    ],
)  # fmt: skip
def test_the_way_into_the_pool(scaled: AutoScalingGroup, row: dict[str, Any], state: str, step: Step | None) -> None:
    view = MemberView(member("1", **{"state": "Warmed:Pending", **row}), state, drained=True)
    assert list(progress(scaled, [view], NOW)) == ([] if step is None else [step])


def test_what_returns_drains_first() -> None:
    view = MemberView(member("1", state="Warmed:Pending", returning=True), "running", drained=False)
    assert list(progress(group(), [view], NOW)) == []


def test_an_abandoned_launch_is_cancelled() -> None:
    view = MemberView(member("1", **waiting("ABANDON")), "running")
    [step] = progress(hooked(LAUNCHING), [view], NOW)
    assert isinstance(step, LaunchFailed)
    assert step.status == "Cancelled"
