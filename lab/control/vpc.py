"""Network interfaces: what each was told last against what the rows say now.

A machine is launched with its rules (`lab.control.machines`). From then on a changed document, because a rule, a group's
members or a fault changed, is told to the interface at once, by effects of their own: they take a millisecond each, and do
not wait behind launches. After a restart everybody is told once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lab.control.effects import Effects
from lab.control.world import World
from lab.core.autoscaling.lifecycle import becomes
from lab.core.autoscaling.model import Member
from lab.core.compute import Machine, MachineState
from lab.core.ec2.metadata import Surroundings, metadata
from lab.core.ec2.model import Address, Instance, NetworkFault, NetworkInterface, SecurityGroup, Subnet, Vpc
from lab.core.ec2.public import public_addresses
from lab.core.errors import Unavailable
from lab.core.store import Store
from lab.core.vpc.documents import Interface, Metadata
from lab.core.vpc.plan import KINDS, interfaces
from lab.core.vpc.spares import Spare, spares

AT_ONCE = 8
"""Interfaces that are told at the same time."""


class Interfaces:
    def __init__(self, world: World, wake: Callable[[], None]) -> None:
        self._world = world
        self._effects = Effects(world.clock, AT_ONCE, wake)
        self._told: dict[str, Interface] = {}
        self._spares: frozenset[Spare] = frozenset()
        self._made = self._make  # one and the same object each time: what is derived is known by it

    def of(self, machine_id: str) -> Interface | None:
        """What the machine's interface is told at its launch; None where packets are not filtered. Raises `Unavailable`
        rather than let a machine run without rules."""
        if not self._world.compute.filters:
            return None
        document = self._documents().get(machine_id)
        if document is None:
            raise Unavailable(f"{machine_id} has no network interface")
        return document

    async def tell(self, machine_id: str) -> None:
        """Put a machine's document in force now. Raises `Refused` with why it cannot be."""
        document = self.of(machine_id)
        if document is not None:
            await self._tell(document)

    def act(self, found: Sequence[Machine]) -> None:
        store = self._world.store
        for fault in store.all(NetworkFault):
            if store.get(NetworkInterface, fault.key) is None:
                store.delete(NetworkFault, fault.key)
        if not self._world.compute.filters:
            return
        wanted = self._documents()
        alive = {machine.id for machine in found if machine.state is not MachineState.STOPPED}
        self._told = {machine_id: told for machine_id, told in self._told.items() if machine_id in alive}
        for machine_id in alive:
            document = wanted.get(machine_id)
            if document is not None and self._told.get(machine_id) != document:
                self._effects.start(machine_id, partial(self._tell, document))

    def prepare(self, failed_zones: frozenset[str]) -> None:
        """Have interfaces ready for the next launches. To be asked when nothing else is to be made."""
        wanted = frozenset(one for one in spares(self._world.store) if one.zone not in failed_zones)
        if self._world.compute.filters and wanted != self._spares:
            self._effects.start("spares", partial(self._prepare, wanted))

    async def _prepare(self, wanted: frozenset[Spare]) -> None:
        await self._world.compute.keep_spares(wanted)
        self._spares = wanted

    def _documents(self) -> dict[str, Interface]:
        return self._world.store.derived(self._made, *KINDS, Address, Instance, Member)

    def _make(self, store: Store) -> dict[str, Interface]:
        """With what instances hear of themselves."""
        found = dict(interfaces(store))
        for instance in store.all(Instance):
            if instance.instance_id in found:
                document = found[instance.instance_id]
                found[instance.instance_id] = replace(document, metadata=self._metadata(store, instance))
        return found

    def _metadata(self, store: Store, instance: Instance) -> Metadata | None:
        subnet, vpc = store.get(Subnet, instance.subnet_id), store.get(Vpc, instance.vpc_id)
        interface = store.get(NetworkInterface, instance.network_interface_id)
        if subnet is None or vpc is None or interface is None:
            return None
        groups = [group for one in interface.group_ids if (group := store.get(SecurityGroup, one)) is not None]
        member = store.get(Member, instance.instance_id)
        lifecycle = "" if member is None else becomes(member.state)
        public = public_addresses(store).get(instance.network_interface_id, "")
        return metadata(instance, Surroundings(subnet, vpc, groups, self._world.account.account_id, lifecycle, public))

    async def settle(self) -> None:
        await self._effects.settle()

    async def close(self) -> None:
        await self._effects.close()

    async def _tell(self, document: Interface) -> None:
        await self._world.compute.set_interface(document)
        self._told[document.owner] = document
