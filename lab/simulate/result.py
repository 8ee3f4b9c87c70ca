"""What a simulation came to, as values and as JSON. The same scenario gives the same bytes.

Times are seconds of the trace: 0 is where it begins.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.simulate.calibration import Calibration
from lab.simulate.recorder import Capacity, Sample

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm that changed its state, with CloudWatch's reason."""

    at: float
    alarm: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """A scaling activity as DescribeScalingActivities tells it; `end` is None while it lasts."""

    at: float
    end: float | None
    group: str
    description: str
    cause: str
    status: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy decided, with its arithmetic."""

    at: float
    group: str
    policy: str
    alarm: str
    current: int
    wanted: int
    desired: int
    why: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """An alarm's line through the group's CPU."""

    alarm: str
    comparison: str
    value: float
    periods: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole trace. `lost` is the share of requests; `over_slo` seconds in which 99 of 100 requests took longer
    than they should, or more than one in a hundred was lost; `average` and `most` are instances in service."""

    requests: float
    lost: float
    rejected: float
    timed_out: float
    unreachable: float
    p50: float | None
    p99: float | None
    instance_hours: float
    average: float
    most: int
    over_slo: float
    transitions: int
    activities: int


@dataclass(frozen=True, slots=True)
class GroupRun:
    name: str
    totals: Totals
    capacities: Sequence[Capacity]
    samples: Sequence[Sample]
    thresholds: Sequence[Threshold]
    transitions: Sequence[Transition]
    activities: Sequence[Action]
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Run:
    """One policy on the trace."""

    policy: str
    seconds: float
    groups: Sequence[GroupRun]


@dataclass(frozen=True, slots=True)
class Result:
    """`runs` are of the same trace, stack and calibration."""

    trace: str
    seed: int
    stack: str
    parameters: Mapping[str, str]
    slo: float
    calibration: Calibration
    runs: Sequence[Run]


def to_json(result: Result) -> str:
    body: dict[str, Any] = asdict(result)
    return json.dumps(_rounded(body), indent=1, ensure_ascii=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
