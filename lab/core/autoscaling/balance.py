"""Rebalancing between zones (aws-facts §3.5; asg:auto-scaling-benefits).

Zones are unbalanced when one has two instances more than another, or when a member is in a zone that the group does not
have any more. Whatever brought that about (zones changed, a user took members away, a zone had no capacity and has again),
a new instance is launched where there are fewest before one is terminated where there are most. A zone that launches fail
in takes no part; one in which they failed is tried with one instance first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.needs import Need
from lab.core.autoscaling.roster import Roster
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.termination import select
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.zones import doubtful


def unbalanced(group: AutoScalingGroup, roster: Roster, views: Sequence[MemberView], now: float) -> Iterator[Need]:
    """Members that are to move, only while the group is at its desired capacity: launches and terminations that are due
    anyway balance by themselves."""
    usable = roster.usable(group, now)
    if roster.count != group.desired_capacity or not usable:
        return
    sizes = Counter(roster.sizes)
    movable = [view.member for view in views if view.serves and view.id in roster.staying and not view.member.protected]
    while candidates := _in_excess(group, sizes, usable, movable):
        chosen = select(candidates, group, now)
        target = min(usable, key=lambda zone: sizes[zone])
        yield Need(
            chosen.instance_id,
            Kind.REBALANCE,
            causes.MORE_THAN_DESIRED.format(zones=chosen.zone),
            _launch_cause(group, chosen.zone, sizes),
        )
        if doubtful(group.zone_holds, target):
            return
        movable.remove(chosen)
        sizes[chosen.zone] -= 1
        sizes[target] += 1


def _in_excess(
    group: AutoScalingGroup, sizes: Counter[str], usable: Sequence[str], movable: Sequence[Member]
) -> list[Member]:
    """Those of whom one is to move: in zones that are none of the group's, else in the fullest."""
    stray = [member for member in movable if member.zone not in group.zones]
    if stray:
        return stray
    fewest = min(sizes[zone] for zone in usable)
    most = max((sizes[member.zone] for member in movable), default=0)
    return [member for member in movable if sizes[member.zone] == most] if most - fewest > 1 else []


def _launch_cause(group: AutoScalingGroup, zone: str, sizes: Counter[str]) -> str:
    if zone not in group.zones:
        return causes.MIGRATING.format(zones=zone, sizes=sizes[zone])
    sizes_text = " ".join(str(sizes[name]) for name in group.zones)
    return causes.BALANCING.format(zones=" ".join(group.zones), sizes=sizes_text)
