"""Answers alarms: an alarm invokes a policy, the group's policies are heard together, and the group is given a capacity. The
group follows by itself.

Each invocation is decided from what is the case at that moment: the alarms' newest data, the instances, the rows. So an alarm
that lasts may invoke its policy every minute, and does: what has been asked for is not asked for twice.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator

from lab.actions.autoscaling.decisions import carry_out
from lab.control.world import World
from lab.core.autoscaling import causes, simple, step, target_tracking
from lab.core.autoscaling.available import capacity_of, clamped
from lab.core.autoscaling.combine import Others, decide
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import (
    PREDICTIVE,
    SIMPLE,
    STEP,
    TARGET_TRACKING,
    ScalingPolicy,
    warmup,
)
from lab.core.autoscaling.predictive import DEFAULT_BUFFER, Forecast, floor
from lab.core.autoscaling.wish import Wish, breach_of
from lab.core.cloudwatch.alarms import datapoints, evaluate
from lab.core.cloudwatch.model import ALARM, MetricAlarm

log = logging.getLogger("lab.control")


class Policies:
    def __init__(self, world: World) -> None:
        self._world = world
        self._invoking: tuple[float, dict[str, list[str]]] = (float("-inf"), {})
        """By policy, the names of the alarms that invoke it, and when they were looked up: once in each turn."""

    def on_alarm(self, alarm: MetricAlarm, action: str, now: float) -> str:
        """An alarm invokes a policy: decide, and put the new desired capacity with its reason. Called in the transaction that
        changes the alarm. Answers why the policy could not be carried out, "" when it could."""
        store = self._world.store
        policy = store.get(ScalingPolicy, action)
        group = None if policy is None else store.get(AutoScalingGroup, policy.group)
        if policy is None or group is None:
            return "there is no such policy"
        wish = self._invoked(policy, group, alarm, now)
        others = Others() if wish.held else self._others(policy, group, now)
        outcome = decide(group, wish, others, now, self._world.new_id("uuid"))
        decision, winner = outcome.decision, outcome.winner
        by, to = winner.breach, (group.desired_capacity, decision.desired)
        cause = causes.alarm_triggered(now, by.alarm, by.state, winner.policy.name, *to)
        carry_out(store, group, decision, cause)
        log.info("%s: policy %s: %s", group.name, policy.name, decision.reason)
        return wish.failure

    def _invoked(self, policy: ScalingPolicy, group: AutoScalingGroup, alarm: MetricAlarm, now: float) -> Wish:
        """What the invoked policy wants, or what keeps it from being asked at all."""
        held = ""
        if not policy.enabled:
            held = "the policy is disabled"
        elif not group.runs("AlarmNotification"):
            held = "the process AlarmNotification is suspended"
        if held:
            value = alarm.recent[-1] if alarm.recent else None
            return Wish(policy, breach_of(alarm), value, group.desired_capacity, held=held)
        return self._wish(policy, group, alarm, now)

    def _wish(self, policy: ScalingPolicy, group: AutoScalingGroup, alarm: MetricAlarm, now: float) -> Wish:
        store = self._world.store
        members, breach = store.where(Member, "group", group.name), breach_of(alarm)
        if policy.policy_type == SIMPLE:
            activities = store.where(Activity, "group", group.name)
            held = simple.waits(group, members, activities, simple.cooldown_of(policy, group), now)
            return simple.wish(policy, group, breach, held)
        capacity = capacity_of(members, warmup(policy, group), now)
        if policy.policy_type == STEP:
            return step.wish(policy, group, breach, capacity)
        return target_tracking.wish(policy, group, breach, capacity)

    def _others(self, invoked: ScalingPolicy, group: AutoScalingGroup, now: float) -> Others:
        """What the group's other policies want now, by their own alarms."""
        wishes: list[Wish] = []
        unready: dict[str, str] = {}
        held_up: tuple[str, int] | None = None
        for policy in self._world.store.where(ScalingPolicy, "group", group.name):
            if not policy.enabled or policy.arn == invoked.arn:
                continue
            if policy.policy_type == PREDICTIVE:
                held_up = self._floor(policy, group, now) or held_up
                continue
            alarms = list(self._alarms(policy, now))
            for alarm in alarms:
                if alarm.state == ALARM and alarm.actions_enabled:
                    wish = self._wish(policy, group, alarm, now)
                    if not wish.failure and not (policy.policy_type == SIMPLE and wish.held):
                        wishes.append(wish)
            if policy.policy_type == TARGET_TRACKING:
                unready |= _unready(policy, alarms)
        return Others(wishes, unready, held_up)

    def _alarms(self, policy: ScalingPolicy, now: float) -> Iterator[MetricAlarm]:
        """The alarms that invoke the policy, as an evaluation now finds them: their rows may be of a minute ago."""
        store = self._world.store
        if self._invoking[0] != now:
            by_policy = defaultdict(list)
            for alarm in store.all(MetricAlarm):
                for action in alarm.alarm_actions:
                    by_policy[action].append(alarm.name)
            self._invoking = (now, by_policy)
        for name in self._invoking[1].get(policy.arn, ()):
            found = store.get(MetricAlarm, name)
            if found is not None:
                yield evaluate(found, datapoints(found, self._world.metrics.statistics, now), now)

    def _floor(self, policy: ScalingPolicy, group: AutoScalingGroup, now: float) -> tuple[str, int] | None:
        """The capacity that a predictive policy holds the group to."""
        forecast = self._world.store.get(Forecast, policy.arn)
        if forecast is None or policy.predictive is None or not policy.predictive.scales:
            return None
        buffer = policy.predictive.scheduling_buffer
        hour = floor(forecast.hours, DEFAULT_BUFFER if buffer is None else buffer, now)
        return None if hour is None else (policy.name, clamped(hour.capacity, group))


def _unready(policy: ScalingPolicy, alarms: list[MetricAlarm]) -> dict[str, str]:
    """A target tracking policy that may scale in and is not ready to, with the state of its Low alarm."""
    tracking = policy.target_tracking
    if tracking is None or tracking.disable_scale_in:
        return {}
    low = next((alarm for alarm in alarms if alarm.comparison_operator.startswith("Less")), None)
    if low is not None and low.state == ALARM:
        return {}
    return {policy.name: "gone" if low is None else low.state}
