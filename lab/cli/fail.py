"""`lab fail`"""

import click

from lab.cli import client
from lab.cli.load import Duration


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


@command.command(
    "network",
    help="Cut MACHINE off from the network (an instance, a load balancer's node, a database), or make its packets late or "
    "lost. On Docker only.",
)
@click.argument("machine")
@click.option("--latency", type=Duration(), help="How late what it sends is: 200ms.")
@click.option(
    "--loss", default=0.0, type=click.FloatRange(0, 100), help="How much of what it sends is lost, in percent."
)
def network(machine: str, latency: float | None, loss: float) -> None:
    wrong = {"latency": (latency or 0.0) * 1000, "loss": loss}
    names = ", ".join(client.post(f"/lab/network/{machine}/fail", wrong)["machines"])
    slow = " and ".join(
        filter(None, (f"{latency * 1000:g} ms late" if latency else "", f"{loss:g} % lost" if loss else ""))
    )
    what = f"what {names} sends is {slow}" if slow else f"{names} is cut off"
    click.echo(f"{what}; `lab status` shows what follows, `lab recover network {machine}` ends it")


@command.command(
    "health",
    help="Make the sample application on INSTANCE ill: its health check, or with --all all it answers, fails, hangs or is "
    "slow.",
)
@click.argument("instance")
@click.option("--how", default="fail", show_default=True, type=click.Choice(["fail", "hang", "slow"]))
@click.option("--all", "everything", is_flag=True, help="Not the health check alone.")
@click.option("--delay", type=Duration(), help="How late a slow answer is: 800ms.")
@click.option("--grow", type=Duration(), help="How much later with each second: 100ms.")
def health(instance: str, how: str, everything: bool, delay: float | None, grow: float | None) -> None:
    if how != "slow" and (delay, grow) != (None, None):
        raise click.UsageError("--delay and --grow are of --how slow")
    wanted = {"health": how, "scope": "all" if everything else "health"}
    late = {"delay_ms": round((delay or 0.0) * 1000), "grow_ms": round((grow or 0.0) * 1000)}
    client.post(f"/lab/instances/{instance}/fault", {**wanted, **late})
    what = "all that it answers" if everything else "its health check"
    click.echo(f"{instance}: {what} {WORDS[how]}; `lab recover health {instance}` ends it")


WORDS = {"fail": "fails", "hang": "hangs", "slow": "is slow"}
