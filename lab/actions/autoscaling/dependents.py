"""What belongs to a policy or a group, and goes with it."""

from lab.actions.autoscaling.decisions import forget
from lab.actions.cloudwatch.alarms import delete_alarm
from lab.actions.context import Context
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.autoscaling.predictive import Forecast
from lab.core.autoscaling.refreshes import InstanceRefresh
from lab.core.autoscaling.scheduled import ScheduledAction
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.cloudwatch.model import MetricAlarm


def drop_dependents(context: Context, group_name: str) -> None:
    """A group's policies, scheduled actions, decisions, instance refreshes and warm pool."""
    for policy in context.store.where(ScalingPolicy, "group", group_name):
        drop_belongings(context, policy)
        context.store.delete(ScalingPolicy, policy.arn)
    for action in context.store.where(ScheduledAction, "group", group_name):
        context.store.delete(ScheduledAction, action.key)
    for refresh in context.store.where(InstanceRefresh, "group", group_name):
        context.store.delete(InstanceRefresh, refresh.key)
    context.store.delete(WarmPool, group_name)
    forget(context.store, group_name)


def drop_belongings(context: Context, policy: ScalingPolicy) -> None:
    """The alarms that came with the policy, and its forecast."""
    for name in policy.alarm_names:
        alarm = context.store.get(MetricAlarm, name)
        if alarm is not None:
            delete_alarm(context, alarm)
    context.store.delete(Forecast, policy.arn)
