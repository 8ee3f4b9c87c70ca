"""`lab up`"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click

from lab.cli import client, progress
from lab.cli.bundle import bundled, load_images
from lab.cli.down import remove
from lab.cli.site import (
    CHECKOUT,
    COMPOSE_FILE,
    dns_port_is_free,
    docker,
    docker_answers,
    docker_environment,
    free,
    is_there,
    process_pid_file,
    settings,
    wanted_ports,
)
from lab.cli.speed import change, said
from lab.settings import Settings

LISTENERS = ("LAB_LISTENER_PORT", "LAB_TLS_PORT")


@click.command(help="Start the lab (on Docker when an engine answers, else as processes) and wait until it serves.")
@click.option("--compute", type=click.Choice(["auto", "docker", "process"]), help="Overrules LAB_COMPUTE.")
@click.option("--speed", type=float, help="Lab seconds per second; overrules LAB_SPEED. 1 is AWS's own pace.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for it.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(compute: str | None, speed: float | None, timeout: float, no_wait: bool) -> None:
    if compute is not None:
        os.environ["LAB_COMPUTE"] = compute
    if speed is not None:
        os.environ["LAB_SPEED"] = str(speed)
    known = settings()
    if client.answers():
        click.echo(f"a lab runs at {client.base_url()} already")
        if speed is not None:
            click.echo(said(change(speed)["speed"]))
        progress.show_addresses(client.status())
        return
    on_docker = known.compute == "docker" or (known.compute == "auto" and COMPOSE_FILE.exists() and docker_answers())
    if on_docker:
        if not docker_answers():
            raise click.ClickException("no Docker engine answers: start it, or set LAB_COMPUTE=process")
        if os.environ.get("LAB_STACK"):
            raise click.ClickException(
                "on Docker the first stack comes with the image: start with LAB_STACK= (empty), then `lab deploy FILE`"
            )
        adopting = is_there(known)
        if not adopting:
            _check_ports(known, adopting=False)
        alive = _up_docker()
    else:
        adopting = (known.state / "machines").exists()
        _check_ports(known, adopting=adopting)
        alive = _up_process(known)
    if no_wait:
        return
    try:
        progress.follow(timeout, alive)
    except progress.ControlEnded:
        # It never served: what it began is taken away again. A lab that was there before is left as it is.
        if not adopting:
            remove(known)
        raise


def _check_ports(known: Settings, *, adopting: bool) -> None:
    """Before anything is made, so that nothing is left half-made. A control plane that comes back finds its own nodes on
    the ports of listeners."""
    for port, variable in wanted_ports(known).items():
        if not free(port) and not (adopting and variable in LISTENERS):
            raise click.ClickException(
                f"port {port} on 127.0.0.1 is in use by another program: stop it, or set {variable} to another port"
            )


def _up_docker() -> Callable[[], str]:
    if bundled():
        click.echo("loading the bundle's images")
        load_images()
    else:
        click.echo("building the images (the first time takes a minute)")
        docker("compose", "build", "--quiet")
    click.echo("starting the control plane on Docker")
    if not (dns_port_is_free(settings()) or _has_dns_port(settings())):
        # The engine would refuse the whole container; with an empty one it publishes the port somewhere else.
        os.environ["LAB_DNS_PUBLISHED"] = ""
    docker("compose", "up", "--detach", "--no-build", quiet=True)

    def alive() -> str:
        asked = subprocess.run(
            ["docker", "compose", "ps", "--all", "--format", "{{.State}}", "control"],
            cwd=CHECKOUT, env=docker_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "running" in asked.stdout or "created" in asked.stdout:
            return ""
        logs = subprocess.run(
            ["docker", "logs", "--tail", "20", f"{settings().owner}-control-1"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return _last_words(logs.stdout) or "the control plane ended; `docker compose logs control` shows why"

    return alive


def _has_dns_port(known: Settings) -> bool:
    """Whether it is this lab's own control plane, one that has died or is just starting again, that the port is kept for."""
    asked = subprocess.run(
        ["docker", "inspect", "--format", "{{json .Config.Env}}", f"{known.owner}-control-1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.returncode == 0 and f"LAB_DNS_PUBLISHED={known.dns_port}" in json.loads(asked.stdout)


def _up_process(known: Settings) -> Callable[[], str]:
    click.echo("starting the control plane as a process (no Docker engine is used)")
    try:
        known.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = (known.state / "control.log").open("ab")
    except OSError as error:
        raise click.ClickException(
            f"the state directory {known.state} cannot be written ({error.strerror}): make it writable, or set LAB_STATE"
        ) from error
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.main"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "LAB_COMPUTE": "process", "LAB_STATE": str(known.state)},
        )
    _note(process.pid, process_pid_file())

    def alive() -> str:
        if process.poll() is None:
            return ""
        said = (known.state / "control.log").read_text(errors="replace")
        return _last_words(said) or f"the control plane ended with code {process.returncode}"

    return alive


def _note(pid: int, path: Path) -> None:
    from lab.adapters.process.processes import look

    found = look(pid)
    path.write_text(json.dumps({"pid": pid, "started": "" if found is None else found.started}))


def _last_words(log: str) -> str:
    """Why the control plane ended: what it printed as `lab: …`, to the end."""
    lines = log.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("lab: ")]
    return "\n".join(lines[starts[-1] :]).removeprefix("lab: ") if starts else ""
