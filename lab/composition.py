"""Which compute adapter the lab runs on, wired. Part of the composition root (`lab.main`, the `lab` command)."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.adapters.docker.adapter import DockerCompute
from lab.adapters.docker.settings import DockerSettings
from lab.adapters.process.adapter import ProcessCompute
from lab.adapters.process.settings import ProcessSettings
from lab.control.ports import Compute
from lab.core.errors import Refused
from lab.settings import Settings

CONTROL_ALIAS = "control"
IMAGES = {
    "app": "asg-lab/app",
    "base": "asg-lab/base",
    "lb": "asg-lab/lb",
    "net": "asg-lab/net",
    "postgres": "postgres:17",
}
CONTROL_IMAGE = "asg-lab/control"


class ClosableCompute(Compute, Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """`control_url` is where load balancer nodes reach the control plane; `kind` names the adapter for people."""

    compute: ClosableCompute
    control_url: str
    kind: str


def in_container() -> bool:
    return Path("/.dockerenv").exists()


def docker_settings(settings: Settings) -> DockerSettings:
    return DockerSettings(owner=settings.owner, project=settings.owner, images=IMAGES, internet=settings.internet)


def process_settings(settings: Settings) -> ProcessSettings:
    return ProcessSettings(state_dir=settings.state)


async def open_compute(settings: Settings) -> Opened:
    """The adapter the settings ask for, ready. Raises Refused or Unavailable, with what to do."""
    kind = settings.compute
    if kind == "auto":
        kind = "docker" if in_container() else "process"
    if kind == "process":
        return Opened(ProcessCompute(process_settings(settings)), settings.api_url, "process")
    if not in_container():
        raise Refused(
            "on Docker the control plane is itself a container: start it with `make up` or `docker compose up`"
        )
    docker = DockerCompute(docker_settings(settings))
    try:
        await docker.attach_control(socket.gethostname(), CONTROL_ALIAS)
        await docker.ensure_janitor(os.environ.get("LAB_CONTROL_IMAGE", CONTROL_IMAGE))
    except BaseException:
        await docker.close()
        raise
    return Opened(docker, f"http://{CONTROL_ALIAS}:{settings.api_port}", "docker")
