"""What a drill is, as values. Times are wall seconds for load and acts, lab seconds for what is expected of the lab."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["kill", "fault", "zone", "capacity", "deploy"]
BOUNDS = ("detected", "out", "replaced", "recovered")
"""Times that may be expected, in lab seconds after the first act."""


@dataclass(frozen=True, slots=True)
class Load:
    """`amount` is requests per second, or a shape as `lab load --shape` has it; `every` makes it users who ask so often."""

    path: str = "/products"
    amount: float | str = 50.0
    every: float | None = None
    retries: int = 0
    timeout: float = 10.0
    slow: float = 1.0


@dataclass(frozen=True, slots=True)
class Act:
    """What is done `at` so many seconds of load. `what` is the machine to kill, the zone to fail, the capacity to set, or the
    launch template that is rolled out; `fault` is the sample application's (services/app/faults), on one instance."""

    at: float
    kind: Kind
    what: str = ""
    fault: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """`lost` and `slow` are shares of the requests; `times` bounds by name; `peak` the least that the desired capacity rises
    to; `replacements` how many instances are launched in all (None: whatever); `refresh` the state an instance refresh ends
    in."""

    lost: float | None = None
    slow: float | None = None
    times: dict[str, float] = field(default_factory=dict)
    peak: int | None = None
    replacements: int | None = None
    refresh: str = ""


@dataclass(frozen=True, slots=True)
class Drill:
    """`lasts` is how long the load lasts at least; `within` is how many lab seconds the expected may take to be seen; `modes`
    are the ways of running a lab in which it means something."""

    name: str
    title: str
    question: str
    load: Load
    acts: tuple[Act, ...]
    expect: Expectation
    lasts: float = 20.0
    within: float = 1200.0
    modes: tuple[str, ...] = ("docker", "process")
    korean: tuple[str, str] | None = None
    """Title and question."""
    promise: str = ""
    """The sentence of the README that this drill holds it to."""
