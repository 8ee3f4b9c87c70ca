"""`lab activities`"""

import json
from datetime import datetime
from typing import Any

import click

from lab.cli import client


@click.command(
    help="Show the scaling activities of each GROUP (default: every group), newest first, with their causes; or, as a table, "
    "what the groups did side by side."
)
@click.argument("group", nargs=-1)
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, 100), help="How many; of a table, per group."
)
@click.option("--json", "as_json", is_flag=True, help="Print them as AWS's DescribeScalingActivities does.")
@click.option("--table", "as_table", is_flag=True, help="Show the groups side by side, minute by minute of lab time.")
def command(group: tuple[str, ...], last: int, as_json: bool, as_table: bool) -> None:
    if as_json and as_table:
        raise click.UsageError("choose one of --json and --table")
    if as_table:
        _table(group or _groups(), last)
        return
    found = [row for name in group or (None,) for row in _activities(name, last)]
    found = sorted(found, key=lambda row: ("EndTime" not in row, row["StartTime"]), reverse=True)[:last]
    if as_json:
        click.echo(json.dumps({"Activities": found}, indent=2))
        return
    if not found:
        click.echo("no activity yet")
    for row in found:
        _show(row)


def _activities(group: str | None, last: int) -> list[dict[str, Any]]:
    members = {} if group is None else {"AutoScalingGroupName": group}
    found: list[dict[str, Any]] = client.aws("autoscaling", "DescribeScalingActivities", MaxRecords=last, **members)[
        "Activities"
    ]
    return found


def _groups() -> tuple[str, ...]:
    found = client.aws("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    return tuple(row["AutoScalingGroupName"] for row in found)


def _table(groups: tuple[str, ...], last: int) -> None:
    from rich.console import Console

    from lab.cli.side_by_side import table

    Console(highlight=False).print(table({name: _activities(name, last) for name in groups}))


def _show(row: dict[str, Any]) -> None:
    colour = {"Successful": "green", "Failed": "red", "Cancelled": "red"}.get(row["StatusCode"], "yellow")
    start = datetime.fromisoformat(row["StartTime"])
    click.echo(
        f"{start:%H:%M:%S}  {click.style(row['StatusCode'], fg=colour)}  {click.style(row['Description'], bold=True)}"
    )
    for sentence in row["Cause"].split("  "):
        click.echo(f"          {sentence}")
