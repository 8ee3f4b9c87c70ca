"""One look at an instance refresh: where it stands, and what it wants replaced now (asg:instance-refresh-overview).

Pure: row + group + members + now → the next row, and a demand that `plan` meets within the refresh's own bounds. Nothing is
remembered but the row, so a look after a crash goes on where the last one was.

* Replaced are, the oldest first, as many as the bounds and the next checkpoint allow; those in the warm pool come last.
* A checkpoint is passed when so many are updated, which takes their warm-up; then nothing is replaced until its delay is over.
  The last one ends the refresh (asg:asg-adding-checkpoints-instance-refresh).
* It fails when nothing has moved for an hour (and the time of a warm-up), after 14 days, and when one of its alarms is in
  ALARM. With AutoRollback it is rolled back then. To wait at a checkpoint or for a process to be resumed is no standstill.
* An alarm without data holds replacing back (asg:instance-refresh-rollback).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab.core.autoscaling import causes
from lab.core.autoscaling.census import Census, census, share
from lab.core.autoscaling.counts import COUNTS_AS, is_capacity
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.needs import Demand, Need, bounded
from lab.core.autoscaling.pool_census import PoolCensus, pool_census
from lab.core.autoscaling.refreshes import (
    BAKING,
    CANCELLED,
    CANCELLING,
    CHECKPOINT_DELAY,
    FAILED,
    IN_PROGRESS,
    PENDING,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    ROLLING_BACK,
    SUCCESSFUL,
    InstanceRefresh,
    Rollback,
    Wanted,
    bounds,
    warmup,
)
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.view import MemberView, successors
from lab.core.autoscaling.warm_pool import WarmPool

PATIENCE = 3600.0
LONGEST = 14 * 86400.0
PROCESSES = ("InstanceRefresh", "Launch", "Terminate")
"""Without any of these no instance is replaced (asg:as-suspend-resume-processes)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """`demand` is None while the refresh wants nothing of the group. `stale` are instances of the warm pool that must not be
    used, `leaving` those of them that are to be replaced now."""

    refresh: InstanceRefresh
    demand: Demand | None = None
    stale: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


def turn(
    refresh: InstanceRefresh, group: AutoScalingGroup, views: Sequence[MemberView], wanted: Wanted | None,
    alarms: Mapping[str, str], now: float, pool: WarmPool | None = None,
) -> Turn:  # fmt: skip
    """`wanted` is what is launched now, None when that cannot be told (its launch template is gone); `alarms` are the states of
    the refresh's alarms by name, without those that are gone."""
    if refresh.status == CANCELLING:
        return Turn(_cancelling(refresh, views, now))
    if refresh.status == PENDING:
        refresh = replace(refresh, status=IN_PROGRESS, start_time=now, progressed_at=now)
    if wanted is None:
        return Turn(_or_failed(refresh, group, "The launch template to launch instances from does not exist.", now))
    seen, warm = census(refresh, group, views, wanted, now), pool_census(refresh, group, pool, views, wanted)
    stale = warm.stale if warm is not None else ()
    refresh = _moved(refresh, seen, warm, now)
    alarm = next((name for name in refresh.preferences.alarms if alarms.get(name) == "ALARM"), None)
    if alarm is not None and refresh.status != ROLLING_BACK:
        return Turn(failed(refresh, f"The CloudWatch alarm {alarm} went into the ALARM state.", now))
    if refresh.status == BAKING:
        return Turn(_baked(refresh, now), None, stale)
    live = _is_done(refresh, seen)
    if live and (warm is None or warm.complete or _ends_early(refresh)):
        return Turn(_done(refresh, now), None, stale)
    pause = _pause(refresh, group, now)
    if pause:
        return Turn(replace(refresh, status_reason=pause, progressed_at=now), _demand(refresh, group, ()), stale)
    silent = next((name for name in refresh.preferences.alarms if alarms.get(name) != "OK"), None)
    held = silent is not None and refresh.status != ROLLING_BACK
    reason = f"Waiting for the CloudWatch alarm {silent} to have data." if held else _reason(seen)
    reason = "Waiting for instances of the warm pool to be replaced." if live and not held else reason
    after = _or_failed(refresh, group, reason, now)
    if after.status != refresh.status:
        return Turn(after)
    leaving = warm.leaving if warm is not None and live and not held else ()
    return Turn(after, _demand(refresh, group, () if held or live else _due(refresh, seen)), stale, leaving)


def failed(refresh: InstanceRefresh, why: str, now: float) -> InstanceRefresh:
    """It cannot go on: it is rolled back if it is to be, else it ends here."""
    if refresh.status == ROLLING_BACK:
        return _ended(refresh, ROLLBACK_FAILED, why, now)
    if refresh.preferences.auto_rollback:
        return rolled_back(refresh, f"Automatic rollback: {why}", now)
    return _ended(refresh, FAILED, why, now)


def rolled_back(refresh: InstanceRefresh, why: str, now: float) -> InstanceRefresh:
    """From now on what it has deployed is replaced by what the group had before."""
    undone = Rollback(why, now, refresh.percentage, refresh.live, refresh.pool)
    return replace(
        refresh, status=ROLLING_BACK, status_reason="", rollback=undone, progressed_at=now, updated=0, left=0,
        start_time=now if refresh.start_time is None else refresh.start_time,
    )  # fmt: skip


def cancelled(refresh: InstanceRefresh, *, wait: bool) -> InstanceRefresh:
    """No more is replaced; what is under way ends first if `wait` says so."""
    return replace(refresh, status=CANCELLING, wait_for_transitioning=wait)


def _cancelling(refresh: InstanceRefresh, views: Sequence[MemberView], now: float) -> InstanceRefresh:
    before = successors(views)
    moving = any(
        view.id in before
        or (view.member.leaving_kind == Kind.REFRESH and COUNTS_AS[view.member.state] == "terminating")
        for view in views
    )
    coming = any(
        view.member.refresh == refresh.refresh_id and COUNTS_AS[view.member.state] == "pending" for view in views
    )
    if refresh.wait_for_transitioning and (moving or coming):
        return refresh
    return _ended(refresh, CANCELLED, "Cancelled by a user request.", now)


def _moved(refresh: InstanceRefresh, seen: Census, warm: PoolCensus | None, now: float) -> InstanceRefresh:
    """The row with the numbers of this look, the warm pool's among them, and with the time of the last movement."""
    updated = seen.updated + (warm.updated if warm is not None else 0)
    left = seen.left + (len(warm.stale) if warm is not None else 0)
    moved = updated > refresh.updated or left < refresh.left
    refresh = replace(
        refresh,
        percentage=_percentage(refresh, seen, warm),
        live=seen.progress(refresh.status),
        pool=None if warm is None else warm.progress(refresh.status),
        updated=updated,
        left=left,
        progressed_at=now if moved else refresh.progressed_at,
    )
    passed = max((mark for mark in _checkpoints(refresh) if mark <= refresh.live.percentage), default=0)
    if passed == refresh.checkpoint:
        return refresh
    return replace(refresh, checkpoint=passed, checkpoint_at=now if passed > refresh.checkpoint else None)


def _percentage(refresh: InstanceRefresh, seen: Census, warm: PoolCensus | None) -> int:
    size, updated, left = seen.size, seen.updated, seen.left
    if warm is not None:
        size, updated, left = size + warm.size, updated + warm.updated, left + len(warm.stale)
    if refresh.status == ROLLING_BACK:
        return share(left, size, 0)
    return share(updated, size, 100)


def _checkpoints(refresh: InstanceRefresh) -> tuple[int, ...]:
    return () if refresh.status == ROLLING_BACK else refresh.preferences.checkpoint_percentages


def _ends_early(refresh: InstanceRefresh) -> bool:
    """Its last checkpoint comes before all of the group is updated, and so before the warm pool."""
    return max(_checkpoints(refresh), default=100) < 100


def _is_done(refresh: InstanceRefresh, seen: Census) -> bool:
    last = max(_checkpoints(refresh), default=100)
    return seen.complete if last == 100 else seen.updated >= seen.of(last)


def _done(refresh: InstanceRefresh, now: float) -> InstanceRefresh:
    if refresh.status == ROLLING_BACK:
        return _ended(refresh, ROLLED_BACK, "", now)
    if refresh.preferences.bake_time > 0.0:
        return replace(refresh, status=BAKING, status_reason="", baking_at=now)
    return _ended(refresh, SUCCESSFUL, "", now)


def _baked(refresh: InstanceRefresh, now: float) -> InstanceRefresh:
    began = now if refresh.baking_at is None else refresh.baking_at
    return _ended(refresh, SUCCESSFUL, "", now) if now - began >= refresh.preferences.bake_time else refresh


def _pause(refresh: InstanceRefresh, group: AutoScalingGroup, now: float) -> str:
    """Why nothing is to be replaced for the time being, "" when it may."""
    suspended = next((name for name in PROCESSES if not group.runs(name)), None)
    if suspended is not None:
        return f"The process {suspended} is suspended."
    delay = refresh.preferences.checkpoint_delay
    delay = CHECKPOINT_DELAY if delay is None else delay
    if _checkpoints(refresh) and refresh.checkpoint_at is not None and now - refresh.checkpoint_at < delay:
        return f"Waiting for {delay:g} seconds after the checkpoint at {refresh.checkpoint} percent."
    return ""


def _reason(seen: Census) -> str:
    """What it waits for, in AWS's words where AWS publishes them."""
    if seen.missing:
        return f"Waiting for remaining instances to be available. For example: {seen.missing}."
    if seen.warming:
        return f"Waiting for instances to warm up before continuing. For example: {seen.warming} is warming up."
    if seen.waiting and not seen.old:
        name, why = next(iter(seen.waiting.items()))
        return f"Waiting for remaining instances to be available. For example: {name} {why}."
    return ""


def _or_failed(refresh: InstanceRefresh, group: AutoScalingGroup, reason: str, now: float) -> InstanceRefresh:
    """The row with what it waits for; failed when it has waited or taken too long."""
    since = refresh.rollback.started if refresh.rollback is not None else refresh.start_time
    if now - refresh.progressed_at >= PATIENCE + warmup(group, refresh.preferences):
        return failed(refresh, f"No progress within an hour. {reason}".strip(), now)
    if since is not None and now - since >= LONGEST:
        return failed(refresh, f"Not complete within 14 days. {reason}".strip(), now)
    return replace(refresh, status_reason=reason)


def _due(refresh: InstanceRefresh, seen: Census) -> tuple[Need, ...]:
    """Who may be replaced up to the next checkpoint. One that is still coming up is left until it is there; one on standby is
    no part of the group's size."""
    following = min((mark for mark in _checkpoints(refresh) if mark > refresh.checkpoint), default=100)
    room = max(0, seen.of(following) - seen.new)
    resting = [view for view in seen.old if COUNTS_AS[view.member.state] == "standby"]
    counting = [view for view in seen.old if is_capacity(view.member)][:room]
    there = [view for view in counting if COUNTS_AS[view.member.state] != "pending"]
    return (
        *(Need(view.id, Kind.REFRESH, causes.REFRESH) for view in there),
        *(Need(view.id, Kind.REFRESH, causes.REFRESH, at_once=True) for view in resting),
    )


def _demand(refresh: InstanceRefresh, group: AutoScalingGroup, needs: tuple[Need, ...]) -> Demand:
    minimum, maximum = bounds(group, refresh.preferences)
    demand = bounded(group, needs, minimum, maximum, warmup(group, refresh.preferences))
    return replace(demand, strict=True)


def _ended(refresh: InstanceRefresh, status: str, reason: str, now: float) -> InstanceRefresh:
    return replace(refresh, status=status, status_reason=reason, end_time=now)
