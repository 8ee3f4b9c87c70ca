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
