"""Instance refreshes: start, cancel, roll back, describe (aws-facts §3.8; bc:autoscaling). One is active per group at most."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.paging import page
from lab.actions.cloudwatch.alarms import find_alarm
from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.launch_templates import find_template, version_of
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.refresh import cancelled, rolled_back
from lab.core.autoscaling.refreshes import (
    GOING_FORWARD,
    IGNORE,
    REFRESH,
    TERMINATE,
    WAIT,
    InstanceRefresh,
    Preferences,
    Progress,
    Rollback,
    active_refresh,
)
from lab.core.ec2.model import LaunchTemplate
from lab.core.errors import LabError, ValidationError
from lab.core.times import moment

FLOATING = ("$Latest", "$Default")
ALARMS = 10
IN_SHORT, AT_MOST = 50, 100
"""Refreshes in an answer that does not say how many, and in any."""
IN_THE_WAY = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."


@reads("AutoScalingGroupName", "Strategy", "DesiredConfiguration", "Preferences")
def start_instance_refresh(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    if active_refresh(context.store, group.name) is not None:
        raise LabError("InstanceRefreshInProgress", IN_THE_WAY)
    if request.get("Strategy", "Rolling") != "Rolling":
        raise LabError(
            "UnsupportedOperation", "the lab has the Rolling strategy only: its instances have no root volumes"
        )
    template, version = _desired(context, request.get("DesiredConfiguration"))
    preferences = _preferences(context, request.get("Preferences", {}))
    if preferences.auto_rollback and (why := _irreversible(group, template)):
        raise ValidationError(f"AutoRollback is not possible: {why}")
    refresh = InstanceRefresh(context.new_id("uuid"), group.name, context.now, preferences, template, version)
    context.store.put(refresh)
    return {"InstanceRefreshId": refresh.refresh_id}


@reads("AutoScalingGroupName", "WaitForTransitioningInstances")
def cancel_instance_refresh(context: Context, request: Request) -> Response:
    """A rollback can be cancelled too. What has been replaced stays so."""
    refresh = _active(context, request["AutoScalingGroupName"])
    context.store.put(cancelled(refresh, wait=request.get("WaitForTransitioningInstances", True)))
    return {"InstanceRefreshId": refresh.refresh_id}


@reads("AutoScalingGroupName")
def rollback_instance_refresh(context: Context, request: Request) -> Response:
    refresh = _active(context, request["AutoScalingGroupName"])
    if refresh.status not in GOING_FORWARD:
        raise LabError("ActiveInstanceRefreshNotFound", f"The instance refresh is {refresh.status} already.")
    why = _irreversible(get_group(context, refresh.group), refresh.launch_template_id)
    if why:
        raise LabError("IrreversibleInstanceRefresh", f"The instance refresh cannot be rolled back: {why}")
    context.store.put(rolled_back(refresh, "Manual rollback by a user request.", context.now))
    return {"InstanceRefreshId": refresh.refresh_id}


@reads("AutoScalingGroupName", "InstanceRefreshIds", "MaxRecords", "NextToken")
def describe_instance_refreshes(context: Context, request: Request) -> Response:
    """The active one first, then the newest (asg:check-status-instance-refresh)."""
    group, ids = get_group(context, request["AutoScalingGroupName"]), request.get("InstanceRefreshIds")
    found = [
        row for row in context.store.where(InstanceRefresh, "group", group.name) if not ids or row.refresh_id in ids
    ]
    found.sort(key=lambda row: (row.active, row.created), reverse=True)
    shown, more = page(request, found, IN_SHORT, AT_MOST)
    return {"InstanceRefreshes": [_shape(row, context) for row in shown], **more}


def _active(context: Context, name: str) -> InstanceRefresh:
    group = get_group(context, name)
    refresh = active_refresh(context.store, group.name)
    if refresh is None:
        raise LabError(
            "ActiveInstanceRefreshNotFound",
            f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}",
        )
    return refresh


def _irreversible(group: AutoScalingGroup, template: str) -> str:
    """Why there is no way back, "" when there is one (asg:instance-refresh-rollback)."""
    if not template:
        return "it has no desired configuration"
    if group.launch_template_version in FLOATING:
        return f"the group uses version {group.launch_template_version} of its launch template. Give it the number of a version"
    return ""


def _desired(context: Context, configuration: Mapping[str, Any] | None) -> tuple[str, str]:
    """Id and version of the launch template, "" and "" when there is no desired configuration."""
    if configuration is None:
        return "", ""
    if "MixedInstancesPolicy" in configuration:
        raise LabError(
            "UnsupportedOperation", "the lab does not support MixedInstancesPolicy of DesiredConfiguration yet"
        )
    if "LaunchTemplate" not in configuration:
        raise ValidationError("DesiredConfiguration must have a LaunchTemplate")
    named = configuration["LaunchTemplate"]
    template = find_template(context.store, named)
    version: str = named.get("Version", "$Default")
    version_of(template, version)
    return template.launch_template_id, version


def _preferences(context: Context, given: Mapping[str, Any]) -> Preferences:
    warmup, delay = given.get("InstanceWarmup"), given.get("CheckpointDelay")
    preferences = Preferences(
        min_healthy_percentage=given.get("MinHealthyPercentage"),
        max_healthy_percentage=given.get("MaxHealthyPercentage"),
        instance_warmup=None if warmup is None else float(warmup),
        checkpoint_percentages=tuple(given.get("CheckpointPercentages", ())),
        checkpoint_delay=None if delay is None else float(delay),
        skip_matching=given.get("SkipMatching", False),
        auto_rollback=given.get("AutoRollback", False),
        scale_in_protected_instances=given.get("ScaleInProtectedInstances", WAIT),
        standby_instances=given.get("StandbyInstances", WAIT),
        alarms=tuple(given.get("AlarmSpecification", {}).get("Alarms", ())),
        bake_time=float(given.get("BakeTime", 0)),
    )
    for wrong, text in _FAULTS:
        if wrong(preferences):
            raise ValidationError(text)
    _check_alarms(context, preferences.alarms)
    return preferences


def _check_alarms(context: Context, names: tuple[str, ...]) -> None:
    """An alarm must be there and OK when a refresh is to start (asg:instance-refresh-rollback)."""
    for name in names:
        alarm = find_alarm(context.store, name)
        if alarm is None:
            raise ValidationError(f"The alarm {name} of AlarmSpecification does not exist")
        if alarm.state != "OK":
            raise ValidationError(
                f"The alarm {name} of AlarmSpecification is in state {alarm.state}: it must be OK to start"
            )


def _outside(value: float | None, low: float, high: float) -> bool:
    return value is not None and not low <= value <= high


def _too_far_apart(row: Preferences) -> bool:
    least, most = row.min_healthy_percentage, row.max_healthy_percentage
    return least is not None and most is not None and most - least > 100


_FAULTS: tuple[tuple[Callable[[Preferences], bool], str], ...] = (
    (lambda row: _outside(row.min_healthy_percentage, 0, 100), "MinHealthyPercentage must be 0 to 100"),
    (lambda row: _outside(row.max_healthy_percentage, 100, 200), "MaxHealthyPercentage must be 100 to 200"),
    (
        lambda row: row.max_healthy_percentage is not None and row.min_healthy_percentage is None,
        "MaxHealthyPercentage needs MinHealthyPercentage beside it",
    ),
    (_too_far_apart, "MaxHealthyPercentage must not be more than 100 above MinHealthyPercentage"),
    (lambda row: row.instance_warmup is not None and row.instance_warmup < 0, "InstanceWarmup must not be negative"),
    (
        lambda row: (
            any(_outside(mark, 1, 100) for mark in row.checkpoint_percentages)
            or list(row.checkpoint_percentages) != sorted(set(row.checkpoint_percentages))
        ),
        "CheckpointPercentages must be 1 to 100, each once, in ascending order",
    ),
    (
        lambda row: row.checkpoint_delay is not None and not row.checkpoint_percentages,
        "CheckpointDelay needs CheckpointPercentages beside it",
    ),
    (lambda row: _outside(row.checkpoint_delay, 0, 172800), "CheckpointDelay must be 0 to 172800 seconds"),
    (lambda row: _outside(row.bake_time, 0, 172800), "BakeTime must be 0 to 172800 seconds"),
    (
        lambda row: row.scale_in_protected_instances not in (REFRESH, IGNORE, WAIT),
        "ScaleInProtectedInstances must be Refresh, Ignore or Wait",
    ),
    (
        lambda row: row.standby_instances not in (TERMINATE, IGNORE, WAIT),
        "StandbyInstances must be Terminate, Ignore or Wait",
    ),
    (lambda row: len(row.alarms) > ALARMS, f"AlarmSpecification must not have more than {ALARMS} alarms"),
)


def _shape(refresh: InstanceRefresh, context: Context) -> dict[str, Any]:
    return {
        "InstanceRefreshId": refresh.refresh_id,
        "AutoScalingGroupName": refresh.group,
        "Strategy": "Rolling",
        "Status": refresh.status,
        **({"StatusReason": refresh.status_reason} if refresh.status_reason else {}),
        **({} if refresh.start_time is None else {"StartTime": moment(refresh.start_time)}),
        **({} if refresh.end_time is None else {"EndTime": moment(refresh.end_time)}),
        "PercentageComplete": refresh.percentage,
        "InstancesToUpdate": _to_update(refresh.live, refresh.pool),
        **({} if refresh.pool is None else {"ProgressDetails": _details(refresh.live, refresh.pool)}),
        "Preferences": _preferences_shape(refresh.preferences),
        **_desired_shape(refresh, context),
        **({} if refresh.rollback is None else {"RollbackDetails": _rollback_shape(refresh.rollback)}),
    }


def _to_update(live: Progress, pool: Progress | None) -> int:
    return live.to_update + (pool.to_update if pool is not None else 0)


def _details(live: Progress, pool: Progress) -> dict[str, Any]:
    return {"LivePoolProgress": _numbers(live), "WarmPoolProgress": _numbers(pool)}


def _numbers(progress: Progress) -> dict[str, int]:
    return {"PercentageComplete": progress.percentage, "InstancesToUpdate": progress.to_update}


def _preferences_shape(row: Preferences) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "MinHealthyPercentage": row.min_healthy_percentage,
        "MaxHealthyPercentage": row.max_healthy_percentage,
        "InstanceWarmup": None if row.instance_warmup is None else int(row.instance_warmup),
        "CheckpointPercentages": list(row.checkpoint_percentages) or None,
        "CheckpointDelay": None if row.checkpoint_delay is None else int(row.checkpoint_delay),
        "AlarmSpecification": {"Alarms": list(row.alarms)} if row.alarms else None,
    }
    return {
        **{name: value for name, value in optional.items() if value is not None},
        "SkipMatching": row.skip_matching,
        "AutoRollback": row.auto_rollback,
        "ScaleInProtectedInstances": row.scale_in_protected_instances,
        "StandbyInstances": row.standby_instances,
        "BakeTime": int(row.bake_time),
    }


def _desired_shape(refresh: InstanceRefresh, context: Context) -> dict[str, Any]:
    if not refresh.launch_template_id:
        return {}
    template = context.store.get(LaunchTemplate, refresh.launch_template_id)
    named = {"LaunchTemplateName": template.launch_template_name} if template else {}
    shape = {"LaunchTemplateId": refresh.launch_template_id, **named, "Version": refresh.launch_template_version}
    return {"DesiredConfiguration": {"LaunchTemplate": shape}}


def _rollback_shape(rollback: Rollback) -> dict[str, Any]:
    return {
        "RollbackReason": rollback.reason,
        "RollbackStartTime": moment(rollback.started),
        "PercentageCompleteOnRollback": rollback.percentage,
        "InstancesToUpdateOnRollback": _to_update(rollback.live, rollback.pool),
        **({} if rollback.pool is None else {"ProgressDetailsOnRollback": _details(rollback.live, rollback.pool)}),
    }
