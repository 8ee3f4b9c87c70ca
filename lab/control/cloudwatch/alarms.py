"""Evaluates alarms and invokes their actions.

What must survive is in rows: a new state, its item in the history, the invocation of its actions and `acted_at` are one
transaction, so that a crash loses none of them and repeats none. When an alarm was last evaluated is kept in memory only: an
evaluation looks at whole periods and at nothing else, so the one that a restart adds comes to what the one before it came to,
and an evaluation that changes no state writes nothing. A thousand groups cost no disk while nothing happens.

Auto Scaling's actions are invoked again in each minute in which the state lasts, whichever state it is
(cw:AlarmThatSendsEmail; cw:alarm-actions). The history has an item for the first invocation and for each that came to
something else than the one before: AWS logs no repetition, and an idle night would fill the history.
"""

import json
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from lab.actions.cloudwatch.alarms import find_alarm
from lab.control.world import World
from lab.core.cloudwatch import composite, history
from lab.core.cloudwatch.alarm_actions import is_scaling, not_executed
from lab.core.cloudwatch.alarms import MINUTE, SHORT, datapoints, evaluate, is_due
from lab.core.cloudwatch.model import Alarm, AlarmHistory, ChildStates, CompositeAlarm, MetricAlarm
from lab.core.cloudwatch.rule import children
from lab.core.cloudwatch.rule_parser import parse

log = logging.getLogger("lab.control")

HOUR = 3600.0
A = TypeVar("A", bound=Alarm)

OnAlarm = Callable[[MetricAlarm, str, float], str]
"""Carries out a scaling policy: the alarm with its newest data points in `recent`, the policy's ARN, now. Empty when it was
done, else why not. Called inside the transaction that changes the alarm."""


class Alarms:
    """`_evaluated` are the times of the last evaluations, by name, and `_values` what was seen then. Nothing is due before
    `_next` unless an alarm has changed, which `_revision` tells."""

    def __init__(self, world: World, on_alarm: OnAlarm) -> None:
        self._world = world
        self._on_alarm = on_alarm
        self._evaluated: dict[str, float] = {}
        self._values: dict[str, float | None] = {}
        self._revision = -1
        self._next = -math.inf
        self._pruned_at = -math.inf

    def value(self, name: str) -> float | None:
        """The newest data point a metric alarm was evaluated on; None when there was none, or no evaluation yet."""
        return self._values.get(name)

    def evaluate(self, now: float) -> None:
        store = self._world.store
        if now < self._next and store.revision(MetricAlarm, CompositeAlarm) == self._revision:
            return
        alarms = store.all(MetricAlarm)
        self._forget(alarm.name for alarm in alarms)
        for alarm in alarms:
            # An alarm that was set by hand acts before the next evaluation may change its state.
            current = self._act_by_hand(alarm, now) if alarm.acted_at is None else alarm
            if is_due(current, self._evaluated.get(current.name), now) or _repeats(current, now):
                self._look(current, now)
        self._look_at_composites(now)
        self._prune(now)
        self._next = self._next_look(now)
        self._revision = store.revision(MetricAlarm, CompositeAlarm)

    def _look(self, alarm: MetricAlarm, now: float) -> None:
        after = evaluate(alarm, datapoints(alarm, self._world.metrics.statistics, now), now)
        self._evaluated[alarm.name] = now
        self._values[alarm.name] = after.recent[-1] if after.recent else None
        if after.state != alarm.state:
            with self._world.store.transaction():
                self._transition(alarm, after, now)
                self._act(after, now)
        elif _repeats(after, now):
            with self._world.store.transaction():
                self._act(after, now, again=True)

    def _look_at_composites(self, now: float) -> None:
        """Until none changes: they depend on each other, without circles."""
        changed = True
        while changed:
            changed = False
            for alarm in self._world.store.all(CompositeAlarm):
                changed |= self._look_at_composite(alarm, now)

    def _look_at_composite(self, alarm: CompositeAlarm, now: float) -> bool:
        """Whether the state has changed."""
        after = composite.evaluate(alarm, self._states(alarm), now)
        transitioned, acts = after.state != alarm.state, composite.acts(after)
        if after != alarm or acts:
            with self._world.store.transaction():
                if transitioned:
                    self._transition(alarm, after, now)
                self._world.store.put(after)
                if acts:
                    self._act(after, now)
        return transitioned

    def _states(self, alarm: CompositeAlarm) -> ChildStates:
        names = (*children(parse(alarm.rule)), *([alarm.suppressor] if alarm.suppressor else []))
        found = (find_alarm(self._world.store, name) for name in names)
        return {row.name: (row.state, row.state_updated_at) for row in found if row is not None}

    def _act_by_hand(self, alarm: MetricAlarm, now: float) -> MetricAlarm:
        """The data points are those that SetAlarmState was given, else those of now."""
        recent = _stated(alarm) or evaluate(alarm, datapoints(alarm, self._world.metrics.statistics, now), now).recent
        with self._world.store.transaction():
            return self._act(replace(alarm, recent=recent), now)

    def _transition(self, before: Alarm, after: Alarm, now: float) -> None:
        log.info("alarm %s: %s → %s: %s", after.name, before.state, after.state, after.state_reason)
        self._world.store.put(history.transitioned(self._world.new_id("uuid"), before, after, now))

    def _act(self, alarm: A, now: float, *, again: bool = False) -> A:
        """Invoke the actions of the alarm's state, `again` only those that are repeated; nothing when they are disabled."""
        acted = replace(alarm, acted_at=now)
        self._world.store.put(acted)
        if not acted.actions_enabled:
            return acted
        before = dict(zip(acted.actions, acted.results, strict=False)) if again else {}
        results = dict(before)
        for action in acted.actions:
            if again and not is_scaling(action):
                continue
            results[action] = self._invoke(acted, action, now)
            if results[action] != before.get(action):
                item = history.acted(self._world.new_id("uuid"), acted, action, results[action], now)
                self._world.store.put(item)
        done = replace(acted, results=tuple(results.get(action, "") for action in acted.actions))
        self._world.store.put(done)
        return done

    def _invoke(self, alarm: Alarm, action: str, now: float) -> str:
        if isinstance(alarm, MetricAlarm) and is_scaling(action):
            return self._on_alarm(alarm, action, now)
        return not_executed(action)

    def _forget(self, names: Iterable[str]) -> None:
        """Alarms that are gone."""
        there = set(names)
        for name in [name for name in self._evaluated if name not in there]:
            del self._evaluated[name], self._values[name]

    def _next_look(self, now: float) -> float:
        store = self._world.store
        step = SHORT if any(alarm.period < MINUTE for alarm in store.all(MetricAlarm)) else MINUTE
        waits = [alarm.suppressed_until for alarm in store.all(CompositeAlarm) if alarm.suppressed_until > now]
        return min([(now // step + 1) * step, *waits])

    def _prune(self, now: float) -> None:
        """History that is too old or too long, once an hour."""
        if now - self._pruned_at < HOUR:
            return
        self._pruned_at = now
        store = self._world.store
        items = store.all(AlarmHistory)
        newest = items[max(0, len(items) - history.MOST) :]
        kept = {item.item_id for item in newest if item.timestamp >= now - history.KEPT}
        with store.transaction():
            for item in items:
                if item.item_id not in kept:
                    store.delete(AlarmHistory, item.item_id)


def _repeats(alarm: MetricAlarm, now: float) -> bool:
    """Whether a minute has begun since Auto Scaling's actions of the state were last invoked."""
    if alarm.acted_at is None or not alarm.actions_enabled:
        return False
    return now // MINUTE > alarm.acted_at // MINUTE and any(map(is_scaling, alarm.actions))


def _stated(alarm: MetricAlarm) -> tuple[float, ...]:
    """The data points in the alarm's StateReasonData, which may be anybody's; what is no number is passed over."""
    found = json.loads(alarm.state_reason_data or "{}", parse_int=float).get("recentDatapoints")
    values = found if isinstance(found, list) else []
    return tuple(value for value in values if isinstance(value, float) and math.isfinite(value))
