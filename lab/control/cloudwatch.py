"""CloudWatch at work: samples CPU, evaluates alarms, invokes their actions."""

import logging
from collections.abc import Callable
from dataclasses import replace

from lab.actions.cloudwatch import record
from lab.control.autoscaling import is_warm
from lab.control.world import World
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.target_tracking import default_warmup, group_dimensions
from lab.core.cloudwatch.alarms import Datapoint, evaluate, evaluation_range, is_due
from lab.core.cloudwatch.model import ALARM, Metric, MetricAlarm, dimensions
from lab.core.compute import CpuSample
from lab.core.ec2.catalogue import INSTANCE_TYPES
from lab.core.ec2.model import Instance
from lab.core.rds.model import DBInstance

log = logging.getLogger("lab.control")

MINUTE = 60.0
BASIC_MONITORING = 300.0
REPEAT = 60.0
"""Lab seconds after which Auto Scaling's actions are invoked again while the alarm lasts (cw:alarm-actions)."""
DATABASE_VCPUS = 1.0

OnAlarm = Callable[[MetricAlarm, str, float], None]


class CpuSampler:
    """AWS/EC2 CPUUtilization, once a lab minute with detailed monitoring, every five without; and that of databases.

    Utilisation is the share of the machine's own allowance. What a sample covers is stamped in its middle, so that it falls
    into the minute it was measured in. The first look at a machine gives no datum: there is nothing to compare it with.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: dict[str, tuple[CpuSample, float]] = {}

    def due(self, now: float, last: float) -> bool:
        """Whether a minute has begun between `last` and `now`."""
        return now // MINUTE > last // MINUTE

    async def sample(self, now: float) -> None:
        """Measure. Raises Unavailable when the outside does not answer."""
        store = self._world.store
        running = {row.instance_id: row for row in store.all(Instance) if row.state == "running"}
        databases = {row.machine_id: row for row in store.all(DBInstance) if row.status == "available"}
        samples = await self._world.compute.cpu([*running, *databases])
        self._last = {key: value for key, value in self._last.items() if key in running or key in databases}
        for machine_id, sample in samples.items():
            instance = running.get(machine_id)
            before, at = self._last.get(machine_id, (sample, now))
            period = BASIC_MONITORING if instance is not None and not instance.monitoring else MINUTE
            if before is sample or sample.used < before.used:
                self._last[machine_id] = (sample, now)
                continue
            # A little less than the period: looks are a moment apart from whole minutes.
            if now - at < period - MINUTE / 2:
                continue
            self._last[machine_id] = (sample, now)
            middle = (now + at) / 2
            if instance is not None:
                vcpus = INSTANCE_TYPES[instance.instance_type].vcpus
                self._put_instance(instance, _utilisation(before, sample, vcpus), middle, now)
            else:
                pairs = dimensions({"DBInstanceIdentifier": databases[machine_id].identifier})
                value = _utilisation(before, sample, DATABASE_VCPUS)
                self._world.metrics.put(Metric("AWS/RDS", "CPUUtilization", pairs), value, middle)

    def _put_instance(self, instance: Instance, value: float, timestamp: float, now: float) -> None:
        metrics, store = self._world.metrics, self._world.store
        pairs = dimensions({"InstanceId": instance.instance_id})
        metrics.put(Metric("AWS/EC2", "CPUUtilization", pairs), value, timestamp)
        member = store.get(Member, instance.instance_id)
        group = None if member is None else store.get(AutoScalingGroup, member.group)
        # Instances that are warming up do not count in the group's own metrics (asg:ec2-auto-scaling-default-instance-warmup).
        if member is None or group is None or member.state != IN_SERVICE:
            return
        if is_warm(member, default_warmup(group), now):
            metrics.put(Metric("AWS/EC2", "CPUUtilization", group_dimensions(group.name)), value, timestamp)


def _utilisation(before: CpuSample, after: CpuSample, vcpus: float) -> float:
    """Percent of the allowance, 0 to 100."""
    elapsed = after.read_at - before.read_at
    if elapsed <= 0:
        return 0.0
    return min(100.0, 100.0 * (after.used - before.used) / (elapsed * vcpus))


class Alarms:
    """`on_alarm(alarm, action, now)` carries out one action, inside the transaction that changes the alarm."""

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
