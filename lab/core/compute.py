"""What the lab asks of a compute adapter, as values: networks and machines.

A machine is anything that runs: an EC2 instance, a load balancer node, a database. The same specification is a container
on Docker, a local subprocess in process mode and a queueing model in a simulation. This file does not know which.

Machine ids are the AWS ids the rest of the lab uses (`i-…`), so a machine found running can always be traced to its row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a machine is for; also its service name in `docker compose ps`."""

    INSTANCE = "app"
    NODE = "lb"
    DATABASE = "db"


@dataclass(frozen=True, slots=True)
class Network:
    """One VPC's layer-2 world: a Docker bridge, or nothing at all in process mode."""

    vpc_id: str
    cidr_block: str
    gateway: str
    """The host's own address on the bridge, inside `cidr_block`; never given to a machine."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """A VPC's DNS resolver: `url` is what it sends queries to."""

    vpc_id: str
    address: str
    url: str


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port the machine listens on. `published` is the port on the host's 127.0.0.1, or None when not published."""

    number: int
    published: int | None = None


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """All an adapter needs to make one machine. The machine's name is `id`.

    `address` is the ENI's private IPv4 address, allocated before the machine exists. `hostnames` are extra names that
    resolve to it inside the VPC. `vcpus` is the CPU allowance (1.0 = one core). `data_path` is a directory that must
    survive a crash and restart of the machine (None: nothing survives). `control` asks for a way to the control plane's
    API; only load balancer nodes get one. `group` is shown by tools (the Auto Scaling group, the load balancer …). `disk` lets
    the machine write to its own file system, and keeps that while it is stopped.
    """

    id: str
    role: Role
    image: str
    vpc_id: str
    zone: str
    address: str
    vcpus: float
    memory_mib: int
    environment: Mapping[str, str]
    ports: tuple[Port, ...]
    group: str = ""
    template_hash: str = ""
    hostnames: tuple[str, ...] = ()
    data_path: str | None = None
    control: bool = False
    disk: bool = False


class MachineState(StrEnum):
    """A paused machine keeps its memory, its data and its ports and gets no CPU: its peers see it hang."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it was found. `endpoints` maps each of its ports to the (host, port) its peers must dial.

    `ready` is the machine's own word that it serves: a database that accepts connections; always True while running for
    roles that have no such word. `template_hash` is the one it was launched with.
    """

    id: str
    role: Role
    state: MachineState
    ready: bool = True
    exit_code: int | None = None
    template_hash: str = ""
    endpoints: Mapping[int, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over a machine's network interfaces since it started: in is what it received."""

    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0


@dataclass(frozen=True, slots=True)
class MachineStats:
    """`cpu` is the CPU time used since the machine started, in seconds, `read_at` when that was read (wall clock, seconds).
    `traffic` is None where nothing of the machine's own can be told from its neighbours' (processes on one loopback).
    `connections` are the clients that a database serves now; None for every other machine."""

    cpu: float
    read_at: float
    traffic: Traffic | None = None
    connections: int | None = None
