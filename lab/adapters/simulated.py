"""Machines that exist only in memory, for tests and simulations: `lab.control.ports.Compute` without a world.

Time is a function given to the constructor, so a virtual clock drives it. What happens to a machine is scripted: its CPU
utilisation (`set_cpu`), its network traffic (`set_traffic`), a database's clients (`set_connections`), that it hangs
(`freeze`), its crash (`kill`), and calls that fail (`fail_next_launch`). A machine runs as soon as it is launched and is
`ready` once it has booted. Held to the real adapters by `tests/contract`.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Network, Role, Traffic
from lab.core.errors import AdapterError, Refused, Unavailable

KILLED = 137  # the exit code of a SIGKILL
PACKET = 1500  # bytes


@dataclass(slots=True)
class _Simulated:
    """The mutable truth about one machine. `used` is CPU seconds up to `counted_at`, since when it runs at `utilisation`;
    `received` and `sent` are bytes, which grow by `traffic` a second."""

    spec: MachineSpec
    started_at: float
    counted_at: float
    running: bool = True
    used: float = 0.0
    utilisation: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    traffic: tuple[float, float] = (0.0, 0.0)
    connections: int = 0
    frozen: bool = False
    exit_code: int | None = None
    log: list[str] = field(default_factory=list)
    last_seen: Machine | None = None
    """As it was listed last: most do not change from one listing to the next."""


class SimulatedCompute:
    """`now` gives the time in seconds; a machine is there `launch_seconds` of it after it was asked for, and ready another
    `boot_seconds` later.

    `images` are the image names that exist (None: all do); `occupied` are host ports that somebody else listens on.
    """

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
        self._listeners: set[asyncio.Queue[str]] = set()

    def fail_next_launch(self, error: AdapterError) -> None:
        """The next launch raises this and does nothing; given several times, the next several do, in order."""
        self._failures.append(error)

    def runs(self, machine_id: str) -> bool:
        machine = self._machines.get(machine_id)
        return machine is not None and machine.running and machine.started_at <= self._now()

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

    def freeze(self, machine_id: str, *, frozen: bool = True) -> None:
        """From now on the machine hangs, or does so no more."""
        self._machines[machine_id].frozen = frozen

    async def close(self) -> None:
        """Nothing is held; here because the real adapters have it."""

    async def ensure_network(self, network: Network) -> None:
        self._networks[network.vpc_id] = network

    async def delete_network(self, vpc_id: str) -> None:
        machines = [name for name, machine in self._machines.items() if machine.spec.vpc_id == vpc_id]
        if machines:
            raise Unavailable(f"network {vpc_id} still has machines: {', '.join(machines)}")
        self._networks.pop(vpc_id, None)

    async def launch(self, spec: MachineSpec) -> Machine:
        if self._failures:
            raise self._failures.pop(0)
        machine = self._machines.get(spec.id)
        if machine is not None and machine.running:
            return self._machine(machine)
        if self._images is not None and spec.image not in self._images:
            raise Refused(f"there is no image {spec.image!r}")
        if spec.vpc_id not in self._networks:
            raise Refused(f"there is no network {spec.vpc_id}")
        self._check_ports(spec)
        now = self._now() + self._launch_seconds
        if machine is None:
            machine = self._machines[spec.id] = _Simulated(spec, started_at=now, counted_at=now)
        else:
            machine.running, machine.started_at, machine.counted_at = True, now, now
            machine.used, machine.received, machine.sent, machine.exit_code = 0.0, 0.0, 0.0, None
            machine.frozen = False
        machine.log.append(f"{spec.id} started")
        self._announce(spec.id)
        return self._machine(machine)

    async def terminate(self, machine_id: str, grace: float) -> None:
        machine = self._machines.pop(machine_id, None)
        if machine is not None:
            self._announce(machine_id)

    async def kill(self, machine_id: str) -> None:
        machine = self._machines.get(machine_id)
        if machine is None or not machine.running:
            raise Refused(f"no machine {machine_id} is running")
        machine.running, machine.exit_code = False, KILLED
        self._announce(machine_id)

    async def machines(self) -> list[Machine]:
        now = self._now()
        return [self._machine(machine) for machine in self._machines.values() if machine.started_at <= now]

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        running = [self._machines[name] for name in machine_ids if self.runs(name)]
        for machine in running:
            self._count(machine)
        return {machine.spec.id: _stats(machine) for machine in running}

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
            if other.running and other.spec.id != spec.id:
                taken |= {port.published for port in other.spec.ports if port.published is not None}
        for port in sorted(published & taken):
            raise Refused(f"port {port} on 127.0.0.1 is in use by another program: free it or publish another port")

    def _announce(self, machine_id: str) -> None:
        for listener in self._listeners:
            listener.put_nowait(machine_id)

    def _count(self, machine: _Simulated) -> None:
        now = self._now()
        seconds = now - machine.counted_at
        machine.used += seconds * machine.utilisation * machine.spec.vcpus
        machine.received += seconds * machine.traffic[0]
        machine.sent += seconds * machine.traffic[1]
        machine.counted_at = now

    def _machine(self, machine: _Simulated) -> Machine:
        spec, seen = machine.spec, machine.last_seen
        state = MachineState.RUNNING if machine.running else MachineState.STOPPED
        ready = machine.running and self._now() >= machine.started_at + self._boot_seconds
        now = (state, ready, machine.exit_code, machine.running and machine.frozen)
        if seen is None or (seen.state, seen.ready, seen.exit_code, seen.frozen) != now:
            machine.last_seen = seen = Machine(
                id=spec.id,
                role=spec.role,
                state=state,
                ready=ready,
                exit_code=machine.exit_code,
                template_hash=spec.template_hash,
                endpoints={port.number: (spec.address, port.number) for port in spec.ports},
                frozen=machine.running and machine.frozen,
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
