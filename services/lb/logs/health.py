"""A health check log entry as ALB's line of 10 fields (alb:load-balancer-health-check-logs).

    http 2026-09-23T07:11:27.691358Z 0.003 10.0.0.1:80 targetgroup/web/73e2… PASS 200 - app/web/50dc… 10.0.0.5

AWS names the fields; that the latency has three decimals and that a group goes by `targetgroup/NAME/ID` is our reading.
"""

from services.lb.logs.entry import HealthEntry
from services.lb.logs.text import Stamps, seconds, word


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
