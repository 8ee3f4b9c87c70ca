"""What the Docker adapter is told, and the labels by which it knows its own things again.

Docker is the only memory of this adapter: labels are written at creation, can never change, and are read back on each
call. A thing without our owner label does not exist for us.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.core.ec2.public import POOL

OWNER = "lab.owner"
PART = "lab.part"
"""What a thing of ours is when it is neither a machine nor a VPC: "control" and "internet" (networks), "eni", "router",
"resolver" or "janitor"."""
URL = "lab.url"
"""Where a resolver asks."""
ROLE = "lab.role"
GROUP = "lab.group"
ZONE = "lab.zone"
FAILED_ZONE = "lab.failed-zone"
VPC = "lab.vpc"
TEMPLATE_HASH = "lab.template-hash"
ADDRESS = "lab.address"
PORTS = "lab.ports"
"""Comma-separated port numbers. With `ADDRESS` it gives a stopped container its endpoints, of which Docker says nothing."""

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_ONEOFF = "com.docker.compose.oneoff"
COMPOSE_NUMBER = "com.docker.compose.container-number"
COMPOSE_HASH = "com.docker.compose.config-hash"


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """`owner` names the lab: everything it makes is labelled with it, and nothing else is touched.

    `project` is the compose project whose `ps`, `logs` and `kill` should see the machines (None: invisible to compose).
    `images` maps the aliases of `MachineSpec.image` to image names; what is not in it is an image name already.
    `base_url` is the engine's address (None: DOCKER_HOST, else the current Docker context, else the platform's default).
    `socket` is the engine's socket as the *engine's host* sees it, for the janitor's mount.
    `control_subnet` fixes the control network's CIDR (None: Docker picks a free one from its own pools).
    `internet` is the CIDR of the bridge that plays the internet (`lab.core.ec2.public`).
    `forbidden` are ranges no network may touch: the documentation ranges that some machines have as their uplink.
    """

    owner: str
    project: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    socket: str = "/var/run/docker.sock"
    control_service: str = "control"
    control_subnet: str | None = None
    internet: str = POOL
    forbidden: tuple[str, ...] = ("192.0.2.0/24", "203.0.113.0/24")

    def network_name(self, vpc_id: str) -> str:
        return f"{self.owner}-{vpc_id}"

    @property
    def control_network(self) -> str:
        return f"{self.owner}-control"

    @property
    def janitor_name(self) -> str:
        return f"{self.owner}-janitor"
