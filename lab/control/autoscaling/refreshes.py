"""Instance refreshes at work: one look at a group's refresh, before the look at the group itself and in its transaction."""

import logging
from collections.abc import Mapping, Sequence

from lab.actions.context import Context
from lab.actions.ec2.launch_templates import version_of
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.needs import Demand
from lab.core.autoscaling.refresh import turn
from lab.core.autoscaling.refreshes import SUCCESSFUL, InstanceRefresh, Wanted, active_refresh, launching
from lab.core.autoscaling.view import MemberView
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.ec2.model import LaunchTemplate
from lab.core.errors import LabError

log = logging.getLogger("lab.control")


def advance(
    context: Context, group: AutoScalingGroup, views: Sequence[MemberView]
) -> tuple[AutoScalingGroup, Demand | None, bool]:
    """The group as it is to be looked at, what the refresh wants of it, and whether the refresh has moved. One that succeeds
    saves its desired configuration on the group."""
    refresh = active_refresh(context.store, group.name)
    if refresh is None:
        return group, None, False
    asked = turn(
        refresh, group, views, _wanted(context, launching(group, refresh)), _alarms(context, refresh), context.now
    )
    after = asked.refresh
    if after == refresh:
        return launching(group, refresh), asked.demand, False
    context.store.put(after)
    if after.status != refresh.status:
        log.info("%s: instance refresh %s is %s %s", group.name, after.refresh_id, after.status, after.status_reason)
    if after.status == SUCCESSFUL:
        group = launching(group, refresh)
        context.store.put(group)
    return launching(group, after), asked.demand, True


def _wanted(context: Context, group: AutoScalingGroup) -> Wanted | None:
    template = context.store.get(LaunchTemplate, group.launch_template_id)
    if template is None:
        return None
    try:
        return template.launch_template_id, version_of(template, group.launch_template_version).number
    except LabError:
        return None


def _alarms(context: Context, refresh: InstanceRefresh) -> Mapping[str, str]:
    found = [context.store.get(MetricAlarm, name) for name in refresh.preferences.alarms]
    return {alarm.name: alarm.state for alarm in found if alarm is not None}
