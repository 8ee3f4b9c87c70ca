"""`lab simulate`"""

from pathlib import Path

import click

from lab.cli.load import Duration
from lab.settings import STACKS

HELP = """Play a load TRACE against a stack on paper: the lab's own control plane under virtual time, on simulated instances.

TRACE is a CSV file (seconds,requests_per_second; straight lines between the points) or a shape with parameters: step, ramp,
spike, daily, flash-crowd, noise, such as daily:base=20,peak=200,noise=0.1.

A policy replaces the stack's own: target-tracking, step, simple, scheduled, none, each with parameters
(step:high=70,low=30), a file of CloudFormation resources, or "stack" for its own.
"""


@click.command(help=HELP)
@click.argument("trace")
@click.option(
    "--stack", default=STACKS / "web.yaml", help="The CloudFormation template.  [default: stacks/web.yaml]",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="A parameter's value; may be repeated.")
@click.option("--policy", default="stack", show_default=True, help="Whose decisions are played.")
@click.option("--compare", metavar="POLICY,…", help="Several policies side by side, on the same trace and seed.")
@click.option(
    "--calibration", help="What an instance can do, as `lab calibrate` writes it.",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--until", type=Duration(), help="Stop there, or go on until then with the last rate.")
@click.option(
    "--slo", default="1s", show_default=True, type=Duration(), help="What 99 of 100 responses should take at most."
)
@click.option("--seed", default=1, show_default=True, help="Of the noise in a shape.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report that stands for itself.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write everything as JSON.")
def command(
    trace: str,
    stack: Path,
    parameter: tuple[str, ...],
    policy: str,
    compare: str | None,
    calibration: Path | None,
    until: float | None,
    slo: float,
    seed: int,
    html: Path | None,
    as_json: Path | None,
) -> None:
    from rich.console import Console

    from lab.core.errors import LabError
    from lab.load.shapes import load_trace
    from lab.load.trace import TraceError
    from lab.simulate import calibration as calibrations
    from lab.simulate import compare as comparing
    from lab.simulate.policies import PolicyError, names
    from lab.simulate.report.page import page
    from lab.simulate.result import to_json
    from lab.simulate.run import SimulationError
    from lab.simulate.summary import render

    pairs = [text.partition("=") for text in parameter]
    if not all(name and equals for name, equals, _ in pairs):
        raise click.UsageError("a parameter is NAME=VALUE")
    console = Console()
    try:
        question = comparing.Question(
            trace=load_trace(trace, seed),
            seed=seed,
            stack=stack.stem,
            template=stack.read_text(),
            parameters={name: value for name, _, value in pairs},
            policies=tuple(names(compare) if compare else [policy]),
            calibration=calibrations.read(calibration) if calibration else calibrations.Calibration(),
            until=until,
            slo=slo,
        )
        with console.status("") as status:
            result = comparing.answer(question, status.update)
    except (TraceError, PolicyError, calibrations.CalibrationError, SimulationError) as error:
        raise click.ClickException(str(error)) from error
    except LabError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from error
    console.print(render(result))
    try:
        if as_json is not None:
            as_json.write_text(to_json(result))
        if html is not None:
            html.write_text(page(result))
            click.echo(f"\nthe report is {html}")
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}") from error
