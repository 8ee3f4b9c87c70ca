"""One trace, one stack, one policy or several: every run begins anew, and only the policies differ."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.load.trace import Trace
from lab.simulate.calibration import Calibration
from lab.simulate.result import Result
from lab.simulate.run import Scenario, run


@dataclass(frozen=True, slots=True)
class Question:
    """`until` is None for the trace's own end. `stack` is what the template is called."""

    trace: Trace
    seed: int
    stack: str
    template: str
    parameters: Mapping[str, str]
    policies: tuple[str, ...]
    calibration: Calibration
    until: float | None
    slo: float


def answer(question: Question, tell: Callable[[str], None] = lambda text: None) -> Result:
    """Raises LabError, PolicyError, SimulationError. `tell` hears how far it is."""
    until = question.trace.duration if question.until is None else question.until
    runs = []
    for policy in question.policies:
        scenario = Scenario(
            policy, question.template, question.parameters, question.trace, question.calibration, until, question.slo
        )
        tell(f"{policy}: the stack comes up")
        runs.append(asyncio.run(run(scenario, lambda share, name=policy: tell(f"{name}: {share:.0%}"))))  # type: ignore[misc]  # mypy has no type for a lambda's default
    return Result(
        trace=question.trace.name,
        seed=question.seed,
        stack=question.stack,
        parameters=question.parameters,
        slo=question.slo,
        calibration=question.calibration,
        runs=tuple(runs),
    )
