"""How a member of the warm pool and its activity change together (asg:warm-pool-instance-lifecycle; aws-facts §3.9).

| step                   | member                                   | activity                                          |
|------------------------|------------------------------------------|---------------------------------------------------|
| launched into it       | Warmed:Pending                           | PreInService, 30 %, "… into warm pool"            |
| being stopped          | Warmed:Pending(:Proceed)                 | InProgress, 90 %                                  |
| stopped, hibernated    | Warmed:Stopped, Warmed:Hibernated        | Successful, 100 %                                 |
| kept running           | Warmed:Running                           | Successful, 100 %                                 |
| taken from it          | Pending                                  | PreInService, 30 %, "… from warm pool"            |
| returned to it         | Warmed:Pending                           | WaitingForELBConnectionDraining, 20 %             |

AWS publishes the first two descriptions; that of a return is the lab's.
"""

from dataclasses import replace

from lab.core.autoscaling.activities import Pair, detailed_for
from lab.core.autoscaling.lifecycle import Event, moved
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.steps import Launch, ReturnToPool
from lab.core.autoscaling.warm_pool import HIBERNATED, RUNNING, STOPPED

RESTS_BY = {STOPPED: Event.KEEP_STOPPED, HIBERNATED: Event.KEEP_HIBERNATED, RUNNING: Event.KEEP_RUNNING}


def at_rest(member: Member, activity: Activity, state: str, now: float) -> Pair:
    """`state` is one of the pool's states."""
    rested = replace(moved(member, RESTS_BY[state]), parked=False, returning=False, actions=())
    return rested, replace(activity, status_code="Successful", progress=100, end_time=now)


def parked(member: Member, activity: Activity) -> Pair:
    """Prepared; its instance is being stopped."""
    return replace(member, parked=True), replace(activity, status_code="InProgress", progress=90)


def taken(member: Member, group: AutoScalingGroup, step: Launch, activity_id: str, now: float) -> Pair:
    """Out of the pool and into the group, where its launch hooks run again."""
    changed = replace(
        moved(member, Event.TAKE),
        activity_id=activity_id,
        protected=group.new_instances_protected,
        replaces=step.replaces if step.leaving_cause else "",
        leaving_kind="",
        leaving_cause="",
        in_service_at=None,
        parked=False,
    )
    description = f"Launching a new EC2 instance from warm pool: {member.instance_id}"
    details = detailed_for(group, member)
    return changed, Activity(activity_id, group.name, description, step.cause, now, "PreInService", 30, details)


def returning(member: Member, group: AutoScalingGroup, step: ReturnToPool, activity_id: str, now: float) -> Pair:
    """Out of service; it drains, and is prepared for the pool."""
    changed = replace(
        moved(member, Event.POOL),
        activity_id=activity_id,
        returning=True,
        protected=False,
        replaces="",
        leaving_kind="",
        leaving_cause=step.cause,
        target_groups=(),
        in_service_at=None,
    )
    activity = Activity(
        activity_id,
        group.name,
        f"Returning EC2 instance to warm pool: {member.instance_id}",
        step.cause,
        now,
        "WaitingForELBConnectionDraining" if group.target_group_arns else "InProgress",
        20,
        detailed_for(group, member),
    )
    return changed, activity
