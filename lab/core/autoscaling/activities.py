"""How a member and its activity change together: each step of a member's life as a pair of new rows (aws-facts §3.9).

| step                 | member            | activity                                     |
|----------------------|-------------------|----------------------------------------------|
| launched             | Pending           | PreInService, 30 %                           |
| in service           | InService         | Successful, 100 %                            |
| launch failed        | (gone)            | Failed, 100 %, with the reason               |
| launch given up      | Terminating       | Cancelled, 100 %; its termination has its own |
| to be terminated     | Terminating       | WaitingForELBConnectionDraining, 20 %        |
| drained              | Terminating       | InProgress, 50 %                             |
| terminated           | (gone)            | Successful, 100 %                            |
"""

import json
from dataclasses import replace

from lab.core.autoscaling.lifecycle import Event, moved
from lab.core.autoscaling.model import UNHEALTHY, Activity, AutoScalingGroup, Member
from lab.core.autoscaling.steps import BeginTermination, Kind, Launch


def launched(
    instance_id: str,
    group: AutoScalingGroup,
    place: tuple[str, str],
    version: int,
    cause: str,
    activity_id: str,
    now: float,
    replaces: str = "",
) -> tuple[Member, Activity]:
    """`place` is the pair of subnet and zone; `replaces` the member that leaves when this one is ready."""
    member = Member(
        instance_id=instance_id,
        group=group.name,
        zone=place[1],
        launch_template_id=group.launch_template_id,
        launch_template_version=version,
        launched_at=now,
        activity_id=activity_id,
        protected=group.new_instances_protected,
        replaces=replaces,
    )
    description = f"Launching a new EC2 instance: {instance_id}"
    activity = Activity(activity_id, group.name, description, cause, now, "PreInService", 30, _details(place))
    return member, activity


def succeeded(member: Member, step: Launch) -> Member:
    """The member whose successor has been launched: nothing is owed any more, or it stays until that one is ready."""
    if not step.leaving_cause:
        return replace(member, replaced=True)
    return replace(member, leaving_kind=step.kind or "", leaving_cause=step.leaving_cause)


def launch_refused(
    group: AutoScalingGroup, place: tuple[str, str], cause: str, why: str, activity_id: str, now: float
) -> Activity:
    """No instance could even be asked for."""
    text = _failure(why)
    return Activity(
        activity_id,
        group.name,
        f"Launching a new EC2 instance.  Status Reason: {text}",
        cause,
        now,
        "Failed",
        100,
        _details(place),
        now,
        text,
    )


def entered_service(member: Member, activity: Activity, now: float) -> tuple[Member, Activity]:
    return (
        replace(moved(member, Event.SERVE), in_service_at=now),
        replace(activity, status_code="Successful", progress=100, end_time=now),
    )


def launch_failed(activity: Activity, why: str, now: float) -> Activity:
    text = _failure(why)
    return replace(
        activity,
        description=f"{activity.description}.  Status Reason: {text}",
        status_code="Failed",
        status_message=text,
        progress=100,
        end_time=now,
    )


def launch_given_up(activity: Activity, now: float) -> Activity:
    """The instance is to go before it was in service."""
    return replace(activity, status_code="Cancelled", progress=100, end_time=now)


def terminating(
    member: Member, group: AutoScalingGroup, step: BeginTermination, activity_id: str, now: float
) -> tuple[Member, Activity]:
    """What is unhealthy says why."""
    zone_subnet = next((subnet for subnet, zone in group.subnets if zone == member.zone), "")
    activity = Activity(
        activity_id,
        group.name,
        f"Terminating EC2 instance: {member.instance_id}",
        step.cause,
        now,
        "WaitingForELBConnectionDraining" if group.target_group_arns else "InProgress",
        20,
        _details((zone_subnet, member.zone)),
    )
    changed = replace(
        moved(member, Event.TERMINATE),
        activity_id=activity_id,
        replaced=not step.owed,
        leaving_kind=step.kind or "",
        leaving_cause=step.cause,
    )
    if step.kind is Kind.UNHEALTHY:
        changed = replace(changed, health=UNHEALTHY, unhealthy_cause=step.cause)
    return changed, activity


def drained(activity: Activity) -> Activity:
    return replace(activity, status_code="InProgress", progress=50)


def terminated(activity: Activity, now: float) -> Activity:
    return replace(activity, status_code="Successful", progress=100, end_time=now)


def _details(place: tuple[str, str]) -> str:
    return json.dumps({"Subnet ID": place[0], "Availability Zone": place[1]}, separators=(",", ":"))


def _failure(why: str) -> str:
    return f"{why.rstrip('.')}. Launching EC2 instance failed."[:255]
