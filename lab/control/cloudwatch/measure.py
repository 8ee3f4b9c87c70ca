"""What the lab measures by itself, and when: counters as nodes report them, everything else once a lab minute.

What holds at one moment (hosts, connections, sizes, checks) is looked at when a minute is over and stamped into that minute.
Alarms look at a minute only when every node that lives has told of it.
"""

import logging
from collections.abc import Iterable

from lab.control.cloudwatch.ec2 import InstanceMetrics
from lab.control.cloudwatch.elbv2 import BalancerMetrics
from lab.control.cloudwatch.groups import GroupMetrics
from lab.control.cloudwatch.hosts import HostMetrics
from lab.control.cloudwatch.rds import DatabaseMetrics
from lab.control.cloudwatch.route53 import HealthCheckMetrics
from lab.control.cloudwatch.samples import Samples
from lab.control.world import World
from lab.core.cloudwatch.spread import MINUTE, minutes_over
from lab.core.compute import Machine
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import LoadBalancer
from lab.core.elbv2.report import NodeReport
from lab.core.errors import AdapterError
from lab.core.rds.model import DBInstance

log = logging.getLogger("lab.control")

PATIENCE = 2.0
"""Wall seconds that a minute waits for a node's last word on it."""


class Measure:
    def __init__(self, world: World) -> None:
        self._world = world
        self._samples = Samples(world.metrics)
        self._balancers = BalancerMetrics(world)
        self._hosts = HostMetrics(world)
        self._instances = InstanceMetrics(world, self._samples, self._balancers.relayed)
        self._databases = DatabaseMetrics(world, self._samples)
        self._groups = GroupMetrics(world)
        self._health_checks = HealthCheckMetrics(world)
        self._sampled_at = world.clock.now()

    def heard(self, report: NodeReport, now: float) -> None:
        """A node's report."""
        balancer = self._world.balancer_of_node(report.node_id)
        if balancer is not None:
            self._balancers.heard(balancer, report, now)

    def is_behind(self, now: float) -> bool:
        """Whether a node that lives has yet to tell what it did in the minute that is to be measured."""
        over = (self._sampled_at // MINUTE + 1) * MINUTE
        if not 0 <= self._world.clock.wall_between(over, now) < PATIENCE:
            return False
        nodes = [node.node_id for row in self._world.store.all(LoadBalancer) for node in row.nodes]
        return self._world.nodes.has_to_hear(nodes, over, now)

    async def sample(self, found: Iterable[Machine], now: float) -> None:
        """Measure, if a minute has ended since that was done last."""
        times = minutes_over(self._sampled_at, now)
        if not times:
            return
        self._sampled_at = now
        self._hosts.sample(now, times)
        self._groups.sample(times)
        self._health_checks.sample(times)
        store = self._world.store
        wanted = [row.instance_id for row in store.where(Instance, "state", "running")]
        wanted += [row.machine_id for row in store.where(DBInstance, "status", "available")]
        try:
            stats = await self._world.compute.stats(wanted)
        except AdapterError as error:
            log.warning("machines could not be measured: %s", error)
            stats = {}
        self._instances.sample(stats, {machine.id: machine for machine in found}, now, times)
        self._databases.sample(stats, now, times)
        self._forget()

    def _forget(self) -> None:
        """Marks of what is no more."""
        store = self._world.store
        instances = {row.instance_id for row in store.all(Instance) if row.state != "terminated"}
        databases = {row.machine_id for row in store.all(DBInstance)}
        nodes = {node.node_id for row in store.all(LoadBalancer) for node in row.nodes}
        self._samples.forget(instances | databases)
        self._balancers.forget(nodes, instances)
