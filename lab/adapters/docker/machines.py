"""A machine as a container: the specification turned into the Engine API's words, and the engine's words back. Pure.

The configuration is the body of `POST /containers/create` (Docker Engine API v1.41 and later) and the summary an element
of `GET /containers/json`. What a container may do is the least that works: no capabilities, no new privileges, a
read-only root, a user that is not root.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab.adapters.docker import interfaces
from lab.adapters.docker import settings as label
from lab.adapters.docker.settings import DockerSettings
from lab.adapters.placeholders import machine_environment
from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Role, Traffic

MIB = 1024 * 1024
SECOND = 1_000_000_000  # the Engine API counts in nanoseconds
POSTGRES_DATA = "/var/lib/postgresql/data"
_USERS = {Role.INSTANCE: 1000, Role.NODE: 1000, Role.DATABASE: 999}  # 999 is postgres in the official image
_STATES = {"running": MachineState.RUNNING, "restarting": MachineState.RUNNING, "paused": MachineState.PAUSED}
_EXITED = re.compile(r"Exited \((\d+)\)")


OPEN_ROOT = ["chmod", "0777", "/"]
"""Lets the machine's user make things in `/`, which the engine makes root's, whatever the image says. To be run as root in the
machine: the owner needs no capability for it. (A tar of `/` alone, put there before the start, does nothing on Docker
28.)"""


def data_path(spec: MachineSpec) -> str | None:
    """Where the machine's volume is mounted; None for one without. A database always has one."""
    if spec.data_path is None and spec.role is Role.DATABASE:
        return POSTGRES_DATA
    return spec.data_path


def volume_name(machine_id: str) -> str:
    return f"{machine_id}-data"


def container_config(spec: MachineSpec, settings: DockerSettings, number: int) -> dict[str, Any]:
    """The body of the create request. `number` is the container's number within its compose service."""
    config: dict[str, Any] = {
        "Image": settings.images.get(spec.image, spec.image),
        "User": f"{_USERS[spec.role]}:{_USERS[spec.role]}",
        "Env": [f"{name}={value}" for name, value in _environment(spec).items()],
        "Labels": _labels(spec, settings, number),
        "HostConfig": _host_config(spec),
    }
    if spec.role is Role.DATABASE:
        config["Healthcheck"] = _healthcheck(spec)
    return config


def machine_found(entry: Mapping[str, Any], *, reachable: bool = True) -> Machine:
    """A machine from an element of the engine's list; the container must bear our labels.

    "created" is a launch that a crash cut short, so not running. A machine whose interface has died has no network any more,
    and counts as stopped.
    """
    labels = entry["Labels"]
    role = Role(labels[label.ROLE])
    state = _STATES.get(entry["State"], MachineState.STOPPED) if reachable else MachineState.STOPPED
    status = entry["Status"]
    exited = _EXITED.match(status)
    ports = [int(port) for port in labels[label.PORTS].split(",") if port]
    return Machine(
        id=machine_name(entry),
        role=role,
        state=state,
        ready=state is MachineState.RUNNING and (role is not Role.DATABASE or "(healthy)" in status),
        exit_code=int(exited[1]) if exited else None,
        template_hash=labels[label.TEMPLATE_HASH],
        endpoints={port: (labels[label.ADDRESS], port) for port in ports},
    )


def machine_name(entry: Mapping[str, Any]) -> str:
    name: str = entry["Names"][0]
    return name.removeprefix("/")


def machine_stats(stats: Mapping[str, Any]) -> MachineStats | None:
    """From the answer of the stats call; None for a container that does not run, which has no reading time."""
    read: str = stats["read"]
    if read.startswith("0001-"):
        return None
    return MachineStats(
        cpu=stats["cpu_stats"]["cpu_usage"]["total_usage"] / SECOND, read_at=datetime.fromisoformat(read).timestamp()
    )


def traffic(stats: Mapping[str, Any]) -> Traffic:
    """From the answer of the stats call of an interface's container."""
    devices: Mapping[str, Mapping[str, int]] = stats.get("networks") or {}
    counts = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets")
    return Traffic(*(sum(one[count] for one in devices.values()) for count in counts))


def process_titles(top: Mapping[str, Any]) -> list[str]:
    """The command lines in the answer of the top call; they are the last column."""
    return [str(row[-1]) for row in top["Processes"] or ()]


def free_number(taken: set[int]) -> int:
    """The smallest container number not taken: numbers stay small when machines come and go, as compose's own do."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _environment(spec: MachineSpec) -> dict[str, str]:
    ports = {port.number: port.number for port in spec.ports}
    environment = machine_environment(spec, bind="0.0.0.0", data=data_path(spec) or "", ports=ports)
    if spec.role is Role.DATABASE:
        environment.setdefault("PGPORT", str(_database_port(spec)))  # the server's own variable for its port
    return environment


def _labels(spec: MachineSpec, settings: DockerSettings, number: int) -> dict[str, str]:
    labels = {
        label.OWNER: settings.owner,
        label.ROLE: spec.role.value,
        label.GROUP: spec.group,
        label.ZONE: spec.zone,
        label.VPC: spec.vpc_id,
        label.TEMPLATE_HASH: spec.template_hash,
        label.ADDRESS: spec.address,
        label.PORTS: ",".join(str(port.number) for port in spec.ports),
    }
    if settings.project is not None:
        labels |= {
            label.COMPOSE_PROJECT: settings.project,
            label.COMPOSE_SERVICE: spec.role.value,
            label.COMPOSE_ONEOFF: "False",
            label.COMPOSE_NUMBER: str(number),
            label.COMPOSE_HASH: "lab",  # compose lists only what has one; its value is compared only by `up`
        }
    return labels


def _host_config(spec: MachineSpec) -> dict[str, Any]:
    database = spec.role is Role.DATABASE
    path = data_path(spec)
    user = _USERS[spec.role]
    # The owner too, for runc gives a tmpfs the mode of the directory it covers, whatever is asked for (seen with 1.1.5).
    tmpfs = f"rw,nosuid,nodev,size=64m,mode=1777,uid={user},gid={user}"
    return {
        "NetworkMode": f"container:{interfaces.container_name(spec.id)}",
        "Mounts": [{"Type": "volume", "Source": volume_name(spec.id), "Target": path}] if path is not None else [],
        # The image's own directory for PostgreSQL's socket is on the read-only root.
        "Tmpfs": dict.fromkeys(("/tmp", "/var/run/postgresql" if database else "/run"), tmpfs),
        "Init": True,  # a program without handlers ignores SIGTERM as process 1
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": not spec.disk,
        "Memory": spec.memory_mib * MIB,
        "MemorySwap": spec.memory_mib * MIB,  # equal to Memory: no swap on top, as on EC2
        "NanoCpus": math.ceil(spec.vcpus * SECOND),
        "PidsLimit": 512,
        "ShmSize": 64 * MIB,
        "RestartPolicy": {"Name": "no"},  # only the control plane decides what runs
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
    }


def _database_port(spec: MachineSpec) -> int:
    return spec.ports[0].number if spec.ports else 5432


def _healthcheck(spec: MachineSpec) -> dict[str, Any]:
    """PostgreSQL's own word. Over TCP: while the image initialises, the server listens on its socket only."""
    user = spec.environment.get("POSTGRES_USER", "postgres")
    database = spec.environment.get("POSTGRES_DB", user)
    port = str(_database_port(spec))
    return {
        "Test": ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-p", port, "-U", user, "-d", database],
        "Interval": SECOND,
        "Timeout": 2 * SECOND,
        "Retries": 3,
        "StartPeriod": 60 * SECOND,
        "StartInterval": SECOND // 4,  # engines before 25 do not know it and look once per interval
    }
