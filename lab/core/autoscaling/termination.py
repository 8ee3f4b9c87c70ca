"""Which instance goes when a group scales in (aws-facts §3.6; asg:ec2-auto-scaling-termination-policies).

Always first: the zone with the most instances, so that the group stays balanced. Then the policy list, in order; what is
left over is told apart by age and id, so that the same group always gives the same answer.

`Default`: another launch template than the group's, then the oldest version of it, then the instance that is closest to
the next full hour. The lab has no launch configurations and no mixed instances, so OldestLaunchConfiguration and
AllocationStrategy tell nothing apart: what comes after them in the list decides.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from lab.core.autoscaling.model import AutoScalingGroup, Member

Sieve = Callable[[Sequence[Member], AutoScalingGroup, float], list[Member]]


def victim(members: Sequence[Member], group: AutoScalingGroup, now: float) -> Member | None:
    """The one to terminate next, or None when all are protected from scale-in. `members` are those that count as
    capacity."""
    candidates = _fullest_zones(members)
    return select(candidates, group, now) if candidates else None


def select(candidates: Sequence[Member], group: AutoScalingGroup, now: float) -> Member:
    """By the group's policies alone, zones and protection apart. There must be one."""
    for policy in group.termination_policies:
        for sieve in POLICIES[policy]:
            if len(candidates) > 1:
                candidates = sieve(candidates, group, now)
    return min(candidates, key=lambda member: (member.launched_at, member.instance_id))


def _fullest_zones(members: Sequence[Member]) -> list[Member]:
    sizes = Counter(member.zone for member in members)
    unprotected = [member for member in members if not member.protected]
    fullest = max((sizes[member.zone] for member in unprotected), default=0)
    return [member for member in unprotected if sizes[member.zone] == fullest]


def _lowest(key: Callable[[Member, AutoScalingGroup, float], float]) -> Sieve:
    def sieve(members: Sequence[Member], group: AutoScalingGroup, now: float) -> list[Member]:
        low = min(key(member, group, now) for member in members)
        return [member for member in members if key(member, group, now) == low]

    return sieve


_OTHER_TEMPLATE = _lowest(lambda member, group, _: float(member.launch_template_id == group.launch_template_id))
_OLDEST_VERSION = _lowest(lambda member, _group, _now: member.launch_template_version)
_NEXT_HOUR = _lowest(lambda member, _group, now: 3600 - (now - member.launched_at) % 3600)
_OLDEST = _lowest(lambda member, _group, _now: member.launched_at)
_NEWEST = _lowest(lambda member, _group, _now: -member.launched_at)

POLICIES: dict[str, tuple[Sieve, ...]] = {
    "Default": (_OTHER_TEMPLATE, _OLDEST_VERSION, _NEXT_HOUR),
    "AllocationStrategy": (),
    "OldestLaunchConfiguration": (),
    "OldestLaunchTemplate": (_OTHER_TEMPLATE, _OLDEST_VERSION),
    "ClosestToNextInstanceHour": (_NEXT_HOUR,),
    "OldestInstance": (_OLDEST,),
    "NewestInstance": (_NEWEST,),
}
