"""Bringing the number of members to the desired capacity (aws-facts §3.5, §3.6)."""

from collections.abc import Iterator

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.needs import highest
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import BeginTermination, Launch, ScaleInBlocked
from lab.core.autoscaling.termination import victim


def missing(group: AutoScalingGroup, roster: Roster, now: float, ceiling: int = 0) -> Iterator[Launch]:
    """Launches up to the desired capacity; successors that are owed come first. Members that stay in service until their
    successors are ready are in service beside it: all together are at most `ceiling`, or the margin above the maximum if
    that is more. What then is still missing comes as they leave."""
    owed = iter(list(roster.owed.items()))
    most = max(highest(group), ceiling)
    while (old := roster.count) < group.desired_capacity and old + len(roster.outgoing) < most:
        zone = roster.launch(group, now)
        if zone is None:
            return
        replaces, kind = next(owed, ("", None))
        if kind is None:
            sentence = causes.at(now, causes.DIFFERENCE_LAUNCH.format(old=old, new=old + 1))
            cause = causes.joined((group.capacity_cause, sentence))
        else:
            cause = causes.at(now, causes.SUCCESSOR[kind])
        yield Launch(zone, cause, replaces, kind)


def surplus(
    group: AutoScalingGroup, roster: Roster, now: float, outdated: frozenset[str] = frozenset()
) -> Iterator[BeginTermination | ScaleInBlocked]:
    """Terminations down to the desired capacity. Members whose successors are coming up are not among the victims: they
    leave anyway. `outdated` are those that an instance refresh would replace: they go first, so that one that is taken back
    does not cost those that were well (AWS publishes no rule)."""
    while roster.count > group.desired_capacity:
        staying = list(roster.staying.values())
        first = [member for member in staying if member.instance_id in outdated]
        chosen = victim(first, group, now) or victim(staying, group, now)
        if chosen is None:
            if group.blocked_cause != group.capacity_cause:
                yield ScaleInBlocked(causes.joined((group.capacity_cause, causes.equilibrium(now))))
            return
        sentence = causes.at(now, causes.DIFFERENCE_TERMINATE.format(old=roster.count, new=roster.count - 1))
        cause = causes.joined((group.capacity_cause, sentence, causes.selected(now, chosen.instance_id)))
        yield BeginTermination(chosen.instance_id, cause)
        roster.leave(chosen.instance_id)


def backoff(failures: int) -> float:
    """Lab seconds to wait after the n-th launch failure in a row. AWS says only that it grows (aws-facts §11); the lab
    doubles from 15 s to an hour."""
    return min(15.0 * 2.0 ** (failures - 1), 3600.0) if failures else 0.0
