"""`lab why`"""

import json
import shutil
import textwrap
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import click

from lab.cli import client

INDENT = " " * 10


@click.command(
    help="Tell the last decisions about the capacity of GROUP (default: every group), newest first: what was seen, what was "
    "reckoned, what came of it and why. Also those that changed nothing."
)
@click.argument("group", required=False, default="")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, with all that went into them.")
def command(group: str, last: int, as_json: bool) -> None:
    found = client.get(f"/lab/decisions?{urlencode({'group': group, 'last': last})}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found["decisions"]:
        click.echo("nothing has been decided yet")
    width = shutil.get_terminal_size().columns
    for row in found["decisions"]:
        click.echo(told(row, width))


def told(row: dict[str, Any], width: int) -> str:
    """A headline, and the sentences as a paragraph below it."""
    at = datetime.fromtimestamp(row["until"], UTC)
    before, after = row["current"], row["desired"]
    colour = "" if before == after else "green" if after > before else "yellow"
    change = click.style(
        f"stays at {before}" if before == after else f"{before} → {after}", fg=colour or None, bold=True
    )
    text = " ".join(row["sentences"])
    paragraph = textwrap.fill(text, width, initial_indent=INDENT, subsequent_indent=INDENT)
    return f"{at:%H:%M:%S}  {click.style(row['group'], bold=True)}  {change}\n{paragraph}"
