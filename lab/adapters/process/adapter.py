"""The process adapter: `lab.control.ports.Compute` with local processes. Everything is real but the network's isolation.

This file is the async face; `lifecycle` does the work, `folder` is the memory, `processes` knows the operating system.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping

from lab.adapters.postgres import clients
from lab.adapters.process import postgres
from lab.adapters.process.lifecycle import Found, Lifecycle
from lab.adapters.process.processes import Leader, family, table, title
from lab.adapters.process.settings import POSTGRES, ProcessSettings
from lab.adapters.process.watch import Watch
from lab.adapters.process.zones import FailedZones
from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Network, Resolver, Role
from lab.core.errors import NoCapacity, Refused, Unavailable
from lab.core.vpc.documents import Interface
from lab.core.vpc.routers import Router
from lab.core.vpc.spares import Spare

POLL = 0.05  # seconds between two looks at a machine that was asked to stop


class ProcessCompute:
    """Machines as processes below `settings.state_dir`. They go on when this object, or the program, is gone."""

    filters = False

    def __init__(self, settings: ProcessSettings) -> None:
        self.settings = settings
        self._lifecycle = Lifecycle(settings)
        self._listeners: set[asyncio.Queue[str]] = set()  # one per open `changes`
        self._watch = Watch(self._ended)  # watches only while somebody listens
        self._failed_zones = FailedZones(settings.state_dir)

    async def close(self) -> None:
        self._watch.close()

    async def ensure_network(self, network: Network) -> None:
        """There is one network, the loopback, and it is there."""

    async def delete_network(self, vpc_id: str) -> None:
        """As with a real one, no machine may be on it: `Unavailable` while there is."""
        machines = [found.spec.id for found in await self._found() if found.spec.vpc_id == vpc_id]
        if machines:
            raise Unavailable(f"network {vpc_id} still has machines: {', '.join(machines)}")

    async def set_interface(self, interface: Interface) -> None:
        """Processes share one loopback: nothing is filtered."""

    async def set_router(self, router: Router) -> None:
        """Nor routed."""

    async def keep_resolvers(self, wanted: frozenset[Resolver]) -> None:
        """Processes have the host's own."""

    async def resolvers(self) -> frozenset[Resolver]:
        return frozenset()

    async def keep_spares(self, wanted: frozenset[Spare]) -> None:
        """Processes have no interfaces."""

    async def routers(self) -> frozenset[str]:
        return frozenset()

    async def probe(self, machine_id: str, address: str, port: int) -> str:
        raise Refused("there is nothing to probe: processes share one loopback")

    async def launch(self, spec: MachineSpec, interface: Interface | None = None) -> Machine:
        failed = spec.zone in await self.failed_zones()
        if failed and not await asyncio.to_thread(self._lifecycle.runs, spec.id):
            raise NoCapacity(spec.zone)
        found, started = await asyncio.to_thread(self._lifecycle.launch, spec)
        if started and spec.zone in await self.failed_zones():  # it failed while the machine came up
            await self.kill(spec.id)
            raise NoCapacity(spec.zone)
        if started:
            self._announce(spec.id)
            if found.leader is not None and self._listeners:
                self._watch.add(spec.id, found.leader)
        return await self._machine(found)

    async def stop(self, machine_id: str, grace: float) -> None:
        await self._ask_to_stop(machine_id, grace)
        await asyncio.to_thread(self._lifecycle.end, machine_id)

    async def pause(self, machine_id: str) -> None:
        if await asyncio.to_thread(self._lifecycle.freeze, machine_id, paused=True):
            self._announce(machine_id)

    async def unpause(self, machine_id: str) -> None:
        if await asyncio.to_thread(self._lifecycle.freeze, machine_id, paused=False):
            self._announce(machine_id)

    async def terminate(self, machine_id: str, grace: float) -> None:
        await self._ask_to_stop(machine_id, grace)
        await asyncio.to_thread(self._lifecycle.remove, machine_id)

    async def _ask_to_stop(self, machine_id: str, grace: float) -> None:
        leader = await asyncio.to_thread(self._lifecycle.ask_to_stop, machine_id)
        if leader is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    while leader.alive:  # noqa: ASYNC110 - the end of a process sets no event
                        await asyncio.sleep(POLL)

    async def kill(self, machine_id: str) -> None:
        await asyncio.to_thread(self._lifecycle.kill, machine_id)

    async def machines(self) -> list[Machine]:
        return list(await asyncio.gather(*(self._machine(found) for found in await self._found())))

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        """As the port says. All machines talk over one loopback, which the kernel counts as a whole: no `traffic`."""
        wanted = set(machine_ids)

        def read() -> dict[str, MachineStats]:
            machines = [found for found in self._lifecycle.found() if found.spec.id in wanted]
            processes = table()
            now = self.settings.wall()
            stats = {}
            for found in machines:
                members = family(found.leader, processes) if found.leader is not None else []
                if members:
                    names = [title(one.pid) for one in members] if found.spec.role is Role.DATABASE else None
                    connections = None if names is None else clients(names)
                    used = sum(one.cpu for one in members)
                    stats[found.spec.id] = MachineStats(used, now, connections=connections)
            return stats

        return await asyncio.to_thread(read)

    async def fail_zone(self, zone: str) -> None:
        await asyncio.to_thread(self._failed_zones.change, zone, failed=True)
        for found in await self._found():
            if found.spec.zone == zone and found.leader is not None:
                with contextlib.suppress(Refused):  # it died in the meantime
                    await self.kill(found.spec.id)

    async def recover_zone(self, zone: str) -> None:
        await asyncio.to_thread(self._failed_zones.change, zone, failed=False)

    async def failed_zones(self) -> frozenset[str]:
        return await asyncio.to_thread(self._failed_zones.read)

    async def logs(self, machine_id: str, tail: int) -> str:
        folder = self._lifecycle.folder(machine_id)
        if not folder.exists:
            raise Refused(f"there is no machine {machine_id}")
        return await asyncio.to_thread(folder.tail, tail)

    async def changes(self) -> AsyncIterator[str]:
        """As the port says; an empty id comes at the beginning too: what happened before was not seen."""
        seen: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(seen)
        try:
            for found in await self._found():
                if found.leader is not None:
                    self._watch.add(found.spec.id, found.leader)
            yield ""
            while True:
                yield await seen.get()
        finally:
            self._listeners.discard(seen)
            if not self._listeners:
                self._watch.close()

    def _ended(self, machine_id: str, leader: Leader) -> None:
        self._lifecycle.bury(self._lifecycle.folder(machine_id), leader)
        self._announce(machine_id)

    def _announce(self, machine_id: str) -> None:
        for listener in self._listeners:
            listener.put_nowait(machine_id)

    async def _found(self) -> list[Found]:
        return await asyncio.to_thread(self._lifecycle.found)

    async def _machine(self, found: Found) -> Machine:
        spec, leader = found.spec, found.leader
        ready = leader is not None and not found.paused
        if ready and leader is not None and spec.image == POSTGRES:
            user = spec.environment.get("POSTGRES_USER", "postgres")
            port = next(iter(found.ports.values()))
            ready = await postgres.ready(self._lifecycle.folder(spec.id), leader, port, user)
        return Machine(
            id=spec.id,
            role=spec.role,
            state=_state(found),
            ready=ready,
            exit_code=found.exit_code,
            template_hash=spec.template_hash,
            endpoints={number: ("127.0.0.1", actual) for number, actual in found.ports.items()},
        )


def _state(found: Found) -> MachineState:
    if found.leader is None:
        return MachineState.STOPPED
    return MachineState.PAUSED if found.paused else MachineState.RUNNING
