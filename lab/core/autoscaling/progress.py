"""Members that have come one state further since the last look: by their state, what there is to do.

Hooks run for launches and terminations, but not for what was attached or comes back from standby, and not when the group is
deleted by force (asg:lifecycle-hooks). A terminating member drains first, then its hooks run, then it is terminated; what
does not run any more has nothing to drain, what is gone nothing to hook.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from lab.core.autoscaling import warm_progress
from lab.core.autoscaling.hooks import ABANDON, CONTINUE, LAUNCHING, TERMINATING, outcome, why_abandoned
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.steps import (
    EnterService,
    Forget,
    LaunchFailed,
    Leave,
    Proceed,
    Rest,
    Retain,
    Step,
    TerminateInstance,
    WaitForHooks,
)
from lab.core.autoscaling.view import DEAD, MemberView

ALIVE = ("running", "stopped")
"""EC2 states of an instance that is to be terminated and is not on its way yet."""
POOLED = (
    "Warmed:Terminating", "Warmed:Terminating:Wait", "Warmed:Terminating:Proceed", "Warmed:Terminating:Retained"
)  # fmt: skip
GONE = ("terminated", "")

Look = Callable[[AutoScalingGroup, MemberView, float], Step | None]


def progress(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[Step]:
    for view in views:
        look = BY_STATE.get(view.member.state)
        step = None if look is None else look(group, view, now)
        if step is not None:
            yield step


def _pending(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.member.unhooked:
        return EnterService(view.id)
    if view.instance_state in DEAD:
        return LaunchFailed(view.id, view.state_reason)
    if view.instance_state != "running":
        return None
    return WaitForHooks(view.id, LAUNCHING) if group.hooks(LAUNCHING) else EnterService(view.id)


def _pending_wait(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in DEAD:
        return LaunchFailed(view.id, view.state_reason)
    match outcome(view.member.actions, now):
        case "CONTINUE":
            return Proceed(view.id)
        case "ABANDON":
            return LaunchFailed(view.id, why_abandoned(view.member.actions, now), "Cancelled")
    return None


def _pending_proceed(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in DEAD:
        return LaunchFailed(view.id, view.state_reason)
    return EnterService(view.id) if view.instance_state == "running" else None


def _terminating(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in GONE:
        return Forget(view.id)
    if view.instance_state not in ALIVE or not view.is_drained:
        return None
    hooked = group.hooks(TERMINATING) and not _is_forced(group, view)
    return WaitForHooks(view.id, TERMINATING) if hooked else TerminateInstance(view.id)


def _terminating_wait(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in GONE:
        return Forget(view.id)
    result = CONTINUE if _is_forced(group, view) else outcome(view.member.actions, now)
    if result == ABANDON and group.retains_abandoned:
        return Retain(view.id)
    return Proceed(view.id) if result else None


def _terminating_proceed(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in GONE:
        return Forget(view.id)
    return TerminateInstance(view.id) if view.instance_state in ALIVE else None


def _retained(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in GONE:
        return Forget(view.id)
    return Proceed(view.id) if _is_forced(group, view) else None


def _is_forced(group: AutoScalingGroup, view: MemberView) -> bool:
    """Its group, or its warm pool, is deleted by force: no hook runs."""
    return group.deleting or (view.member.unhooked and view.member.state in POOLED)


def _entering_standby(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    return Rest(view.id) if view.is_drained else None


def _detaching(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    return Leave(view.id) if view.is_drained else None


BY_STATE: Mapping[str, Look] = {
    "Pending": _pending,
    "Pending:Wait": _pending_wait,
    "Pending:Proceed": _pending_proceed,
    "Terminating": _terminating,
    "Terminating:Wait": _terminating_wait,
    "Terminating:Proceed": _terminating_proceed,
    "Terminating:Retained": _retained,
    "EnteringStandby": _entering_standby,
    "Detaching": _detaching,
    "Warmed:Terminating": _terminating,
    "Warmed:Terminating:Wait": _terminating_wait,
    "Warmed:Terminating:Proceed": _terminating_proceed,
    "Warmed:Terminating:Retained": _retained,
    **warm_progress.BY_STATE,
}
"""In InService and Standby nothing happens by itself."""
