"""Auto Scaling groups: create, update, describe, delete (aws-facts §3.1, §10.4)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require
from lab.actions.ec2.common import get_subnet
from lab.actions.ec2.launch_templates import find_template, version_of
from lab.actions.elbv2.find import get_target_group
from lab.actions.elbv2.targets import deregister_targets
from lab.core.autoscaling import causes
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member, Tag
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.autoscaling.termination import POLICIES
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.errors import LabError, ValidationError
from lab.core.times import moment

NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,255}")
SETTINGS = (
    "MinSize", "MaxSize", "DesiredCapacity", "DefaultCooldown", "DefaultInstanceWarmup", "HealthCheckType",
    "HealthCheckGracePeriod", "LaunchTemplate", "VPCZoneIdentifier", "AvailabilityZones", "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
)  # fmt: skip
"""What create and update have in common."""


@reads("AutoScalingGroupName", "TargetGroupARNs", "Tags", *SETTINGS)
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
    if "LaunchTemplate" not in request:
        raise ValidationError("Valid requests must contain either LaunchTemplate; the lab has no launch configurations")
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
        target_group_arns=_check_target_groups(context, request.get("TargetGroupARNs", ())),
        tags=tuple(_tag(row) for row in request.get("Tags", ())),
    )
    group = _changed(context, group, request)
    _check_sizes(group)
    if not group.subnets:
        raise ValidationError("At least one Availability Zone or VPC Subnet is required.")
    if group.desired_capacity:
        group = replace(group, capacity_cause=causes.group_created(context.now, group.desired_capacity))
    context.store.put(group)
    return {}


@reads("AutoScalingGroupName", *SETTINGS)
def update_auto_scaling_group(context: Context, request: Request) -> Response:
    """Instances that are there stay as they are. Raising MinSize above the desired capacity raises that, lowering MaxSize
    below it lowers it (bc:autoscaling)."""
    old = get_group(context, request["AutoScalingGroupName"])
    group = _changed(context, old, request)
    group = replace(
        group,
        min_size=request.get("MinSize", old.min_size),
        max_size=request.get("MaxSize", old.max_size),
        desired_capacity=request.get("DesiredCapacity", old.desired_capacity),
    )
    if "DesiredCapacity" not in request:
        desired = min(max(group.desired_capacity, group.min_size), group.max_size)
        group = replace(group, desired_capacity=desired)
    _check_sizes(group)
    if group.desired_capacity != old.desired_capacity:
        sentence = causes.group_updated(
            context.now, group.min_size, group.max_size, old.desired_capacity, group.desired_capacity
        )
        group = replace(group, capacity_cause=sentence)
    context.store.put(group)
    return {}


@reads("AutoScalingGroupName", "DesiredCapacity", "HonorCooldown")
def set_desired_capacity(context: Context, request: Request) -> Response:
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
    if desired != group.desired_capacity:
        sentence = causes.desired_set(context.now, group.desired_capacity, desired)
        context.store.put(replace(group, desired_capacity=desired, capacity_cause=sentence))
    return {}


@reads("AutoScalingGroupName", "ForceDelete")
def delete_auto_scaling_group(context: Context, request: Request) -> Response:
    """Needs ForceDelete while there are instances; the group goes when they have gone."""
    group = get_group(context, request["AutoScalingGroupName"])
    members = members_of(context, group.name)
    if members and not request.get("ForceDelete", False):
        raise LabError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in "
            "the group.",
        )
    for policy in [row for row in context.store.all(ScalingPolicy) if row.group == group.name]:
        for alarm_name in policy.alarm_names:
            context.store.delete(MetricAlarm, alarm_name)
        context.store.delete(ScalingPolicy, policy.arn)
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


@reads("AutoScalingGroupNames", "Filters", "MaxRecords", "NextToken", "IncludeInstances")
def describe_auto_scaling_groups(context: Context, request: Request) -> Response:
    """Unknown names are left out, not an error."""
    names = request.get("AutoScalingGroupNames")
    found = [group for group in context.store.all(AutoScalingGroup) if not names or group.name in names]
    return {"AutoScalingGroups": [_group(group, context) for group in found]}


@reads("AutoScalingGroupName", "TargetGroupARNs")
def attach_load_balancer_target_groups(context: Context, request: Request) -> Response:
    """Instances in service are registered with the new groups by the next look at the group."""
    group = get_group(context, request["AutoScalingGroupName"])
    added = _check_target_groups(context, request["TargetGroupARNs"])
    arns = tuple(dict.fromkeys((*group.target_group_arns, *added)))
    context.store.put(replace(group, target_group_arns=arns))
    return {}


@reads("AutoScalingGroupName", "TargetGroupARNs")
def detach_load_balancer_target_groups(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    targets = [{"Id": member.instance_id} for member in members_of(context, group.name)]
    for arn in request["TargetGroupARNs"]:
        if arn not in group.target_group_arns:
            raise ValidationError(f"Trying to remove Target Groups that are not part of the group: {arn}")
        if targets:
            deregister_targets(context, {"TargetGroupArn": arn, "Targets": targets})
    kept = tuple(arn for arn in group.target_group_arns if arn not in request["TargetGroupARNs"])
    context.store.put(replace(group, target_group_arns=kept))
    return {}


@reads("Tags")
def create_or_update_tags(context: Context, request: Request) -> Response:
    for row in request["Tags"]:
        group = get_group(context, row.get("ResourceId", ""))
        kept = tuple(tag for tag in group.tags if tag.key != row["Key"])
        context.store.put(replace(group, tags=(*kept, _tag(row))))
    return {}


@reads("Tags")
def delete_tags(context: Context, request: Request) -> Response:
    for row in request["Tags"]:
        group = get_group(context, row.get("ResourceId", ""))
        context.store.put(replace(group, tags=tuple(tag for tag in group.tags if tag.key != row["Key"])))
    return {}


@reads("AutoScalingGroupName", "ActivityIds", "MaxRecords", "NextToken", "IncludeDeletedGroups")
def describe_scaling_activities(context: Context, request: Request) -> Response:
    """Newest first; those in progress before all others (aws-facts §3.9)."""
    name, ids = request.get("AutoScalingGroupName"), request.get("ActivityIds")
    if name is not None and not request.get("IncludeDeletedGroups", False):
        get_group(context, name)
    found = [
        activity
        for activity in context.store.all(Activity)
        if name in (None, activity.group) and (not ids or activity.activity_id in ids)
    ]
    found.sort(key=lambda activity: (activity.end_time is None, activity.start_time), reverse=True)
    return {"Activities": [activity_shape(activity, context) for activity in found[: request.get("MaxRecords", 100)]]}


def get_group(context: Context, name: str) -> AutoScalingGroup:
    message = f"AutoScalingGroup name not found - AutoScalingGroup {name} not found"
    return require(context.store, AutoScalingGroup, name, "ValidationError", message)


def members_of(context: Context, name: str) -> list[Member]:
    return context.store.where(Member, "group", name)


def activity_shape(activity: Activity, context: Context) -> dict[str, Any]:
    group = context.store.get(AutoScalingGroup, activity.group)
    return {
        "ActivityId": activity.activity_id,
        "AutoScalingGroupName": activity.group,
        **({"AutoScalingGroupARN": group.arn} if group else {}),
        "AutoScalingGroupState": "InService" if group else "Deleted",
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": moment(activity.start_time),
        **({} if activity.end_time is None else {"EndTime": moment(activity.end_time)}),
        "StatusCode": activity.status_code,
        **({"StatusMessage": activity.status_message} if activity.status_message else {}),
        "Progress": activity.progress,
        "Details": activity.details,
    }


def _changed(context: Context, group: AutoScalingGroup, request: Request) -> AutoScalingGroup:
    """The group with the settings of the request, sizes apart, each checked."""
    changes: dict[str, Any] = {}
    if "LaunchTemplate" in request:
        template = find_template(context.store, request["LaunchTemplate"])
        version = request["LaunchTemplate"].get("Version", "$Default")
        version_of(template, version)
        changes |= {"launch_template_id": template.launch_template_id, "launch_template_version": version}
    if "VPCZoneIdentifier" in request:
        changes["subnets"] = _subnets(context, request["VPCZoneIdentifier"], request.get("AvailabilityZones"))
    elif "AvailabilityZones" in request:
        raise ValidationError("the lab has no default VPC: name the subnets of the zones in VPCZoneIdentifier")
    if "HealthCheckType" in request:
        for kind in request["HealthCheckType"].split(","):
            if kind not in ("EC2", "ELB"):
                raise ValidationError(f"HealthCheckType must be EC2 or ELB, not {kind}")
        changes["health_check_type"] = "ELB" if "ELB" in request["HealthCheckType"] else "EC2"
    if "TerminationPolicies" in request:
        changes["termination_policies"] = _check_policies(request["TerminationPolicies"])
    plain = {
        "HealthCheckGracePeriod": "health_check_grace_period",
        "DefaultCooldown": "default_cooldown",
        "DefaultInstanceWarmup": "default_instance_warmup",
    }
    for member, name in plain.items():
        if member in request:
            value = request[member]
            unset = member == "DefaultInstanceWarmup" and value == -1
            if value < 0 and not unset:
                raise ValidationError(f"{member} must not be negative, not {value}")
            changes[name] = None if unset else float(value)
    if "NewInstancesProtectedFromScaleIn" in request:
        changes["new_instances_protected"] = request["NewInstancesProtectedFromScaleIn"]
    return replace(group, **changes)


def _check_sizes(group: AutoScalingGroup) -> None:
    if group.min_size < 0 or group.max_size < group.min_size:
        raise ValidationError(
            f"Max bound, {group.max_size}, must be greater than or equal to min bound, {group.min_size}"
        )
    if not group.min_size <= group.desired_capacity <= group.max_size:
        raise ValidationError(
            f"Desired capacity:{group.desired_capacity} must be between the specified min size:{group.min_size} "
            f"and max size:{group.max_size}"
        )


def _check_policies(names: Iterable[str]) -> tuple[str, ...]:
    policies = tuple(names)
    for name in policies:
        if name not in POLICIES:
            raise ValidationError(f"'{name}' is not a termination policy of the lab: it has {', '.join(POLICIES)}")
    if "Default" in policies[:-1]:
        raise ValidationError("Default must be the last of the termination policies")
    return policies or ("Default",)


def _check_target_groups(context: Context, arns: Iterable[str]) -> tuple[str, ...]:
    found = tuple(arns)
    for arn in found:
        if get_target_group(context, arn).target_type != "instance":
            raise ValidationError(
                f"Target group '{arn}' is not of target type instance: a group's members are instances"
            )
    return found


def _subnets(context: Context, identifiers: str, zones: Iterable[str] | None) -> tuple[tuple[str, str], ...]:
    ids = [identity.strip() for identity in identifiers.split(",") if identity.strip()]
    found = tuple((identity, get_subnet(context.store, identity).availability_zone) for identity in ids)
    if zones is not None and set(zones) != {zone for _, zone in found}:
        raise ValidationError("The availability zones of the specified subnets and the AutoScalingGroup do not match")
    return found


def _tag(row: Mapping[str, Any]) -> Tag:
    return Tag(row["Key"], row.get("Value", ""), row.get("PropagateAtLaunch", False))


def _group(group: AutoScalingGroup, context: Context) -> dict[str, Any]:
    template = context.store.get(LaunchTemplate, group.launch_template_id)
    named = {"LaunchTemplateName": template.launch_template_name} if template else {}
    warmup = group.default_instance_warmup
    return {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchTemplate": {
            "LaunchTemplateId": group.launch_template_id,
            **named,
            "Version": group.launch_template_version,
        },
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "DefaultCooldown": int(group.default_cooldown),
        **({} if warmup is None else {"DefaultInstanceWarmup": int(warmup)}),
        "AvailabilityZones": list(group.zones),
        "LoadBalancerNames": [],
        "TargetGroupARNs": list(group.target_group_arns),
        "HealthCheckType": group.health_check_type,
        "HealthCheckGracePeriod": int(group.health_check_grace_period),
        "Instances": [member_shape(member, context) for member in members_of(context, group.name)],
        "CreatedTime": moment(group.created),
        "SuspendedProcesses": [],
        "VPCZoneIdentifier": ",".join(subnet for subnet, _ in group.subnets),
        "EnabledMetrics": [{"Metric": name, "Granularity": "1Minute"} for name in group.enabled_metrics],
        **({"Status": "Delete in progress"} if group.deleting else {}),
        "Tags": [
            {
                "ResourceId": group.name,
                "ResourceType": "auto-scaling-group",
                "Key": tag.key,
                "Value": tag.value,
                "PropagateAtLaunch": tag.propagate_at_launch,
            }
            for tag in group.tags
        ],
        "TerminationPolicies": list(group.termination_policies),
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected,
        "ServiceLinkedRoleARN": f"arn:aws:iam::{context.account.account_id}:role/aws-service-role/"
        "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        "CapacityRebalance": False,
        "TrafficSources": [{"Identifier": arn, "Type": "elbv2"} for arn in group.target_group_arns],
    }


def member_shape(member: Member, context: Context) -> dict[str, Any]:
    """A member as DescribeAutoScalingGroups shows it."""
    template = context.store.get(LaunchTemplate, member.launch_template_id)
    instance = context.store.get(Instance, member.instance_id)
    return {
        "InstanceId": member.instance_id,
        **({"InstanceType": instance.instance_type} if instance else {}),
        "AvailabilityZone": member.zone,
        "LifecycleState": member.state,
        "HealthStatus": member.health,
        "LaunchTemplate": {
            "LaunchTemplateId": member.launch_template_id,
            **({"LaunchTemplateName": template.launch_template_name} if template else {}),
            "Version": str(member.launch_template_version),
        },
        "ProtectedFromScaleIn": member.protected,
    }
