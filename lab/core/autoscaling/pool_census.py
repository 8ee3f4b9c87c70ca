"""What an instance refresh finds in the warm pool (asg:instance-refresh-overview): it replaces instances there when all of the
group is updated, keeping the same share of them at rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.core.autoscaling.census import share
from lab.core.autoscaling.counts import COUNTS_AS, is_pooled
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.refreshes import ROLLING_BACK, InstanceRefresh, Progress, Wanted, bounds, outdated
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import WarmPool, size


@dataclass(frozen=True, slots=True)
class PoolCensus:
    """`stale` are those to be replaced, the oldest first, `leaving` those of them whose turn it is; `updated` counts the others
    that are at rest."""

    size: int = 0
    stale: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    updated: int = 0

    @property
    def complete(self) -> bool:
        return not self.stale and self.updated >= self.size

    def progress(self, status: str) -> Progress:
        left = len(self.stale)
        if status == ROLLING_BACK:
            return Progress(share(left, self.size, 0), max(0, self.size - left))
        return Progress(share(self.updated, self.size, 100), left)


def pool_census(
    refresh: InstanceRefresh, group: AutoScalingGroup, row: WarmPool | None, views: Sequence[MemberView], wanted: Wanted
) -> PoolCensus | None:
    """None while the group has no warm pool."""
    if row is None:
        return None
    members = [view.member for view in views if is_pooled(view.member)]
    stale = sorted(
        (member for member in members if outdated(member, refresh, wanted)),
        key=lambda member: (member.launched_at, member.instance_id),
    )
    names = tuple(member.instance_id for member in stale)
    resting = sum(1 for member in members if COUNTS_AS[member.state] == "warmed")
    moving = (
        len(members) - resting + sum(1 for view in views if COUNTS_AS[view.member.state] == "warm pool terminating")
    )
    minimum, _ = bounds(group, refresh.preferences)
    room = resting - -(-len(members) * minimum // 100)
    return PoolCensus(
        size=max(size(row, group), len(members)),
        stale=names,
        leaving=names[: max(room, 0 if moving else 1)],
        updated=resting - sum(1 for member in stale if COUNTS_AS[member.state] == "warmed"),
    )
