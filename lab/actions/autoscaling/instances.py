"""Instances of a group, told one by one what is to become of them (aws-facts §3.2, §3.4)."""

from collections.abc import Sequence
from dataclasses import replace

from lab.actions.autoscaling.decisions import keep
from lab.actions.autoscaling.describing import activity_shape
from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.members import begin_termination, get_member, member_in
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling import causes
from lab.core.autoscaling.counts import is_capacity, is_in_pool
from lab.core.autoscaling.lifecycle import TRANSITIONS, Event
from lab.core.autoscaling.model import (
    HEALTHY,
    IN_SERVICE,
    UNHEALTHY,
    Activity,
    AutoScalingGroup,
    Member,
)
from lab.core.autoscaling.steps import BeginTermination
from lab.core.errors import LabError, ValidationError

PROTECTED_AT_ONCE, TERMINATED_AT_ONCE = 50, 100
"""Instances in one request (asg:ec2-auto-scaling-quotas; bc:autoscaling)."""


@reads("InstanceId", "HealthStatus", "ShouldRespectGracePeriod")
def set_instance_health(context: Context, request: Request) -> Response:
    """`Unhealthy` has the instance replaced at the next look; in its grace period only if that is not respected."""
    member = get_member(context, request["InstanceId"])
    health = request["HealthStatus"]
    if health not in (HEALTHY, UNHEALTHY):
        raise ValidationError(f"HealthStatus must be Healthy or Unhealthy, not {health}")
    group = get_group(context, member.group)
    age = context.now - (context.now if member.in_service_at is None else member.in_service_at)
    graced = age < group.health_check_grace_period and not is_in_pool(member)
    if graced and request.get("ShouldRespectGracePeriod", True):
        return {}
    cause = causes.USER_UNHEALTHY if health == UNHEALTHY else ""
    context.store.put(replace(member, health=health, unhealthy_cause=cause))
    return {}


@reads("InstanceIds", "AutoScalingGroupName", "ProtectedFromScaleIn")
def set_instance_protection(context: Context, request: Request) -> Response:
    ids = request["InstanceIds"]
    if len(ids) > PROTECTED_AT_ONCE:
        raise LabError("LimitExceeded", f"At most {PROTECTED_AT_ONCE} instances can be named at once, not {len(ids)}")
    group = get_group(context, request["AutoScalingGroupName"])
    for instance_id in ids:
        member = member_in(context, instance_id, group)
        if member.state != IN_SERVICE:
            raise ValidationError(
                f"The instance {instance_id} is not in InService. Only instances in InService can be protected"
            )
        context.store.put(replace(member, protected=request["ProtectedFromScaleIn"]))
    return {}


@reads("InstanceId", "InstanceIds", "AutoScalingGroupName", "ShouldDecrementDesiredCapacity")
def terminate_instance_in_auto_scaling_group(context: Context, request: Request) -> Response:
    """The instance is drained and terminated; a successor is launched unless the desired capacity shrinks with it. Either
    one instance by its id alone, or several of one group."""
    if "InstanceIds" not in request:
        member = get_member(context, request["InstanceId"])
        group = get_group(context, member.group)
        [activity] = _terminate(context, group, [member], shrinks=request["ShouldDecrementDesiredCapacity"])
        return {"Activity": activity_shape(activity, context)}
    ids = tuple(dict.fromkeys(request["InstanceIds"]))
    if "InstanceId" in request or len(ids) > TERMINATED_AT_ONCE:
        raise ValidationError(f"Give either InstanceId, or InstanceIds with at most {TERMINATED_AT_ONCE} instances")
    group = get_group(context, request["AutoScalingGroupName"])
    members = [member_in(context, instance_id, group) for instance_id in ids]
    done = _terminate(context, group, members, shrinks=request["ShouldDecrementDesiredCapacity"])
    return {"Activities": [activity_shape(activity, context) for activity in done]}


def _terminate(
    context: Context, group: AutoScalingGroup, members: Sequence[Member], *, shrinks: bool
) -> list[Activity]:
    done, before = [], group
    for member in members:
        if (member.state, Event.TERMINATE) not in TRANSITIONS:
            raise LabError(
                "ScalingActivityInProgress", f"The instance {member.instance_id} is {member.state} and leaves already."
            )
        old = group.desired_capacity
        counts = not is_in_pool(member)
        if shrinks and counts and old == group.min_size:
            raise ValidationError(
                f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement "
                f"will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or "
                f"lower group's min size."
            )
        new = old - 1 if shrinks and counts else old
        group = replace(group, desired_capacity=new)
        cause = causes.user_terminated(context.now, member.instance_id, old, new)
        step = BeginTermination(member.instance_id, cause, owed=is_capacity(member) and not shrinks)
        done.append(begin_termination(context, member, group, step))
    keep(context, before, group, "TerminateInstanceInAutoScalingGroup")
    return done
