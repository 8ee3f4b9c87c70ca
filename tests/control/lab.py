"""A whole lab under virtual time (`lab.simulate.virtual`) as tests use it: nodes report what a test tells them to.

`tick` is one turn of the loop and a few lab seconds; `restart` is `kill -9` of the control plane and its next start.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.adapters.clock import VirtualClock
from lab.adapters.metrics import MetricStore
from lab.adapters.simulated import SimulatedCompute
from lab.adapters.store import MemoryStore
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.compute import Machine, MachineSpec, MachineState, Role
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import Node
from lab.core.elbv2.report import NodeReport, TargetReport
from lab.core.errors import AdapterError
from lab.core.vpc.documents import Interface
from lab.simulate.virtual import VirtualLab

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
        self.stopped: list[str] = []
        self.terminated: list[str] = []
        self.away: AdapterError | None = None
        self.filters = False
        self.told: dict[str, Interface] = {}

    async def launch(self, spec: MachineSpec, interface: Interface | None = None) -> Machine:
        self._check()
        machine = await super().launch(spec, interface)
        self.launched.append(spec.id)
        return machine

    async def set_interface(self, interface: Interface) -> None:
        self._check()
        self.told[interface.owner] = interface

    async def stop(self, machine_id: str, grace: float) -> None:
        self._check()
        await super().stop(machine_id, grace)
        self.stopped.append(machine_id)

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


class Lab(VirtualLab):
    """`health` and `in_flight` are what nodes report of targets, by instance id; silent: healthy and idle. `amended` has the
    last word on a report."""

    compute: Machines

    def __init__(self, store: MemoryStore | None = None, metrics: MetricStore | None = None) -> None:
        clock = VirtualClock()
        self.health: dict[str, str] = {}
        self.in_flight: dict[str, int] = {}
        self.silent: set[str] = set()
        self.amended: Callable[[NodeReport], NodeReport] = lambda report: report
        super().__init__(
            clock,
            Machines(clock.now),
            MemoryStore() if store is None else store,
            MetricStore(None) if metrics is None else metrics,
            self._report,
        )

    def create_stack(self, **parameters: str) -> None:
        self.deploy("web", WEB, parameters)

    async def tick(self, seconds: float = TICK) -> None:
        await self.turn()
        self.clock.advance(seconds)

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

    def _report(self, node: Node, document: LoadBalancerConfig) -> NodeReport | None:
        if node.node_id in self.silent:
            return None
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
        zone, boot = node.availability_zone, f"boot-{node.node_id}"
        return self.amended(NodeReport(node.node_id, boot, zone, document.generation, targets, {"RequestCount": 0}))

    # What there is.

    @property
    def group(self) -> AutoScalingGroup:
        [group] = self.store.all(AutoScalingGroup)
        return group

    @property
    def members(self) -> list[str]:
        return [member.instance_id for member in self.store.all(Member)]

    def member(self, instance_id: str) -> Member | None:
        return self.store.get(Member, instance_id)

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
