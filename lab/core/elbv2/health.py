"""Target health as one load balancer node sees it (alb:target-group-health-checks): counts in, state out.

Knows no clock, socket or interval: the prober says how a check ended, and this says what the target is now.

                 one success                      unhealthy_threshold failures in a row
    initial ───────────────────────▶ healthy ─────────────────────────────────────────┐
       │                                ▲                                              ▼
       │                                └───────── healthy_threshold successes ── unhealthy
       └── unhealthy_threshold failures in a row ──────────────────────────────────────▲

"In a row" is meant: a failure ends a row of successes, and the other way round. A draining target is not checked; what it
is called then is the load balancer's word (`DRAINING`), and its health before that is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from lab.core.elbv2.config import HealthCheck


class State(StrEnum):
    """AWS's literals, of those a node can see."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one health check ended. `reason` and `description` are AWS's words; empty when it passed. `status` is that of
    the answer, 0 when there was none."""

    passed: bool
    reason: str = ""
    description: str = ""
    status: int = field(default=0, compare=False)


PASSED = CheckResult(True)
TIMED_OUT = CheckResult(False, "Target.Timeout", "Request timed out")
FAILED = CheckResult(False, "Target.FailedHealthChecks", "Health checks failed")
"""No answer that could be read: the connection was refused or cut, or what came is not HTTP."""


def answered(status: int, matcher: "Matcher") -> CheckResult:
    """The result of a check that got an answer."""
    if status in matcher:
        return CheckResult(True, status=status)
    return CheckResult(
        False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]", status
    )


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """`successes` and `failures` are the length of the row that is going on; one of them is 0."""

    state: State
    reason: str = ""
    description: str = ""
    successes: int = 0
    failures: int = 0

    @property
    def healthy(self) -> bool:
        return self.state is State.HEALTHY


REGISTERED = TargetHealth(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = TargetHealth(State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")


def after(health: TargetHealth, result: CheckResult, settings: HealthCheck) -> TargetHealth:
    """The health after one more check. Raises KeyError for a state that is not checked."""
    threshold = _THRESHOLDS[health.state, result.passed](settings)
    successes = health.successes + 1 if result.passed else 0
    failures = 0 if result.passed else health.failures + 1
    decided = State.HEALTHY if result.passed else State.UNHEALTHY
    state = decided if max(successes, failures) >= threshold else health.state
    if state is State.HEALTHY:
        return TargetHealth(state, successes=successes, failures=failures)
    if state is State.UNHEALTHY and not result.passed:
        return TargetHealth(state, result.reason, result.description, successes, failures)
    return TargetHealth(state, health.reason, health.description, successes, failures)


# (state, whether the check passed) -> how many such results in a row decide.
_THRESHOLDS: dict[tuple[State, bool], Callable[[HealthCheck], int]] = {
    (State.INITIAL, True): lambda settings: 1,
    (State.INITIAL, False): lambda settings: settings.unhealthy_threshold,
    (State.HEALTHY, True): lambda settings: 1,
    (State.HEALTHY, False): lambda settings: settings.unhealthy_threshold,
    (State.UNHEALTHY, True): lambda settings: settings.healthy_threshold,
    (State.UNHEALTHY, False): lambda settings: 1,
}


class Matcher:
    """The status codes that count as success: "200", "200,202" or "200-299,301"."""

    __slots__ = ("_ranges",)

    def __init__(self, text: str) -> None:
        """Raises ValueError, saying which part is wrong, when `text` is not such a list."""
        self._ranges = tuple(_code_range(part, text) for part in text.split(","))

    def __contains__(self, status: int) -> bool:
        return any(first <= status <= last for first, last in self._ranges)


def _code_range(part: str, text: str) -> tuple[int, int]:
    first, dash, last = part.strip().partition("-")
    codes = (first, last) if dash else (first, first)
    if not all(len(code) == 3 and code.isascii() and code.isdigit() for code in codes):
        raise ValueError(f"matcher {text!r}: {part.strip()!r} is neither a status code nor a range like 200-299")
    low, high = int(codes[0]), int(codes[1])
    if not 200 <= low <= high <= 499:
        raise ValueError(f"matcher {text!r}: {part.strip()!r} must go upwards within 200 to 499")
    return low, high
