"""Metric data: put and read (aws-facts §5.1)."""

from lab.actions.cloudwatch.common import check_choice, metric_of, pairs
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.metric import STATISTICS
from lab.core.errors import LabError
from lab.core.times import moment

MAX_DATAPOINTS = 1440


@reads("Namespace", "MetricData")
def put_metric_data(context: Context, request: Request) -> Response:
    if request["Namespace"].startswith("AWS/"):
        raise LabError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid: it is reserved")
    for datum in request.get("MetricData", ()):
        if "Value" not in datum:
            raise LabError("InvalidParameterCombination", "the lab takes one Value per datum")
        timestamp = datum["Timestamp"].timestamp() if "Timestamp" in datum else context.now
        metric = metric_of({**datum, "Namespace": request["Namespace"]})
        context.metrics.put(metric, float(datum["Value"]), timestamp)
    return {}


@reads("Namespace", "MetricName", "Dimensions", "RecentlyActive", "NextToken")
def list_metrics(context: Context, request: Request) -> Response:
    wanted = {(row["Name"], row.get("Value")) for row in request.get("Dimensions", ())}
    return {
        "Metrics": [
            {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": pairs(metric)}
            for metric in context.metrics.metrics()
            if request.get("Namespace", metric.namespace) == metric.namespace
            and request.get("MetricName", metric.name) == metric.name
            and all(
                any(name == key and value in (None, held) for key, held in metric.dimensions) for name, value in wanted
            )
        ]
    }


@reads("Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Statistics", "Unit")
def get_metric_statistics(context: Context, request: Request) -> Response:
    period = request["Period"]
    start = request["StartTime"].timestamp() // period * period
    end = request["EndTime"].timestamp()
    if period < 60 or period % 60:
        raise LabError("InvalidParameterValue", f"Period must be a multiple of 60 in the lab, not {period}")
    if (end - start) / period > MAX_DATAPOINTS:
        raise LabError(
            "InvalidParameterCombination", f"at most {MAX_DATAPOINTS} datapoints: raise Period or ask for less time"
        )
    metric, names = metric_of(request), request.get("Statistics", ())
    for name in names:
        check_choice("Statistics", name, STATISTICS)
    points = []
    while start < end:
        found = context.metrics.statistics(metric, start, period)
        if found is not None:
            points.append({"Timestamp": moment(start), **{name: found.get(name) for name in names}})
        start += period
    return {"Label": metric.name, "Datapoints": points}
