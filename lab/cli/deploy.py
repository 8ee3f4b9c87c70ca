"""`lab deploy`"""

import time
from pathlib import Path
from typing import Any

import click

from lab.cli import client, progress
from lab.readiness import SUCCESS


@click.command(help="Create the stack from the CloudFormation template FILE, or update it, and follow it to its end.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--stack-name", default="web", show_default=True)
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="A parameter's value; may be repeated.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait.")
def command(file: Path, stack_name: str, parameter: tuple[str, ...], timeout: float) -> None:
    members = {
        "StackName": stack_name,
        "TemplateBody": file.read_text(),
        "Parameters": [_parameter(text) for text in parameter],
    }
    before = [event["EventId"] for event in progress.events(stack_name)]
    try:
        _create_or_update(stack_name, members)
    except client.LabRefused as error:
        if error.text == "No updates are to be performed.":
            click.echo(f"stack {stack_name} is as the template says already")
            return
        raise
    _follow(stack_name, before, timeout)


def _create_or_update(stack_name: str, members: dict[str, Any]) -> None:
    """As `aws cloudformation deploy` does it: parameters that are not given keep their values in an update."""
    stacks = {row["name"]: row["status"] for row in client.status()["stacks"]}
    if stacks.get(stack_name, "DELETE_COMPLETE") == "DELETE_COMPLETE":
        client.aws("cloudformation", "CreateStack", **members)
        return
    [stack] = client.aws("cloudformation", "DescribeStacks", StackName=stack_name)["Stacks"]
    wanted = client.aws("cloudformation", "ValidateTemplate", TemplateBody=members["TemplateBody"])["Parameters"]
    names = {row["ParameterKey"] for row in wanted} & {row["ParameterKey"] for row in stack.get("Parameters", ())}
    kept = sorted(names - {row["ParameterKey"] for row in members["Parameters"]})
    parameters = [*members["Parameters"], *({"ParameterKey": name, "UsePreviousValue": True} for name in kept)]
    client.aws("cloudformation", "UpdateStack", **{**members, "Parameters": parameters})


def _follow(stack_name: str, before: list[str], timeout: float) -> None:
    start = time.monotonic()
    journal = progress.Journal(start, before)
    while True:
        journal.show(stack_name)
        stack = client.aws("cloudformation", "DescribeStacks", StackName=stack_name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        if time.monotonic() - start > timeout:
            raise click.ClickException(f"stack {stack_name} is still {stack['StackStatus']} after {timeout:g} s")
        time.sleep(progress.LOOK)
    journal.show(stack_name)
    if stack["StackStatus"] not in SUCCESS:
        raise click.ClickException(
            f"stack {stack_name} ended as {stack['StackStatus']}: {progress.first_failure(stack_name)}"
        )
    click.echo(f"stack {stack_name}: {stack['StackStatus']}")
    for output in stack.get("Outputs", ()):
        click.echo(f"  {output['OutputKey']} = {output['OutputValue']}")


def _parameter(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--parameter {text!r} must be NAME=VALUE")
    return {"ParameterKey": name, "ParameterValue": value}
