"""A VPC as a Docker bridge, and the control network beside it.

* One bridge per VPC with the VPC's CIDR. Never `internal`: with br_netfilter that also drops bridged frames inside it.
* No masquerading on any bridge: with br_netfilter the host would rewrite the sources of traffic that stays inside.
* The containers' default route is the VPC's router address (first address of the block, as AWS has it), reserved through
  the aux address that Docker takes for this. There stands the VPC's router (`routers`), and while it does not, what leaves
  the VPC goes nowhere. The bridge's own address as the default route would let it leave the host through its uplink.
* Engines from 28 on drop traffic that reaches a container over another bridge; "nat-unprotected" turns that off.
* The control network is `internal`, so it never becomes the way out of a machine that stands on two networks.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from lab.adapters.docker import settings as label
from lab.adapters.docker.settings import DockerSettings
from lab.core.compute import Network
from lab.core.errors import Refused, Unavailable

NO_MASQUERADE = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
ROUTES = Path("/proc/net/route")


def ensure_vpc(client: APIClient, settings: DockerSettings, network: Network) -> None:
    """Make the bridge unless it is there. `Refused`: the block is not free, or the name or the VPC's block is another's."""
    block = ipaddress.IPv4Network(network.cidr_block)
    router = str(block[1])
    pool = IPAMPool(
        subnet=network.cidr_block,
        gateway=network.gateway,
        aux_addresses={"DefaultGatewayIPv4": router} if router != network.gateway else None,
    )
    labels = {label.OWNER: settings.owner, label.VPC: network.vpc_id}
    ensure_bridge(
        client, settings, settings.network_name(network.vpc_id), block, IPAMConfig(pool_configs=[pool]), labels
    )


def ensure_bridge(
    client: APIClient,
    settings: DockerSettings,
    name: str,
    block: ipaddress.IPv4Network,
    ipam: IPAMConfig,
    labels: dict[str, str],
) -> None:
    """Raises `Refused` when the name is another's, the bridge has another block, or the block is not free."""
    existing = _named(client, name)
    if existing is not None:
        _check_same(existing, settings, block)
        return
    docker_blocks = [other for entry in client.networks() for other in _blocks(entry)]
    refuse_overlap(block, settings.forbidden, host_routes(routes_text()), docker_blocks)
    options = dict(NO_MASQUERADE)
    if int(client.version()["Version"].split(".")[0]) >= 28:
        options["com.docker.network.bridge.gateway_mode_ipv4"] = "nat-unprotected"
    _create(client, name, options=options, ipam=ipam, labels=labels)


def refuse_machines(client: APIClient, settings: DockerSettings, vpc_id: str) -> None:
    """Raise `Unavailable` while a machine, even a stopped one, belongs to the VPC."""
    filters = {"label": [f"{label.OWNER}={settings.owner}", f"{label.VPC}={vpc_id}"]}
    entries = [entry for entry in client.containers(all=True, filters=filters) if label.ROLE in entry["Labels"]]
    machines = [entry["Names"][0].removeprefix("/") for entry in entries]
    if machines:
        raise Unavailable(f"network {vpc_id} still has machines: {', '.join(sorted(machines))}")


def delete_vpc(client: APIClient, settings: DockerSettings, vpc_id: str) -> None:
    """Remove the bridge; nothing may stand on it."""
    existing = _named(client, settings.network_name(vpc_id))
    if existing is not None and existing["Labels"].get(label.OWNER) == settings.owner:
        remove(client, existing["Id"])


def ensure_control(client: APIClient, settings: DockerSettings) -> str:
    """Make the control network unless it is there; returns its name."""
    name = settings.control_network
    existing = _named(client, name)
    if existing is not None:
        if existing["Labels"].get(label.OWNER) != settings.owner:
            raise Refused(f"a Docker network named {name} exists and is not this lab's: remove or rename it")
        return name
    pools = [IPAMPool(subnet=settings.control_subnet)] if settings.control_subnet is not None else None
    labels = {label.OWNER: settings.owner, label.PART: "control"}
    _create(
        client, name, options=dict(NO_MASQUERADE), ipam=IPAMConfig(pool_configs=pools), labels=labels, internal=True
    )
    created = _named(client, name)
    try:
        for block in _blocks(created or {}):
            refuse_overlap(block, settings.forbidden, [], [])
    except Refused:
        remove(client, name)
        raise
    return name


def attach_control(client: APIClient, settings: DockerSettings, container_id: str, alias: str) -> None:
    """Put a container on the control network, where the machines of `control=True` find it as `alias`."""
    name = ensure_control(client, settings)
    if name in client.inspect_container(container_id)["NetworkSettings"]["Networks"]:
        return
    client.connect_container_to_network(container_id, name, aliases=[alias])


def remove(client: APIClient, network: str) -> None:
    try:
        client.remove_network(network)
    except NotFound:
        return


def refuse_overlap(
    block: ipaddress.IPv4Network,
    forbidden: Iterable[str],
    routes: Iterable[tuple[str, ipaddress.IPv4Network]],
    docker_blocks: Sequence[ipaddress.IPv4Network],
) -> None:
    """Raise `Refused` when `block` would swallow traffic meant for something else.

    `routes` are (device, destination) of the host; those that are one of `docker_blocks` are Docker's own business: the
    engine refuses its own overlaps itself. A left-over bridge of a failed creation shows up here as a route of nobody's.
    """
    for other in map(ipaddress.IPv4Network, forbidden):
        if block.overlaps(other):
            raise Refused(
                f"the CIDR block {block} overlaps {other}, which no lab network may use: choose another block"
            )
    for device, destination in routes:
        if destination not in docker_blocks and block.overlaps(destination):
            raise Refused(
                f"the CIDR block {block} overlaps this host's route to {destination} through {device}: "
                "choose another block, or remove the route"
            )


def host_routes(table: str) -> list[tuple[str, ipaddress.IPv4Network]]:
    """(device, destination) of each route in a `/proc/net/route` table, without default routes.

    The columns are Iface, Destination, …, Mask in eighth place, the addresses as little-endian hex (proc(5)).
    """
    routes = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        destination, mask = (ipaddress.IPv4Address(bytes.fromhex(fields[column])[::-1]) for column in (1, 7))
        if int(mask) != 0:
            routes.append((fields[0], ipaddress.IPv4Network(f"{destination}/{mask}")))
    return routes


def routes_text() -> str:
    """The routes of the host, where there is such a file; a containerised control plane sees its own few."""
    return ROUTES.read_text() if ROUTES.exists() else ""


def _create(client: APIClient, name: str, **options: Any) -> None:
    try:
        client.create_network(name, driver="bridge", check_duplicate=True, **options)
    except APIError:
        # A failed creation can leave the network behind half made (seen on 26.1), and a later try would take it for whole.
        left_over = _named(client, name)
        if left_over is not None and left_over["Labels"] == options["labels"]:
            remove(client, left_over["Id"])
        raise


def _named(client: APIClient, name: str) -> dict[str, Any] | None:
    # Docker's name filter matches parts of names.
    found: list[dict[str, Any]] = [entry for entry in client.networks(names=[name]) if entry["Name"] == name]
    return found[0] | {"Labels": found[0].get("Labels") or {}} if found else None


def _blocks(entry: dict[str, Any]) -> list[ipaddress.IPv4Network]:
    configured = (entry.get("IPAM") or {}).get("Config") or []
    subnets = [ipaddress.ip_network(pool["Subnet"]) for pool in configured if pool.get("Subnet")]
    return [subnet for subnet in subnets if isinstance(subnet, ipaddress.IPv4Network)]


def _check_same(existing: dict[str, Any], settings: DockerSettings, block: ipaddress.IPv4Network) -> None:
    if existing["Labels"].get(label.OWNER) != settings.owner:
        raise Refused(f"a Docker network named {existing['Name']} exists and is not this lab's: remove or rename it")
    blocks = _blocks(existing)
    if blocks != [block]:
        had = ", ".join(map(str, blocks))
        raise Refused(
            f"the Docker network {existing['Name']} exists with {had}, not {block}: a network's block cannot change"
        )
