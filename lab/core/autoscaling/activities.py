"""How a member and its activity change together: each step of a launch or a termination as a pair of new rows (aws-facts
§3.9). Standby, detaching and attaching are in `excursions`.

| step                 | member                    | activity                                      |
|----------------------|---------------------------|-----------------------------------------------|
| launched             | Pending                   | PreInService, 30 %                            |
| waits for hooks      | …:Wait                    | MidLifecycleAction, 60 %                      |
| hooks are through    | …:Proceed                 | InProgress, 80 %                              |
| in service           | InService                 | Successful, 100 %                             |
| launch failed        | (gone)                    | Failed, 100 %, with the reason                |
| hook abandoned       | (gone)                    | Cancelled, 100 %, with the reason             |
| launch given up      | Terminating               | Cancelled, 100 %; its termination has its own |
| to be terminated     | Terminating               | WaitingForELBConnectionDraining, 20 %         |
| retained             | Terminating:Retained      | Cancelled, 100 %                              |
| handed to EC2        | Terminating(:Proceed)     | InProgress, 50 % or what it was               |
| terminated           | (gone)                    | Successful, 100 %                             |
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from lab.core.autoscaling import causes
from lab.core.autoscaling.counts import is_pooled
from lab.core.autoscaling.hooks import LifecycleAction
from lab.core.autoscaling.lifecycle import Event, moved
from lab.core.autoscaling.model import UNHEALTHY, Activity, AutoScalingGroup, Member
from lab.core.autoscaling.steps import BeginTermination, Kind, Launch, LaunchFailed

Pair = tuple[Member, Activity]


def launched(
    member: Member,
    group: AutoScalingGroup,
    subnet_id: str,
    cause: str,
    now: float,
) -> Activity:
    where = " into warm pool" if is_pooled(member) else ""
    description = f"Launching a new EC2 instance{where}: {member.instance_id}"
    details = detailed(subnet_id, member.zone)
    return Activity(member.activity_id, group.name, description, cause, now, "PreInService", 30, details)


def succeeded(member: Member, step: Launch) -> Member:
    """The member whose successor has been launched: nothing is owed any more, or it stays until that one is ready."""
    if not step.leaving_cause:
        return replace(member, replaced=True)
    return replace(member, leaving_kind=step.kind or "", leaving_cause=step.leaving_cause)


def launch_refused(
    group: AutoScalingGroup, place: tuple[str, str], cause: str, why: str, activity_id: str, now: float
) -> Activity:
    """No instance could even be asked for. `place` is the pair of subnet and zone."""
    text = _failure(why)
    return Activity(
        activity_id,
        group.name,
        f"Launching a new EC2 instance.  Status Reason: {text}",
        cause,
        now,
        "Failed",
        100,
        detailed(*place),
        now,
        text[:255],
    )


def waiting(member: Member, activity: Activity, actions: Sequence[LifecycleAction]) -> Pair:
    return (
        replace(moved(member, Event.WAIT), actions=tuple(actions)),
        replace(activity, status_code="MidLifecycleAction", progress=60),
    )


def proceeding(member: Member, activity: Activity) -> Pair:
    return (
        replace(moved(member, Event.PROCEED), actions=()),
        replace(activity, status_code="InProgress", progress=80, end_time=None),
    )


def retained(member: Member, activity: Activity, now: float) -> Pair:
    """Its termination has come to nothing for now."""
    return (
        replace(moved(member, Event.RETAIN), actions=(), replaced=True),
        replace(activity, status_code="Cancelled", progress=100, end_time=now),
    )


def entered_service(member: Member, activity: Activity, now: float) -> Pair:
    served = replace(moved(member, Event.SERVE), in_service_at=now, actions=(), unhooked=False)
    return served, _ended(activity, "Successful", now)


def launch_failed(activity: Activity, step: LaunchFailed, now: float) -> Activity:
    why = step.why or "the instance is no more"
    text = why if step.status == "Cancelled" else _failure(why)
    return replace(
        _ended(activity, step.status, now),
        description=f"{activity.description}.  Status Reason: {text}",
        status_message=text[:255],
    )


def launch_given_up(activity: Activity, now: float) -> Activity:
    """The instance is to go before it was in service."""
    return _ended(activity, "Cancelled", now)


def terminating(member: Member, group: AutoScalingGroup, step: BeginTermination, activity_id: str, now: float) -> Pair:
    """What is unhealthy says why."""
    where = " from warm pool" if is_pooled(member) else ""
    activity = Activity(
        activity_id,
        group.name,
        f"Terminating EC2 instance{where}: {member.instance_id}",
        step.cause,
        now,
        "WaitingForELBConnectionDraining" if group.target_group_arns and not where else "InProgress",
        20,
        detailed_for(group, member),
    )
    changed = replace(
        moved(member, Event.TERMINATE),
        activity_id=activity_id,
        replaced=not step.owed,
        leaving_kind=step.kind or "",
        leaving_cause=step.cause,
        actions=(),
    )
    if step.kind is Kind.UNHEALTHY:
        changed = replace(changed, health=UNHEALTHY, unhealthy_cause=step.cause)
    return changed, activity


def drained(activity: Activity) -> Activity:
    return replace(activity, status_code="InProgress", progress=max(50, activity.progress), end_time=None)


def terminated(activity: Activity, now: float) -> Activity:
    return _ended(activity, "Successful", now)


def blocked(group: AutoScalingGroup, cause: str, activity_id: str, now: float) -> Activity:
    """Scaling in stopped short of the desired capacity: everything that is left is protected."""
    return Activity(
        activity_id, group.name, causes.ALL_PROTECTED, cause, now, "Cancelled", 100, "{}", now, causes.ALL_PROTECTED
    )


def detailed_for(group: AutoScalingGroup, member: Member) -> str:
    """Of a member whose subnet is known by its zone only."""
    return detailed(next((subnet for subnet, zone in group.subnets if zone == member.zone), ""), member.zone)


def detailed(subnet_id: str, zone: str) -> str:
    """An activity's Details."""
    return json.dumps({"Subnet ID": subnet_id, "Availability Zone": zone}, separators=(",", ":"))


def _ended(activity: Activity, status: str, now: float) -> Activity:
    return replace(activity, status_code=status, progress=100, end_time=now)


def _failure(why: str) -> str:
    return f"{why.rstrip('.')}. Launching EC2 instance failed."
