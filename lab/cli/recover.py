"""`lab recover`"""

import click

from lab.cli import client


@click.group(help="End what `lab fail` began.")
def command() -> None:
    pass


@command.command("zone", help="Let an availability zone (a, 1a or us-east-1a) take machines again.")
@click.argument("zone")
def zone_(zone: str) -> None:
    answer = client.post(f"/lab/zones/{zone}/recover")
    click.echo(f"{answer['zone']} takes machines again; groups balance themselves within minutes of lab time")


@command.command("network", help="Give MACHINE its network back.")
@click.argument("machine")
def network(machine: str) -> None:
    names = ", ".join(client.post(f"/lab/network/{machine}/recover")["machines"])
    click.echo(f"the network of {names} is as it should be")


@command.command("health", help="Let the sample application on INSTANCE be well again.")
@click.argument("instance")
def health(instance: str) -> None:
    client.post(f"/lab/instances/{instance}/fault", {"health": "ok"})
    click.echo(f"{instance} answers as it should")
