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
from dataclasses import dataclass

from lab.core.autoscaling import causes
from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup
from lab.core.autoscaling.needs import Demand
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import BeginTermination, Kind, Launch
from lab.core.autoscaling.view import MemberView, is_ready, successors

CHOSEN = (Kind.REFRESH, Kind.REBALANCE)
"""Kinds for which a member is picked out of several that would do; its termination's cause says so."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is not suspended and not held back."""

    launch: bool
    terminate: bool


def replacements(
    group: AutoScalingGroup, views: Sequence[MemberView], demand: Demand, roster: Roster, now: float, allowed: Allowed
) -> Iterator[BeginTermination | Launch]:
    """Terminations, and launches ahead of terminations, that are due."""
    before = successors(views)
    # A sick member counts as ready for as long as it serves: taking it away is what the floor is about.
    needed = set() if demand.strict else {need.instance_id for need in demand.needs}
    ready = {
        view.id
        for view in views
        if view.serves
        and (view.id in needed or is_ready(view, group, demand.warmup, now))
        and view.id not in roster.left
    }
    idle = not roster.left and not roster.outgoing and not any(_is_under_way(view, ready) for view in views)
    for need in demand.needs:
        successor = before.get(need.instance_id)
        may_leave = need.at_once or len(ready - {need.instance_id}) >= demand.floor or (idle and demand.ceiling is None)
        may_precede = demand.ceiling is not None and (idle or _fits(group, roster, demand.ceiling))
        # 1.
        if successor is not None and not need.at_once:
            leaves, owed = successor.id in ready, False
        # 2. and 4.
        elif may_leave:
            leaves, owed = True, successor is None and need.instance_id in roster.staying
        # 3. and 4.
        else:
            if may_precede and allowed.launch:
                zone = roster.step_aside(need.instance_id, group, now)
                if zone is not None:
                    cause = causes.at(now, need.successor_cause or causes.SUCCESSOR[need.kind])
                    yield Launch(zone, cause, need.instance_id, need.kind, leaving_cause=need.cause)
                    idle = False
            continue
        if leaves and allowed.terminate:
            chosen = causes.selected(now, need.instance_id) if need.kind in CHOSEN else ""
            cause = causes.joined((causes.at(now, need.cause), chosen))
            yield BeginTermination(need.instance_id, cause, need.kind, owed=owed)
            roster.leave(need.instance_id, need.kind if owed else None)
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
