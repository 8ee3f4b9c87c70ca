"""A group's capacity as its policies see it: what is there and warm, what still warms up, what is on its way out.

Instances that warm up are capacity that has been asked for, but their metrics do not count and a policy does not reckon with
them: what it wants is reckoned from the warm ones and held against the desired capacity, so that the same breach asks for the
same capacity once (asg:ec2-auto-scaling-default-instance-warmup). Those that terminate count for scaling in, so that no more
are removed than necessary (asg:as-scaling-target-tracking, asg:as-scaling-simple-step).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.core.autoscaling.counts import COUNTS_AS, is_capacity
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many members are in service past their warm-up, before its end (pending ones too), and terminating; and how many
    of the warming ones are in service, taking traffic."""

    warm: int
    warming: int = 0
    terminating: int = 0
    warming_in_service: int = 0

    @property
    def alive(self) -> int:
        return self.warm + self.warming

    @property
    def in_service(self) -> int:
        return self.warm + self.warming_in_service


def capacity_of(members: Iterable[Member], warmup: float, now: float) -> Capacity:
    """`members` are all of one group; `warmup` is in lab seconds from InService."""
    warm = warming = terminating = warming_in_service = 0
    for member in members:
        if COUNTS_AS[member.state] == "terminating":
            terminating += 1
        elif not is_capacity(member):
            continue
        elif is_warm(member, warmup, now):
            warm += 1
        else:
            warming += 1
            warming_in_service += member.state == IN_SERVICE
    return Capacity(warm, warming, terminating, warming_in_service)


def is_warm(member: Member, warmup: float, now: float) -> bool:
    """Whether the member is in service and its warm-up over."""
    return member.state == IN_SERVICE and member.in_service_at is not None and now - member.in_service_at >= warmup


def default_warmup(group: AutoScalingGroup) -> float:
    """Lab seconds from InService: the group's, else its default cooldown (bc:autoscaling.PutScalingPolicyType)."""
    return group.default_cooldown if group.default_instance_warmup is None else group.default_instance_warmup


def clamped(wanted: int, group: AutoScalingGroup) -> int:
    """Within the group's bounds (asg:as-scale-based-on-demand)."""
    return min(max(wanted, group.min_size), group.max_size)
