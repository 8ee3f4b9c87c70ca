"""Looks at each group and takes the steps that are due.

Deciding and acting meet in rows: a policy changes the desired capacity, with its reason, in one transaction; the next look
at the group finds the difference and launches or terminates. Any crash in between is just a pause.
"""

from collections.abc import Callable
from dataclasses import replace

from lab.actions.autoscaling.groups import members_of
from lab.actions.autoscaling.members import register
from lab.control.autoscaling.act import take
from lab.control.autoscaling.refreshes import advance
from lab.control.autoscaling.warm import forget_empty
from lab.control.world import World
from lab.core.autoscaling.model import IN_SERVICE, Activity, AutoScalingGroup, Member
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.refreshes import InstanceRefresh
from lab.core.autoscaling.view import MemberView
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Registration

ACTIVITIES_KEPT = 42 * 86400.0
"""Lab seconds: AWS keeps six weeks of activities and of instance refreshes."""


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
        views = [self._view(member, now) for member in members]
        guidance = advance(context, group, views)
        due = plan(guidance.group, views, now, guidance.demand, guidance.pool)
        for step in due:
            take(context, group.name, step)
        registered = self._register_missing(group.name, now)
        ended = forget_empty(context, group.name)
        return bool(due) or registered or guidance.moved or ended

    def _view(self, member: Member, now: float) -> MemberView:
        instance = self._world.store.get(Instance, member.instance_id)
        registrations = self._world.store.where(Registration, "target_id", member.instance_id)
        return MemberView(
            member=member,
            instance_state=instance.state if instance else "",
            state_reason=instance.state_reason_message if instance else "",
            targets=tuple((row.target_group_arn, self._world.health(row.key, now).state) for row in registrations),
            drained=member.state != IN_SERVICE and self._drained(member.instance_id, now),
        )

    def _register_missing(self, group_name: str, now: float) -> bool:
        """A target group that was attached later gets the members in service as targets."""
        store, context = self._world.store, self._world.context(now)
        group = store.get(AutoScalingGroup, group_name)
        changed = False
        for member in members_of(context, group_name):
            instance = store.get(Instance, member.instance_id)
            if group is None or member.state != IN_SERVICE or instance is None or instance.state != "running":
                continue
            missing = [arn for arn in group.target_group_arns if arn not in member.target_groups]
            if missing:
                register(context, member, missing)
                store.put(replace(member, target_groups=group.target_group_arns))
                changed = True
        return changed

    def _prune(self, now: float) -> None:
        store = self._world.store
        with store.transaction():
            for activity in store.all(Activity):
                if activity.end_time is not None and now - activity.end_time > ACTIVITIES_KEPT:
                    store.delete(Activity, activity.key)
            for refresh in store.all(InstanceRefresh):
                if refresh.end_time is not None and now - refresh.end_time > ACTIVITIES_KEPT:
                    store.delete(InstanceRefresh, refresh.key)
