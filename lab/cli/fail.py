"""`lab fail`"""

import click

from lab.cli import client


@click.group(help="Fail something on purpose, to see what follows.")
def command() -> None:
    pass


@command.command(
    "zone", help="Fail an availability zone (a, 1a or us-east-1a): its machines die and none is launched in it."
)
@click.argument("zone")
def zone_(zone: str) -> None:
    answer = client.post(f"/lab/zones/{zone}/fail")
    click.echo(f"{answer['zone']} has failed; `lab status` shows what follows, `lab recover zone {zone}` ends it")
