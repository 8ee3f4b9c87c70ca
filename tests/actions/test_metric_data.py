"""PutMetricData, GetMetricStatistics, GetMetricData as a caller sees them. `obs` marks what a recording of the real service by
LocalStack's tests shows."""

import math
from typing import Any

import pytest

from lab.actions.cloudwatch import metric_data
from lab.core.errors import LabError
from tests.actions.aws import NOW, Aws
from tests.actions.metric_data import HOUR, T, at, metric, minutes, put, read, stat, statistics, values

# Put.


def test_a_value_values_with_counts_and_a_set(aws: Aws) -> None:
    put(aws, {"Values": [1.0, 10.0], "Counts": [2, 4], "Unit": "Count"})  # obs: test_put_metric_data_values_list
    [point] = statistics(aws, "SampleCount", "Sum", "Maximum")
    assert point == {"Timestamp": at(T), "Unit": "Count", "SampleCount": 6.0, "Sum": 42.0, "Maximum": 10.0}
    put(aws, {"Values": [3.0]}, {"Value": 4.0}, name="other")
    put(aws, {"StatisticValues": {"SampleCount": 10.0, "Sum": 55.0, "Minimum": 1.0, "Maximum": 10.0}}, name="other")
    [point] = statistics(aws, "SampleCount", "Sum", "Minimum", "Average", MetricName="other")
    assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Average"]) == (12, 62, 1, 62 / 12)


def test_percentiles_of_values_none_of_a_set(aws: Aws) -> None:
    put(aws, {"Values": [float(value) for value in range(1, 101)]})
    wanted = ["p50", "p99.9", "p0.0000000001", "tm90", "PR(:20)"]
    [point] = statistics(aws, ExtendedStatistics=wanted)
    assert point["ExtendedStatistics"] == dict(zip(wanted, [50, 100, 1, 45.5, 20], strict=True))
    put(aws, {"StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}}, name="set")
    assert statistics(aws, ExtendedStatistics=["p50"], MetricName="set") == []
    assert [point["Sum"] for point in statistics(aws, "Sum", MetricName="set")] == [3.0]


def test_counts_of_nothing_are_no_data(aws: Aws) -> None:
    put(aws, {"Values": [5.0], "Counts": [0.0]})
    assert statistics(aws, "Sum") == []


def test_seconds(aws: Aws) -> None:
    for second in (0, 7, 10, 25):
        put(aws, {"Value": 1.0, "Timestamp": at(T - 60 + second), "StorageResolution": 1})
    spread = statistics(aws, "Sum", StartTime=at(T - 60), EndTime=at(T), Period=10)
    assert {point["Timestamp"]: point["Sum"] for point in spread} == {at(T - 60): 2, at(T - 50): 1, at(T - 40): 1}
    assert values(aws, metric("a", period=5), StartTime=at(T - 55), EndTime=at(T - 45)) == {"a": [1, 1]}


ONE: dict[str, Any] = {"MetricName": "m", "Value": 1.0}
SET = {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}
BARE: dict[str, Any] = {"MetricName": "m"}
VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"


def one(**more: Any) -> dict[str, Any]:
    return {"MetricData": [{**ONE, **more}]}


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"Namespace": "AWS/EC2"}, VALUE, "The value AWS/ for parameter Namespace is invalid"),
        ({"Namespace": ":x"}, VALUE, "Namespace must not begin with a colon"),
        ({"Namespace": "x\n"}, VALUE, "parameter Namespace must be ASCII"),
        ({"Namespace": "é"}, VALUE, "parameter Namespace must be ASCII"),
        ({"Namespace": "  "}, VALUE, "not only spaces"),
        ({"Namespace": "x" * 256}, VALUE, "must not be longer than 255"),
        ({"MetricData": []}, "MissingParameter", "MetricData is required"),
        ({"MetricData": [ONE] * 1001}, VALUE, "The collection MetricData must not have a size greater than 1000."),
        ({"MetricData": [ONE, {**ONE, "MetricName": "x" * 256}]}, VALUE, "MetricData.member.2.MetricName"),
        (one(Dimensions=[{"Name": f"d{n}", "Value": "x"} for n in range(31)]), VALUE, "a size greater than 30"),
        (one(Dimensions=[{"Name": ":d", "Value": "x"}]), VALUE, "Dimensions.member.1.Name must not begin with a colon"),
        (one(Dimensions=[{"Name": "d", "Value": "é"}]), VALUE, "Dimensions.member.1.Value must be ASCII"),
        (one(Dimensions=[{"Name": "d", "Value": "x" * 1025}]), VALUE, "longer than 1024"),
        (one(Dimensions=[{"Name": "d", "Value": "x"}] * 2), VALUE, "must not be duplicated"),
        (one(Value=math.nan), VALUE, "The value NaN for parameter MetricData.member.1.Value is invalid."),
        (one(Value=math.inf), VALUE, "The value inf for parameter"),
        (one(Value=-(2.0**360) * 1.01), VALUE, "for parameter MetricData.member.1.Value is invalid."),
        (one(Unit="Furlongs"), VALUE, "MetricData.member.1.Unit must be a value in the set [ Seconds, Microseconds,"),
        (one(StorageResolution=30), VALUE, "StorageResolution must be 1 or 60"),
        (one(Timestamp=at(NOW - 14 * 24 * HOUR - 1)), VALUE, "within the past two weeks"),
        (one(Timestamp=at(NOW + 2 * HOUR + 1)), VALUE, "no more than two hours in the future"),
        # obs: test_put_metric_data_validation
        (one(Values=[1.0]), COMBINATION,
         "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have"
         " specified both."),
        (one(StatisticValues=SET), COMBINATION,
         "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive and you"
         " have specified both."),
        ({"MetricData": [{**BARE, "Values": [1.0, 2.0], "Counts": [1.0]}]}, VALUE,
         "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size."),
        ({"MetricData": [BARE]}, COMBINATION, "At least one of Value, Values and StatisticValues"),
        ({"MetricData": [{**BARE, "Values": [1.0] * 151}]}, VALUE, "Values must not have a size greater than 150"),
        ({"MetricData": [{**BARE, "Values": [math.nan]}]}, VALUE, "The value NaN for parameter"),
        ({"MetricData": [{**BARE, "Values": [1.0], "Counts": [-1.0]}]}, VALUE, "must not hold negative numbers"),
        ({"MetricData": [{**BARE, "StatisticValues": {**SET, "SampleCount": 0.0}}]}, VALUE, "SampleCount is invalid"),
        ({"MetricData": [{**BARE, "StatisticValues": {**SET, "Minimum": 2.0}}]}, VALUE, "must not be greater than"),
        ({"EntityMetricData": []}, "UnsupportedOperation", "does not support EntityMetricData"),
    ],
)  # fmt: skip
def test_what_put_refuses(aws: Aws, members: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(LabError) as caught:
        aws("cloudwatch", "PutMetricData", **{"Namespace": "mine", "MetricData": [ONE], **members})
    assert (caught.value.code, words in caught.value.message) == (code, True), caught.value.message
    assert list(aws.metrics.metrics()) == [], "a request that is refused puts nothing"


@pytest.mark.parametrize(
    "members",
    [
        {"Namespace": "My App/v1.0_#:x"},
        one(Value=-(2.0**360)),
        one(Unit="Terabits/Second", StorageResolution=1, Timestamp=at(NOW - 14 * 24 * HOUR)),
        one(Timestamp=at(NOW + 2 * HOUR)),
        one(Dimensions=[{"Name": f"d{n}", "Value": ":x y"} for n in range(30)]),
        {"MetricData": [ONE] * 1000},
        {"MetricData": [{**BARE, "Values": [float(n) for n in range(150)]}]},
    ],
)
def test_what_is_just_within_the_limits(aws: Aws, members: dict[str, Any]) -> None:
    aws("cloudwatch", "PutMetricData", **{"Namespace": "mine", "MetricData": [ONE], **members})
    assert len(aws.metrics.metrics()) == 1


# GetMetricStatistics.


def test_periods_are_stamped_at_their_start_which_is_that_of_the_request(aws: Aws) -> None:
    minutes(aws, [1, 2, None, 4, 5, 6, 7])
    points = statistics(aws, "Sum", StartTime=at(T - 600 + 75), EndTime=at(T), Period=180)
    assert [(point["Timestamp"], point["Sum"]) for point in points] == [(at(T - 540), 6), (at(T - 360), 18)]


def test_a_period_that_begins_before_the_end_is_whole(aws: Aws) -> None:
    minutes(aws, [1, 2, 3])
    [point] = statistics(aws, "Sum", StartTime=at(T - 600), EndTime=at(T - 599), Period=180)
    assert point["Sum"] == 6


def test_units_are_data_points_of_their_own(aws: Aws) -> None:
    """obs: test_handle_different_units"""
    put(aws, {"Value": 10.0}, {"Value": 5.0, "Unit": "Count"}, {"Value": 1.0, "Unit": "Seconds"})
    found = {point["Unit"]: point["Average"] for point in statistics(aws, "Average")}
    assert found == {"None": 10, "Count": 5, "Seconds": 1}
    assert [point["Average"] for point in statistics(aws, "Average", Unit="Count")] == [5]
    assert statistics(aws, "Average", Unit="Bytes") == []


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        # obs: test_invalid_amount_of_datapoints
        ({"EndTime": at(T + 24 * HOUR), "Period": 1}, COMBINATION,
         "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints"
         " requested by increasing Period, or decreasing the time range."),
        ({"EndTime": at(T)}, VALUE, "The parameter StartTime must be less than the parameter EndTime."),
        ({"Period": 90}, VALUE, "Period must be 1, 5, 10, 20, 30 or a multiple of 60"),
        ({"Period": 86460}, VALUE, "up to 86400"),
        ({"Statistics": None}, COMBINATION, "At least one of the parameters Statistics and ExtendedStatistics"),
        ({"ExtendedStatistics": ["p9"]}, COMBINATION, "are mutually exclusive"),
        ({"Statistics": ["Median"]}, VALUE, "Statistics must be a value in the set"),
        ({"Statistics": None, "ExtendedStatistics": ["Sum"]}, VALUE, "The value Sum for parameter ExtendedStatistics"),
        ({"Statistics": None, "ExtendedStatistics": [f"p{n}" for n in range(11)]}, VALUE, "a size greater than 10"),
        ({"Unit": "Furlongs"}, VALUE, "Unit must be a value in the set"),
    ],
)  # fmt: skip
def test_what_get_metric_statistics_refuses(aws: Aws, members: dict[str, Any], code: str, words: str) -> None:
    given = {"Statistics": ["Sum"], **members}
    asked = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(LabError) as caught:
        statistics(aws, **asked)
    assert (caught.value.code, words in caught.value.message) == (code, True), caught.value.message


def test_as_many_data_points_as_there_may_be(aws: Aws) -> None:
    minutes(aws, [1.0], begin=T - 60)
    assert len(statistics(aws, "Sum", StartTime=at(T - 24 * HOUR), EndTime=at(T))) == 1


# GetMetricData.


def test_an_error_rate_newest_first(aws: Aws) -> None:
    minutes(aws, [1, 2, None, 4], "errors")
    minutes(aws, [10, 20, 30, 0], "requests")
    rate = {"Id": "rate", "Expression": "100 * errors / requests", "Label": "Error rate"}
    asked = [metric("errors", "errors", ReturnData=False), metric("requests", "requests", ReturnData=False), rate]
    window = {"StartTime": at(T - 600), "EndTime": at(T)}
    [row] = read(aws, *asked, **window)["MetricDataResults"]
    assert row == {
        "Id": "rate", "Label": "Error rate", "StatusCode": "Complete",
        "Timestamps": [at(T - 480), at(T - 540), at(T - 600)], "Values": [0, 10, 10],
    }  # fmt: skip
    assert values(aws, *asked, **window, ScanBy="TimestampAscending") == {"rate": [10, 10, 0]}


def test_an_array_is_a_result_for_each_metric(aws: Aws) -> None:
    minutes(aws, [1, 2], "a", T - 60)
    minutes(aws, [None, 5], "b", T - 60)
    found = read(aws, metric("a", "a", ReturnData=False), metric("b", "b", ReturnData=False),
                 {"Id": "all", "Expression": "FILL(METRICS(), 0)", "Label": "Filled:"},
                 StartTime=at(T - 60))["MetricDataResults"]  # fmt: skip
    assert [(row["Id"], row["Label"], row["Values"]) for row in found] == [
        ("all", "Filled: a", [2, 1]),
        ("all", "Filled: b", [5, 0]),
    ]


def test_a_metric_without_data_is_an_empty_result(aws: Aws) -> None:
    """obs: test_get_metric_with_no_results"""
    [row] = read(aws, metric("a", "nobody"))["MetricDataResults"]
    assert row == {"Id": "a", "Label": "nobody", "Timestamps": [], "Values": [], "StatusCode": "Complete"}


def test_metrics_of_several_periods(aws: Aws) -> None:
    """Each in its own; an expression in the longest it rests on."""
    minutes(aws, [1, 2, 3, 4, 5, 6], "a", T - 360)
    asked = (metric("a", "a"), metric("b", "a", period=180), {"Id": "e", "Expression": "a + b"},
             {"Id": "f", "Expression": "a + b", "Period": 360})  # fmt: skip
    assert values(aws, *asked, StartTime=at(T - 360), EndTime=at(T)) == {
        "a": [6, 5, 4, 3, 2, 1],
        "b": [15, 6],
        "e": [30, 12],
        "f": [42],
    }


@pytest.mark.parametrize(
    ("pairs", "labels"),
    [
        # obs: test_label_generation
        ([("Sum", 60), ("Minimum", 30)], ["m Sum 60", "m Minimum 30"]),
        ([("Sum", 60), ("Minimum", 60)], ["m Sum", "m Minimum"]),
        ([("Sum", 60), ("Sum", 30)], ["m 60", "m 30"]),
        ([("Sum", 60), ("Sum", 60)], ["m", "m"]),
    ],
)
def test_labels_name_what_differs(aws: Aws, pairs: list[tuple[str, int]], labels: list[str]) -> None:
    put(aws, *({"Value": value, "Unit": "Seconds"} for value in (0.0, 2.0, 7.0, 100.0)))
    queries = [metric(f"q{n}", "m", name, period) for n, (name, period) in enumerate(pairs)]
    found = read(aws, *queries)["MetricDataResults"]
    assert [row["Label"] for row in found] == labels
    assert [row["Values"] for row in found] == [[109.0] if name == "Sum" else [0.0] for name, _ in pairs]


def test_of_several_units_one_is_taken_and_said(aws: Aws) -> None:
    """obs: test_get_metric_data_different_units_no_unit_in_query"""
    put(
        aws,
        {"Value": 60000.0, "Unit": "Milliseconds"},
        {"Value": 60.0, "Unit": "Seconds"},
        {"Value": 5.0, "Unit": "Count"},
    )
    [row] = read(aws, metric("a"))["MetricDataResults"]
    assert row["Values"] == [5]
    assert row["Messages"] == [
        {"Code": "MultipleUnits", "Value": "Multiple units returned: '[Count, Milliseconds, Seconds]'"}
    ]
    [row] = read(aws, {"Id": "a", "MetricStat": stat(Unit="Seconds")})["MetricDataResults"]
    assert (row["Values"], "Messages" in row) == ([60], False)


def test_pages_hold_every_point_once(aws: Aws) -> None:
    minutes(aws, [float(n) for n in range(10)], "a")
    minutes(aws, [float(n) for n in range(10)], "b")
    asked = {
        "MetricDataQueries": [metric("a", "a"), metric("none", "none"), metric("b", "b")],
        "StartTime": at(T - 600), "EndTime": at(T), "MaxDatapoints": 7,
    }  # fmt: skip
    pages = [aws("cloudwatch", "GetMetricData", **asked)]
    while "NextToken" in pages[-1]:
        pages.append(aws("cloudwatch", "GetMetricData", **asked, NextToken=pages[-1]["NextToken"]))
    rows = [[(row["Id"], row["StatusCode"], len(row["Values"])) for row in page["MetricDataResults"]] for page in pages]
    assert rows == [
        [("a", "PartialData", 7), ("none", "Complete", 0)],
        [("a", "Complete", 3), ("b", "PartialData", 4)],
        [("b", "Complete", 6)],
    ]
    found = [value for page in pages for row in page["MetricDataResults"] for value in row["Values"]]
    assert found == [float(n) for n in range(9, -1, -1)] * 2


QUERY = metric("a")


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"EndTime": at(T)}, "ValidationError", "StartTime must not equal parameter EndTime"),
        ({"EndTime": at(T - 60)}, "ValidationError", "EndTime must be greater than StartTime"),
        ({"MetricDataQueries": []}, "ValidationError", "from 1 to 500 members, not 0"),
        ({"MetricDataQueries": [metric(f"a{n}") for n in range(501)]}, "ValidationError", "not 501"),
        ({"MetricDataQueries": [QUERY, QUERY]}, "ValidationError", "are not unique"),
        ({"MetricDataQueries": [{**QUERY, "Id": "A"}]}, "ValidationError", "begins with a small letter"),
        ({"MetricDataQueries": [{**QUERY, "Id": "a-b"}]}, "ValidationError", "begins with a small letter"),
        ({"MetricDataQueries": [{"Id": "a"}]}, "ValidationError", "one of Expression and MetricStat"),
        ({"MetricDataQueries": [{**QUERY, "Expression": "b"}]}, "ValidationError", "one of Expression and MetricStat"),
        ({"MetricDataQueries": [metric("a", period=61)]}, "ValidationError", "Period must be 1, 5, 10"),
        ({"MetricDataQueries": [QUERY, {"Id": "e", "Expression": "a", "Period": 7}]}, "ValidationError", "Period must"),
        ({"MetricDataQueries": [metric("a", statistic="Most")]}, "ValidationError", "Stat must be a statistic"),
        ({"MetricDataQueries": [{"Id": "a", "MetricStat": stat(Unit="Furlongs")}]}, "ValidationError", "Unit must be"),
        ({"MetricDataQueries": [QUERY, {"Id": "e", "Expression": "a +"}]}, "ValidationError", "Error in expression 'e'"),
        ({"MetricDataQueries": [QUERY, {"Id": "e", "Expression": "SUM(a)"}]}, "ValidationError", "the result is S"),
        ({"MetricDataQueries": [{**QUERY, "Label": "${MAX}"}]}, "UnsupportedOperation", "dynamic labels"),
        ({"MetricDataQueries": [{**QUERY, "AccountId": "1"}]}, "UnsupportedOperation", "AccountId"),
        ({"MaxDatapoints": 0}, "ValidationError", "MaxDatapoints must be from 1 to 100800"),
        ({"ScanBy": "Random"}, "ValidationError", "ScanBy must be"),
        ({"LabelOptions": {}}, "UnsupportedOperation", "does not support LabelOptions"),
        ({"NextToken": "nonsense"}, "InvalidNextToken", "start without NextToken"),
        ({"NextToken": "WzEsICJ4Il0="}, "InvalidNextToken", "start without NextToken"),
        ({"StartTime": at(T - 14 * 24 * HOUR), "MetricDataQueries": [metric(f"a{n}") for n in range(60)]},
         "ValidationError", "ask for less time"),
    ],
)  # fmt: skip
def test_what_get_metric_data_refuses(aws: Aws, members: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(LabError) as caught:
        read(aws, **{"MetricDataQueries": [QUERY], **members})
    assert (caught.value.code, words in caught.value.message) == (code, True), caught.value.message


def test_a_token_is_good_for_its_request_only(aws: Aws) -> None:
    minutes(aws, [1, 2], begin=T - 60)
    token = read(aws, QUERY, StartTime=at(T - 60), MaxDatapoints=1)["NextToken"]
    assert values(aws, QUERY, StartTime=at(T - 60), MaxDatapoints=1, NextToken=token) == {"a": [1]}
    with pytest.raises(LabError) as caught:
        read(aws, metric("b"), StartTime=at(T - 60), NextToken=token)
    assert caught.value.code == "InvalidNextToken"


def test_the_limits_are_awss() -> None:
    assert (metric_data.MOST_DATAPOINTS, metric_data.MOST_READINGS >= 500 * 1440) == (100_800, True)
