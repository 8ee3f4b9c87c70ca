"""`lab load`"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from lab.load.plan import Method, Plan
    from lab.load.result import Result, Snapshot
    from lab.load.schedule import Arrivals
    from lab.load.slo import Objective, Verdict
    from lab.load.trace import Trace

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
RATE, EVERY, STEADY_FOR = 50.0, 10.0, 30.0

HELP = """Send requests to URL (several: in turn), whatever the answers take, and measure each from the moment it was due.

How many: --rate per second, or --users, or --shape: a CSV file (seconds,requests_per_second; straight lines between the
points) or step, ramp, spike, daily, flash-crowd, noise, each with parameters: spike:base=20,peak=200,at=1m,width=30s,for=3m.

Users each ask once in --every, whether or not they were answered: 1000 users every 10 s are 100 requests a second. Users who
wait for an answer R and then think Z, as people do, ask every R + Z: give that of a healthy system.
A slow one gets no rest from them here, as it would from people.
With --every, the numbers of a --shape are users, too.

Exit code 1 when an objective of --slo was missed; without --slo, when a request failed or was shed.
"""


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


@click.command(help=HELP)
@click.argument("url", nargs=-1, required=True)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Per second.  [default: 50]")
@click.option("--users", type=click.FloatRange(min=0, min_open=True), help="How many ask, each once in --every.")
@click.option("--every", type=Duration(), help="Between two requests of a user.  [default: 10s]")
@click.option("--shape", help="A load over time: a trace file, or a shape with parameters.")
@click.option("--for", "duration", type=Duration(), help="How long: 60s, 2m.  [default: the shape's end, else 30s]")
@click.option("--arrivals", default="constant", show_default=True, type=click.Choice(["constant", "poisson"]))
@click.option("--seed", default=0, show_default=True, help="Of Poisson arrivals and of noise.")
@click.option("--timeout", default="10s", show_default=True, type=Duration(), help="Of one request.")
@click.option("--method", default="GET", show_default=True, type=click.Choice(["GET", "POST"]))
@click.option("--data", default="", help="Body of a POST, as JSON.")
@click.option("--failover", is_flag=True, help="Try the next URL when one cannot be connected to, as browsers do.")
@click.option(
    "--retries",
    default=0,
    type=click.IntRange(0, 10),
    help="How often a request that failed (no answer, 5xx) is sent again.",
)
@click.option("--slow", default="1s", show_default=True, type=Duration(), help="From when on an answer counts as slow.")
@click.option(
    "--slo", metavar="NAME=BOUND,…", help="What is to hold: p99=300ms,errors=0.1%. Also p50 … p99.9, max, slow."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report that stands for itself.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
def command(
    url: tuple[str, ...],
    rate: float | None,
    users: float | None,
    every: float | None,
    shape: str | None,
    duration: float | None,
    arrivals: str,
    seed: int,
    timeout: float,
    method: str,
    data: str,
    failover: bool,
    retries: int,
    slow: float,
    slo: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    from lab.load import Plan
    from lab.load.slo import judged, objectives

    headers = (("Content-Type", "application/json"),) if data else ()
    try:
        load = _load(rate, users, every, shape, seed)
        plan = Plan(
            url,
            load,
            (STEADY_FOR if isinstance(load, float) else load.duration) if duration is None else duration,
            arrivals=cast("Arrivals", arrivals),
            seed=seed,
            timeout=timeout,
            method=cast("Method", method),
            body=data.encode(),
            headers=headers,
            failover=failover,
            retries=retries,
            slow=slow,
        )
        wanted = objectives(slo) if slo is not None else ()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    shots: list[Snapshot] = []
    result = _run(plan, shots, as_json=as_json)
    verdicts = judged(wanted, result)
    if as_json:
        _print(result, verdicts)
    else:
        for verdict in verdicts:
            click.echo(click.style(f"{'✓' if verdict.held else '✗'} {verdict}", fg="green" if verdict.held else "red"))
    if html is not None:
        _write(html, plan, result, shots, verdicts)
    if _missed(wanted, result, verdicts):
        raise SystemExit(1)


def _load(
    rate: float | None, users: float | None, every: float | None, shape: str | None, seed: int
) -> "float | Trace":
    """Requests per second. Raises ValueError."""
    from lab.load.shapes import load_trace

    if sum(one is not None for one in (rate, users, shape)) > 1:
        raise ValueError("choose one of --rate, --users and --shape")
    if every is not None and (users is None and shape is None):
        raise ValueError("--every is of users: give --users, or a --shape whose numbers are users")
    if every is not None and every <= 0:
        raise ValueError("--every must be above 0")
    if shape is not None:
        found = load_trace(shape, seed)
        return found if every is None else found.scaled(1.0 / every)
    if users is not None:
        return users / (EVERY if every is None else every)
    return RATE if rate is None else rate


def _run(plan: "Plan", shots: "list[Snapshot]", *, as_json: bool) -> "Result":
    import asyncio

    from lab.load import run
    from lab.load.terminal import allow_open_files, drive

    if not as_json:
        return drive(plan, watch=shots.append)
    allow_open_files(plan.max_in_flight + 64)
    return asyncio.run(run(plan, shots.append))


def _print(result: "Result", verdicts: "tuple[Verdict, ...]") -> None:
    import json

    told = [
        {"name": one.objective.name, "bound": one.objective.bound, "held": one.held, "text": str(one)}
        for one in verdicts
    ]
    click.echo(json.dumps({**result.to_json(), "objectives": told}))


def _write(
    html: Path, plan: "Plan", result: "Result", shots: "list[Snapshot]", verdicts: "tuple[Verdict, ...]"
) -> None:
    from lab.load.page import page

    try:
        html.write_text(page(plan, result, shots, verdicts))
    except OSError as error:
        raise click.ClickException(f"{html} cannot be written: {error.strerror}") from error
    click.echo(f"the report is {html}", err=True)


def _missed(wanted: "tuple[Objective, ...]", result: "Result", verdicts: "tuple[Verdict, ...]") -> bool:
    if wanted:
        return not all(one.held for one in verdicts)
    return bool(result.failed or result.shed)
