"""What was expected of a drill against what was measured; and what of it AWS's default settings would have made. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lab.drill.figures import Figures
from lab.drill.model import Drill
from lab.load.result import Result
from lab.report.words import hours, percent

WORDS = {
    "detected": "noticed",
    "out": "out of rotation",
    "replaced": "replaced",
    "recovered": "all well again",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`measured` and `bound` as people read them."""

    name: str
    held: bool
    measured: str
    bound: str

    def __str__(self) -> str:
        return f"{self.name}: {self.measured}, expected {self.bound}"


def verdicts(drill: Drill, figures: Figures, result: Result) -> tuple[Verdict, ...]:
    return tuple(_verdicts(drill, figures, result))


def _verdicts(drill: Drill, figures: Figures, result: Result) -> Iterator[Verdict]:
    expect = drill.expect
    if expect.lost is not None:
        yield Verdict("lost", result.lost <= expect.lost, percent(result.lost), f"at most {percent(expect.lost)}")
    if expect.slow is not None:
        slow = result.slow / result.scheduled if result.scheduled else 0.0
        yield Verdict("slow", slow <= expect.slow, percent(slow), f"at most {percent(expect.slow)}")
    for name, bound in expect.times.items():
        seen: float | None = getattr(figures, name)
        measured = "not seen" if seen is None else hours(seen)
        yield Verdict(WORDS[name], (math.inf if seen is None else seen) <= bound, measured, f"within {hours(bound)}")
    if expect.peak is not None:
        yield Verdict("grown to", figures.peak >= expect.peak, str(figures.peak), f"{expect.peak} or more")
    if expect.replacements is not None:
        held = figures.launched == expect.replacements
        yield Verdict("new instances", held, str(figures.launched), f"just {expect.replacements}")
    if expect.refresh:
        held = figures.refresh == expect.refresh
        yield Verdict("instance refresh", held, figures.refresh or "none", expect.refresh)


def complete(drill: Drill, figures: Figures) -> bool:
    """Whether all has been seen that the drill waits for."""
    expect = drill.expect
    return (
        all(getattr(figures, name) is not None for name in expect.times)
        and (expect.peak is None or figures.peak >= expect.peak)
        and (expect.replacements is None or figures.launched >= expect.replacements)
        and (not expect.refresh or figures.refresh == expect.refresh)
    )
