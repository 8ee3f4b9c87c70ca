"""Queries of metric data as requests have them: MetricDataQuery, MetricStat and what is in them (bc:cloudwatch)."""

from collections.abc import Mapping
from typing import Any

from lab.actions.cloudwatch.common import check_choice, metric_of
from lab.core.cloudwatch.metric import STATISTICS, MetricDataQuery, MetricStat, is_statistic
from lab.core.errors import LabError, ValidationError

MOST_DIMENSIONS = 30
_SIZES = ("", "Kilo", "Mega", "Giga", "Tera")
_AMOUNTS = tuple(f"{size}{unit}".capitalize() for unit in ("bytes", "bits") for size in _SIZES)
UNITS = (
    "Seconds", "Microseconds", "Milliseconds", *_AMOUNTS, "Percent", "Count",
    *(f"{amount}/Second" for amount in (*_AMOUNTS, "Count")), "None",
)  # fmt: skip
"""bc:cloudwatch.StandardUnit."""


def query_of(row: Mapping[str, Any]) -> MetricDataQuery:
    if "AccountId" in row:
        raise LabError("UnsupportedOperation", "the lab has one account: Metrics cannot have AccountId")
    if ("Expression" in row) == ("MetricStat" in row):
        raise ValidationError(f"'{row['Id']}' of Metrics needs one of Expression and MetricStat, not both")
    stat = row.get("MetricStat")
    if stat is not None:
        check_statistic("Stat", stat["Stat"])
        check_unit(stat)
        require_members(stat["Metric"], "Namespace", "MetricName")
        check_dimensions(stat["Metric"])
    return MetricDataQuery(
        id=row["Id"],
        metric_stat=stat and MetricStat(metric_of(stat["Metric"]), stat["Period"], stat["Stat"], stat.get("Unit", "")),
        expression=row.get("Expression", ""),
        label=row.get("Label", ""),
        period=row.get("Period"),
        return_data=row.get("ReturnData", True),
    )


def check_dimensions(request: Mapping[str, Any]) -> None:
    if len(request.get("Dimensions", ())) > MOST_DIMENSIONS:
        raise ValidationError(f"Dimensions holds more than {MOST_DIMENSIONS}")


def check_statistic(member: str, value: str, *, extended_only: bool = False) -> None:
    if not is_statistic(value) or (extended_only and value in STATISTICS):
        raise ValidationError(f"{member} must be a statistic such as p99, p99.9, tm90 or IQM, not '{value}'")


def check_unit(request: Mapping[str, Any]) -> None:
    if "Unit" in request:
        check_choice("Unit", request["Unit"], UNITS)


def require_members(request: Mapping[str, Any], *members: str) -> None:
    for member in members:
        if member not in request:
            raise ValidationError(f"{member} is required")
