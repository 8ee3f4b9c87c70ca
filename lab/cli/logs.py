"""`lab logs`"""

from pathlib import Path

import click

from lab.cli import client
from lab.cli.site import docker, is_docker, settings


@click.command(help="Show what MACHINE (i-…, lb-…, a database's name) wrote, or without one the control plane.")
@click.argument("machine", required=False)
@click.option("--tail", default=100, show_default=True, type=click.IntRange(1, 10000), help="Lines from the end.")
def command(machine: str | None, tail: int) -> None:
    if machine is not None:
        click.echo(client.request("GET", f"/lab/machines/{machine}/logs?tail={tail}"), nl=False)
    elif is_docker():
        docker("compose", "logs", "--no-log-prefix", "--tail", str(tail), "control")
    else:
        log: Path = settings().state / "control.log"
        if not log.exists():
            raise click.ClickException(f"there is no {log}: no lab was started here")
        click.echo("\n".join(log.read_text(errors="replace").splitlines()[-tail:]))
