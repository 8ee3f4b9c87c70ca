"""`lab reach`"""

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
    "balancer, a database, an address, or (SOURCE only) `internet`. Exit code 1 when it does not."
)
@click.argument("source")
@click.argument("target", metavar="TARGET:PORT")
@click.option("--protocol", default="tcp", show_default=True, type=click.Choice(["tcp", "udp", "icmp"]))
@click.option("--probe", is_flag=True, help="Try a real connection, too (on Docker).")
def command(source: str, target: str, protocol: str, probe: bool) -> None:
    name, _, port = target.rpartition(":")
    if protocol == "icmp":
        name, port = target, "-1"
    if not name or not port.lstrip("-").isdigit():
        raise click.UsageError("TARGET needs a port, as in web-database:5432")
    query = urlencode({"source": source, "target": name, "port": port, "protocol": protocol, "probe": probe})
    answer = client.get(f"/lab/reach?{query}")
    for path in answer["paths"]:
        show(path)
    if not answer["filtered"]:
        click.echo("This is what AWS would do: here machines are processes on one loopback, and no packet is filtered.")
    if not all(path["passes"] for path in answer["paths"]):
        raise SystemExit(1)


def show(path: dict[str, object]) -> None:
    verdict = click.style("passes", fg="green") if path["passes"] else click.style("is dropped", fg="red")
    click.echo(f"{path['source']} → {path['target']}: {verdict}")
    for hop in path["hops"]:  # type: ignore[attr-defined]  # the API's JSON
        mark = click.style("✗", fg="red") if hop["code"] else click.style("✓", fg="green")
        rule = f"  [{hop['rule']}]" if hop["rule"].startswith("sgr-") else ""
        code = f"  {hop['code']}" if hop["code"] else ""
        click.echo(f"  {mark} {hop['says']}{rule}{code}")
    if "probe" in path:
        click.echo(f"  → {OUTCOMES[str(path['probe'])]}")
