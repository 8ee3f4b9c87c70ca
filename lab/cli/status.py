"""`lab status`"""

import json
import sys
import time

import click

from lab.cli import client


@click.command(help="Show zones, nodes, instances, alarms and the last activities; live at a terminal, Ctrl-C ends it.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole state as JSON.")
@click.option("--once", is_flag=True, help="Print once and return (the default when the output is no terminal).")
def command(as_json: bool, once: bool) -> None:
    document = client.status()
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    from rich.console import Console

    from lab.cli.table import render

    console = Console(highlight=False)
    if once or not sys.stdout.isatty():
        console.print(render(document, console.width))
        return
    from rich.live import Live

    with Live(render(document, console.width), console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(render(client.status(), console.width), refresh=True)
                time.sleep(0.5)
        except KeyboardInterrupt:
            pass
