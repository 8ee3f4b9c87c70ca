"""The warm pool of a group: its row, its size, and what a look at the group may take from it
(asg:ec2-auto-scaling-warm-pools).

Instances in the pool have been launched and prepared, and are stopped, hibernated or kept running until the group needs them.
They are members of the group in states of their own (`Warmed:…`), no targets, and no part of its capacity.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lab.core.autoscaling.counts import is_pooled
from lab.core.autoscaling.model import (
    HEALTHY,
    WARMED_HIBERNATED,
    WARMED_RUNNING,
    WARMED_STOPPED,
    AutoScalingGroup,
    Member,
)
from lab.core.autoscaling.steps import BeginTermination, Launch, ReturnToPool, Step
from lab.core.autoscaling.view import MemberView

STOPPED, RUNNING, HIBERNATED = "Stopped", "Running", "Hibernated"
POOL_STATES = (STOPPED, RUNNING, HIBERNATED)
RESTS_AS = {WARMED_STOPPED: "stopped", WARMED_HIBERNATED: "stopped", WARMED_RUNNING: "running"}
"""The EC2 state of an instance that is at rest in the pool."""


@dataclass(frozen=True, slots=True)
class WarmPool:
    """`max_group_prepared_capacity` is None when the group's maximum counts. `deleting`: it goes when its instances have."""

    group: str
    min_size: int = 0
    max_group_prepared_capacity: int | None = None
    pool_state: str = STOPPED
    reuse_on_scale_in: bool = False
    deleting: bool = False

    @property
    def key(self) -> str:
        return self.group


@dataclass(frozen=True, slots=True)
class Pool:
    """What a look at a group knows of its pool. `row` is None when there is none. `stale` are members of it that an instance
    refresh forbids to use, `leaving` those that it has replaced now."""

    row: WarmPool | None = None
    stale: frozenset[str] = frozenset()
    leaving: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.row is not None and not self.row.deleting

    @property
    def reuses(self) -> bool:
        return self.usable and self.row is not None and self.row.reuse_on_scale_in


NO_POOL = Pool()


def size(row: WarmPool | None, group: AutoScalingGroup) -> int:
    """How many instances the pool is to have: what the group may grow by, and never fewer than its minimum."""
    if row is None or row.deleting or group.deleting:
        return 0
    prepared = group.max_size if row.max_group_prepared_capacity is None else row.max_group_prepared_capacity
    return max(row.min_size, prepared - group.desired_capacity, 0)


class Reserve:
    """The pool as it will be once the steps said so far have been taken. Like the roster, made at the beginning of a look and
    told of each step."""

    def __init__(self, pool: Pool, views: Sequence[MemberView]) -> None:
        self._pool = pool
        self.members: dict[str, Member] = {view.id: view.member for view in views if is_pooled(view.member)}
        self._ready = sorted(
            (view.member for view in views if pool.usable and view.id not in pool.stale and _is_ready(view)),
            key=lambda member: (member.launched_at, member.instance_id),
        )

    def has(self, zone: str) -> bool:
        return any(member.zone == zone for member in self._ready)

    def leave(self, instance_id: str) -> None:
        self.members.pop(instance_id, None)
        self._ready = [member for member in self._ready if member.instance_id != instance_id]

    def served(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps, their launches made from what is ready in the same zone, the oldest first; when nothing is, the launch is
        a cold start."""
        for step in steps:
            yield self._taken(step) if isinstance(step, Launch) else step

    def _taken(self, step: Launch) -> Launch:
        chosen = next((member.instance_id for member in self._ready if member.zone == step.zone), "")
        self.leave(chosen)
        return replace(step, warm=chosen)

    def kept(self, steps: Iterable[Step], leaving: dict[str, Member]) -> Iterator[Step]:
        """The steps of scaling in, with those that leave returned to the pool if that is its policy."""
        for step in steps:
            if isinstance(step, BeginTermination) and self._pool.reuses:
                self.members[step.instance_id] = leaving[step.instance_id]
                yield ReturnToPool(step.instance_id, step.cause)
            else:
                yield step


def _is_ready(view: MemberView) -> bool:
    return RESTS_AS.get(view.member.state) == view.instance_state and view.member.health == HEALTHY
