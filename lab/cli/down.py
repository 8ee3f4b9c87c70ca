"""`lab down`"""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import click

from lab.cli.site import COMPOSE_FILE, docker, docker_answers, is_there, process_pid_file, settings
from lab.core.errors import AdapterError
from lab.settings import Settings

STOPPING = 10.0


@click.command(help="Stop the lab and remove everything it made: machines, networks, data, state.")
def command() -> None:
    click.echo("the lab is gone; nothing is left" if remove(settings()) else "there is no lab here")


def remove(known: Settings) -> bool:
    """Stop and remove the lab of these settings; whether there was one. Raises ClickException when something resists."""
    try:
        removed = _down_process(known)
        if known.compute != "process" and docker_answers():
            removed |= _down_docker(known)
    except AdapterError as error:
        raise click.ClickException(str(error)) from error
    return removed


def _down_process(known: Settings) -> bool:
    from lab.adapters.process import sweep

    if not known.state.exists():
        return False
    _stop_control(process_pid_file())
    sweep(known.state)
    ours = ("control.json", "control.log", "clock.json", "clock.tmp", "machines", "authority", "buckets")
    for path in known.state.iterdir():
        if path.name in ours or path.name.startswith(("lab.sqlite", "metrics.sqlite")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # A directory that was there before, with other things in it, stays.
    if not any(known.state.iterdir()):
        known.state.rmdir()
    return True


def _stop_control(pid_file: Path) -> None:
    from lab.adapters.process.processes import Leader

    if not pid_file.exists():
        return
    body = json.loads(pid_file.read_text())
    control = Leader(body["pid"], body["started"])
    if not control.alive:
        return
    click.echo("stopping the control plane")
    os.kill(control.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPPING
    while control.alive:
        if time.monotonic() > deadline:
            os.kill(control.pid, signal.SIGKILL)
        time.sleep(0.05)


def _down_docker(known: Settings) -> bool:
    from lab.adapters.docker import sweep

    made = is_there(known)
    if COMPOSE_FILE.exists() and made:
        click.echo("stopping the control plane")
        docker("compose", "down", "--volumes", "--remove-orphans", "--timeout", "5", quiet=True)
    if made:
        click.echo("removing machines, networks and volumes")
    sweep(known.owner, known.owner)
    return made
