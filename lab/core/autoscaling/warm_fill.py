"""Keeping the warm pool in order: out with what is unhealthy or too many, in with what is missing
(asg:ec2-auto-scaling-warm-pools, asg:warm-pools-health-checks-monitor-view-status).

An instance at rest is unhealthy when it is not in the EC2 state it rests in, or when a user calls it so; while it is being
prepared only its launch can fail. Too many are told apart by the default termination policy.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import UNHEALTHY, AutoScalingGroup
from lab.core.autoscaling.replacement import Allowed
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import BeginTermination, Launch
from lab.core.autoscaling.termination import victim
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import RESTS_AS, Pool, Reserve, size

PASSING = ("stopping", "pending")
"""EC2 states of an instance at rest that is on its way back to where it rests, because somebody started or stopped it."""


def refill(
    group: AutoScalingGroup, pool: Pool, reserve: Reserve, roster: Roster, views: Sequence[MemberView], now: float,
    allowed: Allowed,
) -> Iterator[BeginTermination | Launch]:  # fmt: skip
    if allowed.terminate:
        for name, text in (*_sick(group, views), *((name, causes.REFRESH) for name in pool.leaving)):
            if name in reserve.members:
                cause = causes.joined((causes.at(now, text), causes.selected(now, name)))
                yield BeginTermination(name, cause)
                reserve.leave(name)
        yield from _surplus(group, pool, reserve, now)
    if allowed.launch:
        yield from _missing(group, pool, reserve, roster, now)


def _sick(group: AutoScalingGroup, views: Sequence[MemberView]) -> Iterator[tuple[str, str]]:
    if not group.runs("ReplaceUnhealthy"):
        return
    for view in views:
        rest = RESTS_AS.get(view.member.state)
        if rest is None:
            continue
        if view.instance_state not in (rest, *PASSING) and not _strays(view, rest) and group.runs("HealthCheck"):
            yield view.id, causes.EC2_UNHEALTHY
        elif view.member.health == UNHEALTHY:
            yield view.id, view.member.unhealthy_cause or causes.USER_UNHEALTHY


def _strays(view: MemberView, rest: str) -> bool:
    """It runs although it rests stopped: it is put to rest again (`warm_progress`)."""
    return rest == "stopped" and view.instance_state == "running"


def _surplus(group: AutoScalingGroup, pool: Pool, reserve: Reserve, now: float) -> Iterator[BeginTermination]:
    plain = replace(group, termination_policies=("Default",))
    while (old := len(reserve.members)) > size(pool.row, group):
        chosen = victim([replace(member, protected=False) for member in reserve.members.values()], plain, now)
        if chosen is None:
            return
        sentence = causes.at(now, causes.POOL_SHRINKS.format(old=old, new=old - 1))
        yield BeginTermination(chosen.instance_id, causes.joined((sentence, causes.selected(now, chosen.instance_id))))
        reserve.leave(chosen.instance_id)


def _missing(group: AutoScalingGroup, pool: Pool, reserve: Reserve, roster: Roster, now: float) -> Iterator[Launch]:
    """Into the zones that have the fewest in the group and the pool together, so that what is taken out one day keeps the group
    balanced; not into those that launches fail in."""
    zones = roster.usable(group, now)
    sizes = roster.sizes + Counter(member.zone for member in reserve.members.values())
    for number in range(len(reserve.members), size(pool.row, group) if zones else 0):
        zone = min(zones, key=lambda name: sizes[name])
        sizes[zone] += 1
        sentence = causes.POOL_GROWS.format(old=number, new=number + 1)
        yield Launch(zone, causes.at(now, sentence), pooled=True)
