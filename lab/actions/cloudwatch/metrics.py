"""Metric data: what is put, and which metrics there are (aws-facts §5.1)."""

import base64
import bisect
import json

from lab.actions.cloudwatch.common import pairs
from lab.actions.cloudwatch.datum import MOST_DATA, bad_value, check_namespace, check_size, datum
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.metric import Metric
from lab.core.cloudwatch.retention import DAY, HOUR
from lab.core.errors import LabError

PAGE = 500
SILENT = 14 * DAY
"""A metric that has been silent for longer is not listed (bc:cloudwatch.ListMetrics)."""


@reads("Namespace", "MetricData")
def put_metric_data(context: Context, request: Request) -> Response:
    """All data of a request or none."""
    check_namespace(request["Namespace"])
    given = request.get("MetricData", ())
    if not given:
        raise LabError("MissingParameter", "The parameter MetricData is required.")
    check_size("MetricData", given, MOST_DATA)
    for one in [datum(row, request["Namespace"], number, context.now) for number, row in enumerate(given, 1)]:
        if one.statistics is not None:
            context.metrics.put_statistics(
                one.metric, one.statistics, one.timestamp, resolution=one.resolution, unit=one.unit
            )
    return {}


@reads("Namespace", "MetricName", "Dimensions", "RecentlyActive", "NextToken")
def list_metrics(context: Context, request: Request) -> Response:
    check_size("Dimensions", request.get("Dimensions", ()), 10)
    if request.get("RecentlyActive", "PT3H") != "PT3H":
        raise bad_value(
            f"The value {request['RecentlyActive']} for parameter RecentlyActive is invalid: it must be PT3H."
        )
    oldest = context.now - (3 * HOUR if "RecentlyActive" in request else SILENT)
    found = sorted(
        (
            metric
            for metric in context.metrics.metrics()
            if _matches(metric, request) and context.metrics.newest(metric) >= oldest
        ),
        key=_identity,
    )
    begin = bisect.bisect_right(found, _last(request["NextToken"]), key=_identity) if "NextToken" in request else 0
    page = found[begin : begin + PAGE]
    more = {"NextToken": _token(page[-1])} if begin + PAGE < len(found) else {}
    return {
        "Metrics": [
            {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": pairs(metric)} for metric in page
        ],
        **more,
    }


def _matches(metric: Metric, request: Request) -> bool:
    return (
        request.get("Namespace", metric.namespace) == metric.namespace
        and request.get("MetricName", metric.name) == metric.name
        and all(
            any(row["Name"] == name and row.get("Value", value) == value for name, value in metric.dimensions)
            for row in request.get("Dimensions", ())
        )
    )


# A token names the last metric of the page before: what has come or gone since does not move the next page.


def _identity(metric: Metric) -> list[object]:
    return [metric.namespace, metric.name, [list(pair) for pair in metric.dimensions]]


def _token(metric: Metric) -> str:
    return base64.b64encode(json.dumps(_identity(metric)).encode()).decode()


def _last(token: str) -> list[object]:
    try:
        found = json.loads(base64.b64decode(token, validate=True))
        namespace, name, dimensions = found
        if isinstance(namespace, str) and isinstance(name, str):
            return [namespace, name, [[str(key), str(value)] for key, value in dimensions]]
    except (ValueError, TypeError):
        pass
    raise bad_value("Request parameter NextToken is invalid: start without one.")
