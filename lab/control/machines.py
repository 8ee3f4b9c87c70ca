"""Machines: what was found running against what the rows want. Instances, load balancer nodes and databases alike.

Two halves. `observe` brings the rows up to what was found (an instance that runs is `running`, one that died `stopped`, one
that is gone `terminated`); `act` starts the effects that bring the world to the rows. What an instance's state says and needs
is decided by `lab.core.ec2.power`. A machine nobody's row wants is terminated, so nothing leaks after any crash.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from lab.control.effects import Effects
from lab.control.vpc import Interfaces
from lab.control.world import World
from lab.core.autoscaling.model import Member
from lab.core.compute import Machine, MachineSpec, MachineState
from lab.core.ec2 import power
from lab.core.ec2.capacity import INSUFFICIENT_CAPACITY, no_capacity
from lab.core.ec2.model import Instance, NetworkInterface, Vpc
from lab.core.ec2.power import Need
from lab.core.elbv2.model import Listener, LoadBalancer
from lab.core.errors import NoCapacity, Refused
from lab.core.machines import database_spec, instance_spec, network, node_spec
from lab.core.rds.model import DBInstance, Event

log = logging.getLogger("lab.control")

TERMINATED_SHOWN = 3600.0
"""Lab seconds for which a terminated instance stays listed (ec2: about an hour)."""
INSTANCE_GRACE = 10.0
"""Wall seconds between asking an instance to stop and killing it."""


class Machines:
    def __init__(self, world: World, effects: Effects, interfaces: Interfaces) -> None:
        self._world = world
        self._effects = effects
        self._interfaces = interfaces
        self._moving: frozenset[str] = frozenset()

    async def find(self) -> list[Machine]:
        """What runs now, for `observe` and `act`. An effect may end while the answer is under way, which then may be of
        before or after it: what was busy at the question is left for the next look."""
        self._moving = self._effects.running()
        return await self._world.compute.machines()

    def observe(self, found: Sequence[Machine], now: float) -> None:
        by_id = {machine.id: machine for machine in found}
        with self._world.store.transaction():
            for instance in self._world.store.all(Instance):
                if not self._busy(instance.instance_id):
                    self._instance(instance, by_id.get(instance.instance_id), now)
            for database in self._world.store.all(DBInstance):
                if not self._busy(database.machine_id):
                    self._database(database, by_id.get(database.machine_id), now)

    def _busy(self, machine_id: str) -> bool:
        """What an effect is changing is not looked at in the meantime."""
        return machine_id in self._moving or self._effects.busy(machine_id)

    def _instance(self, instance: Instance, machine: Machine | None, now: float) -> None:
        if instance.state == "terminated" and now - instance.since > TERMINATED_SHOWN:
            self._world.store.delete(Instance, instance.instance_id)
            return
        self._put(instance, power.seen(instance, machine, now))

    def _put(self, before: Instance, after: Instance) -> None:
        if after is before:
            return
        self._world.store.put(after)
        if after.state == "terminated":
            self._world.store.delete(NetworkInterface, after.network_interface_id)
        if after.state != before.state:
            log.info(
                "instance %s: %s → %s %s", after.instance_id, before.state, after.state, after.state_reason_message
            )

    def _database(self, database: DBInstance, machine: Machine | None, now: float) -> None:
        store = self._world.store
        serves = machine is not None and machine.state is MachineState.RUNNING and machine.ready
        match database.status:
            case "deleting" if machine is None:
                store.delete(NetworkInterface, database.network_interface_id)
                store.delete(DBInstance, database.identifier)
                self._event(database, "deletion", "DB instance deleted.", now)
            case "creating" | "rebooting" if serves and machine is not None:
                host, port = machine.endpoints[database.port]
                # Machines of one VPC find each other by name; a process has no names and is dialled where it listens.
                name = database.dns_name if host == database.private_ip_address else host
                store.put(replace(database, status="available", endpoint_address=name, endpoint_port=port))
                if database.status == "creating":
                    self._event(database, "creation", "DB instance created.", now)
                else:
                    self._event(database, "availability", "DB instance restarted", now)
            case "available" if not serves:
                store.put(replace(database, status="rebooting"))
                self._event(database, "availability", "DB instance shutdown.", now)

    def _event(self, database: DBInstance, category: str, message: str, now: float) -> None:
        event_id = self._world.new_id("uuid")
        self._world.store.put(Event(event_id, database.identifier, category, message, now))
        log.info("database %s: %s", database.identifier, message)

    def act(self, found: Sequence[Machine]) -> None:
        by_id = {machine.id: machine for machine in found}
        wanted: set[str] = set()
        self._act_on_instances(by_id, wanted)
        self._act_on_nodes(by_id, wanted)
        self._act_on_databases(by_id, wanted)
        for machine in found:
            if machine.id not in wanted:
                self._terminate(machine.id, INSTANCE_GRACE)
        for vpc in self._world.store.all(Vpc):
            if vpc.deleting:
                self._effects.start(vpc.vpc_id, self._network_removal(vpc))

    def _act_on_instances(self, found: Mapping[str, Machine], wanted: set[str]) -> None:
        for instance in self._world.store.all(Instance):
            if instance.state != "terminated":
                wanted.add(instance.instance_id)
                self._act_on_instance(instance, found.get(instance.instance_id))

    def _act_on_instance(self, instance: Instance, machine: Machine | None) -> None:
        compute, name = self._world.compute, instance.instance_id
        match power.need(instance, machine):
            case Need.LAUNCH:
                member = self._world.store.get(Member, name)
                spec = instance_spec(instance, member.group if member else "", metadata=compute.filters)
                self._launch(spec, self._instance_refused(name), self._instance_tried(name))
            case Need.UNPAUSE:
                self._effects.start(name, lambda: compute.unpause(name))
            case Need.STOP:
                self._effects.start(name, lambda: compute.stop(name, INSTANCE_GRACE))
            case Need.PAUSE:
                self._effects.start(name, lambda: compute.pause(name))
            case Need.TERMINATE:
                self._terminate(name, INSTANCE_GRACE)

    def _act_on_nodes(self, found: Mapping[str, Machine], wanted: set[str]) -> None:
        store = self._world.store
        for balancer in store.all(LoadBalancer):
            listeners = [row for row in store.all(Listener) if row.load_balancer_arn == balancer.arn]
            for node in balancer.nodes:
                wanted.add(node.node_id)
                spec = node_spec(balancer, node, listeners, self._world.site)
                machine = found.get(node.node_id)
                if machine is not None and machine.template_hash != spec.template_hash:
                    self._terminate(node.node_id, INSTANCE_GRACE)
                elif machine is None or machine.state is MachineState.STOPPED:
                    self._launch(spec, self._node_refused(balancer.arn))

    def _act_on_databases(self, found: Mapping[str, Machine], wanted: set[str]) -> None:
        for database in self._world.store.all(DBInstance):
            wanted.add(database.machine_id)
            machine = found.get(database.machine_id)
            if database.status == "deleting":
                if machine is not None:
                    self._terminate(database.machine_id, INSTANCE_GRACE)
            elif database.status != "failed" and (machine is None or machine.state is MachineState.STOPPED):
                self._launch(database_spec(database), self._database_refused(database.identifier))

    def _launch(
        self, spec: MachineSpec, on_refused: Callable[[Refused], None], on_done: Callable[[], None] | None = None
    ) -> None:
        vpc = self._world.store.get(Vpc, spec.vpc_id)
        if vpc is None:
            return

        async def launch() -> None:
            await self._world.compute.ensure_network(network(vpc))
            await self._world.compute.launch(spec, self._interfaces.of(spec.id))
            if on_done is not None:
                on_done()

        self._effects.start(spec.id, launch, on_refused)

    def _terminate(self, machine_id: str, grace: float) -> None:
        async def terminate() -> None:
            await self._world.compute.terminate(machine_id, grace)

        self._effects.start(machine_id, terminate)

    def _network_removal(self, vpc: Vpc) -> Callable[[], Awaitable[None]]:
        async def remove() -> None:
            await self._world.compute.delete_network(vpc.vpc_id)
            self._world.store.delete(Vpc, vpc.vpc_id)

        return remove

    def _instance_tried(self, instance_id: str) -> Callable[[], None]:
        """Told apart from then on: a machine that has not been started yet, and one that was and died."""

        def tried() -> None:
            instance = self._world.store.get(Instance, instance_id)
            if instance is not None and not instance.tried:
                self._world.store.put(replace(instance, tried=True))

        return tried

    def _instance_refused(self, instance_id: str) -> Callable[[Refused], None]:
        def refused(error: Refused) -> None:
            instance = self._world.store.get(Instance, instance_id)
            if instance is not None and instance.state in ("pending", "running"):
                self._put(instance, power.start_failed(instance, *self._why(instance, error), self._world.clock.now()))

        return refused

    def _why(self, instance: Instance, error: Refused) -> tuple[str, str]:
        """State reason and message of an instance whose machine was refused."""
        if not isinstance(error, NoCapacity):
            return power.INTERNAL_ERROR, str(error)
        others = [zone for zone in self._world.account.zones if zone != error.zone]
        return INSUFFICIENT_CAPACITY, no_capacity(instance.instance_type, error.zone, others)

    def _node_refused(self, balancer_arn: str) -> Callable[[Refused], None]:
        def refused(error: Refused) -> None:
            balancer = self._world.store.get(LoadBalancer, balancer_arn)
            if balancer is not None:
                state = "failed" if balancer.state == "provisioning" else "active_impaired"
                self._world.store.put(replace(balancer, state=state, state_reason=str(error)))

        return refused

    def _database_refused(self, identifier: str) -> Callable[[Refused], None]:
        def refused(error: Refused) -> None:
            database = self._world.store.get(DBInstance, identifier)
            if database is not None and database.status == "creating":
                self._world.store.put(replace(database, status="failed", status_reason=str(error)))

        return refused
