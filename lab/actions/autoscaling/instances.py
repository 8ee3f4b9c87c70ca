"""Instances of a group, asked for one by one (aws-facts §3.4, §10.4)."""

from dataclasses import replace

from lab.actions.autoscaling.groups import activity_shape, get_group, member_shape
from lab.actions.context import Context, Request, Response, reads
from lab.actions.elbv2.targets import deregister_targets
from lab.core.autoscaling import causes
from lab.core.autoscaling.activities import launch_given_up, terminating
from lab.core.autoscaling.model import (
    HEALTHY,
    IN_SERVICE,
    UNHEALTHY,
    Activity,
    AutoScalingGroup,
    Member,
)
from lab.core.autoscaling.steps import BeginTermination, Kind
from lab.core.elbv2.model import TargetGroup
from lab.core.errors import ValidationError


@reads("InstanceIds", "MaxRecords", "NextToken")
def describe_auto_scaling_instances(context: Context, request: Request) -> Response:
    ids = request.get("InstanceIds")
    return {
        "AutoScalingInstances": [
            {
                **member_shape(member, context),
                "AutoScalingGroupName": member.group,
                "HealthStatus": member.health.upper(),
            }
            for member in context.store.all(Member)
            if not ids or member.instance_id in ids
        ]
    }


@reads("InstanceId", "HealthStatus", "ShouldRespectGracePeriod")
def set_instance_health(context: Context, request: Request) -> Response:
    """`Unhealthy` has the instance replaced at the next look; in its grace period only if that is not respected."""
    member = _get(context, request["InstanceId"])
    health = request["HealthStatus"]
    if health not in (HEALTHY, UNHEALTHY):
        raise ValidationError(f"HealthStatus must be Healthy or Unhealthy, not {health}")
    group = get_group(context, member.group)
    age = context.now - (context.now if member.in_service_at is None else member.in_service_at)
    if request.get("ShouldRespectGracePeriod", True) and age < group.health_check_grace_period:
        return {}
    cause = causes.USER_UNHEALTHY if health == UNHEALTHY else ""
    context.store.put(replace(member, health=health, unhealthy_cause=cause))
    return {}


@reads("InstanceIds", "AutoScalingGroupName", "ProtectedFromScaleIn")
def set_instance_protection(context: Context, request: Request) -> Response:
    for instance_id in request["InstanceIds"]:
        member = _get(context, instance_id)
        if member.group != request["AutoScalingGroupName"] or member.state != IN_SERVICE:
            raise ValidationError(f"The instance {instance_id} is not in InService of the group")
        context.store.put(replace(member, protected=request["ProtectedFromScaleIn"]))
    return {}


@reads("InstanceId", "ShouldDecrementDesiredCapacity")
def terminate_instance_in_auto_scaling_group(context: Context, request: Request) -> Response:
    """The instance is drained and terminated; a successor is launched unless the desired capacity shrinks with it."""
    member = _get(context, request["InstanceId"])
    group = get_group(context, member.group)
    shrinking = None
    if request["ShouldDecrementDesiredCapacity"]:
        desired = group.desired_capacity - 1
        if desired < group.min_size:
            raise ValidationError(
                f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement "
                f"will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or "
                f"lower group's min size."
            )
        shrinking = (group.desired_capacity, desired)
        context.store.put(replace(group, desired_capacity=desired))
    cause = causes.user_terminated(context.now, member.instance_id, shrinking)
    step = BeginTermination(member.instance_id, cause, Kind.UNHEALTHY, owed=shrinking is None)
    activity = begin_termination(context, member, group, step)
    return {"Activity": activity_shape(activity, context)}


def begin_termination(context: Context, member: Member, group: AutoScalingGroup, step: BeginTermination) -> Activity:
    """The member → Terminating, with its activity, and deregistered: it drains from now on."""
    launch = context.store.get(Activity, member.activity_id)
    if launch is not None and launch.end_time is None:
        context.store.put(launch_given_up(launch, context.now))
    member, activity = terminating(member, group, step, context.new_id("uuid"), context.now)
    context.store.put(member)
    context.store.put(activity)
    for arn in group.target_group_arns:
        # A target group may be deleted while a group still names it.
        if context.store.get(TargetGroup, arn) is not None:
            deregister_targets(context, {"TargetGroupArn": arn, "Targets": [{"Id": member.instance_id}]})
    return activity


def _get(context: Context, instance_id: str) -> Member:
    member = context.store.get(Member, instance_id)
    if member is None:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
    return member
