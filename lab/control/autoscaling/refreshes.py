"""Instance refreshes at work: one look at a group's refresh, before the look at the group itself and in its transaction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.actions.cloudwatch.alarms import find_alarm
from lab.actions.context import Context
from lab.actions.ec2.launch_templates import version_of
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.needs import Demand
from lab.core.autoscaling.refresh import turn
from lab.core.autoscaling.refreshes import SUCCESSFUL, InstanceRefresh, Wanted, active_refresh, launching
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.warm_pool import Pool, WarmPool
from lab.core.ec2.model import LaunchTemplate
from lab.core.errors import LabError

log = logging.getLogger("lab.control")


@dataclass(frozen=True, slots=True)
class Guidance:
    """How a group is to be looked at: with the launch template it launches from, with what its refresh wants of it and of its
    warm pool. `moved` tells that the refresh has changed."""

    group: AutoScalingGroup
    pool: Pool
    demand: Demand | None = None
    moved: bool = False


def advance(context: Context, group: AutoScalingGroup, views: Sequence[MemberView]) -> Guidance:
    """One look at the group's refresh, if it has one. One that succeeds saves its desired configuration on the group."""
    refresh, row = active_refresh(context.store, group.name), context.store.get(WarmPool, group.name)
    if refresh is None:
        return Guidance(group, Pool(row))
    wanted, alarms = _wanted(context, launching(group, refresh)), _alarms(context, refresh)
    asked = turn(refresh, group, views, wanted, alarms, context.now, row)
    pool = Pool(row, frozenset(asked.stale), asked.leaving)
    after = asked.refresh
    if after == refresh:
        return Guidance(launching(group, refresh), pool, asked.demand)
    context.store.put(after)
    if after.status != refresh.status:
        log.info("%s: instance refresh %s is %s %s", group.name, after.refresh_id, after.status, after.status_reason)
    if after.status == SUCCESSFUL:
        group = launching(group, refresh)
        context.store.put(group)
    return Guidance(launching(group, after), pool, asked.demand, moved=True)


def _wanted(context: Context, group: AutoScalingGroup) -> Wanted | None:
    template = context.store.get(LaunchTemplate, group.launch_template_id)
    if template is None:
        return None
    try:
        return template.launch_template_id, version_of(template, group.launch_template_version).number
    except LabError:
        return None


def _alarms(context: Context, refresh: InstanceRefresh) -> Mapping[str, str]:
    found = [find_alarm(context.store, name) for name in refresh.preferences.alarms]
    return {alarm.name: alarm.state for alarm in found if alarm is not None}
