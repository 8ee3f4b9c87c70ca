"""GetMetricStatistics: one metric, several statistics, by period (bc:cloudwatch.GetMetricStatistics)."""

import math
from collections.abc import Sequence
from typing import Any

from lab.actions.cloudwatch.common import metric_of
from lab.actions.cloudwatch.datum import bad_combination, bad_value, instant
from lab.actions.cloudwatch.queries import UNITS
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.extended import extended
from lab.core.cloudwatch.metric import STATISTICS, Statistics
from lab.core.cloudwatch.retention import is_period, starts
from lab.core.times import moment

MOST_DATAPOINTS = 1440
MOST_EXTENDED = 10


@reads(
    "Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Statistics", "ExtendedStatistics", "Unit"
)  # fmt: skip
def get_metric_statistics(context: Context, request: Request) -> Response:
    """Data points by time, a row for each unit of a time when none is asked for."""
    names, extended_names = _statistics(request)
    period, begins = _periods(request, context.now)
    if request.get("Unit", "None") not in UNITS:
        raise bad_value(f"The parameter Unit must be a value in the set [ {', '.join(UNITS)} ].")
    metric = metric_of(request)
    units = [request["Unit"]] if "Unit" in request else sorted(context.metrics.units(metric))
    points = []
    for start in begins:
        for unit in units:
            found = context.metrics.statistics(metric, start, period, unit)
            values = {} if found is None else _values(found, names, extended_names)
            if values:
                points.append({"Timestamp": moment(start), "Unit": unit, **values})
    return {"Label": metric.name, "Datapoints": points}


def _statistics(request: Request) -> tuple[Sequence[str], Sequence[str]]:
    names, extended_names = request.get("Statistics", ()), request.get("ExtendedStatistics", ())
    if names and extended_names:
        raise bad_combination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
        )
    if not names and not extended_names:
        raise bad_combination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    for member, given, most in (
        ("Statistics", names, len(STATISTICS)),
        ("ExtendedStatistics", extended_names, MOST_EXTENDED),
    ):
        if len(given) > most:
            raise bad_value(f"The collection {member} must not have a size greater than {most}.")
    for name in names:
        if name not in STATISTICS:
            raise bad_value(f"The parameter Statistics must be a value in the set [ {', '.join(STATISTICS)} ].")
    for name in extended_names:
        if extended(name) is None:
            raise bad_value(
                f"The value {name} for parameter ExtendedStatistics is invalid: p99.9, tm90, TM(2%:98%) are not."
            )
    return names, extended_names


def _periods(request: Request, now: float) -> tuple[int, list[float]]:
    """The period, and where each begins."""
    start, end, period = instant(request["StartTime"]), instant(request["EndTime"]), request["Period"]
    if start >= end:
        raise bad_value("The parameter StartTime must be less than the parameter EndTime.")
    if not is_period(period):
        raise bad_value(f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60 up to 86400, not {period}.")
    count = math.ceil((end - start) / period)
    if count > MOST_DATAPOINTS:
        raise bad_combination(
            f"You have requested up to {count} datapoints, which exceeds the limit of {MOST_DATAPOINTS}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    return period, starts(start, end, period, now)


def _values(found: Statistics, names: Sequence[str], extended_names: Sequence[str]) -> dict[str, Any]:
    plain = {name: value for name in names if (value := found.get(name)) is not None}
    rare = {name: value for name in extended_names if (value := found.get(name)) is not None}
    return {**plain, **({"ExtendedStatistics": rare} if rare else {})}
