"""Warm pools: put, delete, describe (aws-facts §3.2; asg:ec2-auto-scaling-warm-pools, bc:autoscaling)."""

from dataclasses import replace

from lab.actions.autoscaling.describing import configuration, member_shape
from lab.actions.autoscaling.groups import get_group, members_of
from lab.actions.autoscaling.instance_refreshes import IN_THE_WAY
from lab.actions.autoscaling.paging import page
from lab.actions.context import Context, Request, Response, reads, require
from lab.actions.ec2.launch_templates import version_of
from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.refreshes import active_refresh
from lab.core.autoscaling.warm_pool import HIBERNATED, POOL_STATES, WarmPool
from lab.core.ec2.model import LaunchTemplate
from lab.core.errors import LabError, ValidationError

IN_SHORT, AT_MOST = 50, 50


@reads("AutoScalingGroupName", "MaxGroupPreparedCapacity", "MinSize", "PoolState", "InstanceReusePolicy")
def put_warm_pool(context: Context, request: Request) -> Response:
    """What is left out stays as it was; -1 removes MaxGroupPreparedCapacity. Instances in the pool stay as they are."""
    group = get_group(context, request["AutoScalingGroupName"])
    if active_refresh(context.store, group.name) is not None:
        raise LabError("InstanceRefreshInProgress", IN_THE_WAY)
    row = context.store.get(WarmPool, group.name) or WarmPool(group.name)
    if row.deleting:
        raise LabError(
            "ResourceContention", f"The warm pool of {group.name} is being deleted: wait until it is gone", status=500
        )
    prepared = request.get("MaxGroupPreparedCapacity", row.max_group_prepared_capacity)
    changed = replace(
        row,
        min_size=request.get("MinSize", row.min_size),
        max_group_prepared_capacity=None if prepared == -1 else prepared,
        pool_state=request.get("PoolState", row.pool_state),
        reuse_on_scale_in=request.get("InstanceReusePolicy", {}).get("ReuseOnScaleIn", row.reuse_on_scale_in),
    )
    _check(context, group, changed)
    context.store.put(changed)
    return {}


@reads("AutoScalingGroupName", "ForceDelete")
def delete_warm_pool(context: Context, request: Request) -> Response:
    """Needs ForceDelete while there are instances in it: these are terminated, without lifecycle hooks."""
    group = get_group(context, request["AutoScalingGroupName"])
    row = _get(context, group)
    members = pool_members(context, group.name)
    if not members:
        context.store.delete(WarmPool, group.name)
        return {}
    if not request.get("ForceDelete", False):
        raise LabError(
            "ResourceInUse",
            f"The warm pool of {group.name} still has {len(members)} instances: delete it with ForceDelete, or set its "
            "MinSize and MaxGroupPreparedCapacity to 0 and wait until it is empty",
        )
    context.store.put(replace(row, deleting=True))
    for member in members:
        context.store.put(replace(member, unhooked=True))
    return {}


@reads("AutoScalingGroupName", "MaxRecords", "NextToken")
def describe_warm_pool(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    row = context.store.get(WarmPool, group.name)
    members = pool_members(context, group.name)
    shown, more = page(request, members, IN_SHORT, AT_MOST)
    return {
        **({} if row is None else {"WarmPoolConfiguration": configuration(row)}),
        "Instances": [member_shape(member, context) for member in shown],
        **more,
    }


def pool_members(context: Context, name: str) -> list[Member]:
    return [member for member in members_of(context, name) if is_in_pool(member)]


def _get(context: Context, group: AutoScalingGroup) -> WarmPool:
    text = f"No warm pool found for Auto Scaling group {group.name}"
    return require(context.store, WarmPool, group.name, "ValidationError", text)


def _check(context: Context, group: AutoScalingGroup, row: WarmPool) -> None:
    if row.min_size < 0:
        raise ValidationError(f"MinSize must not be negative, not {row.min_size}")
    prepared = row.max_group_prepared_capacity
    if prepared is not None and prepared < 0:
        raise ValidationError(f"MaxGroupPreparedCapacity must be -1 (none) or more, not {prepared}")
    if row.pool_state not in POOL_STATES:
        raise ValidationError(f"PoolState must be one of {', '.join(POOL_STATES)}, not {row.pool_state}")
    if row.pool_state == HIBERNATED and not _hibernates(context, group):
        raise ValidationError(
            "Instances of the group cannot hibernate: give its launch template HibernationOptions with Configured true"
        )


def _hibernates(context: Context, group: AutoScalingGroup) -> bool:
    template = context.store.get(LaunchTemplate, group.launch_template_id)
    if template is None:
        return False
    options = version_of(template, group.launch_template_version).data.get("HibernationOptions", {})
    return bool(options.get("Configured", False))
