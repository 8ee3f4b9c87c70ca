"""Metric data through boto3 as it is: CBOR, paginators, long requests that it compresses."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.api.app import MAX_BODY
from lab.api.encoding import unpacked
from lab.core.errors import LabError
from tests.api.served import boto_client, serving
from tests.control.lab import Lab


def ask(metrics: Any, now: float) -> dict[str, Any]:
    """Puts in every form, and reads back by every way of reading."""
    begin = datetime.fromtimestamp(now // 60 * 60, UTC)
    window = {"StartTime": begin, "EndTime": begin + timedelta(minutes=5)}
    many = [{"MetricName": f"filler-{number:04}", "Value": float(number), "Unit": "Count"} for number in range(900)]
    metrics.put_metric_data(Namespace="filler", MetricData=many)
    latencies = {"MetricName": "Latency", "Values": [0.1, 0.2, 0.9], "Counts": [90, 9, 1], "Unit": "Seconds"}
    metrics.put_metric_data(Namespace="shop", MetricData=[latencies])
    metrics.put_metric_data(
        Namespace="shop",
        MetricData=[
            {"MetricName": "Errors", "Value": 3, "Timestamp": begin, "StorageResolution": 1},
            {"MetricName": "Sets", "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}},
        ],
    )
    queries = [
        {
            "Id": name.lower(),
            "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": name}, "Period": 60, "Stat": statistic},
        }
        for name, statistic in (("Latency", "p99.5"), ("Errors", "Sum"), ("Sets", "Average"))
    ]
    queries.append({"Id": "e", "Expression": "IF(latency > 0.5, errors * 10, 0)", "Label": "slow"})
    pages = metrics.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, **window, PaginationConfig={"PageSize": 2}
    )
    with pytest.raises(ClientError) as caught:
        metrics.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "SEARCH('x')"}], **window)
    return {
        "listed": metrics.get_paginator("list_metrics").paginate(Namespace="filler").build_full_result()["Metrics"],
        "percentiles": metrics.get_metric_statistics(
            Namespace="shop", MetricName="Latency", Period=60, ExtendedStatistics=["p50", "p99", "p99.5"], **window
        )["Datapoints"],
        "data": [row for page in pages for row in page["MetricDataResults"]],
        "error": caught.value.response["Error"],
        "begin": begin,
    }


async def test_what_boto3_puts_it_reads_back() -> None:
    lab = Lab()
    async with serving(lab) as port:
        metrics = await asyncio.to_thread(boto_client, port, "cloudwatch")
        found = await asyncio.to_thread(ask, metrics, lab.clock.now())
        metrics.close()
    assert [row["MetricName"] for row in found["listed"]] == [f"filler-{number:04}" for number in range(900)]
    [point] = found["percentiles"]
    assert (point["Unit"], point["ExtendedStatistics"]) == ("Seconds", {"p50": 0.1, "p99": 0.2, "p99.5": 0.9})
    data = {row["Id"]: (row["Label"], row["Timestamps"], row["Values"]) for row in found["data"]}
    assert data == {
        "latency": ("Latency p99.5", [found["begin"]], [0.9]),
        "errors": ("Errors Sum", [found["begin"]], [3.0]),
        "sets": ("Sets Average", [found["begin"]], [1.5]),
        "e": ("slow", [found["begin"]], [30.0]),
    }
    assert found["error"]["Code"] == "ValidationError"
    assert found["error"]["Message"] == "Error in expression 'e': the lab does not have SEARCH (position 1)"


def test_a_body_is_unpacked_as_far_as_it_may_be() -> None:
    assert unpacked(b"plain", "", 9) == unpacked(b"plain", "identity", 9) == b"plain"
    assert unpacked(gzip.compress(b"x" * MAX_BODY), "gzip", MAX_BODY) == b"x" * MAX_BODY


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (gzip.compress(b"x" * (MAX_BODY + 1)), "gzip", "RequestEntityTooLarge"),
        (gzip.compress(b"some text")[:-9], "gzip", "SerializationException"),
        (b"no gzip", "gzip", "SerializationException"),
        (b"x", "br", "UnsupportedMediaType"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(body: bytes, encoding: str, code: str) -> None:
    with pytest.raises(LabError) as caught:
        unpacked(body, encoding, MAX_BODY)
    assert caught.value.code == code
