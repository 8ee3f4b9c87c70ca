"""GetMetricData: statistics of many metrics, and expressions over them (bc:cloudwatch.GetMetricData)."""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.actions.cloudwatch.metric_queries import asked, in_one_unit, span
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.metric import MetricDataQuery
from lab.core.cloudwatch.query import periods, results
from lab.core.cloudwatch.retention import starts
from lab.core.cloudwatch.series import Series
from lab.core.errors import LabError, ValidationError
from lab.core.times import moment

MOST_DATAPOINTS = 100_800
MOST_READINGS = 1_000_000
"""Periods times metrics in one request. The lab's control plane is one process: more would keep it from its work too long."""


@dataclass(frozen=True, slots=True)
class Point:
    """`result` is the number of the series among all that are answered."""

    result: int
    start: float
    value: float


@reads("MetricDataQueries", "StartTime", "EndTime", "NextToken", "ScanBy", "MaxDatapoints")
def get_metric_data(context: Context, request: Request) -> Response:
    start, end = span(request)
    queries, messages = in_one_unit(context, asked(request), start, end)
    answered = list(_answered(context, queries, start, end))
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    points = [point for number, (_, series) in enumerate(answered) for point in _points(number, series, newest_first)]
    begin, size = _offset(request), _page_size(request)
    page, left = points[begin : begin + size], points[begin + size :]
    more = {"NextToken": _token(request, begin + size)} if left else {}
    rows = _rows(answered, page, {point.result for point in left}, first_page=begin == 0)
    return {"MetricDataResults": [{**row, **messages.get(row["Id"], {})} for row in rows], "Messages": [], **more}


# What is answered.


def _answered(
    context: Context, queries: Sequence[MetricDataQuery], start: float, end: float
) -> Iterable[tuple[MetricDataQuery, Series]]:
    """Every series of every query that returns data, each over periods of its own length."""
    lengths = periods(queries)
    readings = sum(math.ceil((end - start) / length) for length in lengths.values())
    if readings > MOST_READINGS:
        raise ValidationError(
            f"the lab reads at most {MOST_READINGS} data points for one request, not {readings}: ask for less time, longer"
            " periods or fewer metrics"
        )
    found: dict[str, Series | tuple[Series, ...]] = {}
    for length in sorted(set(lengths.values())):
        chosen = [replace(query, return_data=query.return_data and lengths[query.id] == length) for query in queries]
        found |= results(chosen, context.metrics.statistics, starts(start, end, length, context.now), length)
    for query in queries:
        several = found.get(query.id, ())
        yield from ((query, series) for series in ((several,) if isinstance(several, Series) else several))


def _points(number: int, series: Series, newest_first: bool) -> list[Point]:
    points = [
        Point(number, start, value)
        for start, value in zip(series.starts, series.values, strict=True)
        if value is not None
    ]
    return points[::-1] if newest_first else points


def _rows(
    answered: Sequence[tuple[MetricDataQuery, Series]], page: Sequence[Point], unfinished: set[int], *, first_page: bool
) -> list[dict[str, Any]]:
    """One for each series that has points on the page; the first page has those without any too."""
    by_result: dict[int, list[Point]] = {}
    for point in page:
        by_result.setdefault(point.result, []).append(point)
    return [
        {
            "Id": query.id,
            "Label": series.label,
            "Timestamps": [moment(point.start) for point in by_result.get(number, ())],
            "Values": [point.value for point in by_result.get(number, ())],
            "StatusCode": "PartialData" if number in unfinished else "Complete",
        }
        for number, (query, series) in enumerate(answered)
        if number in by_result or (first_page and number not in unfinished)
    ]


# Pages.


def _page_size(request: Request) -> int:
    size: int = request.get("MaxDatapoints", MOST_DATAPOINTS)
    if not 1 <= size <= MOST_DATAPOINTS:
        raise ValidationError(f"MaxDatapoints must be from 1 to {MOST_DATAPOINTS}, not {size}.")
    return size


def _offset(request: Request) -> int:
    """How many points the pages before had. A token is good for the request it was given to."""
    if "NextToken" not in request:
        return 0
    try:
        offset, digest = json.loads(base64.b64decode(request["NextToken"], validate=True))
    except (ValueError, TypeError):
        offset, digest = 0, ""
    if not isinstance(offset, int) or offset < 1 or digest != _digest(request):
        raise LabError("InvalidNextToken", "The token is not one of this request; start without NextToken")
    return offset


def _token(request: Request, offset: int) -> str:
    return base64.b64encode(json.dumps([offset, _digest(request)]).encode()).decode()


def _digest(request: Mapping[str, Any]) -> str:
    same = {name: value for name, value in request.items() if name not in ("NextToken", "MaxDatapoints")}
    return hashlib.sha256(json.dumps(same, default=str, sort_keys=True).encode()).hexdigest()[:16]
