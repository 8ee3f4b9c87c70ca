"""Health checks: what counts as healthy (aws-facts §9.2; r53:dns-failover-determining-health-of-endpoints).

| type | healthy when |
|---|---|
| HTTP, HTTPS, …_STR_MATCH, TCP | the last FailureThreshold checks of the endpoint succeeded, or as many have not yet failed |
| CALCULATED | at least HealthThreshold of the children are healthy |
| CLOUDWATCH_METRIC | the alarm is OK; without data InsufficientDataHealthStatus decides |

Of any type: one that nothing is known of yet is healthy, a disabled one too, and Inverted turns the result round.
"""

from dataclasses import dataclass

from lab.core.cloudwatch.model import MetricAlarm
from lab.core.route53.model import HealthCheck
from lab.core.store import Store

ENDPOINT = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
MATCHING = ("HTTP_STR_MATCH", "HTTPS_STR_MATCH")
TYPES = (*ENDPOINT, "CALCULATED", "CLOUDWATCH_METRIC")


def is_healthy(store: Store, check: HealthCheck) -> bool:
    return _is_healthy(store, check, {})


def _is_healthy(store: Store, check: HealthCheck, known: dict[str, bool]) -> bool:
    """`known` are the checks that were looked at, each once however many have it for a child. One that is its own descendant
    is no help to itself."""
    if check.key not in known:
        known[check.key] = False
        disabled = bool(check.config.get("Disabled", False))
        base = disabled or (
            _calculated(store, check, known) if check.type == "CALCULATED" else check.healthy is not False
        )
        known[check.key] = base != bool(check.config.get("Inverted", False))
    return known[check.key]


def of_alarm(check: HealthCheck, alarm: MetricAlarm | None) -> bool | None:
    """What an alarm says of a CLOUDWATCH_METRIC check now; an alarm that has gone has no data."""
    if alarm is not None and alarm.state in ("OK", "ALARM"):
        return alarm.state == "OK"
    insufficient = check.config.get("InsufficientDataHealthStatus", "LastKnownStatus")
    return check.healthy if insufficient == "LastKnownStatus" else insufficient == "Healthy"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the last checks of an endpoint came to: how many in a row, and when the next is due, in lab time."""

    passed: bool
    in_a_row: int
    next_at: float

    def counting(self, passed: bool, next_at: float) -> "Tally":
        return Tally(passed, self.in_a_row + 1 if passed == self.passed else 1, next_at)


def verdict(check: HealthCheck, tally: Tally) -> bool | None:
    """The check's health after its last try: it turns when FailureThreshold tries in a row say so, in either direction. The
    very first success settles what was not known."""
    if tally.in_a_row >= check.config["FailureThreshold"] or (tally.passed and check.healthy is None):
        return tally.passed
    return check.healthy


def _calculated(store: Store, check: HealthCheck, known: dict[str, bool]) -> bool:
    children = (store.get(HealthCheck, child) for child in check.children)
    healthy = sum(1 for child in children if child is not None and _is_healthy(store, child, known))
    return healthy >= int(check.config["HealthThreshold"])
