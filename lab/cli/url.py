"""`lab url`"""

import click

from lab.cli import client


@click.command(help="Print the addresses of the load balancer, one per zone; --api prints the control plane's.")
@click.option("--api", is_flag=True, help="Print the address of the API instead.")
def command(api: bool) -> None:
    if api:
        click.echo(client.base_url())
        return
    found = [url for row in client.status()["load_balancers"] for node in row["nodes"] for url in node["urls"]]
    if not found:
        raise click.ClickException("no load balancer has a listener yet; `lab status` shows what there is")
    click.echo("\n".join(found))
