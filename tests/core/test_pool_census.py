"""The warm pool in an instance refresh: after the group, and never all of it at once (asg:instance-refresh-overview)."""

from typing import Any

import pytest

from lab.core.autoscaling.pool_census import pool_census
from lab.core.autoscaling.refresh import rolled_back, turn
from lab.core.autoscaling.refreshes import Progress
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import WarmPool
from tests.core.rows import NOW, A, group, member
from tests.core.test_refresh import WANTED, new, old, refresh

ROW = WarmPool("web", min_size=4)


def warm(number: int, *, updated: bool = False, state: str = "Warmed:Stopped", **more: Any) -> MemberView:
    mark = {"refresh": "r-1", "launch_template_version": 2} if updated else {}
    return MemberView(member(f"warm{number}", A, state=state, launched_at=NOW - number, **{**mark, **more}), "stopped")


def test_without_a_pool_there_is_nothing_to_see() -> None:
    assert pool_census(refresh(), group(), None, [], WANTED) is None


@pytest.mark.parametrize(
    ("minimum", "leaving"),
    [
        (100, ("i-warm4",)),
        (75, ("i-warm4",)),
        (50, ("i-warm4", "i-warm3")),
        (0, ("i-warm4", "i-warm3", "i-warm2", "i-warm1")),
    ],
)
def test_the_oldest_leave_and_the_minimum_stays_at_rest(minimum: int, leaving: tuple[str, ...]) -> None:
    row = refresh(preferences={"min_healthy_percentage": minimum})
    found = pool_census(row, group(max_size=6), ROW, [warm(number) for number in (1, 2, 3, 4)], WANTED)
    assert found is not None
    assert found.leaving == leaving
    assert found.progress("InProgress") == Progress(0, 4)


def test_while_one_is_on_its_way_the_next_waits() -> None:
    row = refresh(preferences={"min_healthy_percentage": 100})
    views = [warm(1), warm(2), warm(3), warm(4, updated=True, state="Warmed:Pending")]
    found = pool_census(row, group(max_size=6), ROW, views, WANTED)
    assert found is not None
    assert (found.stale, found.leaving, found.updated) == (("i-warm3", "i-warm2", "i-warm1"), (), 0)


def test_the_group_comes_first_then_the_pool_then_success() -> None:
    scaled = group(desired_capacity=2, max_size=6)
    pool = [warm(number) for number in (1, 2, 3, 4)]
    row = refresh(preferences={"min_healthy_percentage": 50})
    first = turn(row, scaled, [old(1), new(2), *pool], WANTED, {}, NOW, ROW)
    assert first.leaving == ()
    assert set(first.stale) == {view.id for view in pool}
    second = turn(row, scaled, [new(1), new(2), *pool], WANTED, {}, NOW, ROW)
    assert second.refresh.status == "InProgress"
    assert len(second.leaving) == 2
    assert (second.refresh.live, second.refresh.pool) == (Progress(100, 0), Progress(0, 4))
    assert second.refresh.percentage == 33
    assert second.refresh.status_reason == "Waiting for instances of the warm pool to be replaced."
    done = [warm(number, updated=True) for number in (1, 2, 3, 4)]
    third = turn(row, scaled, [new(1), new(2), *done], WANTED, {}, NOW, ROW)
    assert (third.refresh.status, third.refresh.percentage) == ("Successful", 100)


def test_an_early_end_leaves_the_pool_alone() -> None:
    row = refresh(preferences={"checkpoint_percentages": (50,)})
    found = turn(row, group(desired_capacity=2, max_size=6), [new(1), old(2), warm(1)], WANTED, {}, NOW, ROW)
    assert found.refresh.status == "Successful"


def test_a_rollback_undoes_the_pool_too() -> None:
    scaled = group(desired_capacity=1, max_size=5)
    views = [old(1), warm(1, updated=True), warm(2), warm(3), warm(4)]
    back = rolled_back(refresh(preferences={"min_healthy_percentage": 0}), "Manual", NOW)
    found = turn(back, scaled, views, WANTED, {}, NOW, ROW)
    assert found.leaving == ("i-warm1",)
    assert found.refresh.pool == Progress(25, 3)
    ended = turn(back, scaled, [old(1), *(warm(number) for number in (1, 2, 3, 4))], WANTED, {}, NOW, ROW)
    assert ended.refresh.status == "RollbackSuccessful"
