"""`lab class`: a lesson of drills. The class sees the question first, then the lab live, and then the answer as it was
measured.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import client
from lab.cli.drill import find, save, tell
from lab.cli.load import Duration

if TYPE_CHECKING:
    from lab.drill.model import Drill
    from lab.drill.run import Outcome


@click.command(
    name="class",
    help="Give a lesson of DRILLs. Prints a link for the projector: the dashboard without its buttons, with the question, a "
    "timer, and in the end the answer. Each step waits for Enter.",
)
@click.argument("drill", nargs=-1, required=True)
@click.option("--think", type=Duration(), help="Do not wait for Enter: give the class so long to think, and to see.")
@click.option("--reports", default="reports", show_default=True, type=click.Path(file_okay=False, path_type=Path))
def command(drill: tuple[str, ...], think: float | None, reports: Path) -> None:
    from lab.drill.run import carry_out

    wanted = [one for name in drill for one in find(name)]
    mode = client.status()["compute"]
    for one in wanted:
        if mode not in one.modes:
            raise click.ClickException(f"{one.name} means something on {' and '.join(one.modes)} only")
    click.echo(f"for the projector: {client.base_url()}/?class")
    try:
        for one in wanted:
            click.echo(click.style(f"\n{one.title}", bold=True))
            click.echo(one.question)
            show(one, "asking")
            pause(think, "Enter runs it")
            show(one, "running")
            outcome = carry_out(one, lambda text: click.echo(f"  {text}"))
            path = save(outcome, reports)
            show(one, "ended")
            pause(think, "Enter reveals the answer")
            show(one, "revealed", answer(outcome))
            tell(outcome, path)
            pause(think, "Enter goes on")
    finally:
        client.put("/lab/class", {"lesson": None})


def show(drill: "Drill", phase: str, lines: Sequence[str] = ()) -> None:
    words: dict[str, Any] = {"en": {"title": drill.title, "question": drill.question}}
    if drill.korean is not None:
        words["ko"] = {"title": drill.korean[0], "question": drill.korean[1]}
    lesson = {"phase": phase, "words": words, "since": time.time(), "answer": list(lines)}
    client.put("/lab/class", {"lesson": lesson})


def answer(outcome: "Outcome") -> list[str]:
    """What was measured, a line each; first what the class was asked to guess."""
    result = outcome.result
    lost = result.failed + result.shed
    lines = [f"{lost} of {result.scheduled} requests were lost, {result.slow} were slow"]
    lines += [f"{one.failed} failed between {one.start:.1f} s and {one.end:.1f} s" for one in result.windows]
    lines += [f"{'✓' if one.held else '✗'} {one}" for one in outcome.verdicts]
    return lines + [row["Description"] for row in reversed(outcome.activities)]


def pause(think: float | None, text: str) -> None:
    if think is None:
        click.prompt(text, default="", show_default=False, prompt_suffix=" ", hide_input=True)
    else:
        time.sleep(think)
