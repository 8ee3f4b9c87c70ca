"""Evaluates alarms and invokes their actions."""

import logging
from collections.abc import Callable
from dataclasses import replace

from lab.actions.cloudwatch.alarms import record
from lab.control.world import World
from lab.core.cloudwatch.alarms import Datapoint, evaluate, evaluation_range, is_due
from lab.core.cloudwatch.model import ALARM, MetricAlarm

log = logging.getLogger("lab.control")

REPEAT = 60.0
"""Lab seconds after which Auto Scaling's actions are invoked again while the alarm lasts (cw:alarm-actions)."""

OnAlarm = Callable[[MetricAlarm, str, float], str]


class Alarms:
    """`on_alarm(alarm, action, now)` carries out one action, inside the transaction that changes the alarm, and answers why it
    failed, "" when it did not."""

    def __init__(self, world: World, on_alarm: OnAlarm) -> None:
        self._world = world
        self._on_alarm = on_alarm

    def evaluate(self, now: float) -> None:
        for found in self._world.store.all(MetricAlarm):
            with self._world.store.transaction():
                # An alarm that was set to ALARM by hand acts before the next evaluation may change its state.
                by_hand = found.state == ALARM and found.acted_at is None and found.actions_enabled and found.actions
                alarm = self._act(found, now) if by_hand else found
                if is_due(alarm, now):
                    self._evaluate(alarm, now)

    def _evaluate(self, alarm: MetricAlarm, now: float) -> None:
        points = []
        for start in evaluation_range(alarm, now):
            found = self._world.metrics.statistics(alarm.metric, start, alarm.period)
            # What was measured before the alarm was made counts too, as on AWS.
            points.append(Datapoint(start, None if found is None else found.get(alarm.statistic)))
        after = evaluate(alarm, points, now)
        if after.state != alarm.state:
            log.info("alarm %s: %s → %s: %s", alarm.name, alarm.state, after.state, after.state_reason)
            context = self._world.context(now)
            summary = f"Alarm updated from {alarm.state} to {after.state}"
            record(context, alarm.name, "StateUpdate", summary, after.state_reason)
        repeats = after.state == ALARM and after.acted_at is not None and now - after.acted_at >= REPEAT - 1
        acts = after.actions_enabled and after.actions and (after.acted_at is None or repeats)
        if acts and (after.state != alarm.state or after.state == ALARM):
            after = self._act(after, now)
        self._world.store.put(after)

    def _act(self, alarm: MetricAlarm, now: float) -> MetricAlarm:
        """Invoke the actions of the alarm's state."""
        acted = replace(alarm, acted_at=now)
        self._world.store.put(acted)
        for action in acted.actions:
            self._on_alarm(acted, action, now)
        return acted
