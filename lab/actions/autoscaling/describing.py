"""Groups, their members and activities, as AWS shows them (aws-facts §10.4, §10.5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.actions.autoscaling.groups import get_group, members_of
from lab.actions.autoscaling.paging import page
from lab.actions.autoscaling.tags import tag_shapes
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.errors import ValidationError
from lab.core.times import moment

IN_SHORT, AT_MOST = 50, 100
"""Rows in an answer that does not say how many, and rows in any."""


@reads("AutoScalingGroupNames", "Filters", "MaxRecords", "NextToken", "IncludeInstances")
def describe_auto_scaling_groups(context: Context, request: Request) -> Response:
    """Unknown names are left out, not an error."""
    names = request.get("AutoScalingGroupNames")
    found = [
        group
        for group in context.store.all(AutoScalingGroup)
        if (not names or group.name in names) and _passes(group, request.get("Filters", ()))
    ]
    shown, more = page(request, found, IN_SHORT, AT_MOST)
    instances = request.get("IncludeInstances", True)
    return {"AutoScalingGroups": [_group(group, context, instances=instances) for group in shown], **more}


def _passes(group: AutoScalingGroup, filters: Iterable[Mapping[str, Any]]) -> bool:
    """`tag-key`, `tag-value` and `tag:KEY`; every filter must pass, by any of its values (bc:autoscaling.Filter)."""
    for entry in filters:
        name, values = entry.get("Name", ""), entry.get("Values", ())
        if name == "tag-key":
            found = {tag.key for tag in group.tags}
        elif name == "tag-value":
            found = {tag.value for tag in group.tags}
        elif name.startswith("tag:"):
            found = {tag.value for tag in group.tags if tag.key == name[4:]}
        else:
            raise ValidationError(f"The filter '{name}' is none of tag-key, tag-value and tag:KEY")
        if not found & set(values):
            return False
    return True


@reads("InstanceIds", "MaxRecords", "NextToken")
def describe_auto_scaling_instances(context: Context, request: Request) -> Response:
    ids = request.get("InstanceIds")
    found = [member for member in context.store.all(Member) if not ids or member.instance_id in ids]
    shown, more = page(request, found, IN_SHORT, IN_SHORT)
    return {
        "AutoScalingInstances": [
            {
                **member_shape(member, context),
                "AutoScalingGroupName": member.group,
                "HealthStatus": member.health.upper(),
            }
            for member in shown
        ],
        **more,
    }


@reads("AutoScalingGroupName", "ActivityIds", "MaxRecords", "NextToken", "IncludeDeletedGroups")
def describe_scaling_activities(context: Context, request: Request) -> Response:
    """Newest first; those in progress before all others (aws-facts §3.9)."""
    name, ids = request.get("AutoScalingGroupName"), request.get("ActivityIds")
    if name is not None and not request.get("IncludeDeletedGroups", False):
        get_group(context, name)
    rows = context.store.all(Activity) if name is None else context.store.where(Activity, "group", name)
    found = [activity for activity in rows if not ids or activity.activity_id in ids]
    found.sort(key=lambda activity: (activity.end_time is None, activity.start_time), reverse=True)
    shown, more = page(request, found, AT_MOST, AT_MOST)
    return {"Activities": [activity_shape(activity, context) for activity in shown], **more}


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


def _group(group: AutoScalingGroup, context: Context, *, instances: bool) -> dict[str, Any]:
    template = context.store.get(LaunchTemplate, group.launch_template_id)
    named = {"LaunchTemplateName": template.launch_template_name} if template else {}
    members = members_of(context, group.name)
    own = [member for member in members if not is_in_pool(member)]
    pool = context.store.get(WarmPool, group.name)
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
        "AvailabilityZones": list(group.zones),
        "LoadBalancerNames": [],
        "TargetGroupARNs": list(group.target_group_arns),
        "HealthCheckType": group.health_check_type,
        "HealthCheckGracePeriod": int(group.health_check_grace_period),
        **({"Instances": [member_shape(one, context) for one in own]} if instances else {}),
        "CreatedTime": moment(group.created),
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": reason} for name, reason in group.suspended_processes
        ],
        "VPCZoneIdentifier": ",".join(subnet for subnet, _ in group.subnets),
        "EnabledMetrics": [{"Metric": name, "Granularity": "1Minute"} for name in group.enabled_metrics],
        "Tags": tag_shapes(group),
        "TerminationPolicies": list(group.termination_policies),
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected,
        "ServiceLinkedRoleARN": f"arn:aws:iam::{context.account.account_id}:role/aws-service-role/"
        "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        "CapacityRebalance": False,
        "TrafficSources": [{"Identifier": arn, "Type": "elbv2"} for arn in group.target_group_arns],
        "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": group.capacity_distribution},
        "DeletionProtection": group.deletion_protection,
        **(
            {}
            if pool is None
            else {"WarmPoolConfiguration": configuration(pool), "WarmPoolSize": len(members) - len(own)}
        ),
        **_optional(group),
    }


def _optional(group: AutoScalingGroup) -> dict[str, Any]:
    """What is only shown when it is set."""
    shown: dict[str, Any] = {}
    if group.default_instance_warmup is not None:
        shown["DefaultInstanceWarmup"] = int(group.default_instance_warmup)
    if group.max_instance_lifetime is not None:
        shown["MaxInstanceLifetime"] = int(group.max_instance_lifetime)
    if group.deleting:
        shown["Status"] = "Delete in progress"
    if group.retains_abandoned:
        shown["InstanceLifecyclePolicy"] = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    policy = group.instance_maintenance_policy
    if policy is not None:
        shown["InstanceMaintenancePolicy"] = {
            "MinHealthyPercentage": policy.min_healthy_percentage,
            "MaxHealthyPercentage": policy.max_healthy_percentage,
        }
    return shown


def configuration(row: WarmPool) -> dict[str, Any]:
    """A warm pool as AWS shows it."""
    prepared = row.max_group_prepared_capacity
    return {
        "MinSize": row.min_size,
        **({} if prepared is None else {"MaxGroupPreparedCapacity": prepared}),
        "PoolState": row.pool_state,
        **({"Status": "PendingDelete"} if row.deleting else {}),
        **({"InstanceReusePolicy": {"ReuseOnScaleIn": True}} if row.reuse_on_scale_in else {}),
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
