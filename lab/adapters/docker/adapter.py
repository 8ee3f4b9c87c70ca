"""The Docker adapter: `lab.control.ports.Compute` on the Docker Engine API, and the control plane's own place in it.

It keeps nothing in memory: what exists is asked of the engine each time, by label, so a new control plane adopts what an
old one made by doing nothing at all. Read `networks` and `machines` for what is made, `client` for how it may fail.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError, NotFound

from lab.adapters.docker import interfaces, machines, networks, resolvers, routers, spares, zones
from lab.adapters.docker import settings as label
from lab.adapters.docker.cleanup import ensure_janitor
from lab.adapters.docker.client import Engine, connect, create_container
from lab.adapters.docker.events import EventThread
from lab.adapters.docker.settings import DockerSettings
from lab.adapters.postgres import clients
from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Network, Resolver, Role
from lab.core.errors import AdapterError, NoCapacity, Refused
from lab.core.vpc.documents import Interface
from lab.core.vpc.routers import Router
from lab.core.vpc.spares import Spare

POLL = 0.05  # seconds between two looks at a machine that was asked to stop
CONFLICT = 409
DYING = 10.0  # seconds a killed container may take to be listed as stopped


class DockerCompute:
    """Machines as containers of the engine that `settings` names. `close` it when done; the machines go on."""

    def __init__(self, settings: DockerSettings) -> None:
        self.settings = settings
        self._engine = Engine(settings.base_url)
        self._making = asyncio.Lock()  # names and container numbers are looked up, then taken
        self._starting = asyncio.Semaphore(os.cpu_count() or 1)  # more at once only starve the machines that serve

    filters = True

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.close)

    # Networks

    async def ensure_network(self, network: Network) -> None:
        async with self._making:
            await self._engine.call(lambda client: networks.ensure_vpc(client, self.settings, network))

    async def delete_network(self, vpc_id: str) -> None:
        for step in (networks.refuse_machines, routers.delete, resolvers.delete, spares.delete, networks.delete_vpc):
            await self._engine.call(partial(step, settings=self.settings, vpc_id=vpc_id))

    async def set_router(self, router: Router) -> None:
        async with self._making:
            await self._engine.call(lambda client: routers.ensure(client, self.settings, router))
        await self._engine.call(lambda client: routers.apply(client, self.settings, router))

    async def keep_spares(self, wanted: frozenset[Spare]) -> None:
        async with self._making:  # a launch that is under way has made its interface, or finds the spare
            made = await self._engine.call(lambda client: spares.keep(client, self.settings, wanted))
        for name in made:
            async with self._starting:
                await self._engine.call(partial(spares.start, name=name))

    async def keep_resolvers(self, wanted: frozenset[Resolver]) -> None:
        async with self._making:
            await self._engine.call(lambda client: resolvers.keep(client, self.settings, wanted))

    async def resolvers(self) -> frozenset[Resolver]:
        return await self._engine.call(lambda client: resolvers.running(client, self.settings))

    async def routers(self) -> frozenset[str]:
        return await self._engine.call(lambda client: routers.running(client, self.settings))

    async def attach_control(self, container_id: str, alias: str = "control") -> None:
        """Put the control plane's own container where load balancer nodes can reach it, as `alias`. Idempotent."""
        async with self._making:
            await self._engine.call(lambda client: networks.attach_control(client, self.settings, container_id, alias))

    async def ensure_janitor(self, image: str) -> None:
        """Have a janitor of this image; see `lab.adapters.docker.janitor`. Idempotent."""
        await self._engine.call(lambda client: ensure_janitor(client, self.settings, image))

    # Machines

    async def launch(self, spec: MachineSpec, interface: Interface | None = None) -> Machine:
        async with self._making:
            made = await self._engine.call(lambda client: self._make(client, spec, interface))
        if made is not None:
            try:
                async with self._starting:
                    await self._engine.call(lambda client: self._start(client, spec, interface))
                if spec.zone in await self.failed_zones():  # it failed while the machine came up
                    await self._kill(spec.id)
                    raise NoCapacity(spec.zone)
            except AdapterError:
                await self._engine.call(lambda client: self._unmake(client, spec.id, **made))
                raise
        return await self._engine.call(lambda client: self._existing(client, spec.id))

    async def set_interface(self, interface: Interface) -> None:
        await self._engine.call(lambda client: interfaces.apply(client, interface))

    async def probe(self, machine_id: str, address: str, port: int) -> str:
        await self._alive(machine_id)
        return await self._engine.call(lambda client: interfaces.probe(client, machine_id, address, port))

    async def stop(self, machine_id: str, grace: float) -> None:
        if await self._state(machine_id) is MachineState.RUNNING:
            await self._ask_to_stop(machine_id, grace)
        if await self._state(machine_id) is not MachineState.STOPPED:
            with contextlib.suppress(Refused):  # it died in the meantime
                await self._kill(machine_id)

    async def pause(self, machine_id: str) -> None:
        if await self._alive(machine_id) is not MachineState.PAUSED:
            await self._engine.call(lambda client: client.pause(machine_id))

    async def unpause(self, machine_id: str) -> None:
        if await self._alive(machine_id) is MachineState.PAUSED:
            await self._engine.call(lambda client: client.unpause(machine_id))

    async def terminate(self, machine_id: str, grace: float) -> None:
        machine = await self._engine.call(lambda client: self._find(client, machine_id))
        if machine is not None and machine.state is MachineState.RUNNING:
            await self._ask_to_stop(machine_id, grace)
        await self._engine.call(lambda client: self._remove(client, machine_id, container=machine is not None))

    async def kill(self, machine_id: str) -> None:
        await self._alive(machine_id)
        await self._kill(machine_id)

    async def machines(self) -> list[Machine]:
        return await self._engine.call(self._machines)

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        wanted = set(machine_ids)
        entries = [one for one in await self._engine.call(self._entries) if machines.machine_name(one) in wanted]
        found = await asyncio.gather(*(self._engine.call(partial(_stats, entry=entry)) for entry in entries))
        pairs = zip(map(machines.machine_name, entries), found, strict=True)
        return {name: stats for name, stats in pairs if stats is not None}

    async def fail_zone(self, zone: str) -> None:
        await self._engine.call(lambda client: zones.fail(client, self.settings, zone))
        entries = [one for one in await self._engine.call(self._entries) if one["Labels"][label.ZONE] == zone]
        await asyncio.gather(*(self._crash(machines.machine_name(entry)) for entry in entries))

    async def recover_zone(self, zone: str) -> None:
        await self._engine.call(lambda client: zones.recover(client, self.settings, zone))

    async def failed_zones(self) -> frozenset[str]:
        return await self._engine.call(lambda client: zones.failed(client, self.settings))

    async def logs(self, machine_id: str, tail: int) -> str:
        def read(client: APIClient) -> str:
            self._existing(client, machine_id)
            output: bytes = client.logs(machine_id, stdout=True, stderr=True, tail=tail)
            return output.decode(errors="replace")

        return await self._engine.call(read)

    async def changes(self) -> AsyncIterator[str]:
        """As the port says; an empty id comes at the first opening too: what happened before was not seen."""
        loop = asyncio.get_running_loop()
        seen: asyncio.Queue[str] = asyncio.Queue()

        def deliver(name: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed under us: nobody listens any more
                loop.call_soon_threadsafe(seen.put_nowait, name)

        filters = {
            "type": ["container"],
            "label": [f"{label.OWNER}={self.settings.owner}"],
            "event": ["start", "die", "destroy", "pause", "unpause", "health_status"],
        }
        thread = EventThread(partial(connect, self.settings.base_url), filters, deliver)
        thread.start()
        try:
            while True:
                yield interfaces.owner_of(await seen.get())
        finally:
            await asyncio.to_thread(thread.stop)

    async def _state(self, machine_id: str) -> MachineState:
        """STOPPED also when there is no such machine."""
        machine = await self._engine.call(lambda client: self._find(client, machine_id))
        return MachineState.STOPPED if machine is None else machine.state

    async def _alive(self, machine_id: str) -> MachineState:
        state = await self._state(machine_id)
        if state is MachineState.STOPPED:
            raise Refused(f"no machine {machine_id} is running")
        return state

    async def _kill(self, machine_id: str) -> None:
        await self._engine.call(lambda client: client.kill(machine_id, "SIGKILL"))
        # The engine answers when the process is gone, a moment before its list says so (seen on 26.1).
        with contextlib.suppress(TimeoutError):
            await self._stopped(machine_id, DYING)

    async def _crash(self, machine_id: str) -> None:
        """With its interface, and that first: its published ports go, so that who knocks there hears at once that nobody is
        in, and tries elsewhere. Does nothing to what does not run."""
        await self._engine.call(lambda client: interfaces.kill(client, machine_id))
        await self._engine.call(lambda client: interfaces.kill_container(client, machine_id))

    async def _ask_to_stop(self, machine_id: str, grace: float) -> None:
        """Asked and polled, not the engine's own `stop`: that would hold one of the few threads for the whole grace."""
        with contextlib.suppress(Refused, TimeoutError):  # refused: it died in the meantime
            await self._engine.call(lambda client: client.kill(machine_id, _stop_signal(client, machine_id)))
            await self._stopped(machine_id, grace)

    async def _stopped(self, machine_id: str, seconds: float) -> None:
        """Return when the machine does not run; `TimeoutError` when it still does after `seconds`."""
        async with asyncio.timeout(seconds):
            while True:
                if await self._state(machine_id) is MachineState.STOPPED:
                    return
                await asyncio.sleep(POLL)

    # What follows runs in the engine's threads.

    def _listed(self, client: APIClient) -> list[dict[str, Any]]:
        """All containers of this lab, as the engine lists them."""
        labels = [f"{label.OWNER}={self.settings.owner}"]
        entries: list[dict[str, Any]] = client.containers(all=True, filters={"label": labels})
        return [entry for entry in entries if entry["Names"]]  # one being removed can have lost its name already

    def _entries(self, client: APIClient) -> list[dict[str, Any]]:
        """Those of machines."""
        return [entry for entry in self._listed(client) if label.ROLE in entry["Labels"]]

    def _machines(self, client: APIClient) -> list[Machine]:
        listed = self._listed(client)
        up = interfaces.running(listed)
        return [
            machines.machine_found(entry, reachable=machines.machine_name(entry) in up)
            for entry in listed
            if label.ROLE in entry["Labels"]
        ]

    def _find(self, client: APIClient, machine_id: str) -> Machine | None:
        return next((machine for machine in self._machines(client) if machine.id == machine_id), None)

    def _existing(self, client: APIClient, machine_id: str) -> Machine:
        machine = self._find(client, machine_id)
        if machine is None:
            raise Refused(f"there is no machine {machine_id}")
        return machine

    def _make(self, client: APIClient, spec: MachineSpec, interface: Interface | None) -> dict[str, bool] | None:
        """Bring the machine to where only the start is missing.

        Returns what was made for it by this call (`container`, with its interface, and `volume`), or None when it runs
        already.

        1. It runs or is paused: nothing to do.
        2. It ran once and stopped, and its interface is up: start it as it is.
        3. It was created and never started, by a launch cut short, or its interface has died, and with it the network that
           the container belongs to: make it anew. Its volume stays.
        4. It is not there: make it.
        """
        machine = self._find(client, spec.id)
        if machine is not None and machine.state is not MachineState.STOPPED:
            return None
        if spec.zone in zones.failed(client, self.settings):
            raise NoCapacity(spec.zone)
        entries = self._entries(client)
        entry = next((one for one in entries if machines.machine_name(one) == spec.id), None)
        if entry is not None:
            if entry["State"] == "exited" and interfaces.is_up(client, self.settings, spec.id):
                return {"container": False, "volume": False}
            client.remove_container(spec.id, force=True)
        interfaces.remove(client, self.settings, spec.id)
        service = [one for one in entries if one["Labels"][label.ROLE] == spec.role.value and one is not entry]
        taken = {int(one["Labels"].get(label.COMPOSE_NUMBER, 0)) for one in service}
        config = machines.container_config(spec, self.settings, machines.free_number(taken))
        volume = machines.data_path(spec) is not None and self._make_volume(client, spec.id)
        try:
            interfaces.create(client, self.settings, spec, interface)
            create_container(client, spec.id, config)
        except Exception:
            interfaces.remove(client, self.settings, spec.id)
            self._unmake(client, spec.id, container=False, volume=volume)
            raise
        return {"container": True, "volume": volume}

    def _start(self, client: APIClient, spec: MachineSpec, interface: Interface | None) -> None:
        """The interface with its rules first, then the machine in its network. Its init waits until `/` is open to it."""
        interfaces.start(client, spec.id)
        if interface is not None:
            interfaces.apply(client, interface)
        client.start(spec.id)
        if spec.disk:
            self._open_root(client, spec.id)

    def _open_root(self, client: APIClient, machine_id: str) -> None:
        try:
            client.exec_start(client.exec_create(machine_id, machines.OPEN_ROOT, user="0:0")["Id"])
        except APIError as error:
            if error.status_code != CONFLICT:  # it has ended already
                raise

    def _make_volume(self, client: APIClient, machine_id: str) -> bool:
        """Have the machine's volume; whether it had to be made. `Refused` when its name is taken by another's."""
        name = machines.volume_name(machine_id)
        try:
            existing = client.inspect_volume(name)
        except NotFound:
            client.create_volume(name, labels={label.OWNER: self.settings.owner})
            return True
        if (existing.get("Labels") or {}).get(label.OWNER) != self.settings.owner:
            raise Refused(f"a Docker volume named {name} exists and is not this lab's: remove or rename it")
        return False

    def _remove(self, client: APIClient, machine_id: str, *, container: bool) -> None:
        if container:
            with contextlib.suppress(NotFound):
                client.remove_container(machine_id, v=True, force=True)
        interfaces.remove(client, self.settings, machine_id)
        # Also without a container: a launch or an earlier removal may have been cut short between the two.
        with contextlib.suppress(NotFound):
            volume = client.inspect_volume(machines.volume_name(machine_id))
            if (volume.get("Labels") or {}).get(label.OWNER) == self.settings.owner:
                client.remove_volume(volume["Name"])

    def _unmake(self, client: APIClient, machine_id: str, *, container: bool, volume: bool) -> None:
        """Undo a launch that failed, and no more than that launch: a stopped machine that cannot start keeps its data."""
        if container:
            client.remove_container(machine_id, v=True, force=True)
            interfaces.remove(client, self.settings, machine_id)
        if volume:
            client.remove_volume(machines.volume_name(machine_id))


def _stop_signal(client: APIClient, machine_id: str) -> str:
    """What the image wants to be stopped by: SIGTERM unless it says otherwise (PostgreSQL's fast shutdown is SIGINT)."""
    signal: str = client.inspect_container(machine_id)["Config"].get("StopSignal") or "SIGTERM"
    return signal


def _stats(client: APIClient, *, entry: Mapping[str, Any]) -> MachineStats | None:
    """None for a machine that does not run, or has gone meanwhile."""
    name = machines.machine_name(entry)
    try:
        stats = machines.machine_stats(client.stats(name, stream=False, one_shot=True))
        if stats is None:
            return None
        interface = client.stats(interfaces.container_name(name), stream=False, one_shot=True)
        stats = replace(stats, traffic=machines.traffic(interface))
        if entry["Labels"][label.ROLE] != Role.DATABASE.value:
            return stats
        return replace(stats, connections=clients(machines.process_titles(client.top(name))))
    except NotFound:
        return None
    except APIError as error:
        if error.status_code == CONFLICT:  # it stopped between the two questions
            return None
        raise
