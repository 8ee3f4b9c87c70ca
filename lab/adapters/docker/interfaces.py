"""Network interfaces as containers: each machine joins the network namespace of one.

It owns what an ENI owns on EC2 (address, host name, security groups) and what Docker ties to a namespace (published ports,
aliases). So the rules stand before the machine's first instruction, and a machine that is killed, stopped or started again
finds its address and its rules as they were. The interface may change its own namespace and nothing else (NET_ADMIN, NET_RAW);
the machine has no capability at all.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError, NotFound

from lab.adapters.docker import settings as label
from lab.adapters.docker import spares
from lab.adapters.docker.channel import tell
from lab.adapters.docker.client import create_container
from lab.adapters.docker.interface_config import config, wish
from lab.adapters.docker.networks import ensure_control
from lab.adapters.docker.settings import DockerSettings
from lab.core.compute import MachineSpec
from lab.core.errors import Refused
from lab.core.vpc.documents import Interface

SUFFIX = "-eni"


def container_name(machine_id: str) -> str:
    return machine_id + SUFFIX


def owner_of(name: str) -> str:
    """The machine of an interface's container."""
    return name.removesuffix(SUFFIX)


def create(client: APIClient, settings: DockerSettings, spec: MachineSpec, interface: Interface | None) -> None:
    """Have the machine's interface, on all its networks; it need not run yet. A spare one of its address becomes it."""
    name = container_name(spec.id)
    wanted = wish(spec, "") if interface is None else wish(spec, interface.hostname, interface.resolver)
    if spares.take(client, settings, wanted, name):
        return
    create_container(client, name, config(wanted, settings))
    if spec.control:
        client.connect_container_to_network(name, ensure_control(client, settings), aliases=[spec.id])


def start(client: APIClient, machine_id: str) -> None:
    """Does nothing when it runs."""
    client.start(container_name(machine_id))


def apply(client: APIClient, interface: Interface) -> None:
    tell(client, container_name(interface.owner), {"interface": asdict(interface)})


def probe(client: APIClient, machine_id: str, address: str, port: int) -> str:
    return str(tell(client, container_name(machine_id), {"probe": {"address": address, "port": port}})["probe"])


def is_up(client: APIClient, settings: DockerSettings, machine_id: str) -> bool:
    return _state(client, settings, container_name(machine_id)) == "running"


def remove(client: APIClient, settings: DockerSettings, machine_id: str) -> None:
    """Does nothing when there is none, or it is another's."""
    name = container_name(machine_id)
    with contextlib.suppress(NotFound, Refused):
        _state(client, settings, name)
        client.remove_container(name, v=True, force=True)


def kill(client: APIClient, machine_id: str) -> None:
    kill_container(client, container_name(machine_id))


def kill_container(client: APIClient, name: str) -> None:
    """Does nothing when it does not run."""
    try:
        client.kill(name)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def running(entries: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The machines whose interfaces are up, of all that the engine lists of this lab."""
    return frozenset(
        owner_of(entry["Names"][0].removeprefix("/"))
        for entry in entries
        if entry["Names"] and entry["Labels"].get(label.PART) == "eni" and entry["State"] == "running"
    )


def _state(client: APIClient, settings: DockerSettings, name: str) -> str | None:
    """The engine's word; None when there is none. Raises `Refused` when the name is another's."""
    try:
        found = client.inspect_container(name)
    except NotFound:
        return None
    if (found["Config"].get("Labels") or {}).get(label.OWNER) != settings.owner:
        raise Refused(f"a container named {name} exists and is not this lab's: remove or rename it")
    state: str = found["State"]["Status"]
    return state
