"""Lab time as text. Lab time is a float: seconds since the epoch, UTC."""

from datetime import UTC, datetime


def iso(now: float) -> str:
    """`2024-01-01T00:00:00Z`: the form inside Auto Scaling's causes (no fraction)."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(now: float) -> str:
    """`2024-01-01T00:00:00.000Z`: the form of AWS's query protocol."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def gmt(now: float) -> str:
    """`2024-01-01 00:00:00 GMT`: the form inside EC2's transition reasons (aws-facts §7.3)."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S GMT")


def alarm_date(now: float) -> str:
    """`03/07/25 08:29:00`: the form inside CloudWatch's state reasons (cw:alarm-actions)."""
    return datetime.fromtimestamp(now, UTC).strftime("%d/%m/%y %H:%M:%S")


def iso_offset(now: float) -> str:
    """`2025-07-03T08:34:06.300+0000`: the form inside the JSON of CloudWatch's alarms (cw:alarm-actions)."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def spoken(now: float) -> str:
    """`Friday 22 July, 2022 15:57:45 UTC`: the form inside a composite alarm's reasons (cw:cloudwatch-and-eventbridge)."""
    return datetime.fromtimestamp(now, UTC).strftime("%A %d %B, %Y %H:%M:%S UTC")


def moment(now: float) -> datetime:
    """The value botocore's shapes call a timestamp."""
    return datetime.fromtimestamp(now, UTC)


def clock(now: float) -> str:
    """`12:03:05`: the time of day in sentences for people."""
    return datetime.fromtimestamp(now, UTC).strftime("%H:%M:%S")
