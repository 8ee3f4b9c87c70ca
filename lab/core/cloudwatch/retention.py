"""How long metric data is kept and in which steps it may be read (bc:cloudwatch.GetMetricStatistics), on a laptop's scale."""

import math
from collections.abc import Mapping

HOUR, DAY = 3600.0, 86400.0
MINUTE = 60
RETENTION: Mapping[int, float] = {1: HOUR, 60: 27 * HOUR, 300: 3 * DAY, 3600: 15 * DAY}
"""Lab seconds by resolution. AWS's are 3 hours, 15 days, 63 days and 455 days. The range of an alarm with periods of less
than an hour (a day and three periods) fits into the second, that of any alarm (7 days) and a predictive policy's history (14
days) into the last."""
SHORT_PERIODS = (1, 5, 10, 20, 30)
LONGEST_PERIOD = 86400


def is_period(seconds: int) -> bool:
    return seconds in SHORT_PERIODS or (0 < seconds <= LONGEST_PERIOD and seconds % MINUTE == 0)


def starts(start: float, end: float, period: int, now: float) -> list[float]:
    """Where each period of [start, end) begins, oldest first. `start` is rounded down as AWS does; `end` is not in it."""
    first = _rounded(start, period, now)
    return [first + period * index for index in range(math.ceil((end - first) / period))]


def _rounded(start: float, period: int, now: float) -> float:
    """To a whole minute, a division of it for a shorter period; to five minutes or an hour where data is so old that it is
    kept in such steps only."""
    if period < MINUTE:
        return start // period * period
    step = next((step for step in (60, 300) if now - start <= RETENTION[step]), 3600)
    return start // step * step
