"""Members that leave service and live: standby, detaching, and coming in from outside, with their activities
(asg:as-enter-exit-standby, asg:ec2-auto-scaling-detach-attach-instances; aws-facts §3.9).

| step            | member          | activity           |
|-----------------|-----------------|--------------------|
| to standby      | EnteringStandby | InProgress, 50 %   |
| drained         | Standby         | Successful, 100 %  |
| out of standby  | Pending         | PreInService, 30 % |
| to be detached  | Detaching       | InProgress, 50 %   |
| drained         | (gone)          | Successful, 100 %  |
| attached        | Pending         | InProgress, 50 %   |

What comes in is in service with the next look, its grace period begins anew, and no hook runs for it.
"""

from dataclasses import replace

from lab.core.autoscaling.activities import Pair, detailed, detailed_for
from lab.core.autoscaling.lifecycle import Event, moved
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member


def entering_standby(member: Member, group: AutoScalingGroup, cause: str, activity_id: str, now: float) -> Pair:
    changed = replace(moved(member, Event.STAND_BY), activity_id=activity_id, replaced=True, leaving_kind="")
    return changed, _begun(changed, group, f"Moving EC2 instance to Standby: {member.instance_id}", cause, now)


def resting(member: Member, activity: Activity, now: float) -> Pair:
    return moved(member, Event.REST), _done(activity, now)


def leaving_standby(member: Member, group: AutoScalingGroup, cause: str, activity_id: str, now: float) -> Pair:
    changed = replace(moved(member, Event.RETURN), activity_id=activity_id, unhooked=True)
    activity = _begun(changed, group, f"Moving EC2 instance out of Standby: {member.instance_id}", cause, now)
    return changed, replace(activity, status_code="PreInService", progress=30)


def detaching(member: Member, group: AutoScalingGroup, cause: str, activity_id: str, now: float) -> Pair:
    changed = replace(moved(member, Event.DETACH), activity_id=activity_id, replaced=True, leaving_kind="")
    return changed, _begun(changed, group, f"Detaching EC2 instance: {member.instance_id}", cause, now)


def detached(activity: Activity, now: float) -> Activity:
    return _done(activity, now)


def attaching(member: Member, group: AutoScalingGroup, subnet_id: str, cause: str, now: float) -> Activity:
    description = f"Attaching an existing EC2 instance: {member.instance_id}"
    return replace(_begun(member, group, description, cause, now), details=detailed(subnet_id, member.zone))


def _begun(member: Member, group: AutoScalingGroup, description: str, cause: str, now: float) -> Activity:
    details = detailed_for(group, member)
    return Activity(member.activity_id, group.name, description, cause, now, "InProgress", 50, details)


def _done(activity: Activity, now: float) -> Activity:
    return replace(activity, status_code="Successful", progress=100, end_time=now)
