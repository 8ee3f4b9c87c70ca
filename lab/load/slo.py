"""Service level objectives of a run: `p99=300ms,errors=0.1%` → what is to hold, and whether it did. Pure.

A percentile is of all requests: one that got no answer took longer than any. `errors` is the share of requests that failed
or were not sent, `slow` that of answers above the plan's `slow`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lab.load.result import Result
from lab.report.words import percent, seconds

TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
UNITS: Mapping[str, float] = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0})


@dataclass(frozen=True, slots=True)
class Objective:
    """`bound` is seconds for `pNN` and `max`, a share from 0 to 1 for `errors` and `slow`."""

    name: str
    bound: float

    @property
    def is_share(self) -> bool:
        return self.name in ("errors", "slow")

    def measured(self, result: Result) -> float | None:
        """None when nothing was asked."""
        match self.name:
            case "errors":
                return result.lost
            case "slow":
                return result.slow / result.scheduled if result.scheduled else None
            case "max":
                return result.percentile(100)
            case _:
                return result.percentile(float(self.name[1:]))


@dataclass(frozen=True, slots=True)
class Verdict:
    objective: Objective
    measured: float | None

    @property
    def held(self) -> bool:
        return self.measured is not None and self.measured <= self.objective.bound

    def __str__(self) -> str:
        write = percent if self.objective.is_share else seconds
        sign = "≤" if self.held else ">"
        measured = "no answer" if self.measured is None or math.isinf(self.measured) else write(self.measured)
        return f"{self.objective.name} {measured} {sign} {write(self.objective.bound)}"


def objectives(text: str) -> tuple[Objective, ...]:
    """Raises ValueError with what may be written."""
    return tuple(_objective(word.strip()) for word in text.split(","))


def judged(of: tuple[Objective, ...], result: Result) -> tuple[Verdict, ...]:
    return tuple(Verdict(one, one.measured(result)) for one in of)


def _objective(text: str) -> Objective:
    name, _, value = text.partition("=")
    if name in ("errors", "slow"):
        share = SHARE.fullmatch(value)
        if share is None or float(share[1]) > 100:
            raise ValueError(f"{name} is a share such as 0.1%, not {value!r}")
        return Objective(name, float(share[1]) / 100)
    if name != "max" and PERCENTILE.fullmatch(name) is None:
        raise ValueError(f"an objective is p50, p99, p99.9 …, max, errors or slow, not {name!r}: p99=300ms,errors=0.1%")
    time = TIME.fullmatch(value)
    if time is None:
        raise ValueError(f"{name} is a time such as 300ms or 1.5s, not {value!r}")
    return Objective(name, float(time[1]) * UNITS[time[2]])
