"""Carries out the steps that concern the warm pool: instances are stopped and started for it, and members change sides."""

import logging

from lab.actions.autoscaling.groups import members_of
from lab.actions.autoscaling.members import deregister, put
from lab.actions.context import Context
from lab.actions.ec2.power import start, stop
from lab.core.autoscaling import steps, warm_activities
from lab.core.autoscaling.activities import succeeded
from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.warm_pool import HIBERNATED, RESTS_AS, RUNNING, STOPPED, WarmPool
from lab.core.ec2.model import Instance

log = logging.getLogger("lab.control")


def park(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Park) -> None:
    """One that cannot hibernate is stopped instead (asg:ec2-auto-scaling-warm-pools)."""
    instance, pool = context.store.get(Instance, member.instance_id), context.store.get(WarmPool, group.name)
    if instance is None or pool is None:
        return
    rests = member.state in RESTS_AS
    if pool.pool_state == RUNNING and not rests:
        put(context, warm_activities.at_rest(member, activity, RUNNING, context.now))
        log.info("%s: %s is %s in the warm pool", group.name, member.instance_id, RUNNING)
        return
    stop(context, instance, hibernate=pool.pool_state == HIBERNATED and instance.hibernation)
    if not rests:
        put(context, warm_activities.parked(member, activity))


def store(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Store) -> None:
    instance = context.store.get(Instance, member.instance_id)
    state = HIBERNATED if instance is not None and instance.hibernated else STOPPED
    put(context, warm_activities.at_rest(member, activity, state, context.now))
    log.info("%s: %s is %s in the warm pool", group.name, member.instance_id, state)


def take(context: Context, group: AutoScalingGroup, step: steps.Launch) -> None:
    """Out of the pool and into the group: its instance starts where it was stopped."""
    member, instance = context.store.get(Member, step.warm), context.store.get(Instance, step.warm)
    if member is None or instance is None:
        return
    start(context, instance)
    put(context, warm_activities.taken(member, group, step, context.new_id("uuid"), context.now))
    predecessor = context.store.get(Member, step.replaces)
    if predecessor is not None:
        context.store.put(succeeded(predecessor, step))
    log.info("%s: taking %s from the warm pool: %s", group.name, member.instance_id, step.cause)


def give_back(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.ReturnToPool
) -> None:
    put(context, warm_activities.returning(member, group, step, context.new_id("uuid"), context.now))
    deregister(context, member.instance_id)
    log.info("%s: returning %s to the warm pool: %s", group.name, member.instance_id, step.cause)


def forget_empty(context: Context, group_name: str) -> bool:
    """A pool that is being deleted goes with its last instance; whether it went."""
    pool = context.store.get(WarmPool, group_name)
    if pool is None or not pool.deleting or any(is_in_pool(one) for one in members_of(context, group_name)):
        return False
    context.store.delete(WarmPool, group_name)
    return True
