"""ListMetrics as a caller sees it."""

from typing import Any

import pytest

from lab.core.cloudwatch.metric import Metric
from tests.actions.aws import NOW, Aws
from tests.actions.metric_data import HOUR, at, put


def listed(aws: Aws, **members: Any) -> list[str]:
    return [row["MetricName"] for row in aws("cloudwatch", "ListMetrics", **members)["Metrics"]]


def test_metrics_are_found_by_name_and_dimensions(aws: Aws) -> None:
    """obs: test_list_metrics_with_filters"""
    one, two = ([{"Name": "InstanceId", "Value": value}] for value in ("one", "two"))
    put(aws, {"Value": 1.0}, name="cpu")
    put(aws, {"Value": 1.0, "Dimensions": one}, name="memory")
    put(aws, {"Value": 1.0, "Dimensions": [*two, {"Name": "Zone", "Value": "a"}]}, name="reads")
    put(aws, {"Value": 1.0, "Dimensions": two}, name="cpu", namespace="theirs")
    assert listed(aws) == ["cpu", "memory", "reads", "cpu"]
    assert listed(aws, Namespace="mine") == ["cpu", "memory", "reads"]
    assert listed(aws, MetricName="cpu") == ["cpu", "cpu"]
    assert listed(aws, Dimensions=[{"Name": "InstanceId"}]) == ["memory", "reads", "cpu"]
    assert listed(aws, Dimensions=two) == ["reads", "cpu"]
    assert listed(aws, Dimensions=[*two, {"Name": "Zone"}]) == ["reads"]
    assert listed(aws, Dimensions=[{"Name": "instanceid"}]) == []


def test_silent_metrics_are_not_listed(aws: Aws) -> None:
    put(aws, {"Value": 1.0}, name="now")
    put(aws, {"Value": 1.0, "Timestamp": at(NOW - 4 * HOUR)}, name="this morning")
    assert listed(aws, RecentlyActive="PT3H") == ["now"]
    assert listed(aws) == ["now", "this morning"]
    aws.now += 14 * 24 * HOUR - 3 * HOUR
    assert listed(aws) == ["now"]


def test_pages_of_metrics(aws: Aws) -> None:
    """Five hundred to a page (obs: test_list_metrics_pagination); what comes and goes between two pages moves none."""
    for number in range(1100):
        aws.metrics.put(Metric("N", f"m{number:04}", ()), 1.0, NOW)
    first = aws("cloudwatch", "ListMetrics")
    aws.metrics.put(Metric("N", "m0000a", ()), 1.0, NOW)
    second = aws("cloudwatch", "ListMetrics", NextToken=first["NextToken"])
    third = aws("cloudwatch", "ListMetrics", NextToken=second["NextToken"])
    names = [row["MetricName"] for page in (first, second, third) for row in page["Metrics"]]
    assert names == [f"m{number:04}" for number in range(1100)]
    assert [len(page["Metrics"]) for page in (first, second, third)] == [500, 500, 100]
    assert "NextToken" not in third


@pytest.mark.parametrize(
    "members",
    [
        {"NextToken": "nonsense"},
        {"NextToken": "WzEsIDJd"},
        {"NextToken": "WyJhIiwgImIiLCBbMV1d"},
        {"RecentlyActive": "PT1H"},
        {"Dimensions": [{"Name": f"d{n}"} for n in range(11)]},
    ],
)
def test_what_list_metrics_refuses(aws: Aws, members: dict[str, Any]) -> None:
    assert aws.refusal("cloudwatch", "ListMetrics", **members) == "InvalidParameterValue"
