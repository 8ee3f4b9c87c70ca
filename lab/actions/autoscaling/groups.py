"""Auto Scaling groups: create, update, delete (aws-facts §3.1)."""

import re
from dataclasses import replace

from lab.actions.autoscaling.cooldowns import check_cooldown
from lab.actions.autoscaling.decisions import keep
from lab.actions.autoscaling.dependents import drop_dependents
from lab.actions.autoscaling.hook_requests import hook_of
from lab.actions.autoscaling.settings import MEMBERS, changed, check_sizes, tag_of
from lab.actions.autoscaling.sources import arns_of, check
from lab.actions.context import Context, Request, Response, reads, require
from lab.core.autoscaling import causes
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.refreshes import active_refresh
from lab.core.errors import LabError, ValidationError

NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,255}")
GROUPS = 5000
"""In a region. AWS begins with 500 and raises that on request (asg:ec2-auto-scaling-quotas); simulations have more."""


@reads("AutoScalingGroupName", "TargetGroupARNs", "TrafficSources", "Tags", "LifecycleHookSpecificationList", *MEMBERS)
def create_auto_scaling_group(context: Context, request: Request) -> Response:
    name = request["AutoScalingGroupName"]
    if NAME.fullmatch(name) is None:
        raise ValidationError(
            f"AutoScalingGroupName '{name}' must be 1 to 255 printable characters without ':' or blanks"
        )
    if context.store.get(AutoScalingGroup, name) is not None:
        raise LabError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    if len(context.store.all(AutoScalingGroup)) >= GROUPS:
        raise LabError("LimitExceeded", f"There are {GROUPS} Auto Scaling groups already, and no more can be created")
    if "LaunchTemplate" not in request:
        raise ValidationError("Valid requests must contain either LaunchTemplate; the lab has no launch configurations")
    sources = (*request.get("TargetGroupARNs", ()), *arns_of(request.get("TrafficSources", ())))
    group = AutoScalingGroup(
        name=name,
        arn=context.account.arn(
            "autoscaling", f"autoScalingGroup:{context.new_id('uuid')}:autoScalingGroupName/{name}"
        ),
        min_size=request["MinSize"],
        max_size=request["MaxSize"],
        desired_capacity=request.get("DesiredCapacity", request["MinSize"]),
        launch_template_id="",
        launch_template_version="",
        subnets=(),
        created=context.now,
        target_group_arns=tuple(dict.fromkeys(check(context, sources))),
        tags=tuple(tag_of(row) for row in request.get("Tags", ())),
    )
    for row in request.get("LifecycleHookSpecificationList", ()):
        group = replace(group, lifecycle_hooks=hook_of(group, row))
    group = changed(context, group, request)
    check_sizes(group)
    if not group.subnets:
        raise ValidationError("At least one Availability Zone or VPC Subnet is required.")
    if group.desired_capacity:
        group = replace(group, capacity_cause=causes.group_created(context.now, group.desired_capacity))
    context.store.put(group)
    return {}


@reads("AutoScalingGroupName", *MEMBERS)
def update_auto_scaling_group(context: Context, request: Request) -> Response:
    """Instances that are there stay as they are. Raising MinSize above the desired capacity raises that, lowering MaxSize
    below it lowers it (bc:autoscaling)."""
    old = get_group(context, request["AutoScalingGroupName"])
    refresh = active_refresh(context.store, old.name)
    if "LaunchTemplate" in request and refresh is not None and refresh.launch_template_id:
        raise ValidationError(
            "An active instance refresh with a desired configuration exists. All configuration options derived from the "
            "desired configuration are not available for update while the instance refresh is active."
        )
    group = changed(context, old, request)
    group = replace(
        group,
        min_size=request.get("MinSize", old.min_size),
        max_size=request.get("MaxSize", old.max_size),
        desired_capacity=request.get("DesiredCapacity", old.desired_capacity),
    )
    if "DesiredCapacity" not in request:
        desired = min(max(group.desired_capacity, group.min_size), group.max_size)
        group = replace(group, desired_capacity=desired)
    check_sizes(group)
    if group.desired_capacity != old.desired_capacity:
        sentence = causes.group_updated(
            context.now, group.min_size, group.max_size, old.desired_capacity, group.desired_capacity
        )
        group = replace(group, capacity_cause=sentence)
    keep(context, old, group, "UpdateAutoScalingGroup")
    return {}


@reads("AutoScalingGroupName", "DesiredCapacity", "HonorCooldown")
def set_desired_capacity(context: Context, request: Request) -> Response:
    """At once; with HonorCooldown only after the default cooldown."""
    group = get_group(context, request["AutoScalingGroupName"])
    desired = request["DesiredCapacity"]
    if desired > group.max_size:
        raise ValidationError(
            f"New SetDesiredCapacity value {desired} is above max value {group.max_size} for the AutoScalingGroup."
        )
    if desired < group.min_size:
        raise ValidationError(
            f"New SetDesiredCapacity value {desired} is below min value {group.min_size} for the AutoScalingGroup."
        )
    if request.get("HonorCooldown", False):
        check_cooldown(context, group, group.default_cooldown)
    sentence = causes.desired_set(context.now, group.desired_capacity, desired)
    cause = group.capacity_cause if desired == group.desired_capacity else sentence
    keep(context, group, replace(group, desired_capacity=desired, capacity_cause=cause), "SetDesiredCapacity")
    return {}


@reads("AutoScalingGroupName", "ForceDelete")
def delete_auto_scaling_group(context: Context, request: Request) -> Response:
    """Needs ForceDelete while there are instances; the group goes when they have gone."""
    group = get_group(context, request["AutoScalingGroupName"])
    members = members_of(context, group.name)
    forced = request.get("ForceDelete", False)
    if group.deletion_protection == "prevent-all-deletion" or (
        forced and group.deletion_protection == "prevent-force-deletion"
    ):
        raise ValidationError(
            f"DeletionProtection of {group.name} is {group.deletion_protection}: update it before the group can be deleted"
        )
    if members and not forced:
        raise LabError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in "
            "the group.",
        )
    drop_dependents(context, group.name)
    if members:
        # Protection from scale-in does not hold against deletion (aws-facts §3.6).
        for member in members:
            context.store.put(replace(member, protected=False))
        cause = causes.at(context.now, "a user request deleted the group.")
        group = replace(group, min_size=0, max_size=0, desired_capacity=0, capacity_cause=cause, deleting=True)
        context.store.put(replace(group, new_instances_protected=False))
    else:
        context.store.delete(AutoScalingGroup, group.name)
    return {}


def get_group(context: Context, name: str) -> AutoScalingGroup:
    message = f"AutoScalingGroup name not found - AutoScalingGroup {name} not found"
    return require(context.store, AutoScalingGroup, name, "ValidationError", message)


def members_of(context: Context, name: str) -> list[Member]:
    return context.store.where(Member, "group", name)
