"""`lab drill`: planned failures, measured."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import client
from lab.cli.site import CHECKOUT

if TYPE_CHECKING:
    from lab.drill.model import Drill
    from lab.drill.run import Outcome

FOLDER = CHECKOUT / "drills"
SHORT = ("instance-crash", "database-restart", "control-killed")
"""What `run short` is: the promises that cost least time."""

TEMPLATE = """title: {title}
question: >-
  What will happen when …?
load: {{ path: /products, amount: 50 }} # requests a second; a shape such as "spike:base=20,peak=100,at=5s,width=5s,for=30s"
lasts: 20s # of load, at least
acts:
  - {{ at: 4s, kill: instance }} # or database, control; fault: {{ health: fail }}; zone: a; capacity: 4; deploy: broken
expect: # times are the lab's, from the first act
  lost: 1%
  replaced: 5m
  recovered: 10m
"""


@click.group(
    help="Planned failures, measured: a steady state, a fault under load, what is seen, and whether it is as expected."
)
def command() -> None:
    pass


@command.command("list", help="Show the drills there are.")
def list_() -> None:
    for drill in shipped():
        modes = "" if len(drill.modes) == 2 else f"  (on {drill.modes[0]} only)"
        click.echo(f"{drill.name:<24} {drill.title}{modes}")


@command.command(
    "run", help="Run DRILLs by name or file, one after the other; `all`, or `short` for three that take a minute each."
)
@click.argument("drill", nargs=-1, required=True)
@click.option("--reports", default="reports", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON and nothing else.")
def run(drill: tuple[str, ...], reports: Path, as_json: bool) -> None:
    from lab.drill.run import carry_out

    wanted = [one for name in drill for one in find(name)]
    mode = client.status()["compute"]
    outcomes: list[Outcome] = []
    skipped: list[Drill] = []
    for one in wanted:
        if mode not in one.modes:
            skipped.append(one)
            continue
        if not as_json:
            click.echo(click.style(one.title, bold=True))
            click.echo(one.question)
        outcome = carry_out(one, lambda text: None if as_json else click.echo(f"  {text}"))
        outcomes.append(outcome)
        path = save(outcome, reports)
        if not as_json:
            tell(outcome, path)
    if as_json:
        from lab.drill.record import to_json

        click.echo(json.dumps([to_json(one) for one in outcomes]))
    elif len(wanted) > 1:
        scorecard(outcomes, skipped)
    if not all(one.held for one in outcomes):
        raise SystemExit(1)


@command.command(help="Write a drill file NAME.yaml to begin with.")
@click.argument("name")
def new(name: str) -> None:
    from lab.drill.parse import BadDrill, parse

    path = Path(f"{name}.yaml")
    text = TEMPLATE.format(title=name.replace("-", " ").capitalize())
    try:
        parse(name, text)
    except BadDrill as error:
        raise click.UsageError(str(error)) from error
    if path.exists():
        raise click.ClickException(f"{path} is there already")
    path.write_text(text)
    click.echo(f"{path} is there: change it, then `lab drill run {path}`; `lab drill schema` has all it may say")


@command.command(help="Print the JSON schema of drill files.")
def schema() -> None:
    from lab.drill.parse import File

    click.echo(json.dumps(File.model_json_schema(), indent=2))


@command.command(help="Show two outcomes side by side: files that `run` wrote.")
@click.argument("first", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("second", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare(first: Path, second: Path) -> None:
    from rich.console import Console

    from lab.drill.record import load

    try:
        documents = [load(path) for path in (first, second)]
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    Console(highlight=False).print(side_by_side([first.stem, second.stem], documents))


def side_by_side(names: Sequence[str], documents: Sequence[dict[str, Any]]) -> Any:
    from rich.table import Table

    from lab.drill.record import measures

    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for name, document in zip(names, documents, strict=True):
        table.add_column(f"{name}\n{document['mode']} at {document['speed']:g}×", justify="right")
    columns = [measures(document) for document in documents]
    for measure in columns[0]:
        values = [column[measure] for column in columns]
        if any(value is not None for value in values):
            table.add_row(measure, *(written(measure, value) for value in values))
    table.add_row("all as expected", *("yes" if document["held"] else "no" for document in documents))
    return table


def written(measure: str, value: float | None) -> str:
    from lab.drill.verdicts import WORDS
    from lab.report.words import hours, seconds, whole

    if value is None:
        return "–"
    if measure in ("p50", "p99"):
        return seconds(value)
    return hours(value) if measure in WORDS.values() else whole(value)


def shipped() -> "list[Drill]":
    from lab.drill.parse import read

    return [read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def find(name: str) -> "list[Drill]":
    """By name or file; `all` and `short` are several. Raises ClickException."""
    from lab.drill.parse import BadDrill, read

    known = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    path = Path(name)
    try:
        if name == "all":
            return [read(one) for one in known.values()]
        if name == "short":
            return [read(known[one]) for one in SHORT]
        if name in known:
            return [read(known[name])]
        if path.suffix in (".yaml", ".yml") or path.exists():
            return [read(path)]
    except BadDrill as error:
        raise click.ClickException(str(error)) from error
    raise click.UsageError(f"there is no drill {name}; there are {', '.join(known)}, all, short, and files of your own")


def save(outcome: "Outcome", folder: Path) -> Path:
    """The page, and the JSON beside it. Raises ClickException."""
    from lab.drill.record import to_json
    from lab.drill.report import page

    at = datetime.fromisoformat(outcome.started)
    path = folder / f"{outcome.drill.name}-{outcome.mode}-{at:%Y%m%d-%H%M%S}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page(outcome))
        path.with_suffix(".json").write_text(json.dumps(to_json(outcome)))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    return path


def tell(outcome: "Outcome", path: Path) -> None:
    result = outcome.result
    for one in outcome.verdicts:
        mark = click.style("✓", fg="green") if one.held else click.style("✗", fg="red")
        click.echo(f"  {mark} {one}")
    for window in result.windows:
        click.echo(f"    {window.failed} failed between {window.start:.2f} s and {window.end:.2f} s")
    click.echo(f"  {result.scheduled} requests; the report is {path}\n")


def scorecard(outcomes: "Sequence[Outcome]", skipped: "Sequence[Drill]") -> None:
    click.echo(click.style("scorecard", bold=True))
    for one in outcomes:
        held = sum(verdict.held for verdict in one.verdicts)
        mark = click.style("✓", fg="green") if one.held else click.style("✗", fg="red")
        promise = "" if one.held or not one.drill.promise else f"  broken: {one.drill.promise}"
        click.echo(f"{mark} {one.drill.name:<24} {held} of {len(one.verdicts)}{promise}")
    for drill in skipped:
        click.echo(f"– {drill.name:<24} skipped: it means something on {' and '.join(drill.modes)} only")
