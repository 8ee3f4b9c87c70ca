"""AWS::AutoScaling::LifecycleHook, and the hooks that a group brings along (AWS CloudFormation resource reference)."""

from typing import Any

from lab.stack.resources.base import ResourceType, Work, deleted_by, words
from lab.stack.schema import INTEGER, STRING, fixed, free, map_of, need, one_of

_TRANSITIONS = one_of("autoscaling:EC2_INSTANCE_LAUNCHING autoscaling:EC2_INSTANCE_TERMINATING")
_RESULTS = one_of("ABANDON CONTINUE")
_SETTINGS = "LifecycleTransition DefaultResult HeartbeatTimeout NotificationMetadata"
_DEFAULTS: dict[str, Any] = {"DefaultResult": "ABANDON", "HeartbeatTimeout": 3600}

SPECIFICATION = map_of(
    {
        "DefaultResult": _RESULTS,
        "HeartbeatTimeout": INTEGER,
        "LifecycleHookName": need(STRING),
        "LifecycleTransition": need(_TRANSITIONS),
        "NotificationMetadata": STRING,
    },
    elsewhere="NotificationTargetARN RoleARN",
)
"""One of a group's LifecycleHookSpecificationList."""


def update_specifications(work: Work, group: str) -> None:
    """Bring a group's own hooks up to date."""
    old, new = (one.get("LifecycleHookSpecificationList", []) for one in (work.previous, work.properties))
    kept = {hook["LifecycleHookName"] for hook in new}
    for hook in old:
        if hook["LifecycleHookName"] not in kept:
            which = {"AutoScalingGroupName": group, "LifecycleHookName": hook["LifecycleHookName"]}
            work.call("autoscaling", "DeleteLifecycleHook", which)
    for hook in new:
        if hook not in old:
            work.call("autoscaling", "PutLifecycleHook", {"AutoScalingGroupName": group, **_DEFAULTS, **hook})


def _which(work: Work, name: str) -> dict[str, Any]:
    return {"AutoScalingGroupName": work.properties["AutoScalingGroupName"], "LifecycleHookName": name}


def _create(work: Work) -> str:
    name = str(work.properties.get("LifecycleHookName", work.name))
    work.call("autoscaling", "PutLifecycleHook", {**_which(work, name), **work.some(_SETTINGS)})
    return name


def _update(work: Work) -> None:
    request = {**_which(work, work.physical_id), **work.resets(_DEFAULTS), **work.some(_SETTINGS)}
    work.call("autoscaling", "PutLifecycleHook", request)


HOOK = ResourceType(
    "AWS::AutoScaling::LifecycleHook",
    {
        "AutoScalingGroupName": need(fixed(STRING)),
        "DefaultResult": free(_RESULTS),
        "HeartbeatTimeout": free(INTEGER),
        "LifecycleHookName": fixed(STRING),
        "LifecycleTransition": need(free(_TRANSITIONS)),
        "NotificationMetadata": free(STRING),
    },
    create=_create,
    update=_update,
    delete=deleted_by("autoscaling", "DeleteLifecycleHook", lambda work: _which(work, work.physical_id)),
    elsewhere=words("NotificationTargetARN RoleARN"),
)

TYPES = (HOOK,)
