"""`lab activities`"""

import json
from datetime import datetime
from typing import Any

import click

from lab.cli import client


@click.command(help="Show the scaling activities of GROUP (default: the lab's group), newest first, with their causes.")
@click.argument("group", required=False)
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 100), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as AWS's DescribeScalingActivities does.")
def command(group: str | None, last: int, as_json: bool) -> None:
    members = {} if group is None else {"AutoScalingGroupName": group}
    found = client.aws("autoscaling", "DescribeScalingActivities", MaxRecords=last, **members)["Activities"]
    if as_json:
        click.echo(json.dumps({"Activities": found}, indent=2))
        return
    if not found:
        click.echo("no activity yet")
    for row in found:
        _show(row)


def _show(row: dict[str, Any]) -> None:
    colour = {"Successful": "green", "Failed": "red", "Cancelled": "red"}.get(row["StatusCode"], "yellow")
    start = datetime.fromisoformat(row["StartTime"])
    click.echo(
        f"{start:%H:%M:%S}  {click.style(row['StatusCode'], fg=colour)}  {click.style(row['Description'], bold=True)}"
    )
    for sentence in row["Cause"].split("  "):
        click.echo(f"          {sentence}")
