"""A whole lab under virtual time: simulated machines, real reconcilers, nodes that report what a test tells them to.

`tick` is one turn of the loop and a few lab seconds; `restart` is `kill -9` of the control plane and its next start. What
survives a restart is what survives in life: the rows, the metric data, the machines and the nodes' own configuration.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.actions.context import Account
from lab.adapters.authority import Authority
from lab.adapters.buckets import MemoryBuckets
from lab.adapters.clock import VirtualClock, wall_time
from lab.adapters.ids import counted_ids
from lab.adapters.metrics import MetricStore
from lab.adapters.simulated import SimulatedCompute
from lab.adapters.store import MemoryStore
from lab.control.loop import Loop
from lab.control.nodes import NodeBook
from lab.control.world import World
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.compute import Machine, MachineSpec, MachineState, Role
from lab.core.ec2.model import Instance
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import LoadBalancer
from lab.core.elbv2.report import NodeReport, TargetReport
from lab.core.errors import AdapterError
from lab.core.machines import Site
from lab.core.rds.model import DBInstance
from lab.stack.model import Stack
from lab.stack.service import Stacks

WEB = (Path(__file__).parents[2] / "stacks" / "web.yaml").read_text()
TICK = 5.0


class Crash(BaseException):
    """The control plane ends here, as `kill -9` would end it."""


class CrashingStore(MemoryStore):
    """Ends the process instead of making the n-th commit durable."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.crash_at = 0

    def _persist(self, changes: object) -> None:
        self.commits += 1
        if self.commits == self.crash_at:
            raise Crash


class Machines(SimulatedCompute):
    """Simulated machines that remember what was ever done to them, and may be out of reach (`away`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(now)
        self.launched: list[str] = []
        self.terminated: list[str] = []
        self.away: AdapterError | None = None

    async def launch(self, spec: MachineSpec) -> Machine:
        self._check()
        machine = await super().launch(spec)
        self.launched.append(spec.id)
        return machine

    async def terminate(self, machine_id: str, grace: float) -> None:
        self._check()
        await super().terminate(machine_id, grace)
        self.terminated.append(machine_id)

    async def machines(self) -> list[Machine]:
        self._check()
        return await super().machines()

    def _check(self) -> None:
        if self.away is not None:
            raise self.away


class Lab:
    """`health` and `in_flight` are what nodes report of targets, by instance id; silent: healthy and idle."""

    def __init__(self, store: MemoryStore | None = None, metrics: MetricStore | None = None) -> None:
        self.clock = VirtualClock()
        self.compute = Machines(self.clock.now)
        self.store = MemoryStore() if store is None else store
        self.metrics = MetricStore(None) if metrics is None else metrics
        self.buckets = MemoryBuckets(self.clock.now)
        self.health: dict[str, str] = {}
        self.in_flight: dict[str, int] = {}
        self.silent: set[str] = set()
        self.certificates = Authority(None, wall_time)
        self._new_id = counted_ids()
        self._applied: dict[str, LoadBalancerConfig] = {}
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
            nodes=NodeBook(self.clock.speed),
            certificates=self.certificates,
            buckets=self.buckets,
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
        return self.stacks.call(service, operation, members)

    def create_stack(self, **parameters: str) -> None:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self.call("cloudformation", "CreateStack", StackName="web", TemplateBody=WEB, Parameters=given)

    async def turn(self) -> None:
        """Reports, one turn of the loop, and the end of what it began."""
        await self.report()
        await self.loop.turn()
        await self.loop.effects.settle()

    async def tick(self, seconds: float = TICK) -> None:
        await self.turn()
        await self.clock.advance(seconds)

    async def run(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            await self.tick()

    async def until(self, reached: Callable[[], object], seconds: float = 600.0) -> None:
        """Tick until it is so; fails with the state of the lab after so many lab seconds."""
        end = self.clock.now() + seconds
        while not reached():
            if self.clock.now() > end:
                pytest.fail(f"not within {seconds:g} lab seconds; the lab: {self.picture()}")
            await self.tick()

    async def up(self) -> "Lab":
        """The stack complete, every instance in service and healthy, and what the turns still owe done."""
        await self.until(self.serves)
        await self.run(3 * TICK)
        return self

    async def report(self) -> None:
        """Every node that runs reports, having put the newest document in force."""
        found = {machine.id: machine for machine in await SimulatedCompute.machines(self.compute)}
        for balancer in self.store.all(LoadBalancer):
            document = self.world.nodes.document(balancer.arn) or self._applied.get(balancer.arn)
            if document is None:
                continue
            self._applied[balancer.arn] = document
            for node in balancer.nodes:
                machine = found.get(node.node_id)
                runs = machine is not None and machine.state is MachineState.RUNNING
                if runs and node.node_id not in self.silent:
                    self.loop.hear(self._report(node.node_id, node.availability_zone, document))

    def _report(self, node_id: str, zone: str, document: LoadBalancerConfig) -> NodeReport:
        targets = tuple(
            TargetReport(
                group.arn,
                target.id,
                target.port,
                "draining" if target.draining else self.health.get(target.id, "healthy"),
                in_flight=self.in_flight.get(target.id, 0),
            )
            for group in document.target_groups
            for target in group.targets
        )
        return NodeReport(node_id, f"boot-{node_id}", zone, document.generation, targets, {"RequestCount": 0})

    # What there is.

    def serves(self) -> bool:
        stacks, group = self.store.all(Stack), self.store.all(AutoScalingGroup)
        return (
            bool(stacks)
            and all(stack.status.endswith("_COMPLETE") for stack in stacks)
            and bool(group)
            and self.settled()
        )

    def settled(self) -> bool:
        """As many members as desired, all in service; database and load balancer as they should be."""
        members = self.store.all(Member)
        return (
            len(members) == self.group.desired_capacity
            and all(member.state == "InService" for member in members)
            and all(row.status == "available" for row in self.store.all(DBInstance))
            and all(row.state == "active" for row in self.store.all(LoadBalancer))
        )

    @property
    def group(self) -> AutoScalingGroup:
        [group] = self.store.all(AutoScalingGroup)
        return group

    @property
    def members(self) -> list[str]:
        return [member.instance_id for member in self.store.all(Member)]

    def member(self, instance_id: str) -> Member | None:
        return self.store.get(Member, instance_id)

    def state(self, instance_id: str) -> str:
        instance = self.store.get(Instance, instance_id)
        return "" if instance is None else instance.state

    def alarm(self, side: str) -> MetricAlarm:
        [alarm] = [alarm for alarm in self.store.all(MetricAlarm) if f"Alarm{side}" in alarm.name]
        return alarm

    def activities(self, about: str = "") -> list[Activity]:
        """In the order in which they began."""
        return [activity for activity in self.store.all(Activity) if about in activity.description]

    def launches(self) -> list[Activity]:
        return self.activities("Launching")

    def instances_launched(self) -> list[str]:
        return [name for name in self.compute.launched if name.startswith("i-")]

    async def running(self, role: Role) -> list[str]:
        machines = await SimulatedCompute.machines(self.compute)
        return [one.id for one in machines if one.role is role and one.state is MachineState.RUNNING]

    def set_cpu(self, share: float) -> None:
        """Of every member that runs."""
        for instance_id in self.members:
            if self.state(instance_id) == "running":
                self.compute.set_cpu(instance_id, share)

    def picture(self) -> str:
        lines = [f"{stack.name} {stack.status} {stack.reason}" for stack in self.store.all(Stack)]
        lines += [f"{group.name} desired {group.desired_capacity}" for group in self.store.all(AutoScalingGroup)]
        lines += [f"{one.instance_id} {one.state} {self.state(one.instance_id)}" for one in self.store.all(Member)]
        lines += [f"{one.description} {one.status_code}: {one.cause}" for one in self.store.all(Activity)]
        lines += [f"{one.name} {one.state} {one.state_reason}" for one in self.store.all(LoadBalancer)]
        lines += [f"{one.identifier} {one.status}" for one in self.store.all(DBInstance)]
        return "\n".join(["", *lines])
