"""Lab time as text, in the forms AWS uses."""

from lab.core.times import alarm_date, iso, iso_milliseconds, moment

NOON = 1_751_531_340.25  # 2025-07-03 08:29:00.25 UTC


def test_forms() -> None:
    assert iso(NOON) == "2025-07-03T08:29:00Z"
    assert iso_milliseconds(NOON) == "2025-07-03T08:29:00.250Z"
    assert alarm_date(NOON) == "03/07/25 08:29:00"
    assert moment(NOON).isoformat() == "2025-07-03T08:29:00.250000+00:00"
