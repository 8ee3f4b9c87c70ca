"""A VPC's resolver as a container: on the VPC's bridge at its address, and on the control network, where the names are known.

It has no capability and forwards no packets, so that nothing gets from a VPC to the control network through it but DNS queries.
"""

from collections.abc import Iterable
from typing import Any

from docker.api.client import APIClient
from docker.errors import NotFound

from lab.adapters.docker import settings as label
from lab.adapters.docker.client import create_container
from lab.adapters.docker.net_config import body
from lab.adapters.docker.networks import ensure_control
from lab.adapters.docker.settings import DockerSettings
from lab.core.compute import Resolver
from lab.core.errors import Refused

PART = "resolver"
COMMAND = ["python", "-S", "-E", "-m", "services.net.resolver"]


def container_name(settings: DockerSettings, vpc_id: str) -> str:
    return f"{settings.owner}-{vpc_id}-resolver"


def running(client: APIClient, settings: DockerSettings) -> frozenset[Resolver]:
    return frozenset(_resolver(entry) for entry in _mine(client, settings) if entry["State"] == "running")


def keep(client: APIClient, settings: DockerSettings, wanted: Iterable[Resolver]) -> None:
    """Have those that are wanted, remove those that are not. VPCs without a network are passed over."""
    mine = {"label": [f"{label.OWNER}={settings.owner}"]}
    networks = {entry["Name"] for entry in client.networks(filters=mine)}
    asked = {one for one in wanted if settings.network_name(one.vpc_id) in networks}
    for entry in _mine(client, settings):
        there = _resolver(entry)
        if entry["State"] == "running" and there in asked:
            asked.discard(there)
        else:  # one that died is made anew: its network's address went with it
            client.remove_container(entry["Id"], force=True)
    for one in asked:
        _make(client, settings, one)


def delete(client: APIClient, settings: DockerSettings, vpc_id: str) -> None:
    """Does nothing when there is none."""
    for entry in _mine(client, settings):
        if entry["Labels"][label.VPC] == vpc_id:
            client.remove_container(entry["Id"], force=True)


def _make(client: APIClient, settings: DockerSettings, resolver: Resolver) -> None:
    name = container_name(settings, resolver.vpc_id)
    try:
        client.inspect_container(name)
    except NotFound:
        create_container(client, name, config(settings, resolver))
    else:
        raise Refused(f"a container named {name} exists and is not this lab's: remove or rename it")
    client.connect_container_to_network(name, ensure_control(client, settings))
    client.start(name)


def _mine(client: APIClient, settings: DockerSettings) -> list[dict[str, Any]]:
    labels = [f"{label.OWNER}={settings.owner}", f"{label.PART}={PART}"]
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": labels})
    return found


def _resolver(entry: dict[str, Any]) -> Resolver:
    return Resolver(entry["Labels"][label.VPC], entry["Labels"][label.ADDRESS], entry["Labels"][label.URL])


def config(settings: DockerSettings, resolver: Resolver) -> dict[str, Any]:
    """The body of the create request."""
    return body(
        settings,
        PART,
        resolver.vpc_id,
        resolver.address,
        labels={label.ADDRESS: resolver.address, label.URL: resolver.url},
        host={"Sysctls": {"net.ipv4.ip_forward": "0"}},
        Cmd=COMMAND,
        Hostname=PART,
        User="1000:1000",
        Env=[f"RESOLVER_ADDRESS={resolver.address}", f"RESOLVER_URL={resolver.url}"],
    )
