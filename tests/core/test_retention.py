"""Where periods begin, and which there are (bc:cloudwatch.GetMetricStatistics)."""

import pytest

from lab.core.cloudwatch.retention import DAY, HOUR, RETENTION, is_period, starts

NOW = 1_700_006_400.0
"""A whole hour."""


@pytest.mark.parametrize(
    ("seconds", "valid"),
    [(0, False), (-60, False), (1, True), (2, False), (5, True), (10, True), (20, True), (30, True), (45, False), (60, True),
     (90, False), (360, True), (86400, True), (86460, False)],
)  # fmt: skip
def test_periods(seconds: int, valid: bool) -> None:
    assert is_period(seconds) is valid


@pytest.mark.parametrize(
    ("age", "period", "first"),
    [
        # AWS's example: 12:32:34 → 12:32:00, 12:30:00 and 12:00:00 as the data grows older.
        (HOUR, 60, 32 * 60),
        (HOUR, 300, 32 * 60),
        (2 * DAY, 300, 30 * 60),
        (10 * DAY, 3600, 0),
        # 01:05:23 → 01:05:20 by ten seconds, and to the second by one.
        (0.0, 10, 32 * 60 + 30),
        (0.0, 5, 32 * 60 + 30),
        (0.0, 1, 32 * 60 + 34),
    ],
)
def test_the_start_is_rounded_down_as_far_as_its_age_asks(age: float, period: int, first: int) -> None:
    hour = NOW - age - HOUR
    hour -= hour % HOUR
    begin = hour + 32 * 60 + 34
    assert starts(begin, begin + 1, period, NOW)[0] == hour + first


def test_periods_go_on_from_the_start_until_the_end_which_is_not_in_it() -> None:
    assert starts(NOW - 330, NOW, 120, NOW) == [NOW - 360, NOW - 240, NOW - 120]
    assert starts(NOW - 360, NOW - 119, 120, NOW) == [NOW - 360, NOW - 240, NOW - 120]
    assert starts(NOW - 360, NOW - 120, 120, NOW) == [NOW - 360, NOW - 240]


def test_what_is_kept_covers_what_looks_back() -> None:
    """The range of an alarm whose periods are less than an hour, with three periods more; that of any other (a week); the
    history of a predictive policy."""
    assert RETENTION[60] >= DAY + 3 * 3540
    assert RETENTION[3600] > 14 * DAY
    assert list(RETENTION.values()) == sorted(RETENTION.values())
