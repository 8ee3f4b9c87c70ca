"""Machines that exist only in memory, for tests and simulations: `lab.control.ports.Compute` without a world.

Time is a function given to the constructor, so a virtual clock drives it. What happens to a machine is scripted: its CPU
utilisation (`set_cpu`), its network traffic (`set_traffic`), a database's clients (`set_connections`), its crash (`kill`),
that it hangs (`pause`), and calls that fail (`fail_next_launch`). A machine runs as soon as it is launched and is `ready`
once it has booted. Held to the real adapters by `tests/contract`.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Network, Resolver, Role, Traffic
from lab.core.errors import AdapterError, NoCapacity, Refused, Unavailable
from lab.core.vpc.documents import Interface
from lab.core.vpc.routers import Router
from lab.core.vpc.spares import Spare

KILLED, ASKED = 137, 0  # exit codes of a SIGKILL and of a program that was asked to stop
PACKET = 1500  # bytes


@dataclass(slots=True)
class _Simulated:
    """The mutable truth about one machine. `used` is CPU seconds up to `counted_at`, since when it runs at `utilisation`;
    `received` and `sent` are bytes, which grow by `traffic` a second. While it is paused none of these grows."""

    spec: MachineSpec
    started_at: float
    counted_at: float
    state: MachineState = MachineState.RUNNING
    used: float = 0.0
    utilisation: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    traffic: tuple[float, float] = (0.0, 0.0)
    connections: int = 0
    exit_code: int | None = None
    log: list[str] = field(default_factory=list)
    last_seen: Machine | None = None
    """As it was listed last: most do not change from one listing to the next."""


class SimulatedCompute:
    """`now` gives the time in seconds; a machine is there `launch_seconds` of it after it was asked for, and ready another
    `boot_seconds` later.

    `images` are the image names that exist (None: all do); `occupied` are host ports that somebody else listens on.
    """

    filters: bool = False

    def __init__(
        self,
        now: Callable[[], float],
        boot_seconds: float = 0.0,
        images: frozenset[str] | None = None,
        occupied: Iterable[int] = (),
        launch_seconds: float = 0.0,
    ) -> None:
        self._now = now
        self._launch_seconds = launch_seconds
        self._boot_seconds = boot_seconds
        self._images = images
        self._occupied = set(occupied)
        self._networks: dict[str, Network] = {}
        self._machines: dict[str, _Simulated] = {}
        self._failures: list[AdapterError] = []
        self._failed_zones: set[str] = set()
        self._listeners: set[asyncio.Queue[str]] = set()

    def fail_next_launch(self, error: AdapterError) -> None:
        """The next launch raises this and does nothing; given several times, the next several do, in order."""
        self._failures.append(error)

    def runs(self, machine_id: str) -> bool:
        machine = self._machines.get(machine_id)
        return machine is not None and machine.state is MachineState.RUNNING and machine.started_at <= self._now()

    def next_start(self) -> float | None:
        """When the next of the machines that are being launched will be there; None when there are none."""
        now = self._now()
        return min((one.started_at for one in self._machines.values() if one.started_at > now), default=None)

    def set_cpu(self, machine_id: str, utilisation: float) -> None:
        """From now on the machine uses this share of its own vCPUs (0.0 to 1.0)."""
        machine = self._machines[machine_id]
        self._count(machine)
        machine.utilisation = utilisation

    def set_traffic(self, machine_id: str, received: float, sent: float) -> None:
        """From now on the machine receives and sends so many bytes a second."""
        machine = self._machines[machine_id]
        self._count(machine)
        machine.traffic = (received, sent)

    def set_connections(self, machine_id: str, connections: int) -> None:
        """From now on so many clients are connected to the database."""
        self._machines[machine_id].connections = connections

    async def close(self) -> None:
        """Nothing is held; here because the real adapters have it."""

    async def ensure_network(self, network: Network) -> None:
        self._networks[network.vpc_id] = network

    async def delete_network(self, vpc_id: str) -> None:
        machines = [name for name, machine in self._machines.items() if machine.spec.vpc_id == vpc_id]
        if machines:
            raise Unavailable(f"network {vpc_id} still has machines: {', '.join(machines)}")
        self._networks.pop(vpc_id, None)

    async def set_interface(self, interface: Interface) -> None:
        """No packets, no rules."""

    async def set_router(self, router: Router) -> None:
        """No packets, no ways."""

    async def keep_resolvers(self, wanted: frozenset[Resolver]) -> None:
        """No packets, no names."""

    async def resolvers(self) -> frozenset[Resolver]:
        return frozenset()

    async def keep_spares(self, wanted: frozenset[Spare]) -> None:
        """No packets, no interfaces."""

    async def routers(self) -> frozenset[str]:
        return frozenset()

    async def probe(self, machine_id: str, address: str, port: int) -> str:
        raise Refused("there is nothing to probe: simulated machines send no packets")

    async def launch(self, spec: MachineSpec, interface: Interface | None = None) -> Machine:
        if self._failures:
            raise self._failures.pop(0)
        machine = self._machines.get(spec.id)
        if machine is not None and machine.state is not MachineState.STOPPED:
            return self._machine(machine)
        if spec.zone in self._failed_zones:
            raise NoCapacity(spec.zone)
        if self._images is not None and spec.image not in self._images:
            raise Refused(f"there is no image {spec.image!r}")
        if spec.vpc_id not in self._networks:
            raise Refused(f"there is no network {spec.vpc_id}")
        self._check_ports(spec)
        now = self._now() + self._launch_seconds
        if machine is None:
            machine = self._machines[spec.id] = _Simulated(spec, started_at=now, counted_at=now)
        else:
            machine.state, machine.started_at, machine.counted_at = MachineState.RUNNING, now, now
            machine.used, machine.received, machine.sent, machine.exit_code = 0.0, 0.0, 0.0, None
        machine.log.append(f"{spec.id} started")
        self._announce(spec.id)
        return self._machine(machine)

    async def stop(self, machine_id: str, grace: float) -> None:
        machine = self._machines.get(machine_id)
        if machine is not None and machine.state is not MachineState.STOPPED:
            self._end(machine, KILLED if machine.state is MachineState.PAUSED else ASKED)

    async def pause(self, machine_id: str) -> None:
        self._freeze(machine_id, MachineState.PAUSED)

    async def unpause(self, machine_id: str) -> None:
        self._freeze(machine_id, MachineState.RUNNING)

    async def terminate(self, machine_id: str, grace: float) -> None:
        machine = self._machines.pop(machine_id, None)
        if machine is not None:
            self._announce(machine_id)

    async def kill(self, machine_id: str) -> None:
        self._end(self._alive(machine_id), KILLED)

    async def machines(self) -> list[Machine]:
        now = self._now()
        return [self._machine(machine) for machine in self._machines.values() if machine.started_at <= now]

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        now = self._now()
        found = [self._machines[name] for name in machine_ids if name in self._machines]
        alive = [one for one in found if one.state is not MachineState.STOPPED and one.started_at <= now]
        for machine in alive:
            self._count(machine)
        return {machine.spec.id: _stats(machine) for machine in alive}

    async def fail_zone(self, zone: str) -> None:
        self._failed_zones.add(zone)
        for machine in self._machines.values():
            if machine.spec.zone == zone and machine.state is not MachineState.STOPPED:
                self._end(machine, KILLED)

    async def recover_zone(self, zone: str) -> None:
        self._failed_zones.discard(zone)

    async def failed_zones(self) -> frozenset[str]:
        return frozenset(self._failed_zones)

    async def logs(self, machine_id: str, tail: int) -> str:
        if machine_id not in self._machines:
            raise Refused(f"there is no machine {machine_id}")
        lines = self._machines[machine_id].log
        return "".join(f"{line}\n" for line in lines[max(0, len(lines) - tail) :])

    async def changes(self) -> AsyncIterator[str]:
        """As the port says; an empty id comes at the beginning, as from the real adapters."""
        seen: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(seen)
        try:
            yield ""
            while True:
                yield await seen.get()
        finally:
            self._listeners.discard(seen)

    def _check_ports(self, spec: MachineSpec) -> None:
        published = {port.published for port in spec.ports if port.published is not None}
        if not published:
            return
        taken = set(self._occupied)
        for other in self._machines.values():
            if other.state is not MachineState.STOPPED and other.spec.id != spec.id:
                taken |= {port.published for port in other.spec.ports if port.published is not None}
        for port in sorted(published & taken):
            raise Refused(f"port {port} on 127.0.0.1 is in use by another program: free it or publish another port")

    def _alive(self, machine_id: str) -> _Simulated:
        machine = self._machines.get(machine_id)
        if machine is None or machine.state is MachineState.STOPPED:
            raise Refused(f"no machine {machine_id} is running")
        return machine

    def _freeze(self, machine_id: str, state: MachineState) -> None:
        machine = self._alive(machine_id)
        if machine.state is not state:
            self._count(machine)
            machine.state = state
            self._announce(machine_id)

    def _end(self, machine: _Simulated, exit_code: int) -> None:
        machine.state, machine.exit_code = MachineState.STOPPED, exit_code
        self._announce(machine.spec.id)

    def _announce(self, machine_id: str) -> None:
        for listener in self._listeners:
            listener.put_nowait(machine_id)

    def _count(self, machine: _Simulated) -> None:
        now = self._now()
        seconds = now - machine.counted_at if machine.state is MachineState.RUNNING else 0.0
        machine.used += seconds * machine.utilisation * machine.spec.vcpus
        machine.received += seconds * machine.traffic[0]
        machine.sent += seconds * machine.traffic[1]
        machine.counted_at = now

    def _machine(self, machine: _Simulated) -> Machine:
        spec, seen = machine.spec, machine.last_seen
        ready = machine.state is MachineState.RUNNING and self._now() >= machine.started_at + self._boot_seconds
        if seen is None or (seen.state, seen.ready, seen.exit_code) != (machine.state, ready, machine.exit_code):
            machine.last_seen = seen = Machine(
                id=spec.id,
                role=spec.role,
                state=machine.state,
                ready=ready,
                exit_code=machine.exit_code,
                template_hash=spec.template_hash,
                endpoints={port.number: (spec.address, port.number) for port in spec.ports},
            )
        return seen


def _stats(machine: _Simulated) -> MachineStats:
    received, sent = round(machine.received), round(machine.sent)
    packets = math.ceil(received / PACKET), math.ceil(sent / PACKET)
    return MachineStats(
        cpu=machine.used,
        read_at=machine.counted_at,
        traffic=Traffic(received, sent, *packets),
        connections=machine.connections if machine.spec.role is Role.DATABASE else None,
    )
