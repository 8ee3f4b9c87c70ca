"""`lab console-output`"""

import base64

import click

from lab.cli import client


@click.command(help="Show the console of INSTANCE: how it booted, and what its user data wrote (GetConsoleOutput).")
@click.argument("instance")
def command(instance: str) -> None:
    answer = client.aws("ec2", "GetConsoleOutput", InstanceId=instance)
    click.echo(base64.b64decode(answer.get("Output", "")).decode(errors="replace"), nl=False)
