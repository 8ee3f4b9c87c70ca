"""When recurrences come up (aws-facts §4.4; asg:ec2-auto-scaling-scheduled-scaling)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lab.actions.autoscaling.recurrence import check_recurrence, next_after
from lab.core.errors import ValidationError


def times(recurrence: str, zone: str, after: str, count: int = 3) -> list[str]:
    """The next ones, as the clocks of the zone show them."""
    found, at = [], datetime.fromisoformat(after).timestamp()
    for _ in range(count):
        following = next_after(recurrence, zone, at)
        assert following is not None
        assert following > at
        at = following
        found.append(datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(sep=" ", timespec="minutes"))
    return found


@pytest.mark.parametrize(
    ("recurrence", "zone", "after", "wanted"),
    [
        # The examples of asg:ec2-auto-scaling-scheduled-scaling.
        ("0 9 * * *", "UTC", "2024-01-01T09:00:00Z", ["2024-01-02 09:00+00:00", "2024-01-03 09:00+00:00"]),
        ("30 6 * * 2", "UTC", "2024-01-01T00:00:00Z", ["2024-01-02 06:30+00:00", "2024-01-09 06:30+00:00"]),
        ("0 18 * * 1-5", "America/New_York", "2024-01-04T23:00:00Z",
         ["2024-01-05 18:00-05:00", "2024-01-08 18:00-05:00"]),
        ("30 0 1 1,6,12 *", "UTC", "2024-01-01T00:30:00Z", ["2024-06-01 00:30+00:00", "2024-12-01 00:30+00:00"]),
        # The clock is the zone's on both sides of a change: 8:00 at UTC-5, then at UTC-4.
        ("0 8 * * *", "America/New_York", "2024-03-09T00:00:00Z",
         ["2024-03-09 08:00-05:00", "2024-03-10 08:00-04:00", "2024-03-11 08:00-04:00"]),
        # In spring 2:30 does not come; it runs when the clock has skipped it.
        ("30 2 * * *", "Europe/Berlin", "2024-03-30T00:00:00Z",
         ["2024-03-30 02:30+01:00", "2024-03-31 03:00+02:00", "2024-04-01 02:30+02:00"]),
        # In autumn 2:30 comes twice; it runs once.
        ("30 2 * * *", "Europe/Berlin", "2024-10-26T00:00:00Z",
         ["2024-10-26 02:30+02:00", "2024-10-27 02:30+02:00", "2024-10-28 02:30+01:00"]),
        ("30 2 * * *", "Europe/Berlin", "2024-10-27T01:15:00Z", ["2024-10-28 02:30+01:00"]),
        # Every hour goes by the hours that pass.
        ("0 * * * *", "Europe/Berlin", "2024-10-26T23:30:00Z",
         ["2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00", "2024-10-27 03:00+01:00"]),
        # Either day fits when both are given, as in crontab.
        ("0 0 13 * 5", "UTC", "2024-09-07T00:00:00Z", ["2024-09-13 00:00+00:00", "2024-09-20 00:00+00:00"]),
        ("0 0 29 2 *", "UTC", "2024-03-01T00:00:00Z", ["2028-02-29 00:00+00:00"]),
        ("*/20 9-10 * JAN mon", "UTC", "2024-01-01T09:10:00Z",
         ["2024-01-01 09:20+00:00", "2024-01-01 09:40+00:00", "2024-01-01 10:00+00:00"]),
    ],
)  # fmt: skip
def test_it_comes_up(recurrence: str, zone: str, after: str, wanted: list[str]) -> None:
    check_recurrence(recurrence, zone)
    assert times(recurrence, zone, after, len(wanted)) == wanted


@pytest.mark.parametrize(
    "recurrence",
    [
        "", "0 9 * *", "0 0 9 * * *", "60 9 * * *", "0 24 * * *", "0 9 0 * *", "0 9 * 13 *", "0 9 * * 8", "0 9 31 2 *",
        "cron(0 9 * * ? *)", "0 9 ? * *", "0 9 * * ?", "0 9 L * *", "0 9 LW * *", "0 9 * * 5L", "0 9 * * 5#2", "@daily",
        "*/0 * * * *", "1,,2 * * * *", "5-1 * * * *", "- * * * *", "0 9 W * *", "é 9 * * *",
    ],
)  # fmt: skip
def test_what_is_no_recurrence_is_refused(recurrence: str) -> None:
    with pytest.raises(ValidationError, match=r"Given recurrence string: .* is invalid"):
        check_recurrence(recurrence, "")


@pytest.mark.parametrize("zone", ["Berlin", "CEST", "+02:00", "Europe", "../../etc/passwd", "/etc/localtime", "UTC\0"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="IANA Time Zone Database"):
        check_recurrence("0 9 * * *", zone)
