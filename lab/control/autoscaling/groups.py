"""Looks at each group and takes the steps that are due.

Deciding and acting meet in rows: a policy changes the desired capacity, with its reason, in one transaction; the next look
at the group finds the difference and launches or terminates. Any crash in between is just a pause.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from lab.actions.autoscaling.groups import members_of
from lab.actions.autoscaling.instances import begin_termination
from lab.actions.context import Context
from lab.actions.ec2 import instances as ec2
from lab.actions.ec2.launch_templates import version_of
from lab.actions.elbv2.targets import register_targets
from lab.control.world import World
from lab.core.autoscaling import lifecycle
from lab.core.autoscaling import plan as planning
from lab.core.autoscaling.model import IN_SERVICE, Activity, AutoScalingGroup, Member
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.elbv2.model import Registration, TargetGroup
from lab.core.errors import LabError

log = logging.getLogger("lab.control")

ACTIVITIES_KEPT = 42 * 86400.0
"""Lab seconds: AWS keeps six weeks of activities."""


class Groups:
    """`drained` tells whether an instance gets no request any more."""

    def __init__(self, world: World, drained: Callable[[str, float], bool]) -> None:
        self._world = world
        self._drained = drained

    def look(self, now: float) -> bool:
        """Take every step that is due in every group; True when there was any."""
        took = False
        for group in self._world.store.all(AutoScalingGroup):
            with self._world.store.transaction():
                took |= self._look_at(group, now)
        self._prune(now)
        return took

    def _look_at(self, group: AutoScalingGroup, now: float) -> bool:
        context = self._world.context(now)
        members = members_of(context, group.name)
        if group.deleting and not members:
            context.store.delete(AutoScalingGroup, group.name)
            return True
        steps = planning.plan(group, [self._view(member, now) for member in members], now)
        for step in steps:
            self._take(context, group.name, step)
        registered = self._register_missing(context, group.name)
        return bool(steps) or registered

    def _view(self, member: Member, now: float) -> planning.MemberView:
        instance = self._world.store.get(Instance, member.instance_id)
        registrations = self._world.store.where(Registration, "target_id", member.instance_id)
        return planning.MemberView(
            member=member,
            instance_state=instance.state if instance else "",
            state_reason=instance.state_reason_message if instance else "",
            target_states=tuple(self._world.health(row.key, now).state for row in registrations),
            drained=member.state != IN_SERVICE and self._drained(member.instance_id, now),
        )

    def _take(self, context: Context, group_name: str, step: planning.Step) -> None:
        store, now = context.store, context.now
        group = store.get(AutoScalingGroup, group_name)
        if group is None:
            return
        if isinstance(step, planning.Launch):
            self._launch(context, group, step)
            return
        member = store.get(Member, step.instance_id)
        activity = None if member is None else store.get(Activity, member.activity_id)
        if member is None or activity is None:
            return
        instance = store.get(Instance, member.instance_id)
        match step:
            case planning.EnterService():
                member, activity = lifecycle.entered_service(member, activity, now)
                store.put(member)
                store.put(activity)
                store.put(replace(group, launch_failures=0, launch_not_before=0.0))
                log.info("%s: %s is InService", group.name, member.instance_id)
            case planning.LaunchFailed(why=why):
                if instance is not None:
                    ec2.begin_termination(context, instance, "", "")
                store.delete(Member, member.instance_id)
                store.put(lifecycle.launch_failed(activity, why or "the instance is no more", now))
                self._hold_back(context, group)
                log.warning("%s: launching %s failed: %s", group.name, member.instance_id, why)
            case planning.BeginTermination():
                replaced = not step.unhealthy
                begin_termination(context, member, group, step.cause, replaced=replaced)
                if step.dead and instance is not None:
                    ec2.begin_termination(context, instance, "", "")
                log.info("%s: terminating %s: %s", group.name, member.instance_id, step.cause)
            case planning.TerminateInstance():
                if instance is not None:
                    ec2.begin_termination(context, instance, "Client.UserInitiatedShutdown", "User initiated shutdown")
                store.put(lifecycle.drained(activity))
            case planning.Forget():
                store.delete(Member, member.instance_id)
                store.put(lifecycle.terminated(activity, now))

    def _launch(self, context: Context, group: AutoScalingGroup, step: planning.Launch) -> None:
        place, activity_id = (step.subnet_id, step.zone), context.new_id("uuid")
        template = context.store.get(LaunchTemplate, group.launch_template_id)
        tags = {tag.key: tag.value for tag in group.tags if tag.propagate_at_launch}
        try:
            if template is None:
                raise LabError("ValidationError", f"The launch template {group.launch_template_id} does not exist")
            version = version_of(template, group.launch_template_version)
            instance = ec2.launch(
                context, template, version, step.subnet_id, {**tags, "aws:autoscaling:groupName": group.name}
            )
        except LabError as error:
            refusal = lifecycle.launch_refused(group, place, step.cause, error.message, activity_id, context.now)
            context.store.put(refusal)
            self._hold_back(context, group)
            log.warning("%s: cannot launch in %s: %s", group.name, step.zone, error.message)
            return
        member, activity = lifecycle.launched(
            instance.instance_id, group, place, version.number, step.cause, activity_id, context.now
        )
        context.store.put(member)
        context.store.put(activity)
        if step.replaces and (predecessor := context.store.get(Member, step.replaces)) is not None:
            context.store.put(replace(predecessor, replaced=True))
        log.info("%s: launching %s in %s: %s", group.name, instance.instance_id, step.zone, step.cause)

    def _hold_back(self, context: Context, group: AutoScalingGroup) -> None:
        current = context.store.get(AutoScalingGroup, group.name) or group
        failures = current.launch_failures + 1
        not_before = context.now + planning.backoff(failures)
        context.store.put(replace(current, launch_failures=failures, launch_not_before=not_before))

    def _register_missing(self, context: Context, group_name: str) -> bool:
        """Every member in service is a target of every target group of the group that there is."""
        group = context.store.get(AutoScalingGroup, group_name)
        changed = False
        for member in members_of(context, group_name):
            instance = context.store.get(Instance, member.instance_id)
            if group is None or member.state != IN_SERVICE or instance is None or instance.state != "running":
                continue
            known = {row.target_group_arn for row in context.store.where(Registration, "target_id", member.instance_id)}
            for arn in group.target_group_arns:
                if arn not in known and context.store.get(TargetGroup, arn) is not None:
                    register_targets(context, {"TargetGroupArn": arn, "Targets": [{"Id": member.instance_id}]})
                    changed = True
        return changed

    def _prune(self, now: float) -> None:
        store = self._world.store
        with store.transaction():
            for activity in store.all(Activity):
                if activity.end_time is not None and now - activity.end_time > ACTIVITIES_KEPT:
                    store.delete(Activity, activity.key)
