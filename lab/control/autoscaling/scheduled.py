"""Runs scheduled actions that are due (aws-facts §4.4).

A group's actions run in the order of their times. What came due while nobody looked (the control plane was down, or the lab's
time is fast) runs late, once. What comes due while the process ScheduledActions is suspended is lost, with a record.
"""

import logging
from dataclasses import replace

from lab.actions.autoscaling.decisions import record
from lab.actions.autoscaling.scheduled import following
from lab.control.world import World
from lab.core.autoscaling import causes
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.scheduled import ScheduledAction, decision, lost, resized

log = logging.getLogger("lab.control")


class ScheduledActions:
    def __init__(self, world: World) -> None:
        self._world = world

    def look(self, now: float) -> None:
        store = self._world.store
        due = sorted(
            (action for action in store.all(ScheduledAction) if action.next_at <= now), key=lambda one: one.next_at
        )
        for action in due:
            with store.transaction():
                self._run(action, now)

    def _run(self, action: ScheduledAction, now: float) -> None:
        store = self._world.store
        group = store.get(AutoScalingGroup, action.group)
        if group is not None:
            self._resize(action, group, now)
        again = following(action, now)
        if group is None or again is None:
            store.delete(ScheduledAction, action.key)
        else:
            store.put(replace(action, next_at=again))

    def _resize(self, action: ScheduledAction, group: AutoScalingGroup, now: float) -> None:
        store, identity = self._world.store, self._world.new_id("uuid")
        if not group.runs("ScheduledActions"):
            record(store, lost(action, group, now, identity))
            return
        sizes = resized(action, group)
        made = decision(action, group, sizes, now, identity)
        record(store, made)
        log.info("%s: scheduled action %s: %s", group.name, action.name, made.reason)
        after = replace(group, min_size=sizes.min_size, max_size=sizes.max_size, desired_capacity=sizes.desired)
        if sizes.desired != group.desired_capacity:
            cause = causes.schedule_ran(now, sizes.min_size, sizes.max_size, group.desired_capacity, sizes.desired)
            after = replace(after, capacity_cause=cause)
        store.put(after)
