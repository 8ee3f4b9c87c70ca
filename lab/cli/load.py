"""`lab load`"""

import re
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from lab.load.plan import Method
    from lab.load.schedule import Arrivals

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """60, 60s, 500ms, 2m, 1h → seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration: write 60s, 500ms, 2m or 1h", param, ctx)
        return float(match[1]) * UNITS[match[2]]


@click.command(
    help="Send requests to URL (several: in turn) at a steady rate, whatever the answers take, and measure each from the "
    "moment it was due. Exit code 1 when a request failed or was shed."
)
@click.argument("url", nargs=-1, required=True)
@click.option(
    "--rate", default=50.0, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Per second."
)
@click.option("--for", "duration", default="30s", show_default=True, type=Duration(), help="How long: 60s, 2m.")
@click.option("--arrivals", default="constant", show_default=True, type=click.Choice(["constant", "poisson"]))
@click.option("--timeout", default="10s", show_default=True, type=Duration(), help="Of one request.")
@click.option("--method", default="GET", show_default=True, type=click.Choice(["GET", "POST"]))
@click.option("--data", default="", help="Body of a POST, as JSON.")
@click.option("--failover", is_flag=True, help="Try the next URL when one cannot be connected to, as browsers do.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
def command(
    url: tuple[str, ...],
    rate: float,
    duration: float,
    arrivals: str,
    timeout: float,
    method: str,
    data: str,
    failover: bool,
    as_json: bool,
) -> None:
    import asyncio
    import json

    from lab.load import Plan, run
    from lab.load.terminal import allow_open_files, drive

    headers = (("Content-Type", "application/json"),) if data else ()
    try:
        plan = Plan(
            url,
            rate,
            duration,
            arrivals=cast("Arrivals", arrivals),
            timeout=timeout,
            method=cast("Method", method),
            body=data.encode(),
            headers=headers,
            failover=failover,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        allow_open_files(plan.max_in_flight + 64)
        result = asyncio.run(run(plan))
        click.echo(json.dumps(result.to_json()))
    else:
        result = drive(plan)
    if result.failed or result.shed:
        raise SystemExit(1)
