"""What actions on metrics and on alarms have in common."""

from collections.abc import Mapping
from typing import Any

from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.errors import LabError


def check_choice(member: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise LabError("ValidationError", f"{member} must be one of {', '.join(choices)}, not '{value}'")


def metric_of(request: Mapping[str, Any]) -> Metric:
    pairs = {row["Name"]: row["Value"] for row in request.get("Dimensions", ())}
    return Metric(request["Namespace"], request["MetricName"], dimensions(pairs))


def pairs(metric: Metric) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]
