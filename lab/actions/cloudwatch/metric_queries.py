"""What GetMetricData is asked for: the checks of its queries, their labels and units (bc:cloudwatch.MetricDataQuery)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from lab.actions.cloudwatch.datum import instant
from lab.actions.cloudwatch.queries import query_of
from lab.actions.context import Context, Request
from lab.core.cloudwatch.metric import MetricDataQuery, MetricStat
from lab.core.cloudwatch.retention import is_period, starts
from lab.core.errors import LabError, ValidationError

MOST_QUERIES = 500
ID = re.compile(r"[a-z]\w*", re.ASCII)


def span(request: Request) -> tuple[float, float]:
    """From and until when."""
    start, end = instant(request["StartTime"]), instant(request["EndTime"])
    if start > end:
        raise ValidationError("The parameter EndTime must be greater than StartTime.")
    if start == end:
        raise ValidationError("The parameter StartTime must not equal parameter EndTime.")
    if request.get("ScanBy", "TimestampDescending") not in ("TimestampDescending", "TimestampAscending"):
        raise ValidationError("ScanBy must be TimestampDescending or TimestampAscending")
    return start, end


def asked(request: Request) -> list[MetricDataQuery]:
    """The queries, each with a label. Raises LabError where AWS would not take them."""
    given = request["MetricDataQueries"]
    if not 1 <= len(given) <= MOST_QUERIES:
        raise ValidationError(f"MetricDataQueries must have from 1 to {MOST_QUERIES} members, not {len(given)}.")
    queries = [query_of(row) for row in given]
    for query in queries:
        _check(query)
    if len({query.id for query in queries}) < len(queries):
        raise ValidationError("The values for parameter Id in MetricDataQueries are not unique.")
    return _labelled(queries)


def _check(query: MetricDataQuery) -> None:
    if ID.fullmatch(query.id) is None or len(query.id) > 255:
        raise ValidationError(
            f"The value {query.id} for parameter MetricDataQueries.Id is invalid: it begins with a small letter, then"
            " letters, digits and underscores."
        )
    for period in (query.period, None if query.metric_stat is None else query.metric_stat.period):
        if period is not None and not is_period(period):
            raise ValidationError(f"Period must be 1, 5, 10, 20, 30 or a multiple of 60 up to 86400, not {period}.")
    if "${" in query.label:
        raise LabError("UnsupportedOperation", f"the lab does not have dynamic labels such as that of '{query.id}' yet")


def _labelled(queries: Sequence[MetricDataQuery]) -> list[MetricDataQuery]:
    """A metric without a label has its name, with statistic and period where the request has several of them (obs: localstack's
    recordings)."""
    stats = [query.metric_stat for query in queries if query.metric_stat is not None]
    by_statistic, by_period = (len(set(some)) > 1 for some in ([s.statistic for s in stats], [s.period for s in stats]))

    def label(stat: MetricStat) -> str:
        parts = (stat.metric.name, stat.statistic if by_statistic else "", str(stat.period) if by_period else "")
        return " ".join(filter(None, parts))

    return [
        query if query.metric_stat is None or query.label else replace(query, label=label(query.metric_stat))
        for query in queries
    ]


def in_one_unit(
    context: Context, queries: Iterable[MetricDataQuery], start: float, end: float
) -> tuple[list[MetricDataQuery], dict[str, Any]]:
    """Each metric in one unit: where none is asked for and there are several, the first by name (obs: localstack's recordings
    of AWS), and a message by the query's id says so."""
    found, messages = [], {}
    for query in queries:
        units = _units(context, query.metric_stat, start, end)
        found.append(query if len(units) < 2 else _in(query, units[0]))
        if len(units) > 1:
            value = f"Multiple units returned: '[{', '.join(units)}]'"
            messages[query.id] = {"Messages": [{"Code": "MultipleUnits", "Value": value}]}
    return found, messages


def _in(query: MetricDataQuery, unit: str) -> MetricDataQuery:
    assert query.metric_stat is not None
    return replace(query, metric_stat=replace(query.metric_stat, unit=unit))


def _units(context: Context, stat: MetricStat | None, start: float, end: float) -> list[str]:
    """Those in which there is data, of a metric for which no unit is asked."""
    if stat is None or stat.unit or len(context.metrics.units(stat.metric)) < 2:
        return []
    begins = starts(start, end, stat.period, context.now)
    return [
        unit
        for unit in sorted(context.metrics.units(stat.metric))
        if any(context.metrics.statistics(stat.metric, one, stat.period, unit) is not None for one in begins)
    ]
