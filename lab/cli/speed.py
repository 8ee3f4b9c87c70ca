"""`lab speed`"""

import click

from lab.cli import client


@click.command(help="Show how fast lab time runs, or change it: SPEED lab seconds per second, 1 is AWS's own pace.")
@click.argument("speed", type=float, required=False)
def command(speed: float | None) -> None:
    answer = client.get("/lab/speed") if speed is None else change(speed)
    click.echo(said(answer["speed"]))


def change(speed: float) -> dict[str, float]:
    answer: dict[str, float] = client.put("/lab/speed", {"speed": speed})
    return answer


def said(speed: float) -> str:
    """What the speed means for AWS's own numbers."""
    return f"lab time runs at {speed:g}×: a minute of AWS's takes {60 / speed:.3g} s"
