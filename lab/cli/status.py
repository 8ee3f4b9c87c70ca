"""`lab status`"""

import contextlib
import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import client

if TYPE_CHECKING:
    from rich.console import Console


@click.command(help="Show zones, nodes, instances, alarms and the last activities; live at a terminal, Ctrl-C ends it.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole state as JSON.")
@click.option("--once", is_flag=True, help="Print once and return (the default when the output is no terminal).")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write the picture to a file, for a report."
)
def command(as_json: bool, once: bool, svg: Path | None) -> None:
    document = client.status()
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    if svg is not None:
        svg.write_text(_picture(document))
        return
    from rich.console import Console

    from lab.cli.table import render

    console = Console(highlight=False)
    if once or not sys.stdout.isatty():
        console.print(render(document, console.width))
        return
    _live(document, console)


def _live(document: dict[str, Any], console: "Console") -> None:
    """Until Ctrl-C. While the control plane is down the last picture stays, and says so."""
    from rich.live import Live

    from lab.cli.table import render

    away = ""
    picture = Live(render(document, console.width), console=console, screen=True, auto_refresh=False)
    with contextlib.suppress(KeyboardInterrupt), picture as live:
        while True:
            try:
                document, away = client.status(), ""
            except client.NoLab:
                away = "the control plane does not answer; what you see is the last it said. Traffic does not need it"
            live.update(render(document, console.width, away), refresh=True)
            time.sleep(0.5)


def _picture(document: dict[str, Any]) -> str:
    """The status as SVG that needs nothing from the network."""
    import io

    from rich.console import Console

    from lab.cli.table import render

    console = Console(record=True, width=100, file=io.StringIO(), highlight=False)
    console.print(render(document, console.width))
    drawn = console.export_svg(title="lab status")
    # The fonts that rich would have a viewer fetch; any fixed-width font does.
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
