"""What all containers of the network have in common: interfaces, routers, resolvers. Pure.

They are made of one image, stand on a VPC's bridge at an address of their own, and are as locked in as can be: what one of them
may do beyond that, it says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.adapters.docker import settings as label
from lab.adapters.docker.settings import DockerSettings

IMAGE = "net"
MEMORY = 64 * 1024 * 1024


def body(
    settings: DockerSettings,
    part: str,
    vpc_id: str,
    address: str,
    *,
    host: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
    aliases: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """The body of the create request. `host` is added to its HostConfig, `more` to itself."""
    network = settings.network_name(vpc_id)
    return {
        "Image": settings.images.get(IMAGE, IMAGE),
        "Labels": {
            label.OWNER: settings.owner,
            label.PART: part,
            label.VPC: vpc_id,
            # Not compose's, whatever the image's own labels say: compose shows machines.
            label.COMPOSE_PROJECT: "",
            label.COMPOSE_SERVICE: "",
            **(labels or {}),
        },
        "HostConfig": {
            "NetworkMode": network,
            "Init": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Memory": MEMORY,
            "MemorySwap": MEMORY,
            "PidsLimit": 32,
            "RestartPolicy": {"Name": "no"},  # only the control plane decides what runs
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
            **host,
        },
        "NetworkingConfig": {
            "EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}, "Aliases": list(aliases)}}
        },
        **more,
    }
