"""What changes a member, for users and for the control loop alike: rows of the member and its activity, and its targets."""

from collections.abc import Iterable

from lab.actions.context import Context
from lab.actions.elbv2.targets import deregister_targets, register_targets
from lab.core.autoscaling.activities import launch_given_up, terminating
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.steps import BeginTermination
from lab.core.elbv2.model import Registration, TargetGroup
from lab.core.errors import ValidationError


def get_member(context: Context, instance_id: str) -> Member:
    member = context.store.get(Member, instance_id)
    if member is None:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
    return member


def member_in(context: Context, instance_id: str, group: AutoScalingGroup) -> Member:
    member = context.store.get(Member, instance_id)
    if member is None or member.group != group.name:
        raise ValidationError(f"The instance {instance_id} is not part of Auto Scaling group {group.name}.")
    return member


def put(context: Context, pair: tuple[Member, Activity]) -> Activity:
    member, activity = pair
    context.store.put(member)
    context.store.put(activity)
    return activity


def begin_termination(context: Context, member: Member, group: AutoScalingGroup, step: BeginTermination) -> Activity:
    """The member → Terminating, with its activity, and deregistered: it drains from now on."""
    give_up(context, member)
    activity = put(context, terminating(member, group, step, context.new_id("uuid"), context.now))
    deregister(context, member.instance_id)
    return activity


def give_up(context: Context, member: Member) -> None:
    """What was going on with the member ends unfinished."""
    activity = context.store.get(Activity, member.activity_id)
    if activity is not None and activity.end_time is None:
        context.store.put(launch_given_up(activity, context.now))


def register(context: Context, member: Member, arns: Iterable[str]) -> None:
    """The member becomes a target of those of the target groups that there are."""
    for arn in arns:
        if context.store.get(TargetGroup, arn) is not None:
            register_targets(context, {"TargetGroupArn": arn, "Targets": [{"Id": member.instance_id}]})


def deregister(context: Context, instance_id: str) -> None:
    """From every target group; requests in flight may end."""
    for row in context.store.where(Registration, "target_id", instance_id):
        # A target group may be deleted while a group still names it.
        if context.store.get(TargetGroup, row.target_group_arn) is not None:
            deregister_targets(context, {"TargetGroupArn": row.target_group_arn, "Targets": [{"Id": instance_id}]})
