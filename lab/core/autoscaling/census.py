"""What an instance refresh finds in its group: who is to be replaced, who has been, and what it waits for (aws-facts §3.8).

Shares are of the group as it is meant to be: of its members without those that are ignored and those that only stay until
their successors are ready, and of no fewer than its desired capacity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.core.autoscaling.counts import COUNTS_AS, is_capacity
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.refreshes import (
    IGNORE,
    REFRESH,
    ROLLING_BACK,
    TERMINATE,
    WAIT,
    InstanceRefresh,
    Preferences,
    Progress,
    Wanted,
    outdated,
    warmup,
)
from lab.core.autoscaling.view import MemberView, is_ready, successors


@dataclass(frozen=True, slots=True)
class Census:
    """`old` are those to be replaced, the oldest first; `waiting` those that must not be yet, with the reason; `new` those that
    need no replacement, of which `updated` are ready and warmed up. `outgoing` counts those that stay until their successors
    are ready. `missing` says what keeps the others of `new` from being updated, "" when that is only their warm-up, in which
    `warming` is one of them."""

    size: int
    old: tuple[MemberView, ...]
    waiting: Mapping[str, str]
    new: int
    updated: int
    outgoing: int
    warming: str
    missing: str

    @property
    def left(self) -> int:
        return len(self.old) + len(self.waiting)

    @property
    def complete(self) -> bool:
        return not self.left and not self.outgoing and self.updated >= self.size

    def of(self, percentage: int) -> int:
        """So many members are that percentage of the group, at least."""
        return -(-self.size * percentage // 100)

    def progress(self, status: str) -> Progress:
        """Rolling back, the share goes down to zero: it is that of the members the refresh has deployed."""
        if status == ROLLING_BACK:
            return Progress(share(self.left, self.size, 0), max(0, self.size - self.left))
        return Progress(share(self.updated, self.size, 100), self.left)


def census(
    refresh: InstanceRefresh, group: AutoScalingGroup, views: Sequence[MemberView], wanted: Wanted, now: float
) -> Census:
    before = successors(views)
    found = [view for view in views if _counts(view.member) and not view.failed]
    staying = [view for view in found if is_capacity(view.member) and view.id not in before]
    due = [view for view in found if view.id not in before and outdated(view.member, refresh, wanted)]
    fates = {view.id: _fate(view.member, refresh.preferences) for view in due}
    old = sorted(
        (view for view in due if fates[view.id] == REFRESH), key=lambda view: (view.member.launched_at, view.id)
    )
    new = [view for view in staying if view.id not in fates]
    checked = [view for view in new if is_ready(view, group, 0.0, now)]
    length = warmup(group, refresh.preferences)
    updated = {view.id for view in checked if is_ready(view, group, length, now)}
    ready = {view.id for view in checked}
    ignored = sum(1 for view in staying if fates.get(view.id) == IGNORE)
    return Census(
        size=max(len(staying), group.desired_capacity) - ignored,
        old=tuple(old),
        waiting={view.id: _hindrance(view.member) for view in due if fates[view.id] == WAIT},
        new=len(new),
        updated=len(updated),
        outgoing=sum(1 for view in found if view.id in before and outdated(view.member, refresh, wanted)),
        warming=next((view.id for view in checked if view.id not in updated), ""),
        missing=next(_missing(group, staying, [view for view in new if view.id not in ready]), ""),
    )


def _counts(member: Member) -> bool:
    return is_capacity(member) or COUNTS_AS[member.state] == "standby"


def _fate(member: Member, preferences: Preferences) -> str:
    """Of one that is outdated: whether it is replaced, ignored, or waited for."""
    if COUNTS_AS[member.state] == "standby":
        return REFRESH if preferences.standby_instances == TERMINATE else preferences.standby_instances
    return preferences.scale_in_protected_instances if member.protected else REFRESH


def _hindrance(member: Member) -> str:
    return "is in Standby" if COUNTS_AS[member.state] == "standby" else "is protected from scale in"


def _missing(group: AutoScalingGroup, staying: Sequence[MemberView], unready: Sequence[MemberView]) -> Iterator[str]:
    for view in unready:
        if view.member.state == IN_SERVICE and any(state == "unhealthy" for _, state in view.targets):
            yield f"{view.id} does not pass the health check of its load balancer"
        else:
            by = "Elastic Load Balancing" if view.member.state == IN_SERVICE else "Amazon EC2"
            yield f"{view.id} has insufficient data to evaluate its health with {by}"
    if len(staying) < group.desired_capacity:
        yield f"{group.desired_capacity - len(staying)} of {group.desired_capacity} instances could not be launched yet"


def share(part: int, whole: int, of_nothing: int) -> int:
    """In whole percent, rounded down; `of_nothing` is that of an empty whole."""
    return min(100, 100 * part // whole) if whole > 0 else of_nothing
