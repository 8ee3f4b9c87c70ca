"""A lifecycle hook as a request gives it, checked (bc:autoscaling.PutLifecycleHookType)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.core.autoscaling.hooks import ABANDON, CONTINUE, HOOKS, TRANSITIONS, LifecycleHook
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.errors import LabError, ValidationError

TIMEOUTS = (30, 7200)


def hook_of(group: AutoScalingGroup, row: Mapping[str, Any]) -> tuple[LifecycleHook, ...]:
    """The group's hooks with the one in the request: a new one, or one that is there with what the request changes."""
    name = row["LifecycleHookName"]
    known = next((hook for hook in group.lifecycle_hooks if hook.name == name), None)
    if known is None and "LifecycleTransition" not in row:
        raise ValidationError("1 validation error detected: LifecycleTransition is required for a new lifecycle hook")
    if known is None and len(group.lifecycle_hooks) >= HOOKS:
        raise LabError("LimitExceeded", f"An Auto Scaling group has at most {HOOKS} lifecycle hooks")
    _refuse_targets(row)
    hook = _changed(known or LifecycleHook(name, ""), row)
    kept = tuple(hook if one.name == name else one for one in group.lifecycle_hooks)
    return kept if known else (*kept, hook)


def _changed(hook: LifecycleHook, row: Mapping[str, Any]) -> LifecycleHook:
    transition = row.get("LifecycleTransition", hook.transition)
    if transition not in TRANSITIONS:
        raise ValidationError(f"LifecycleTransition must be one of {', '.join(TRANSITIONS)}, not {transition}")
    timeout = row.get("HeartbeatTimeout", int(hook.heartbeat_timeout))
    least, most = TIMEOUTS
    if not least <= timeout <= most:
        raise ValidationError(f"HeartbeatTimeout must be {least} to {most} seconds, not {timeout}")
    result = row.get("DefaultResult", hook.default_result)
    if result not in (CONTINUE, ABANDON):
        raise ValidationError(f"DefaultResult must be {CONTINUE} or {ABANDON}, not {result}")
    metadata = row.get("NotificationMetadata", hook.notification_metadata)
    return replace(
        hook,
        transition=transition,
        heartbeat_timeout=float(timeout),
        default_result=result,
        notification_metadata=metadata,
    )


def _refuse_targets(row: Mapping[str, Any]) -> None:
    """An empty target is AWS's way to take one away."""
    if row.get("NotificationTargetARN"):
        raise LabError(
            "UnsupportedOperation",
            f"the lab has no SNS topics, SQS queues or functions: it cannot notify {row['NotificationTargetARN']}",
        )
