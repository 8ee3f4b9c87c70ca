"""Members of the warm pool that have come one state further, by their state (asg:warm-pool-instance-lifecycle).

A new one waits for the launching hooks, one that comes back from service for the terminating ones, after its connections have
drained. Then its instance is stopped, hibernated, or left running, and it rests. One that was started by hand while it rests
is put to rest again.
"""

from collections.abc import Callable, Mapping

from lab.core.autoscaling import causes
from lab.core.autoscaling.hooks import LAUNCHING, TERMINATING, outcome, why_abandoned
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.steps import (
    BeginTermination,
    LaunchFailed,
    Park,
    Proceed,
    Step,
    Store,
    WaitForHooks,
)
from lab.core.autoscaling.view import DEAD, MemberView

Look = Callable[[AutoScalingGroup, MemberView, float], Step | None]


def _pending(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.member.parked or view.instance_state in DEAD:
        return _proceed(group, view, now)
    if view.instance_state != "running" or (view.member.returning and not view.is_drained):
        return None
    transition = TERMINATING if view.member.returning else LAUNCHING
    return WaitForHooks(view.id, transition) if group.hooks(transition) else Park(view.id)


def _wait(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.instance_state in DEAD:
        return _lost(view, now)
    match outcome(view.member.actions, now):
        case "CONTINUE":
            return Proceed(view.id)
        case "ABANDON" if view.member.returning:
            return BeginTermination(view.id, view.member.leaving_cause)
        case "ABANDON":
            return LaunchFailed(view.id, why_abandoned(view.member.actions, now), "Cancelled")
    return None


def _proceed(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    if view.member.parked and view.instance_state == "stopped":
        return Store(view.id)
    if view.instance_state in DEAD:
        return _lost(view, now)
    return Park(view.id) if view.instance_state == "running" else None


def _lost(view: MemberView, now: float) -> Step:
    """Its instance did not live to rest. One that has been in service was no launch."""
    if view.member.returning:
        return BeginTermination(view.id, causes.at(now, causes.EC2_UNHEALTHY))
    return LaunchFailed(view.id, view.state_reason)


def _resting(group: AutoScalingGroup, view: MemberView, now: float) -> Step | None:
    return Park(view.id) if view.instance_state == "running" else None


BY_STATE: Mapping[str, Look] = {
    "Warmed:Pending": _pending,
    "Warmed:Pending:Wait": _wait,
    "Warmed:Pending:Proceed": _proceed,
    "Warmed:Stopped": _resting,
    "Warmed:Hibernated": _resting,
}
"""What is on its way out of the pool ends as any other member does (`progress`). In Warmed:Running nothing happens."""
