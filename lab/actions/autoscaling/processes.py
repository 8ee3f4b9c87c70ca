"""Suspending and resuming a group's scaling processes (aws-facts §3.7; asg:as-suspend-resume-processes)."""

from collections.abc import Iterable
from dataclasses import replace

from lab.actions.autoscaling.groups import get_group
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.processes import PROCESSES, by_user
from lab.core.errors import ValidationError


@reads("AutoScalingGroupName", "ScalingProcesses")
def suspend_processes(context: Context, request: Request) -> Response:
    """All processes when none is named; those that are suspended already keep their reason."""
    group = get_group(context, request["AutoScalingGroupName"])
    asked = _checked(request.get("ScalingProcesses", ()))
    added = tuple((name, by_user(context.now)) for name in asked if group.runs(name))
    context.store.put(replace(group, suspended_processes=(*group.suspended_processes, *added)))
    return {}


@reads("AutoScalingGroupName", "ScalingProcesses")
def resume_processes(context: Context, request: Request) -> Response:
    """All processes when none is named. Launches that failed before Launch is resumed are forgotten."""
    group = get_group(context, request["AutoScalingGroupName"])
    asked = _checked(request.get("ScalingProcesses", ()))
    kept = tuple((name, reason) for name, reason in group.suspended_processes if name not in asked)
    if "Launch" in asked and not group.runs("Launch"):
        group = replace(group, launch_failures=0, launch_not_before=0.0, launch_failing_since=None, zone_holds=())
    context.store.put(replace(group, suspended_processes=kept))
    return {}


@reads()
def describe_scaling_process_types(context: Context, request: Request) -> Response:
    return {"Processes": [{"ProcessName": name} for name in sorted(PROCESSES)]}


def _checked(names: Iterable[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(names)) or PROCESSES
    unknown = [name for name in asked if name not in PROCESSES]
    if unknown:
        raise ValidationError(f"{', '.join(unknown)}: no such scaling process; there are {', '.join(PROCESSES)}")
    return asked
