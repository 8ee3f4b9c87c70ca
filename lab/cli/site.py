"""This machine, as the verbs see it: the settings, the checkout, the Docker engine, ports."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import click

from lab.core.errors import Refused
from lab.settings import Settings, from_environment

CHECKOUT = Path(__file__).resolve().parent.parent.parent
COMPOSE_FILE = CHECKOUT / "docker-compose.yml"


def settings() -> Settings:
    """Raises ClickException when the environment makes no sense."""
    try:
        return from_environment(os.environ)
    except Refused as error:
        raise click.ClickException(str(error)) from error


def docker_answers() -> bool:
    """Whether a Docker engine with Compose answers."""
    if shutil.which("docker") is None:
        return False
    for question in (["docker", "version", "--format", "{{.Server.Version}}"], ["docker", "compose", "version"]):
        try:
            asked = subprocess.run(question, capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if asked.returncode != 0:
            return False
    return True


def is_docker() -> bool:
    """Whether the lab of these settings is, or would be, on Docker."""
    wanted = settings().compute
    if wanted != "auto":
        return wanted == "docker"
    return not process_pid_file().exists() and docker_answers()


def process_pid_file() -> Path:
    """Where process mode notes its control plane."""
    return settings().state / "control.json"


def docker_environment() -> dict[str, str]:
    """What docker-compose.yml reads. The project's name is the lab's owner."""
    known = settings()
    return {
        **os.environ,
        "COMPOSE_PROJECT_NAME": known.owner,
        "LAB_OWNER": known.owner,
        "LAB_INTERNET": known.internet,
        "LAB_SPEED": f"{known.speed:g}",
        "LAB_API_PORT": str(known.api_port),
        "LAB_LISTENER_PORT": str(known.listener_port),
        "LAB_TLS_PORT": str(known.tls_port),
        "LAB_DNS_PORT": str(known.dns_port),
    }


def docker(*arguments: str, quiet: bool = False) -> None:
    """Run the docker client in the checkout. Raises ClickException with what it said when it fails."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=CHECKOUT,
        env=docker_environment(),
        capture_output=quiet,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = f":\n{done.stderr.strip()}" if quiet and done.stderr else ""
        raise click.ClickException(f"`docker {' '.join(arguments)}` failed with exit code {done.returncode}{said}")


def free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Whether a program could listen on the port of 127.0.0.1 now, over TCP or as `kind` says."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wanted_ports(known: Settings) -> dict[int, str]:
    """The ports the lab needs on 127.0.0.1, each with the variable that moves it."""
    return {
        known.api_port: "LAB_API_PORT",
        known.listener_port: "LAB_LISTENER_PORT",
        known.listener_port + 1: "LAB_LISTENER_PORT",
        known.tls_port: "LAB_TLS_PORT",
        known.tls_port + 1: "LAB_TLS_PORT",
    }


def dns_port_is_free(known: Settings) -> bool:
    return free(known.dns_port) and free(known.dns_port, socket.SOCK_DGRAM)


def is_there(known: Settings) -> bool:
    """Whether Docker holds anything of this lab."""
    for label in (f"lab.owner={known.owner}", f"com.docker.compose.project={known.owner}"):
        for kind in ("container", "network", "volume"):
            listing = ["docker", kind, "ls", "--quiet", "--filter", f"label={label}"]
            if kind == "container":
                listing.append("--all")
            if subprocess.run(listing, capture_output=True, text=True, check=False).stdout.strip():
                return True
    return False
