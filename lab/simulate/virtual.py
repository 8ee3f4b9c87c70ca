"""A whole lab under virtual time: simulated machines, the real control plane, and nodes that say what they are told to.

`turn` is one turn of the loop, with the reports before it and the effects it starts; `restart` is `kill -9` of the control
plane and its next start. What survives a restart is what survives in life: the rows, the metric data, the machines and the
nodes' own configuration. Time moves only by `clock.advance`.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from lab.actions.context import Account
from lab.adapters.authority import Authority
from lab.adapters.buckets import MemoryBuckets
from lab.adapters.clock import VirtualClock, wall_time
from lab.adapters.ids import counted_ids
from lab.adapters.metrics import MetricStore
from lab.adapters.simulated import SimulatedCompute
from lab.adapters.simulated_prober import SimulatedProber
from lab.adapters.ssh_keys import SshKeys
from lab.adapters.store import MemoryStore
from lab.control.loop import Loop
from lab.control.nodes import NodeBook
from lab.control.world import World
from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import IN_SERVICE, Activity, AutoScalingGroup, Member
from lab.core.ec2.model import Instance
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import LoadBalancer, Node
from lab.core.elbv2.report import NodeReport
from lab.core.machines import Site
from lab.core.rds.model import DBInstance
from lab.core.route53.view import Places
from lab.stack.model import Stack
from lab.stack.service import Stacks

Says = Callable[[Node, LoadBalancerConfig], NodeReport | None]
"""What a node that runs reports, with the document that it has in force; None when it keeps silent."""


class VirtualLab:
    """`says` speaks for the nodes. Ids are counted, so that the same story has the same names."""

    def __init__(
        self, clock: VirtualClock, compute: SimulatedCompute, store: MemoryStore, metrics: MetricStore, says: Says
    ) -> None:
        self.clock = clock
        self.compute = compute
        self.store = store
        self.metrics = metrics
        self.buckets = MemoryBuckets(clock.now)
        self.certificates = Authority(None, wall_time)
        self.prober = SimulatedProber()
        self.places: Places = ()
        self._says = says
        self._new_id = counted_ids()
        self._in_force: dict[str, LoadBalancerConfig] = {}
        self._start()

    def _start(self) -> None:
        self.world = World(
            store=self.store,
            metrics=self.metrics,
            compute=self.compute,
            clock=self.clock,
            new_id=self._new_id,
            account=Account(),
            site=Site("http://127.0.0.1:4566", {80: 8080, 443: 8443}),
            nodes=NodeBook(self.clock.wall_between),
            certificates=self.certificates,
            keys=SshKeys(),
            buckets=self.buckets,
            prober=self.prober,
            draw=random.Random(0).random,
            places=self.places,
        )
        self.stacks = Stacks(self.world)
        self.loop = Loop(self.world, self.stacks.advance, self.metrics.flush)

    async def restart(self, store: MemoryStore | None = None, metrics: MetricStore | None = None) -> None:
        """`kill -9`, and the control plane started again."""
        await self.loop.effects.close()
        self.store = self.store if store is None else store
        self.metrics = self.metrics if metrics is None else metrics
        self._start()

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """An AWS action. Raises LabError."""
        return self.stacks.call(service, operation, members)

    def deploy(self, name: str, template: str, parameters: Mapping[str, str]) -> None:
        """Begin to create the stack. Raises LabError with what is wrong with the template."""
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self.call("cloudformation", "CreateStack", StackName=name, TemplateBody=template, Parameters=given)

    async def turn(self) -> None:
        """Reports, one turn of the loop, and the end of what it began."""
        await self.report()
        await self.loop.turn()
        await self.loop.effects.settle()
        await self.loop.interfaces.settle()
        await self.loop.health_checks.settle()

    async def report(self) -> None:
        """Every node that runs reports, having put the newest document in force."""
        for balancer in self.store.all(LoadBalancer):
            document = self.world.nodes.document(balancer.arn) or self._in_force.get(balancer.arn)
            if document is None:
                continue
            self._in_force[balancer.arn] = document
            for node in balancer.nodes:
                report = self._says(node, document) if self.compute.runs(node.node_id) else None
                if report is not None:
                    self.loop.hear(report)

    def serves(self) -> bool:
        """Every stack complete, a group among what they made, and all as it should be."""
        stacks = self.store.all(Stack)
        complete = bool(stacks) and all(stack.status.endswith("_COMPLETE") for stack in stacks)
        return complete and bool(self.store.all(AutoScalingGroup)) and self.settled()

    def settled(self) -> bool:
        """As many members as desired, all in service; databases and load balancers as they should be. The warm pool does not
        matter."""
        members = [member for member in self.store.all(Member) if not is_in_pool(member)]
        return (
            len(members) == sum(group.desired_capacity for group in self.store.all(AutoScalingGroup))
            and all(member.state == IN_SERVICE for member in members)
            and all(row.status == "available" for row in self.store.all(DBInstance))
            and all(row.state == "active" for row in self.store.all(LoadBalancer))
        )

    def picture(self) -> str:
        """All that is going on, for who wonders why it does not come to rest."""
        lines = [f"{stack.name} {stack.status} {stack.reason}" for stack in self.store.all(Stack)]
        lines += [f"{group.name} desired {group.desired_capacity}" for group in self.store.all(AutoScalingGroup)]
        lines += [f"{one.instance_id} {one.state} {self.state(one.instance_id)}" for one in self.store.all(Member)]
        lines += [f"{one.description} {one.status_code}: {one.cause}" for one in self.store.all(Activity)]
        lines += [f"{one.name} {one.state} {one.state_reason}" for one in self.store.all(LoadBalancer)]
        lines += [f"{one.identifier} {one.status}" for one in self.store.all(DBInstance)]
        return "\n".join(["", *lines])

    def state(self, instance_id: str) -> str:
        """The EC2 state of the instance, "" when there is none."""
        instance = self.store.get(Instance, instance_id)
        return "" if instance is None else instance.state
