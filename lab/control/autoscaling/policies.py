"""Answers alarms: an alarm invokes a policy, and the policy decides a desired capacity. The group follows by itself."""

import logging
from dataclasses import replace

from lab.control.world import World
from lab.core.autoscaling import causes
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.autoscaling.target_tracking import Capacity, decide, warmup
from lab.core.cloudwatch.model import MetricAlarm

log = logging.getLogger("lab.control")

DECISIONS_KEPT = 200


class Policies:
    def __init__(self, world: World) -> None:
        self._world = world

    def on_alarm(self, alarm: MetricAlarm, action: str, now: float) -> str:
        """An alarm invokes a policy: decide, and put the new desired capacity with its reason. Called in the transaction
        that changes the alarm. Empty when the policy was carried out, else why not."""
        store = self._world.store
        policy = store.get(ScalingPolicy, action)
        group = None if policy is None else store.get(AutoScalingGroup, policy.group)
        if policy is None or group is None:
            return "there is no such policy"
        if not policy.enabled:
            return f"policy {policy.name} is disabled"
        if not alarm.recent:
            return "the alarm has no data point to decide on"
        capacity = self._capacity(policy, group, now)
        decision = decide(policy, group, alarm, alarm.recent[-1], capacity, now, self._world.new_id("uuid"))
        store.put(decision)
        self._prune()
        log.info("%s: policy %s: %s", group.name, policy.name, decision.why)
        if decision.desired != group.desired_capacity:
            cause = causes.alarm_triggered(now, alarm.name, policy.name, group.desired_capacity, decision.desired)
            store.put(replace(group, desired_capacity=decision.desired, capacity_cause=cause))
        return ""

    def _prune(self) -> None:
        decisions = self._world.store.all(Decision)
        for decision in decisions[: max(0, len(decisions) - DECISIONS_KEPT)]:
            self._world.store.delete(Decision, decision.key)

    def _capacity(self, policy: ScalingPolicy, group: AutoScalingGroup, now: float) -> Capacity:
        length = warmup(policy, group)
        alive = [
            member
            for member in self._world.store.all(Member)
            if member.group == group.name and member.state in ("Pending", IN_SERVICE)
        ]
        warm = sum(1 for member in alive if is_warm(member, length, now))
        return Capacity(warm, len(alive) - warm)


def is_warm(member: Member, length: float, now: float) -> bool:
    """Whether the member's warm-up, `length` lab seconds from InService, is over."""
    return member.in_service_at is not None and now - member.in_service_at >= length
