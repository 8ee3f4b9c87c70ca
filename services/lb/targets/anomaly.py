"""Automatic target weights: targets that fail more than their peers, found and given less (alb:edit-target-group-attributes).

AWS says what it does, not by which formula: the percentage of errors (5xx of the target, connection failures) is compared with
that of the other targets, with three healthy ones at least; every five seconds an anomalous target's share is reduced, down
to a minimum, and given back gradually. The formula here:

* Looked at is a sliding window of the last WINDOW periods of five seconds. A target is judged from MIN_REQUESTS requests on;
  with fewer its verdict stands, so that one who gets little because it is mitigated is not acquitted for want of evidence.
* `usual` is the median of the error shares of the *other* targets: up to half of them may be ill without it moving.
* Anomalous: at least MIN_ERRORS errors, and a share above `usual` both by MARGIN and by three standard deviations of a
  binomial share of its number of requests (with `usual` taken as at least one error in them).
* Normal again: no error in the window, or a share within half the margin of `usual`.
* Each period the weight of an anomalous target is halved, not below MIN_WEIGHT, and that of a normal one grows by REGAIN.

Numbers of requests and errors are counters that only grow. Periods are lab time: the caller knows when one has passed.
"""

import math
from collections.abc import Sequence

PERIOD = 5.0
"""Lab seconds."""
WINDOW = 6
MIN_TARGETS = 3
MIN_REQUESTS = 10
MIN_ERRORS = 3
MARGIN = 0.05
MIN_WEIGHT = 0.05
REGAIN = 0.1


class Record:
    """What is known of one target. `weight` is its share of traffic relative to a normal target, 1.0 when nothing is wrong."""

    __slots__ = ("_marks", "anomalous", "failed", "sent", "weight")

    def __init__(self) -> None:
        self.anomalous = False
        self.weight = 1.0
        self.sent = 0
        """Requests in the window."""
        self.failed = 0
        """Errors in the window."""
        self._marks: list[tuple[int, int]] = [(0, 0)]
        """The counters at the ends of the last periods, the oldest first."""

    def close_period(self, requests: int, errors: int) -> None:
        """A period is over; the counters stand at `requests` and `errors`."""
        oldest_requests, oldest_errors = self._marks[0]
        self.sent = requests - oldest_requests
        self.failed = min(errors - oldest_errors, self.sent)
        self._marks.append((requests, errors))
        if len(self._marks) > WINDOW:
            del self._marks[0]

    @property
    def share(self) -> float:
        return self.failed / self.sent if self.sent else 0.0


def judge(records: Sequence[Record]) -> None:
    """Sets `anomalous` for the healthy targets of a group, whose periods have just been closed."""
    if len(records) < MIN_TARGETS:
        for record in records:
            record.anomalous = False
        return
    shares = sorted(record.share for record in records)
    for record in records:
        record.anomalous = _verdict(record, _median_of_others(shares, record.share))


def mitigate(records: Sequence[Record]) -> None:
    """Moves each weight by one period's step."""
    for record in records:
        if record.anomalous:
            record.weight = max(MIN_WEIGHT, record.weight / 2)
        else:
            record.weight = min(1.0, record.weight + REGAIN)


def _verdict(record: Record, usual: float) -> bool:
    if record.failed == 0:
        return False
    if record.sent < MIN_REQUESTS:
        return record.anomalous
    above = record.share - usual
    if record.anomalous:
        return above > MARGIN / 2
    deviation = math.sqrt(max(usual, 1 / record.sent) * (1 - usual) / record.sent)
    return record.failed >= MIN_ERRORS and above > MARGIN and above > 3 * deviation


def _median_of_others(shares: list[float], own: float) -> float:
    """`shares` in order, `own` one of them."""
    others = shares.copy()
    others.remove(own)
    middle = len(others) // 2
    return others[middle] if len(others) % 2 else (others[middle - 1] + others[middle]) / 2
