"""A health check log entry as ALB's line of 10 fields (alb:load-balancer-health-check-logs).

    http 2026-09-23T07:11:27.691358Z 0.003 10.0.0.1:80 targetgroup/web/73e2… PASS 200 - app/web/50dc… 10.0.0.5

AWS names the fields; that the latency has three decimals and that a group goes by `targetgroup/NAME/ID` is our reading.
"""

from typing import Final

from services.lb.logs.entry import HealthEntry
from services.lb.logs.text import Stamps, seconds, word

_REASONS: Final = {
    "Target.Timeout": b"TimedOut",
    "Target.ResponseCodeMismatch": b"ResponseCodeMismatch",
    "Target.FailedHealthChecks": b"ConnectionReset",
    "": b"",
}
"""The log's words for the reasons a health check's result has."""


def health_entry(
    kind: bytes, at: float, latency_seconds: float, target: str, group_arn: str, status_code: int, reason: str
) -> HealthEntry:
    """Of a check that ended `at` and whose result has `reason` (`lab.core.elbv2.health`), empty when it passed."""
    group = group_arn.rpartition(":")[2].encode()
    words = _REASONS.get(reason, b"InternalError")
    return HealthEntry(kind, at, latency_seconds, target.encode(), group, not reason, status_code, words)


class HealthLines:
    """For one load balancer on one node. `offset` is what turns monotonic into wall seconds; its owner keeps it right."""

    __slots__ = ("_end", "_stamps", "offset")

    def __init__(self, elb: bytes, node: bytes, offset: float) -> None:
        self.offset = offset
        self._end = b" " + elb + b" " + node + b"\n"
        self._stamps = Stamps()

    def line(self, entry: HealthEntry) -> bytes:
        return b"%b %b%b %b %b %b %b %b%b" % (
            entry.kind,
            self._stamps.micros(entry.at + self.offset),
            seconds(entry.latency_seconds),
            word(entry.target),
            word(entry.group),
            b"PASS" if entry.passed else b"FAIL",
            b"%d" % entry.status_code if entry.status_code else b"-",
            word(entry.reason),
            self._end,
        )
