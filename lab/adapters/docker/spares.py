"""Network interfaces that wait for a machine, each at an address that the next instance of a group will get.

A launch takes the one at its address by renaming it; nothing else in a container's configuration tells whose it is. Made and
taken under one lock of the adapter's, so that no address is ever had twice.
"""

import contextlib
from collections.abc import Iterable
from typing import Any

from docker.api.client import APIClient
from docker.errors import NotFound

from lab.adapters.docker import settings as label
from lab.adapters.docker.client import create_container
from lab.adapters.docker.interface_config import Wish, config
from lab.adapters.docker.settings import DockerSettings
from lab.core.ec2.addresses import private_host_name
from lab.core.vpc.spares import Spare

SUFFIX = "-spare"


def container_name(settings: DockerSettings, vpc_id: str, address: str) -> str:
    return f"{settings.owner}-{vpc_id}-{address}{SUFFIX}"


def take(client: APIClient, settings: DockerSettings, wish: Wish, name: str) -> bool:
    """Make the spare one at the wish's address the container `name`, if there is one and it will do. One that will not makes
    way."""
    spare = container_name(settings, wish.vpc_id, wish.address)
    if not wish.plain or wish.hostname != private_host_name(wish.address):
        _remove(client, spare)
        return False
    try:
        client.rename(spare, name)
    except NotFound:
        return False
    return True


def keep(client: APIClient, settings: DockerSettings, wanted: Iterable[Spare]) -> list[str]:
    """Make those that are wanted and not there, remove those that are there and not wanted; the names of the new ones, which do
    not run yet. Addresses that have an interface already are passed over, and VPCs without a network."""
    mine = {"label": [f"{label.OWNER}={settings.owner}"]}
    networks = {entry["Name"] for entry in client.networks(filters=mine)}
    there = {_place(entry): _name(entry) for entry in _interfaces(client, settings)}
    asked = {(one.vpc_id, one.address): one for one in wanted if settings.network_name(one.vpc_id) in networks}
    for place, name in there.items():
        if name == container_name(settings, *place) and place not in asked:
            _remove(client, name)
    new = {container_name(settings, *place): one for place, one in asked.items() if place not in there}
    for name, one in new.items():
        wish = Wish(one.vpc_id, one.zone, one.address, one.hostname, resolver=one.resolver)
        create_container(client, name, config(wish, settings))
    return list(new)


def start(client: APIClient, name: str) -> None:
    """Does nothing when a machine has got it meanwhile."""
    with contextlib.suppress(NotFound):
        client.start(name)


def delete(client: APIClient, settings: DockerSettings, vpc_id: str) -> None:
    """All of a VPC."""
    for entry in _interfaces(client, settings):
        if entry["Labels"][label.VPC] == vpc_id and _name(entry).endswith(SUFFIX):
            _remove(client, _name(entry))


def _interfaces(client: APIClient, settings: DockerSettings) -> list[dict[str, Any]]:
    labels = [f"{label.OWNER}={settings.owner}", f"{label.PART}=eni"]
    return [entry for entry in client.containers(all=True, filters={"label": labels}) if entry["Names"]]


def _place(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["Labels"][label.VPC], entry["Labels"][label.ADDRESS]


def _name(entry: dict[str, Any]) -> str:
    return str(entry["Names"][0]).removeprefix("/")


def _remove(client: APIClient, name: str) -> None:
    with contextlib.suppress(NotFound):
        client.remove_container(name, v=True, force=True)
