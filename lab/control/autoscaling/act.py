"""Carries out the steps of a look at a group: each is a change of rows. Machines follow by `lab.control.machines`."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from lab.actions.autoscaling.members import begin_termination, deregister, put, register
from lab.actions.context import Context
from lab.actions.ec2 import instances as ec2
from lab.actions.ec2.common import free_addresses
from lab.actions.ec2.launch_templates import version_of
from lab.control.autoscaling import warm
from lab.core.autoscaling import activities, excursions, hooks, processes, steps, traffic, zones
from lab.core.autoscaling.capacity import backoff
from lab.core.autoscaling.lifecycle import Event, moved
from lab.core.autoscaling.model import PENDING, UNHEALTHY, WARMED_PENDING, Activity, AutoScalingGroup, Member
from lab.core.autoscaling.refreshes import active_refresh, launching
from lab.core.ec2.capacity import INSUFFICIENT_CAPACITY
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.ec2.power import USER_SHUTDOWN
from lab.core.errors import LabError

log = logging.getLogger("lab.control")

GROUP_TAG = "aws:autoscaling:groupName"


def take(context: Context, group_name: str, step: steps.Step) -> None:
    """One step; those before it may have changed the rows it is about."""
    group = context.store.get(AutoScalingGroup, group_name)
    if group is None:
        return
    if isinstance(step, steps.OfMember):
        member = context.store.get(Member, step.instance_id)
        activity = None if member is None else context.store.get(Activity, member.activity_id)
        if member is not None and activity is not None:
            _OF_MEMBER[type(step)](context, group, member, activity, step)
        return
    match step:
        case steps.Launch() if step.warm:
            warm.take(context, group, step)
        case steps.Launch():
            launch(context, group, step)
        case steps.MoveTrafficSource():
            context.store.put(replace(group, traffic_states=traffic.moved(group, step)))
        case steps.ScaleInBlocked():
            context.store.put(activities.blocked(group, step.cause, context.new_id("uuid"), context.now))
            context.store.put(replace(group, blocked_cause=group.capacity_cause))
        case steps.SuspendLaunch():
            reason = processes.administratively(context.now)
            context.store.put(replace(group, suspended_processes=(*group.suspended_processes, ("Launch", reason))))
            log.warning("%s: %s", group.name, reason)


# ── Launching ─────────────────────────────────────────────────────────────────────────────────────────────────────


def launch(context: Context, group: AutoScalingGroup, step: steps.Launch) -> None:
    """An instance and its member, or an activity that says why not."""
    refresh = active_refresh(context.store, group.name)
    source = launching(group, refresh)
    subnet_id, activity_id = _subnet(context, group, step.zone), context.new_id("uuid")
    template = context.store.get(LaunchTemplate, source.launch_template_id)
    tags = {tag.key: tag.value for tag in group.tags if tag.propagate_at_launch}
    try:
        if template is None:
            raise LabError("ValidationError", f"The launch template {source.launch_template_id} does not exist")
        version = version_of(template, source.launch_template_version)
        instance = ec2.launch(context, template, version, subnet_id, {**tags, GROUP_TAG: group.name})
    except LabError as error:
        place = (subnet_id, step.zone)
        refusal = activities.launch_refused(group, place, step.cause, error.message, activity_id, context.now)
        context.store.put(refusal)
        hold_back(context, group)
        log.warning("%s: cannot launch in %s: %s", group.name, step.zone, error.message)
        return
    member = Member(
        instance_id=instance.instance_id,
        group=group.name,
        zone=step.zone,
        launch_template_id=source.launch_template_id,
        launch_template_version=version.number,
        launched_at=context.now,
        activity_id=activity_id,
        state=WARMED_PENDING if step.pooled else PENDING,
        protected=group.new_instances_protected and not step.pooled,
        replaces=step.replaces if step.leaving_cause else "",
        refresh=refresh.mark if refresh is not None else "",
    )
    put(context, (member, activities.launched(member, group, subnet_id, step.cause, context.now)))
    predecessor = context.store.get(Member, step.replaces)
    if predecessor is not None:
        context.store.put(activities.succeeded(predecessor, step))
    log.info("%s: launching %s in %s: %s", group.name, instance.instance_id, step.zone, step.cause)


def hold_back(context: Context, group: AutoScalingGroup) -> None:
    """After a launch that failed: the next one waits. What was launched together and fails together is one failure."""
    if context.now < group.launch_not_before:
        return
    failures = group.launch_failures + 1
    context.store.put(
        replace(
            group,
            launch_failures=failures,
            launch_not_before=context.now + backoff(failures),
            launch_failing_since=_first(group, context.now),
        )
    )


def hold_zone(context: Context, group: AutoScalingGroup, zone: str) -> None:
    """After a launch that the zone had no room for: other zones may do."""
    holds = zones.failed(group.zone_holds, zone, context.now)
    context.store.put(replace(group, zone_holds=holds, launch_failing_since=_first(group, context.now)))


def _first(group: AutoScalingGroup, now: float) -> float:
    return now if group.launch_failing_since is None else group.launch_failing_since


def _subnet(context: Context, group: AutoScalingGroup, zone: str) -> str:
    """Of the group's subnets in the zone, the one with the most room (asg:auto-scaling-benefits)."""
    candidates = [subnet_id for subnet_id, place in group.subnets if place == zone]
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda subnet_id: free_addresses(context.store, subnet_id))


# ── Members ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _wait(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.WaitForHooks
) -> None:
    begun = [hooks.begun(hook, context.new_id("uuid"), context.now) for hook in group.hooks(step.transition)]
    put(context, activities.waiting(member, activity, begun))
    log.info("%s: %s waits for %s", group.name, member.instance_id, ", ".join(one.hook for one in begun))


def _proceed(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Proceed
) -> None:
    put(context, activities.proceeding(member, activity))


def _retain(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Retain) -> None:
    put(context, activities.retained(member, activity, context.now))


def _enter_service(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.EnterService
) -> None:
    member, activity = activities.entered_service(member, activity, context.now)
    instance = context.store.get(Instance, member.instance_id)
    runs = instance is not None and instance.state == "running"
    if runs and group.runs("AddToLoadBalancer"):
        register(context, member, group.target_group_arns)
    put(context, (replace(member, target_groups=group.target_group_arns), activity))
    if runs:
        context.store.put(
            replace(
                group,
                launch_failures=0,
                launch_not_before=0.0,
                launch_failing_since=None,
                zone_holds=zones.succeeded(group.zone_holds, member.zone),
            )
        )
    log.info("%s: %s is InService", group.name, member.instance_id)


def _launch_failed(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.LaunchFailed
) -> None:
    instance = context.store.get(Instance, member.instance_id)
    if instance is not None:
        ec2.begin_termination(context, instance, "", "")
    deregister(context, member.instance_id)
    context.store.delete(Member, member.instance_id)
    context.store.put(activities.launch_failed(activity, step, context.now))
    if instance is not None and instance.state_reason_code == INSUFFICIENT_CAPACITY:
        hold_zone(context, group, member.zone)
    else:
        hold_back(context, group)
    log.warning("%s: launching %s failed: %s", group.name, member.instance_id, step.why)


def _rest(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Rest) -> None:
    put(context, excursions.resting(member, activity, context.now))


def _leave(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Leave) -> None:
    """Out of the group; the instance runs on, without the group's tag."""
    instance = context.store.get(Instance, member.instance_id)
    if instance is not None:
        tags = {key: value for key, value in instance.tags.items() if key != GROUP_TAG}
        context.store.put(replace(instance, tags=tags))
    moved(member, Event.END)
    context.store.delete(Member, member.instance_id)
    context.store.put(excursions.detached(activity, context.now))


def _mark(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.MarkUnhealthy
) -> None:
    context.store.put(replace(member, health=UNHEALTHY, unhealthy_cause=step.cause))


def _begin_termination(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.BeginTermination
) -> None:
    begin_termination(context, member, group, step)
    log.info("%s: terminating %s: %s", group.name, member.instance_id, step.cause)


def _terminate(
    context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.TerminateInstance
) -> None:
    instance = context.store.get(Instance, member.instance_id)
    if instance is not None:
        ec2.begin_termination(context, instance, *USER_SHUTDOWN)
    context.store.put(activities.drained(activity))


def _forget(context: Context, group: AutoScalingGroup, member: Member, activity: Activity, step: steps.Forget) -> None:
    moved(member, Event.END)
    context.store.delete(Member, member.instance_id)
    context.store.put(activities.terminated(activity, context.now))


_OF_MEMBER: Mapping[type, Callable[..., None]] = {
    steps.WaitForHooks: _wait,
    steps.Proceed: _proceed,
    steps.Retain: _retain,
    steps.EnterService: _enter_service,
    steps.LaunchFailed: _launch_failed,
    steps.Rest: _rest,
    steps.Leave: _leave,
    steps.MarkUnhealthy: _mark,
    steps.BeginTermination: _begin_termination,
    steps.TerminateInstance: _terminate,
    steps.Forget: _forget,
    steps.Park: warm.park,
    steps.Store: warm.store,
    steps.ReturnToPool: warm.give_back,
}
