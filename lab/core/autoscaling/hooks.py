"""Lifecycle hooks and the actions that wait on them (aws-facts §3.3; asg:lifecycle-hooks).

Each hook of a transition starts one action, all at once. An action ends by a result, or by its default result when the
heartbeat has not been renewed in time; renewed or not, none outlasts the global timeout. The member goes on when all its
actions have continued, or as soon as one is abandoned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
TRANSITIONS = (LAUNCHING, TERMINATING)
CONTINUE, ABANDON = "CONTINUE", "ABANDON"
HEARTBEAT = 3600.0
LONGEST_WAIT = 172800.0
HEARTBEATS = 100
HOOKS = 50
"""Of one group (asg:ec2-auto-scaling-quotas)."""


@dataclass(frozen=True, slots=True)
class LifecycleHook:
    name: str
    transition: str
    heartbeat_timeout: float = HEARTBEAT
    default_result: str = ABANDON
    notification_metadata: str = ""

    @property
    def global_timeout(self) -> float:
        return min(LONGEST_WAIT, HEARTBEATS * self.heartbeat_timeout)


@dataclass(frozen=True, slots=True)
class LifecycleAction:
    """One hook at work for one member: what the hook said when it began. Times are lab time."""

    hook: str
    token: str
    heartbeat_timeout: float
    default_result: str
    deadline: float
    global_deadline: float
    result: str = ""

    @property
    def ends(self) -> float:
        return min(self.deadline, self.global_deadline)


def begun(hook: LifecycleHook, token: str, now: float) -> LifecycleAction:
    return LifecycleAction(
        hook.name,
        token,
        hook.heartbeat_timeout,
        hook.default_result,
        now + hook.heartbeat_timeout,
        now + hook.global_timeout,
    )


def renewed(action: LifecycleAction, now: float) -> LifecycleAction:
    """A heartbeat: the timeout starts anew."""
    return replace(action, deadline=now + action.heartbeat_timeout)


def is_open(action: LifecycleAction, now: float) -> bool:
    return not action.result and now < action.ends


def outcome(actions: Sequence[LifecycleAction], now: float) -> str:
    """CONTINUE, ABANDON, or "" while one is waited for."""
    results = [_result(action, now) for action in actions]
    if ABANDON in results:
        return ABANDON
    return "" if "" in results else CONTINUE


def why_abandoned(actions: Iterable[LifecycleAction], now: float) -> str:
    """The status message of a launch whose hook was abandoned (asg:CHAP_Troubleshooting)."""
    action = next(action for action in actions if _result(action, now) == ABANDON)
    how = "Lifecycle Action Completed with ABANDON Result" if action.result else "Heartbeat Timeout"
    token = f"Lifecycle Action with token {action.token} was abandoned"
    return f"Instance failed to complete user's Lifecycle Action: {token}: {how}"


def _result(action: LifecycleAction, now: float) -> str:
    if action.result or is_open(action, now):
        return action.result
    return action.default_result
