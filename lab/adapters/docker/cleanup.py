"""Removing all that an owner has, and having somebody who does it when the control plane is gone for good.

Used by the janitor at its end, by `lab down`, and by tests.
"""

import time
from functools import partial
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError, NotFound

from lab.adapters.docker import settings as label
from lab.adapters.docker.client import Engine, create_container, image_id
from lab.adapters.docker.settings import DockerSettings
from lab.core.errors import Unavailable

JANITOR = ["python", "-m", "lab.adapters.docker.janitor"]
PASSES, BETWEEN_PASSES = 20, 0.25
SOCKET = "/var/run/docker.sock"  # inside the janitor's container


def sweep(owner: str, project: str | None, *, base_url: str | None = None, janitor: bool = True) -> None:
    """Remove every container, volume and network of `owner`, and the networks and volumes of the compose project.

    With `janitor` false the janitor itself is left: it calls this, and goes by itself. What a foreign container still
    uses of the project stays. Raises `Unavailable` when the engine does not answer or something of the owner's remains.
    """
    mine = [f"{label.OWNER}={owner}"]
    engine = Engine(base_url)
    try:
        for _ in range(PASSES):
            entries = engine.call_now(partial(containers, filters=mine))
            spared = [] if janitor else [entry for entry in entries if entry["Labels"].get(label.PART) == "janitor"]
            engine.each(
                [partial(_remove_container, container_id=entry["Id"]) for entry in entries if entry not in spared]
            )
            left = engine.call_now(partial(_remove_networks_and_volumes, filters=mine, disconnect=True))
            if project is not None:
                compose = [f"{label.COMPOSE_PROJECT}={project}"]
                engine.call_now(partial(_remove_networks_and_volumes, filters=compose, disconnect=False))
            if not left and len(engine.call_now(partial(containers, filters=mine))) == len(spared):
                return
            time.sleep(BETWEEN_PASSES)  # the engine or compose is removing the same things at this moment
        raise Unavailable(f"not everything of {owner} could be removed; try again ({', '.join(left) or 'containers'})")
    finally:
        engine.close()


def ensure_janitor(client: APIClient, settings: DockerSettings, image: str) -> None:
    """Have a janitor of `image` run; one of another image is replaced. Without a compose project there is none to have."""
    if settings.project is None:
        return
    wanted = image_id(client, image)
    try:
        existing = client.inspect_container(settings.janitor_name)
    except NotFound:
        existing = None
    if existing is not None:
        if existing["Image"] == wanted and existing["State"]["Running"]:
            return
        client.remove_container(existing["Id"], force=True)
    create_container(client, settings.janitor_name, janitor_config(settings, image))
    client.start(settings.janitor_name)


def janitor_config(settings: DockerSettings, image: str) -> dict[str, Any]:
    """The body of the create request. Root, because the socket is root's; without any capability, network or disk."""
    return {
        "Image": image,
        "Entrypoint": JANITOR,
        "Cmd": [],
        "User": "0:0",
        "Env": [
            f"LAB_OWNER={settings.owner}",
            f"LAB_PROJECT={settings.project}",
            f"LAB_CONTROL_SERVICE={settings.control_service}",
            f"DOCKER_HOST=unix://{SOCKET}",
        ],
        # An image that compose built bears its labels, and its containers inherit them: the janitor is not compose's.
        "Labels": {
            label.OWNER: settings.owner,
            label.PART: "janitor",
            label.COMPOSE_PROJECT: "",
            label.COMPOSE_SERVICE: "",
        },
        "Healthcheck": {"Test": ["NONE"]},  # the image's own is for the control plane
        "HostConfig": {
            "NetworkMode": "none",
            "AutoRemove": True,
            "Init": True,
            "Binds": [f"{settings.socket}:{SOCKET}"],
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Memory": 128 * 1024 * 1024,
            "PidsLimit": 64,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        },
    }


def containers(client: APIClient, *, filters: list[str]) -> list[dict[str, Any]]:
    """All containers that bear these labels, as the engine lists them."""
    entries: list[dict[str, Any]] = client.containers(all=True, filters={"label": filters})
    return entries


def _remove_container(client: APIClient, *, container_id: str) -> None:
    try:
        client.remove_container(container_id, v=True, force=True)
    except APIError as error:
        if error.status_code not in {404, 409}:  # gone, or being removed by somebody else
            raise


def _remove_networks_and_volumes(client: APIClient, *, filters: list[str], disconnect: bool) -> list[str]:
    """Returns the names of those that are still in use. `disconnect` throws others' containers off the networks first."""
    left = []
    for network in client.networks(filters={"label": filters}):
        try:
            on_it = client.inspect_network(network["Id"])["Containers"] if disconnect else []
            for container_id in on_it:
                client.disconnect_container_from_network(container_id, network["Id"], force=True)
            client.remove_network(network["Id"])
        except NotFound:
            continue
        except APIError:
            left.append(network["Name"])
    for volume in client.volumes(filters={"label": filters})["Volumes"] or []:
        try:
            client.remove_volume(volume["Name"])
        except NotFound:
            continue
        except APIError:
            left.append(volume["Name"])
    return left
