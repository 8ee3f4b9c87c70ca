"""AWS/EC2: CPU, network traffic and status checks of instances, and of their groups.

CPU and traffic are measured once a lab minute with detailed monitoring, every five without (ec2:using-cloudwatch-new).
Utilisation is the share of the machine's own allowance.

Where the adapter cannot tell a machine's own traffic (processes on one loopback), it is what load balancers sent it and
received from it: all that an instance in a private subnet hears and says, but for its database and its health checks.

Status checks (ec2:monitoring-system-instance-status-check): an instance that hangs fails its own. The system check is about
the host, and passes as long as the engine answers; while it does not, nothing is known and there is no datum.
"""

from collections.abc import Callable, Mapping, Sequence

from lab.control.cloudwatch.batch import Batch
from lab.control.cloudwatch.samples import Pair, Samples, Step, taken, utilisation
from lab.control.world import World
from lab.core.autoscaling.available import default_warmup, is_warm
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.cloudwatch.emitted import EC2
from lab.core.cloudwatch.spread import MINUTE
from lab.core.compute import Machine, MachineState, MachineStats
from lab.core.ec2.catalogue import INSTANCE_TYPES
from lab.core.ec2.model import Instance

BASIC_MONITORING = 300.0


class InstanceMetrics:
    """`relayed` gives the bytes that load balancers sent to and received from an instance."""

    def __init__(self, world: World, samples: Samples, relayed: Callable[[str], Pair]) -> None:
        self._world = world
        self._samples = samples
        self._relayed = relayed

    def sample(
        self, stats: Mapping[str, MachineStats], found: Mapping[str, Machine], now: float, times: Sequence[float]
    ) -> None:
        """`stats` and `found` by machine id; `times` are what is stamped on what holds at one moment."""
        batch = Batch(EC2)
        for instance in self._world.store.where(Instance, "state", "running"):
            facts = self._facts(instance, now)
            machine, used = found.get(instance.instance_id), stats.get(instance.instance_id)
            if machine is not None:
                _add_checks(batch, facts, machine, times)
            if used is None:
                continue
            period = MINUTE if instance.monitoring else BASIC_MONITORING
            bytes_else = self._relayed(instance.instance_id) if used.traffic is None else (0, 0)
            step = self._samples.next(instance.instance_id, taken(used, now, bytes_else), period)
            if step is not None:
                _add_use(batch, facts, instance, step, counts_packets=used.traffic is not None)
        batch.put(self._world.metrics)

    def _facts(self, instance: Instance, now: float) -> dict[str, str]:
        """By image and type only with detailed monitoring, as on AWS. Instances that are warming up do not count in the
        group's own metrics (asg:ec2-auto-scaling-default-instance-warmup)."""
        facts = {"InstanceId": instance.instance_id}
        if instance.monitoring:
            facts |= {"ImageId": instance.image_id, "InstanceType": instance.instance_type}
        store = self._world.store
        member = store.get(Member, instance.instance_id)
        group = None if member is None else store.get(AutoScalingGroup, member.group)
        if member is None or group is None or member.state != IN_SERVICE:
            return facts
        return facts | {"AutoScalingGroupName": group.name} if is_warm(member, default_warmup(group), now) else facts


def _add_checks(batch: Batch, facts: Mapping[str, str], machine: Machine, times: Sequence[float]) -> None:
    failed = float(machine.state is MachineState.PAUSED)
    batch.add("StatusCheckFailed", facts, failed, times)
    batch.add("StatusCheckFailed_Instance", facts, failed, times)
    batch.add("StatusCheckFailed_System", facts, 0.0, times)


def _add_use(batch: Batch, facts: Mapping[str, str], instance: Instance, step: Step, *, counts_packets: bool) -> None:
    numbers = {"NetworkIn": _grown(step, 0), "NetworkOut": _grown(step, 1)}
    if counts_packets and not instance.monitoring:  # AWS has them with basic monitoring only
        numbers["NetworkPacketsIn"] = step.after.packets[0] - step.before.packets[0]
        numbers["NetworkPacketsOut"] = step.after.packets[1] - step.before.packets[1]
    percent = utilisation(step, INSTANCE_TYPES[instance.instance_type].vcpus)
    batch.add("CPUUtilization", facts, percent, step.over.times)
    for name, number in numbers.items():
        for share, time in zip(step.over.shares(number), step.over.times, strict=True):
            batch.add(name, facts, share, [time])


def _grown(step: Step, way: int) -> int:
    return step.after.bytes[way] - step.before.bytes[way]
