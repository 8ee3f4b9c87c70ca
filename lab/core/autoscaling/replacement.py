"""Replacing members within bounds: who may leave and which successors may be launched now
(asg:instance-maintenance-policy-overview-and-considerations, asg:health-checks-overview).

For each need, the first of these that holds:

1. A successor was launched before: the member leaves once that one is ready.
2. The member may leave: as many others as the floor asks for stay that are ready. Its successor is owed, and launched as
   missing capacity is.
3. A successor may be launched before: no more than the ceiling are in service or pending then.
4. The bounds allow neither, and nothing is under way that will change that. One is replaced all the same: it leaves first
   if there is no ceiling, else its successor is launched first.
"""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling import causes
from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup
from lab.core.autoscaling.needs import Demand, Need
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import BeginTermination, Kind, Launch
from lab.core.autoscaling.view import MemberView, is_ready, successors


def replacements(
    group: AutoScalingGroup, views: Sequence[MemberView], demands: Sequence[Demand], roster: Roster, now: float,
    *, may_launch: bool,
) -> Iterator[BeginTermination | Launch]:  # fmt: skip
    """Terminations, and launches ahead of terminations, that are due."""
    before = successors(views)
    needed = {need.instance_id for one in demands for need in one.needs}
    left: set[str] = set()
    for one in demands:
        # A sick member counts as ready for as long as it serves: taking it away is what the floor is about.
        taken = set() if one.strict else needed
        ready = {
            view.id for view in views if view.serves and (view.id in taken or is_ready(view, group, one.warmup, now))
        }
        ready -= left
        idle = not left and not any(_is_under_way(view, ready) for view in views)
        for need in one.needs:
            successor = before.get(need.instance_id)
            stays = len(ready - {need.instance_id}) >= one.floor
            if successor is not None and not need.at_once:
                if successor.id not in ready:
                    continue
                yield _begin(need, now, owed=False)
                roster.leave(need.instance_id)
            elif need.at_once or stays or (idle and one.ceiling is None):
                yield _begin(need, now, owed=successor is None)
                roster.leave(need.instance_id, need.kind if successor is None else None)
            elif may_launch and one.ceiling is not None and (idle or _fits(group, roster, one.ceiling)):
                roster.step_aside(need.instance_id)
                text = need.successor_cause or causes.SUCCESSOR[need.kind]
                cause = causes.at(now, text)
                yield Launch(roster.launch(group), cause, need.instance_id, need.kind, leaving_cause=need.cause)
                idle = False
                continue
            else:
                continue
            left.add(need.instance_id)
            ready.discard(need.instance_id)
            idle = False


def _fits(group: AutoScalingGroup, roster: Roster, ceiling: int) -> bool:
    """Whether one more beside the capacity that there is, or is about to be, keeps below the ceiling."""
    return max(group.desired_capacity, roster.count) + len(roster.outgoing) + 1 <= ceiling


def _is_under_way(view: MemberView, ready: set[str]) -> bool:
    """It comes up, or leaves to be replaced."""
    member = view.member
    if not is_capacity(member):
        return bool(member.leaving_kind)
    return view.id not in ready and (view.serves or member.state != IN_SERVICE)


def _begin(need: Need, now: float, *, owed: bool) -> BeginTermination:
    chosen = causes.selected(now, need.instance_id) if need.kind is Kind.REFRESH else ""
    cause = causes.joined((causes.at(now, need.cause), chosen))
    return BeginTermination(need.instance_id, cause, need.kind, owed=owed, dead=need.dead)
