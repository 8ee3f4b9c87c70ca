"""Standby, detaching and attaching (asg:as-enter-exit-standby, asg:ec2-auto-scaling-detach-attach-instances)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lab.actions.autoscaling.decisions import keep
from lab.actions.autoscaling.describing import activity_shape
from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.members import deregister, give_up, member_in, put
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling import causes, excursions
from lab.core.autoscaling.model import (
    IN_SERVICE,
    STANDBY,
    TERMINATING_RETAINED,
    Activity,
    AutoScalingGroup,
    Member,
)
from lab.core.ec2.catalogue import IMAGES
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import TargetGroup
from lab.core.errors import ValidationError

AT_ONCE = 20
"""Instances in one request (asg:ec2-auto-scaling-quotas)."""
GROUP_TAG = "aws:autoscaling:groupName"

Begin = Callable[[Member, AutoScalingGroup, str, str, float], tuple[Member, Activity]]
Cause = Callable[[float, str, int, int], str]
OUT: Mapping[str, tuple[Begin, Cause]] = {
    "EnterStandby": (excursions.entering_standby, causes.standby_entered),
    "DetachInstances": (excursions.detaching, causes.detached),
}


@reads("InstanceIds", "AutoScalingGroupName", "ShouldDecrementDesiredCapacity")
def enter_standby(context: Context, request: Request) -> Response:
    """Drained, then out of service; a successor is launched unless the desired capacity shrinks with it."""
    group, members = _named(context, request)
    for member in members:
        if member.state != IN_SERVICE:
            raise ValidationError(f"The instance {member.instance_id} is not in InService.")
    shrinks = request["ShouldDecrementDesiredCapacity"]
    _check_sizes(group, -len(members) if shrinks else 0, f"To place into standby {_counted(members)}")
    return _taken_out(context, group, members, "EnterStandby", shrinks=shrinks)


@reads("InstanceIds", "AutoScalingGroupName")
def exit_standby(context: Context, request: Request) -> Response:
    """Into service again, the desired capacity growing with it."""
    group, members = _named(context, request)
    if not group.runs("Launch"):
        raise ValidationError(f"Process Launch of {group.name} is suspended: instances cannot be returned to service")
    for member in members:
        if member.state != STANDBY:
            raise ValidationError(f"The instance {member.instance_id} is not in Standby.")
    _check_sizes(group, len(members), f"To exit standby {_counted(members)}")
    done, before = [], group
    for member in members:
        old = group.desired_capacity
        group = replace(group, desired_capacity=old + 1)
        cause = causes.standby_left(context.now, member.instance_id, old, old + 1)
        pair = excursions.leaving_standby(member, group, cause, context.new_id("uuid"), context.now)
        done.append(put(context, pair))
    keep(context, before, group, "ExitStandby")
    return {"Activities": [activity_shape(activity, context) for activity in done]}


@reads("InstanceIds", "AutoScalingGroupName", "ShouldDecrementDesiredCapacity")
def detach_instances(context: Context, request: Request) -> Response:
    """Drained, then out of the group, running on; a successor is launched unless the desired capacity shrinks with it."""
    group, members = _named(context, request)
    shrinks = request["ShouldDecrementDesiredCapacity"]
    for member in members:
        if member.state not in (IN_SERVICE, STANDBY, *(() if shrinks else (TERMINATING_RETAINED,))):
            raise ValidationError(f"The instance {member.instance_id} is not in InService or Standby.")
    _check_sizes(group, -len(members) if shrinks else 0, f"To detach {_counted(members)}")
    return _taken_out(context, group, members, "DetachInstances", shrinks=shrinks)


@reads("InstanceIds", "AutoScalingGroupName")
def attach_instances(context: Context, request: Request) -> Response:
    """Running instances become members, the desired capacity growing with them; no hook runs for them."""
    group = get_group(context, request["AutoScalingGroupName"])
    instances = [_attachable(context, group, instance_id) for instance_id in _ids(request)]
    if not group.runs("Launch"):
        raise ValidationError(f"Process Launch of {group.name} is suspended: no instances can be attached")
    _check_sizes(group, len(instances), f"To attach {_counted(instances)}")
    before = group
    for instance in instances:
        group = replace(group, desired_capacity=group.desired_capacity + 1)
        cause = causes.attached(context.now, group.desired_capacity)
        member = Member(
            instance_id=instance.instance_id,
            group=group.name,
            zone=instance.availability_zone,
            launch_template_id=instance.launch_template_id,
            launch_template_version=instance.launch_template_version,
            launched_at=instance.launch_time,
            activity_id=context.new_id("uuid"),
            protected=group.new_instances_protected,
            unhooked=True,
        )
        put(context, (member, excursions.attaching(member, group, instance.subnet_id, cause, context.now)))
        context.store.put(replace(instance, tags={**instance.tags, GROUP_TAG: group.name}))
    keep(context, before, group, "AttachInstances")
    return {}


def _taken_out(
    context: Context, group: AutoScalingGroup, members: Sequence[Member], action: str, *, shrinks: bool
) -> Response:
    """Each member on its way out of service, deregistered."""
    done, before = [], group
    begin, cause = OUT[action]
    for member in members:
        old = group.desired_capacity
        group = replace(group, desired_capacity=old - 1 if shrinks else old)
        text = cause(context.now, member.instance_id, old, group.desired_capacity)
        give_up(context, member)
        done.append(put(context, begin(member, group, text, context.new_id("uuid"), context.now)))
        deregister(context, member.instance_id)
    keep(context, before, group, action)
    return {"Activities": [activity_shape(activity, context) for activity in done]}


def _named(context: Context, request: Request) -> tuple[AutoScalingGroup, list[Member]]:
    group = get_group(context, request["AutoScalingGroupName"])
    return group, [member_in(context, instance_id, group) for instance_id in _ids(request)]


def _ids(request: Request) -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(request["InstanceIds"]))
    if not 1 <= len(ids) <= AT_ONCE:
        raise ValidationError(f"InstanceIds must name 1 to {AT_ONCE} instances, not {len(ids)}")
    return ids


def _check_sizes(group: AutoScalingGroup, difference: int, what: str) -> None:
    if not group.min_size <= group.desired_capacity + difference <= group.max_size:
        raise ValidationError(
            f"AutoScalingGroup {group.name} has min-size={group.min_size}, max-size={group.max_size}, and "
            f"desired-size={group.desired_capacity}. {what}, please update the AutoScalingGroup sizes appropriately."
        )


def _counted(things: Sequence[object]) -> str:
    return f"{len(things)} instance{'' if len(things) == 1 else 's'}"


def _attachable(context: Context, group: AutoScalingGroup, instance_id: str) -> Instance:
    """The instance, if it may come in. Raises ValidationError with what is in the way."""
    instance = context.store.get(Instance, instance_id)
    if instance is None:
        raise ValidationError(f"Invalid Instance ID(s): [{instance_id}]")
    member = context.store.get(Member, instance_id)
    if member is not None:
        raise ValidationError(f"The Instance: {instance_id} is already part of AutoScalingGroup:{member.group}")
    if instance.state != "running":
        raise ValidationError(f"Instance {instance_id} is not in correct state: it is {instance.state}, not running")
    if instance.image_id not in IMAGES:
        raise ValidationError(f"The image of instance {instance_id}, {instance.image_id}, does not exist any more")
    if instance.availability_zone not in group.zones:
        raise ValidationError(
            f"The instance {instance_id} is in {instance.availability_zone}, which is none of the Availability Zones of "
            f"{group.name}: {', '.join(group.zones)}"
        )
    for arn in group.target_group_arns:
        target_group = context.store.get(TargetGroup, arn)
        if target_group is not None and target_group.vpc_id != instance.vpc_id:
            raise ValidationError(f"The instance {instance_id} is not in the VPC of target group {arn}")
    return instance
