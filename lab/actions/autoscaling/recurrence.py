"""When a recurrence comes up: Unix cron expressions by the clocks of a time zone (aws-facts §4.4).

Five fields: minute, hour, day of month, month, day of week. What a clock skips in spring runs when it has skipped it, and what
it shows twice in autumn runs once, as Debian's cron does; a recurrence of every hour or of minutes goes by the hours that pass.
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from lab.core.errors import ValidationError

FIELDS = 5
FIELD = re.compile(r"[0-9A-Za-z*/,-]+")
OTHERS_DIALECTS = re.compile(r"(?i)(?<![a-z])[LW](?![a-z])|[0-9]L|LW")
"""L and W, for last days and weekdays, are other programs' and not crontab's."""


def check_recurrence(recurrence: str, time_zone: str) -> None:
    """Raises ValidationError for what cannot come up."""
    _zone(time_zone)
    fields = recurrence.split()
    wrong = len(fields) != FIELDS or not all(FIELD.fullmatch(field) for field in fields)
    if wrong or OTHERS_DIALECTS.search(recurrence):
        raise _invalid(recurrence)
    try:
        CronSim(recurrence, datetime.fromtimestamp(0, _zone(time_zone)))
    except CronSimError:
        raise _invalid(recurrence) from None


def next_after(recurrence: str, time_zone: str, after: float) -> float | None:
    """The first time later than `after` (lab time), None when there is none in the next fifty years."""
    for moment in CronSim(recurrence, datetime.fromtimestamp(after, _zone(time_zone))):
        # In the hour that a clock shows twice the first of two is meant, which may be over.
        if moment.timestamp() > after:
            return moment.timestamp()
    return None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(
            "Time zone specified does not conform to standardized time zones found in IANA Time Zone Database: "
            f"'{name}' should be a name such as Europe/Berlin"
        ) from None


def _invalid(recurrence: str) -> ValidationError:
    return ValidationError(
        f"Given recurrence string: {recurrence} is invalid; it takes five fields, such as 30 6 * * 1-5 for 6:30 on weekdays"
    )
