"""`lab kill`"""

import random

import click

from lab.cli import client


@click.command(
    help="Crash INSTANCE with SIGKILL, as a failing host would. Nodes (lb-…) and databases can be named too."
)
@click.argument("instance", required=False)
@click.option("--random", "any_one", is_flag=True, help="Crash one of the instances in service.")
def command(instance: str | None, any_one: bool) -> None:
    if (instance is None) == (not any_one):
        raise click.UsageError("name an instance, or give --random")
    if instance is None:
        groups = client.status()["groups"]
        running = [row["id"] for group in groups for row in group["instances"] if row["lifecycle"] == "InService"]
        if not running:
            raise click.ClickException("no instance is in service; `lab status` shows what there is")
        instance = random.choice(running)
    client.post(f"/lab/instances/{instance}/kill")
    click.echo(f"killed {instance}; `lab activities` tells what follows")
