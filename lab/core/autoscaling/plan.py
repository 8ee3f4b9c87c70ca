"""One look at a group: what is to be done now, as values (aws-facts §3).

Level-triggered: `plan` sees the group as it is and says every step that is due, whatever happened before. One concern after
the other, each in a file of its own:

    progress      members that have come one state further            (lifecycle, hooks)
    traffic       target groups on their way in or out
    needs         who must be replaced, and within which bounds       (health, lifetime, balance)
    replacement   who of them leaves now, who gets a successor first
    capacity      launches and terminations up or down to the desired capacity
    warm pool     launches are taken from what is warm first; then the pool is filled up, or emptied

The roster carries what each of them decided to the next. Which of it happens at all, `processes` tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.core.autoscaling.balance import unbalanced
from lab.core.autoscaling.capacity import missing, surplus
from lab.core.autoscaling.health import unhealthy
from lab.core.autoscaling.lifetime import outlived
from lab.core.autoscaling.model import ENTERING_STANDBY, HEALTHY, IN_SERVICE, STANDBY, AutoScalingGroup
from lab.core.autoscaling.needs import Demand, Need, demand
from lab.core.autoscaling.processes import FAILING_FOR
from lab.core.autoscaling.progress import progress
from lab.core.autoscaling.replacement import Allowed, replacements
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import (
    BeginTermination,
    Kind,
    LaunchFailed,
    MarkUnhealthy,
    Step,
    SuspendLaunch,
)
from lab.core.autoscaling.traffic import moves
from lab.core.autoscaling.view import MemberView, successors
from lab.core.autoscaling.warm_fill import refill
from lab.core.autoscaling.warm_pool import NO_POOL, Pool, Reserve


def plan(
    group: AutoScalingGroup,
    views: Sequence[MemberView],
    now: float,
    refresh: Demand | None = None,
    pool: Pool = NO_POOL,
) -> tuple[Step, ...]:
    """The steps that are due, in the order in which they must be taken. `refresh` is what an instance refresh wants
    replaced, within bounds of its own; `pool` is the group's warm pool."""
    return tuple(_steps(group, views, now, refresh, pool))


def _steps(
    group: AutoScalingGroup, views: Sequence[MemberView], now: float, refresh: Demand | None, pool: Pool
) -> Iterator[Step]:
    going_on = tuple(progress(group, views, now))
    yield from going_on
    yield from moves(group, views)
    # A launch that has just failed holds the next one back, from the next look on by the group's row.
    failed = any(isinstance(step, LaunchFailed) for step in going_on)
    allowed = Allowed(
        launch=group.runs("Launch") and now >= group.launch_not_before and not failed,
        terminate=group.runs("Terminate") or group.deleting,
    )
    reserve = Reserve(pool, views)
    for step in going_on:
        if isinstance(step, LaunchFailed | BeginTermination):
            reserve.leave(step.instance_id)
    roster = Roster(views, reserve.has)
    needs = _needs(group, views, now, refresh, allowed)
    calm = all(need.kind is Kind.REBALANCE for need in needs.values())
    yield from _marks(group, views, now)
    ceilings = [0]
    for kind in Kind:
        found = [need for need in needs.values() if need.kind is kind]
        if kind is Kind.REBALANCE and calm and group.runs("AZRebalance") and allowed.launch:
            found += unbalanced(group, roster, views, now)
        if found:
            bounds = demand(group, kind, found)
            if kind is Kind.REFRESH and refresh is not None:
                bounds = replace(refresh, needs=tuple(found))
            ceilings.append(bounds.ceiling or 0)
            yield from reserve.served(replacements(group, views, bounds, roster, now, allowed))
    if allowed.launch:
        if _is_hopeless(group, roster, now):
            yield SuspendLaunch()
        else:
            yield from reserve.served(missing(group, roster, now, max(ceilings)))
    if allowed.terminate:
        staying = dict(roster.staying)
        outdated = frozenset(need.instance_id for need in refresh.needs) if refresh is not None else frozenset()
        yield from reserve.kept(surplus(group, roster, now, outdated), staying)
    yield from refill(group, pool, reserve, roster, views, now, allowed)
    if group.deleting:
        yield from _stragglers(group, views)


def _needs(
    group: AutoScalingGroup, views: Sequence[MemberView], now: float, refresh: Demand | None, allowed: Allowed
) -> dict[str, Need]:
    """Each member that must go, once, under the most urgent of its reasons. One with a successor goes, whatever has become
    of the reason."""
    needs = {need.instance_id: need for need in _underway(views)}
    wanted: list[Need] = []
    if group.runs("Launch") and group.runs("Terminate"):
        wanted += outlived(group, views, now)
        wanted += refresh.needs if refresh is not None and group.runs("InstanceRefresh") else ()
    if allowed.terminate and group.runs("ReplaceUnhealthy"):
        wanted += unhealthy(group, views, now)
    return needs | {need.instance_id: need for need in wanted}


def _underway(views: Sequence[MemberView]) -> Iterator[Need]:
    members = {view.id: view.member for view in views}
    for name in successors(views):
        member = members.get(name)
        if member is not None and member.state == IN_SERVICE and member.leaving_kind:
            yield Need(name, Kind(member.leaving_kind), member.leaving_cause)


def _marks(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[MarkUnhealthy]:
    """What is unhealthy and is not replaced is marked."""
    if group.runs("ReplaceUnhealthy") and group.runs("Terminate"):
        return
    healthy = {view.id for view in views if view.member.health == HEALTHY}
    for need in unhealthy(group, views, now):
        if need.instance_id in healthy:
            yield MarkUnhealthy(need.instance_id, need.cause)


def _is_hopeless(group: AutoScalingGroup, roster: Roster, now: float) -> bool:
    since = group.launch_failing_since
    return roster.count < group.desired_capacity and since is not None and now - since >= FAILING_FOR


def _stragglers(group: AutoScalingGroup, views: Sequence[MemberView]) -> Iterator[BeginTermination]:
    """A group that is deleted by force takes along what stands by."""
    for view in views:
        if view.member.state in (STANDBY, ENTERING_STANDBY):
            yield BeginTermination(view.id, group.capacity_cause)
