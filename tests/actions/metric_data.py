"""Metric data as a caller puts and reads it, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.actions.aws import NOW, Aws

T = NOW // 60 * 60
HOUR = 3600.0


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def put(aws: Aws, *data: dict[str, Any], name: str = "m", namespace: str = "mine") -> None:
    aws("cloudwatch", "PutMetricData", Namespace=namespace, MetricData=[{"MetricName": name, **one} for one in data])


def statistics(aws: Aws, *names: str, **members: Any) -> list[dict[str, Any]]:
    asked = {
        "Namespace": "mine", "MetricName": "m", "StartTime": at(T), "EndTime": at(T + 60), "Period": 60, **members
    }  # fmt: skip
    if names:
        asked["Statistics"] = list(names)
    return list(aws("cloudwatch", "GetMetricStatistics", **asked)["Datapoints"])


def stat(name: str = "m", statistic: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    return {"Metric": {"Namespace": "mine", "MetricName": name}, "Period": period, "Stat": statistic, **more}


def metric(query: str, name: str = "m", statistic: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    return {"Id": query, "MetricStat": stat(name, statistic, period), **more}


def read(aws: Aws, *queries: dict[str, Any], **members: Any) -> dict[str, Any]:
    asked = {"StartTime": at(T), "EndTime": at(T + 60), "MetricDataQueries": list(queries), **members}
    return aws("cloudwatch", "GetMetricData", **asked)


def values(aws: Aws, *queries: dict[str, Any], **members: Any) -> dict[str, list[float]]:
    return {row["Id"]: row["Values"] for row in read(aws, *queries, **members)["MetricDataResults"]}


def minutes(aws: Aws, numbers: Sequence[float | None], name: str = "m", begin: float = T - 600) -> None:
    for index, number in enumerate(numbers):
        if number is not None:
            put(aws, {"Value": number, "Timestamp": at(begin + 60 * index)}, name=name)
