"""Measures the CPU of instances and databases."""

import logging

from lab.control.autoscaling.policies import is_warm
from lab.control.world import World
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.target_tracking import default_warmup, group_dimensions
from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.compute import MachineStats
from lab.core.ec2.catalogue import INSTANCE_TYPES
from lab.core.ec2.model import Instance
from lab.core.rds.model import DBInstance

log = logging.getLogger("lab.control")

MINUTE = 60.0
BASIC_MONITORING = 300.0
DATABASE_VCPUS = 1.0


class CpuSampler:
    """AWS/EC2 CPUUtilization, once a lab minute with detailed monitoring, every five without; and that of databases.

    Utilisation is the share of the machine's own allowance. What a sample covers is stamped in its middle, so that it falls
    into the minute it was measured in. The first look at a machine gives no datum: there is nothing to compare it with.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: dict[str, tuple[MachineStats, float]] = {}

    def due(self, now: float, last: float) -> bool:
        """Whether a minute has begun between `last` and `now`."""
        return now // MINUTE > last // MINUTE

    async def sample(self, now: float) -> None:
        """Measure. Raises Unavailable when the outside does not answer."""
        store = self._world.store
        running = {row.instance_id: row for row in store.all(Instance) if row.state == "running"}
        databases = {row.machine_id: row for row in store.all(DBInstance) if row.status == "available"}
        samples = await self._world.compute.stats([*running, *databases])
        self._last = {key: value for key, value in self._last.items() if key in running or key in databases}
        for machine_id, sample in samples.items():
            instance = running.get(machine_id)
            before, at = self._last.get(machine_id, (sample, now))
            period = BASIC_MONITORING if instance is not None and not instance.monitoring else MINUTE
            if before is sample or sample.cpu < before.cpu:
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


def _utilisation(before: MachineStats, after: MachineStats, vcpus: float) -> float:
    """Percent of the allowance, 0 to 100."""
    elapsed = after.read_at - before.read_at
    if elapsed <= 0:
        return 0.0
    return min(100.0, 100.0 * (after.cpu - before.cpu) / (elapsed * vcpus))
