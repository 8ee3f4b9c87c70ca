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
from lab.core.autoscaling.quiet import quiet_until
from lab.core.autoscaling.refreshes import InstanceRefresh, active_refresh
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Registration
from lab.core.elbv2.report import NodeReport

ACTIVITIES_KEPT = 42 * 86400.0
"""Lab seconds: AWS keeps six weeks of activities and of instance refreshes."""
PRUNED_EVERY = 3600.0


class Groups:
    """`drained` tells whether an instance gets no request any more.

    Groups at rest are passed over: `_rest_until` has the lab time until which a group needs no look unless a row or a report
    is about it. It is a convenience: a new control plane knows of none, and looks at them all.
    """

    def __init__(self, world: World, drained: Callable[[str, float], bool]) -> None:
        self._world = world
        self._drained = drained
        self._rest_until: dict[str, float] = {}
        self._pruned_at = 0.0
        self._changes = world.store.watch(
            {
                AutoScalingGroup: "name",
                Member: "group",
                InstanceRefresh: "group",
                WarmPool: "group",
                Instance: "instance_id",
                Registration: "target_id",
            }
        )

    def hear(self, before: NodeReport | None, report: NodeReport) -> None:
        """A node's report after another: groups whose targets it says something new of are looked at."""
        old = {} if before is None else {(row.target_group_arn, row.id, row.port): row for row in before.targets}
        for row in report.targets:
            known = old.get((row.target_group_arn, row.id, row.port))
            if known is None or (known.state, known.in_flight == 0) != (row.state, row.in_flight == 0):
                self._wake_member(row.id)

    def look(self, now: float) -> bool:
        """Take every step that is due in every group; True when there was any."""
        self._wake_changed()
        took = False
        for group in self._world.store.all(AutoScalingGroup):
            if now < self._rest_until.get(group.name, now):
                continue
            with self._world.store.transaction():
                took |= self._look_at(group, now)
        self._prune(now)
        return took

    def _wake_changed(self) -> None:
        for kind, subject in self._changes.take():
            if kind in (Instance, Registration):
                self._wake_member(str(subject))
            else:
                self._rest_until.pop(str(subject), None)

    def _wake_member(self, instance_id: str) -> None:
        member = self._world.store.get(Member, instance_id)
        if member is not None:
            self._rest_until.pop(member.group, None)

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
        moved = bool(due) or registered or guidance.moved or ended
        if not (moved or guidance.pool.row is not None or active_refresh(context.store, group.name) is not None):
            self._rest_until[group.name] = quiet_until(group, views, now)
        return moved

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
        if now - self._pruned_at < PRUNED_EVERY:
            return
        self._pruned_at = now
        store = self._world.store
        with store.transaction():
            for activity in store.all(Activity):
                if activity.end_time is not None and now - activity.end_time > ACTIVITIES_KEPT:
                    store.delete(Activity, activity.key)
            for refresh in store.all(InstanceRefresh):
                if refresh.end_time is not None and now - refresh.end_time > ACTIVITIES_KEPT:
                    store.delete(InstanceRefresh, refresh.key)
