"""What the contract suite needs to know of an adapter to test it: one `World` each, alike on the outside."""

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Protocol

from lab.control.ports import Compute
from lab.core.compute import Machine, MachineSpec, Network, Port, Role
from tests.blocks import free_block, free_internet

DATA = "/var/lib/lb"
PASSWORD = "not-a-secret"
BLOCK = IPv4Network(free_block())
SUBNET = f"{BLOCK[256]}/24"
"""That of all machines."""
INTERNET = free_internet()
NETWORK = Network("vpc-contract", str(BLOCK), str(BLOCK[-2]))


class ClosableCompute(Compute, Protocol):
    async def close(self) -> None: ...


@dataclass
class World:
    """`adapter` makes another adapter of the same lab, `stranger` one of another lab; `busy` makes a machine use CPU and
    its network, `freeze` makes it hang.

    `prefix` makes ids unique among all labs of this machine. `occupy` listens on a port as somebody else would.
    """

    compute: ClosableCompute
    adapter: Callable[[], ClosableCompute]
    stranger: Callable[[], ClosableCompute]
    busy: Callable[[Machine], Awaitable[None]]
    freeze: Callable[[Machine], Awaitable[None]]
    network: Network
    prefix: str
    occupied: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def spec(
        self,
        *,
        image: str = "app",
        environment: Mapping[str, str] | None = None,
        ports: tuple[Port, ...] = (Port(80),),
        role: Role = Role.INSTANCE,
        data_path: str | None = DATA,
        control: bool = False,
        zone: str = "us-east-1a",
    ) -> MachineSpec:
        number = next(self._numbers)
        return MachineSpec(
            id=f"{self.prefix}-{number}",
            role=role,
            image=image,
            vpc_id=self.network.vpc_id,
            zone=zone,
            address=str(IPv4Network(SUBNET)[number]),
            vcpus=1.0,
            memory_mib=256,
            environment=environment or {},
            ports=ports,
            group="web",
            template_hash="abc123",
            data_path=data_path,
            control=control,
        )

    def database(self) -> MachineSpec:
        environment = {"POSTGRES_USER": "lab", "POSTGRES_DB": "web", "POSTGRES_PASSWORD": PASSWORD}
        return self.spec(
            image="postgres", environment=environment, ports=(Port(5432),), role=Role.DATABASE, data_path=None
        )


async def ask(machine: Machine, path: str) -> str:
    """What the machine of `image/server.py` answers on its port 80."""
    return await ask_at(machine.endpoints[80], path)


async def ask_at(endpoint: tuple[str, int], path: str) -> str:
    reader, writer = await asyncio.open_connection(*endpoint)
    try:
        writer.write(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.0 200"):
            raise ConnectionError(f"{endpoint} answered {head!r}")
        return body.decode()
    finally:
        writer.close()


@contextmanager
def listening() -> Iterator[int]:
    """A loopback port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
