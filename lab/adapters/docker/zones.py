"""Availability zones that are failed on purpose: an empty volume with a label for each, as Docker is this adapter's only
memory. The next control plane finds it, and whoever removes all that is the lab's removes it."""

import contextlib

from docker.api.client import APIClient
from docker.errors import NotFound

from lab.adapters.docker import settings as label
from lab.adapters.docker.settings import DockerSettings


def failed(client: APIClient, settings: DockerSettings) -> frozenset[str]:
    filters = {"label": [f"{label.OWNER}={settings.owner}", label.FAILED_ZONE]}
    volumes = client.volumes(filters=filters)["Volumes"] or []
    return frozenset(volume["Labels"][label.FAILED_ZONE] for volume in volumes)


def fail(client: APIClient, settings: DockerSettings, zone: str) -> None:
    """Idempotent, as the engine's own call is."""
    client.create_volume(_name(settings, zone), labels={label.OWNER: settings.owner, label.FAILED_ZONE: zone})


def recover(client: APIClient, settings: DockerSettings, zone: str) -> None:
    with contextlib.suppress(NotFound):
        client.remove_volume(_name(settings, zone))


def _name(settings: DockerSettings, zone: str) -> str:
    return f"{settings.owner}-failed-{zone}"
