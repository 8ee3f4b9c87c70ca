"""A VPC's router as a container, and the internet as a bridge.

The router stands on the VPC's bridge, where it has the address that is every machine's default route (`networks`), and on the
internet's, where it has the public addresses of what is in the VPC. Its agent is told the routes by its standard input, as a
network interface is its rules. The internet is one bridge for a lab: the routers are on it, and whoever plays somebody out
there; it leads nowhere further. This machine is on it by the bridge's own address.
"""

import ipaddress
from dataclasses import asdict
from typing import Any

from docker.api.client import APIClient
from docker.errors import NotFound
from docker.types import IPAMConfig, IPAMPool

from lab.adapters.docker import settings as label
from lab.adapters.docker.channel import tell
from lab.adapters.docker.client import create_container
from lab.adapters.docker.net_config import body
from lab.adapters.docker.networks import ensure_bridge, remove
from lab.adapters.docker.settings import DockerSettings
from lab.core.ec2.public import others
from lab.core.errors import Refused
from lab.core.vpc.routers import Router

PART = "router"
SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
}


def container_name(settings: DockerSettings, vpc_id: str) -> str:
    return f"{settings.owner}-{vpc_id}-router"


def internet_name(settings: DockerSettings) -> str:
    return f"{settings.owner}-internet"


def ensure_internet(client: APIClient, settings: DockerSettings) -> str:
    """Make the bridge unless it is there; returns its name. Raises `Refused` when its block is not free."""
    name = internet_name(settings)
    block = ipaddress.IPv4Network(settings.internet)
    pool = IPAMPool(
        subnet=settings.internet,
        iprange=others(settings.internet),
        gateway=str(block[-2]),
        aux_addresses={"DefaultGatewayIPv4": str(block[1])},
    )
    labels = {label.OWNER: settings.owner, label.PART: "internet"}
    ensure_bridge(client, settings, name, block, IPAMConfig(pool_configs=[pool]), labels)
    return name


def ensure(client: APIClient, settings: DockerSettings, router: Router) -> None:
    """Have the router's container run. One that died is made anew: its networks' addresses went with it."""
    name = container_name(settings, router.vpc_id)
    try:
        found = client.inspect_container(name)
    except NotFound:
        found = None
    if found is not None:
        if (found["Config"].get("Labels") or {}).get(label.OWNER) != settings.owner:
            raise Refused(f"a container named {name} exists and is not this lab's: remove or rename it")
        if found["State"]["Status"] == "running":
            return
        client.remove_container(name, force=True)
    internet = ensure_internet(client, settings)
    create_container(client, name, config(settings, router))
    client.connect_container_to_network(name, internet)
    client.start(name)


def apply(client: APIClient, settings: DockerSettings, router: Router) -> None:
    name = container_name(settings, router.vpc_id)
    networks = client.inspect_container(name)["NetworkSettings"]["Networks"]
    mine = networks[internet_name(settings)]["IPAddress"]
    host = str(ipaddress.IPv4Network(settings.internet)[-2])
    tell(client, name, {"router": {**asdict(router), "own_public": mine, "host": host}})


def running(client: APIClient, settings: DockerSettings) -> frozenset[str]:
    """The VPCs whose routers run."""
    labels = [f"{label.OWNER}={settings.owner}", f"{label.PART}={PART}"]
    return frozenset(entry["Labels"][label.VPC] for entry in client.containers(filters={"label": labels}))


def delete(client: APIClient, settings: DockerSettings, vpc_id: str) -> None:
    """Does nothing when there is none. With the last router goes the internet."""
    name = container_name(settings, vpc_id)
    try:
        found = client.inspect_container(name)
    except NotFound:
        return
    if (found["Config"].get("Labels") or {}).get(label.OWNER) != settings.owner:
        return
    client.remove_container(name, force=True)
    internet = internet_name(settings)
    if not client.inspect_network(internet)["Containers"]:
        remove(client, internet)


def config(settings: DockerSettings, router: Router) -> dict[str, Any]:
    """The body of the create request."""
    return body(
        settings,
        PART,
        router.vpc_id,
        router.address,
        host={"CapAdd": ["NET_ADMIN"], "Sysctls": SYSCTLS},
        Hostname=PART,
        User="0:0",
        OpenStdin=True,
        StdinOnce=False,
    )
