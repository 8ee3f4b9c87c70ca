"""The loop: look at the world, bring the rows up to it, decide, act; again and again, from whatever it finds.

It turns when something happens (a machine died, a request changed a row, a node reported news) and at least every half
second. Each turn is whole: no step needs to have seen an earlier one. When the compute engine is away, rows that depend on
what runs are left as they are.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable

from lab.control.autoscaling.groups import Groups
from lab.control.autoscaling.policies import Policies
from lab.control.autoscaling.predictive import PredictiveScaling
from lab.control.autoscaling.scheduled import ScheduledActions
from lab.control.cloudwatch.alarms import Alarms
from lab.control.cloudwatch.measure import Measure
from lab.control.effects import Effects
from lab.control.elbv2 import LoadBalancers
from lab.control.machines import Machines
from lab.control.resolvers import Resolvers
from lab.control.route53 import HealthChecks
from lab.control.routers import Routers
from lab.control.vpc import Interfaces
from lab.control.world import World
from lab.core.elbv2.report import NodeReport
from lab.core.errors import AdapterError

log = logging.getLogger("lab.control")

RESYNC = 0.5
"""Wall seconds after which the loop turns without having been woken."""
TURNS_IN_A_ROW = 20


class Loop:
    """`stacks` takes one step of every unfinished stack and says whether there was one; `flush` makes metrics durable."""

    def __init__(self, world: World, stacks: Callable[[float], bool], flush: Callable[[float], None]) -> None:
        self._world = world
        self._stacks = stacks
        self._flush = flush
        self._woken = asyncio.Event()
        self.effects = Effects(world.clock, os.cpu_count() or 1, self.wake)
        self.balancers = LoadBalancers(world)
        self.groups = Groups(world, self.balancers.drained)
        self.interfaces = Interfaces(world, self.wake)
        self.routers = Routers(world, self.wake)
        self.resolvers = Resolvers(world, self.wake)
        self.machines = Machines(world, self.effects, self.interfaces)
        self.policies = Policies(world)
        self._scheduled = ScheduledActions(world)
        self._predictive = PredictiveScaling(world)
        self.alarms = Alarms(world, self.policies.on_alarm)
        self.health_checks = HealthChecks(world)
        self._measure = Measure(world)
        self._given_up = ""
        self.engine_problem = ""
        """Why the compute engine could not be asked at the last turn; empty when it could."""
        self.resolver_problem = ""
        """Why the resolver does not serve on this machine; empty when it does."""
        self.failed_zones: frozenset[str] = frozenset()
        """Availability zones that were failed on purpose, for people to see."""
        self._zones_known = False

    def wake(self) -> None:
        self._woken.set()

    def ask_for_zones(self) -> None:
        """Zones were failed or recovered: the next turn, which comes at once, asks which are."""
        self._zones_known = False
        self.wake()

    def hear(self, report: NodeReport) -> None:
        """A node's report; the loop turns at once if it brings news."""
        now = self._world.clock.now()
        before = self._world.nodes.report(report.node_id)
        self._world.nodes.hear(report, now)
        self._measure.heard(report, now)
        self.groups.hear(before, report)
        if before is None or _news(before) != _news(report):
            self.wake()

    async def run(self) -> None:
        """For ever; what a turn raises is logged and does not end it."""
        watcher = asyncio.create_task(self._watch(), name="changes")
        try:
            while True:
                try:
                    await self.turn()
                    self._given_up = ""
                except AdapterError as error:
                    # The disk is full, say: once is enough to tell it, and the next turn tries again.
                    if str(error) != self._given_up:
                        log.error("a turn of the loop was given up: %s", error)
                    self._given_up = str(error)
                except Exception:
                    log.exception("a turn of the loop failed; the next one begins anew")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), RESYNC)
                self._woken.clear()
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await self.effects.close()
            await self.interfaces.close()
            await self.health_checks.close()
            await self.routers.close()
            await self.resolvers.close()

    async def turn(self) -> None:
        """One look at everything."""
        try:
            found = await self.machines.find()
            await self.routers.find()
            await self.resolvers.find()
            if not self._zones_known:
                self.failed_zones = await self._world.compute.failed_zones()
                self._zones_known = True
        except AdapterError as error:
            if str(error) != self.engine_problem:
                log.error("the compute engine cannot be asked: %s", error)
            self.engine_problem = str(error)
            return
        if self.engine_problem:
            log.info("the compute engine answers again")
            self.engine_problem = ""
        now = self._world.clock.now()
        self.machines.observe(found, now)
        self.routers.observe(now)
        self._scheduled.look(now)
        self._predictive.look(now)
        for _ in range(TURNS_IN_A_ROW):
            if not (self._stacks(now) | self.groups.look(now)):
                break
        self.balancers.settle(now)
        await self.balancers.publish(now)
        if not self._measure.is_behind(now):
            await self._measure.sample(found, now)
            self.alarms.evaluate(now)
        self.health_checks.look(now)
        self.machines.act(found)
        self.interfaces.act(found)
        self.routers.act(self.failed_zones)
        self.resolvers.act()
        if not self.effects.running():
            self.interfaces.prepare(self.failed_zones)
        self._flush(now)

    async def _watch(self) -> None:
        async for _ in self._world.compute.changes():
            self.wake()


def _news(report: NodeReport) -> tuple[object, ...]:
    """What in a report may change a decision: the generation in force, and of each target its state and whether it is
    idle."""
    targets = tuple((row.target_group_arn, row.id, row.port, row.state, row.in_flight == 0) for row in report.targets)
    return (report.applied, report.rejected_why, targets)
