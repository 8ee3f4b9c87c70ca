"""Lifecycle hooks and their actions (aws-facts §3.3; asg:lifecycle-hooks)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.actions.autoscaling.groups import get_group, members_of
from lab.actions.autoscaling.hook_requests import hook_of
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.hooks import (
    ABANDON,
    CONTINUE,
    LAUNCHING,
    TRANSITIONS,
    LifecycleAction,
    LifecycleHook,
    is_open,
    renewed,
)
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.errors import ValidationError


@reads(
    "LifecycleHookName", "AutoScalingGroupName", "LifecycleTransition", "NotificationTargetARN", "NotificationMetadata",
    "HeartbeatTimeout", "DefaultResult",
)  # fmt: skip
def put_lifecycle_hook(context: Context, request: Request) -> Response:
    """A hook that is there keeps what the request leaves out. Actions that wait already go on as they began."""
    group = get_group(context, request["AutoScalingGroupName"])
    context.store.put(replace(group, lifecycle_hooks=hook_of(group, request)))
    return {}


@reads("LifecycleHookName", "AutoScalingGroupName")
def delete_lifecycle_hook(context: Context, request: Request) -> Response:
    """Actions that wait for it are completed: launches abandoned, terminations continued (bc:autoscaling)."""
    group = get_group(context, request["AutoScalingGroupName"])
    hook = _find(group, request["LifecycleHookName"])
    result = ABANDON if hook.transition == LAUNCHING else CONTINUE
    for member in members_of(context, group.name):
        actions = tuple(
            replace(action, result=action.result or result) if action.hook == hook.name else action
            for action in member.actions
        )
        context.store.put(replace(member, actions=actions))
    kept = tuple(one for one in group.lifecycle_hooks if one.name != hook.name)
    context.store.put(replace(group, lifecycle_hooks=kept))
    return {}


@reads("AutoScalingGroupName", "LifecycleHookNames")
def describe_lifecycle_hooks(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    names = request.get("LifecycleHookNames")
    return {
        "LifecycleHooks": [_shape(group, hook) for hook in group.lifecycle_hooks if not names or hook.name in names]
    }


@reads()
def describe_lifecycle_hook_types(context: Context, request: Request) -> Response:
    return {"LifecycleHookTypes": list(TRANSITIONS)}


@reads("LifecycleHookName", "AutoScalingGroupName", "LifecycleActionToken", "LifecycleActionResult", "InstanceId")
def complete_lifecycle_action(context: Context, request: Request) -> Response:
    result = request["LifecycleActionResult"]
    if result not in (CONTINUE, ABANDON):
        raise ValidationError(f"LifecycleActionResult must be {CONTINUE} or {ABANDON}, not {result}")
    _change(context, request, lambda action: replace(action, result=result))
    return {}


@reads("LifecycleHookName", "AutoScalingGroupName", "LifecycleActionToken", "InstanceId")
def record_lifecycle_action_heartbeat(context: Context, request: Request) -> Response:
    _change(context, request, lambda action: renewed(action, context.now))
    return {}


def _change(context: Context, request: Request, change: Callable[[LifecycleAction], LifecycleAction]) -> None:
    """Of the one action that the request means, by its token or by its instance."""
    group = get_group(context, request["AutoScalingGroupName"])
    hook, token, instance_id = (
        request["LifecycleHookName"], request.get("LifecycleActionToken"), request.get("InstanceId")
    )  # fmt: skip
    if token is None and instance_id is None:
        raise ValidationError("Either LifecycleActionToken or InstanceId must be specified")
    for member in members_of(context, group.name):
        for action in member.actions:
            meant = token in (None, action.token) and instance_id in (None, member.instance_id)
            if meant and action.hook == hook and is_open(action, context.now):
                actions = tuple(change(one) if one.token == action.token else one for one in member.actions)
                context.store.put(replace(member, actions=actions))
                return
    which = f"token {token}" if token is not None else f"instance ID {instance_id}"
    raise ValidationError(f"No active Lifecycle Action found with {which}")


def _find(group: AutoScalingGroup, name: str) -> LifecycleHook:
    for hook in group.lifecycle_hooks:
        if hook.name == name:
            return hook
    raise ValidationError(f"No Lifecycle Hook found with name: {name}")


def _shape(group: AutoScalingGroup, hook: LifecycleHook) -> dict[str, Any]:
    return {
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": group.name,
        "LifecycleTransition": hook.transition,
        "HeartbeatTimeout": int(hook.heartbeat_timeout),
        "GlobalTimeout": int(hook.global_timeout),
        "DefaultResult": hook.default_result,
        **({"NotificationMetadata": hook.notification_metadata} if hook.notification_metadata else {}),
    }
