"""Network interfaces: what each was told last against what the rows say now.

A machine is launched with its rules (`lab.control.machines`). From then on a changed document, because a rule, a group's
members or a fault changed, is told to the interface at once, by effects of their own: they take a millisecond each, and do
not wait behind launches. After a restart everybody is told once more.
"""

from collections.abc import Awaitable, Callable, Sequence

from lab.control.effects import Effects
from lab.control.world import World
from lab.core.compute import Machine, MachineState
from lab.core.ec2.model import NetworkFault, NetworkInterface
from lab.core.errors import Unavailable
from lab.core.vpc.documents import Interface
from lab.core.vpc.plan import interfaces

AT_ONCE = 8
"""Interfaces that are told at the same time."""


class Interfaces:
    def __init__(self, world: World, wake: Callable[[], None]) -> None:
        self._world = world
        self._effects = Effects(world.clock, AT_ONCE, wake)
        self._told: dict[str, Interface] = {}

    def of(self, machine_id: str) -> Interface | None:
        """What the machine's interface is told at its launch; None where packets are not filtered. Raises `Unavailable`
        rather than let a machine run without rules."""
        if not self._world.compute.filters:
            return None
        document = interfaces(self._world.store).get(machine_id)
        if document is None:
            raise Unavailable(f"{machine_id} has no network interface")
        return document

    def act(self, found: Sequence[Machine]) -> None:
        store = self._world.store
        for fault in store.all(NetworkFault):
            if store.get(NetworkInterface, fault.key) is None:
                store.delete(NetworkFault, fault.key)
        if not self._world.compute.filters:
            return
        wanted = interfaces(store)
        alive = {machine.id for machine in found if machine.state is not MachineState.STOPPED}
        self._told = {machine_id: told for machine_id, told in self._told.items() if machine_id in alive}
        for machine_id in alive:
            document = wanted.get(machine_id)
            if document is not None and self._told.get(machine_id) != document:
                self._effects.start(machine_id, self._telling(document))

    async def settle(self) -> None:
        await self._effects.settle()

    async def close(self) -> None:
        await self._effects.close()

    def _telling(self, document: Interface) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            await self._world.compute.set_interface(document)
            self._told[document.owner] = document

        return tell
