"""`lab reach`"""

import json
from typing import Any
from urllib.parse import urlencode

import click

from lab.cli import client

OUTCOMES = {
    "reached": "a real connection was made",
    "refused": "a real connection was refused: the packets passed, and nobody listens there",
    "lost": "a real connection got no answer",
    "unreachable": "a real connection found no way",
}


@click.command(
    help="Tell hop by hop whether SOURCE reaches TARGET, and which rule decides. SOURCE and TARGET are an instance, a load "
    "balancer, a database, an address, or `internet`. Exit code 1 when it does not."
)
@click.argument("source")
@click.argument("target", metavar="TARGET:PORT")
@click.option("--protocol", default="tcp", show_default=True, type=click.Choice(["tcp", "udp", "icmp"]))
@click.option("--probe", is_flag=True, help="Try a real connection, too (on Docker).")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON and nothing else.")
def command(source: str, target: str, protocol: str, probe: bool, as_json: bool) -> None:
    name, _, port = target.rpartition(":")
    if protocol == "icmp":
        name, port = target, "-1"
    if not name or not port.lstrip("-").isdigit():
        raise click.UsageError("TARGET needs a port, as in web-database:5432")
    query = urlencode({"source": source, "target": name, "port": port, "protocol": protocol, "probe": probe})
    answer = client.get(f"/lab/reach?{query}")
    if as_json:
        click.echo(json.dumps(answer))
    else:
        tell(answer)
    if not all(path["passes"] for path in answer["paths"]):
        raise SystemExit(1)


def tell(answer: dict[str, Any]) -> None:
    for path in answer["paths"]:
        show(path)
    if not answer["filtered"]:
        click.echo("This is what AWS would do: here machines are processes on one loopback, and no packet is filtered.")


def show(path: dict[str, Any]) -> None:
    verdict = click.style("passes", fg="green") if path["passes"] else click.style("is dropped", fg="red")
    click.echo(f"{path['source']} → {path['target']}: {verdict}")
    for hop in path["hops"]:
        mark = click.style("✗", fg="red") if hop["code"] else click.style("✓", fg="green")
        rule = f"  [{hop['rule']}]" if hop["rule"].startswith("sgr-") else ""
        code = f"  {hop['code']}" if hop["code"] else ""
        click.echo(f"  {mark} {hop['says']}{rule}{code}")
    if "probe" in path:
        click.echo(f"  → {OUTCOMES[path['probe']]}")
