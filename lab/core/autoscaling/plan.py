"""One look at a group: what is to be done now, as values (aws-facts §3).

Level-triggered: `plan` sees the group as it is and says every step that is due, whatever happened before. One concern after
the other, each in a file of its own:

    progress      members that have come one state further            (lifecycle)
    needs         who must be replaced, and within which bounds       (health, lifetime)
    replacement   who of them leaves now, who gets a successor first
    capacity      launches and terminations up or down to the desired capacity

The roster carries what each of them decided to the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.core.autoscaling.capacity import missing, surplus
from lab.core.autoscaling.health import unhealthy
from lab.core.autoscaling.lifetime import outlived
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup
from lab.core.autoscaling.needs import Demand, Need, demand
from lab.core.autoscaling.progress import progress
from lab.core.autoscaling.replacement import replacements
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import Kind, LaunchFailed, Step
from lab.core.autoscaling.view import MemberView, successors


def plan(
    group: AutoScalingGroup, views: Sequence[MemberView], now: float, refresh: Demand | None = None
) -> tuple[Step, ...]:
    """The steps that are due, in the order in which they must be taken. `refresh` is what an instance refresh wants
    replaced, within bounds of its own."""
    going_on = tuple(progress(views))
    # A launch that has just failed holds the next one back, from the next look on by the group's row.
    may_launch = now >= group.launch_not_before and not any(isinstance(step, LaunchFailed) for step in going_on)
    roster = Roster(views)
    demands = _demands(group, views, now, refresh)
    return (
        *going_on,
        *replacements(group, views, demands, roster, now, may_launch=may_launch),
        *(missing(group, roster, now) if may_launch else ()),
        *surplus(group, roster, now),
    )


def _demands(
    group: AutoScalingGroup, views: Sequence[MemberView], now: float, refresh: Demand | None
) -> tuple[Demand, ...]:
    """Each member that must go, once, under the most urgent of its reasons. One with a successor goes, whatever has become
    of the reason."""
    needs = {need.instance_id: need for need in _underway(views)}
    for need in (*outlived(group, views, now), *(refresh.needs if refresh else ()), *unhealthy(group, views, now)):
        needs[need.instance_id] = need
    kinds = {kind: tuple(need for need in needs.values() if need.kind is kind) for kind in Kind}
    return tuple(
        replace(refresh, needs=found) if kind is Kind.REFRESH and refresh else demand(group, kind, found)
        for kind, found in kinds.items()
        if found
    )


def _underway(views: Sequence[MemberView]) -> Iterator[Need]:
    members = {view.id: view.member for view in views}
    for name in successors(views):
        member = members.get(name)
        if member is not None and member.state == IN_SERVICE and member.leaving_kind:
            yield Need(name, Kind(member.leaving_kind), member.leaving_cause)
