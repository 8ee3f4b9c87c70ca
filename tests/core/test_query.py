"""Metric math over series: AWS's own examples (cw:using-metric-math), types, and arithmetic against Python's."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.cloudwatch.metric import Metric, MetricDataQuery, MetricStat, Statistics, single
from lab.core.cloudwatch.query import check, evaluate, periods, results
from lab.core.cloudwatch.series import Series
from lab.core.errors import ValidationError

Values = Sequence[float | None]
NO: float | None = None
"""A missing data point, in tables."""


def metric(name: str, period: int = 60) -> MetricDataQuery:
    return MetricDataQuery(name, MetricStat(Metric("N", name, ()), period, "Average"), return_data=False)


def expression(text: str, name: str = "e", label: str = "") -> MetricDataQuery:
    return MetricDataQuery(name, expression=text, label=label)


def outcome(*queries: MetricDataQuery, **data: Values) -> Series | tuple[Series, ...]:
    """Of the query `e`, with the metrics that `data` names; a value for each period."""
    count = max((len(values) for values in data.values()), default=4)

    def read(one: Metric, start: float, period: int, unit: str) -> Statistics | None:
        value = data[one.name][int(start) // 60]
        return None if value is None else single(value)

    starts = [float(60 * index) for index in range(count)]
    return results([*map(metric, data), *queries], read, starts, 60)["e"]


def series(text: str, **data: Values) -> list[float | None]:
    found = outcome(expression(text), **data)
    assert isinstance(found, Series)
    return list(found.values)


def array(text: str, **data: Values) -> list[list[float | None]]:
    found = outcome(expression(text), **data)
    assert isinstance(found, tuple)
    return [list(one.values) for one in found]


M1, M2 = (30.0, 20.0, 0.0, 0.0), (20.0, NO, 20.0, NO)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("m1 < m2", [0, 0, 1, 0]),
        ("m1 >= 30", [1, 0, 0, 0]),
        ("m1 > 15 AND m2 > 15", [1, 0, 0, 0]),
        # Missing values of one of two series count as 0; a division by zero gives no data point.
        ("m1 + m2", [50, 20, 20, 0]),
        ("m2 - m1", [-10, -20, 20, 0]),
        ("m1 / m2", [1.5, NO, 0, NO]),
        ("m2 * 2", [40, NO, 40, NO]),
        ("m2 == 20 || m1 == 20", [1, 1, 1, 0]),
        ("FILL(m2, 0) - m2", [0, 0, 0, 0]),
        # What is no real number is no data point either.
        ("(-m1) ^ 0.5 * 0", [NO, NO, 0, 0]),
        ("TIME_SERIES((-4) ^ 0.5)", [NO, NO, NO, NO]),
        ("m1 ^ 300", [NO, NO, 0, 0]),
        ("m1 ^ -1", [1 / 30, 1 / 20, NO, NO]),
    ],
)
def test_operators_as_in_the_examples_of_aws(text: str, values: list[float | None]) -> None:
    assert series(text, m1=M1, m2=M2) == values


def test_operators_take_each_series_of_an_array() -> None:
    assert array("100 / [m1, m2]", m1=M1, m2=M2) == [[100 / 30, 5, NO, NO], [5, NO, 5, NO]]
    assert array("METRICS() - m1", m1=M1, m2=M2) == [[0, 0, 0, 0], [-10, -20, 20, 0]]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("IF(m1, m2, m3)", [30, 0, 20, 0, NO]),
        ("IF(m1, 5, m3)", [5, 5, 20, NO, NO]),
        ("IF(m1, m2, 5)", [30, 0, 5, 5, NO]),
        ("IF(m1, m2)", [30, 0, NO, NO, NO]),
        ("IF(m1, 10, 2)", [10, 10, 2, 2, NO]),
        ("IF(m3 < 20, m3)", [0, 0, NO, NO, NO]),
        ("IF(2, m2, m3)", [30, NO, 0, 0, 30]),
        ("IF(1 > 2, m2, m3)", [0, 0, 20, NO, 20]),
        ("IF(0, m2)", [NO, NO, NO, NO, NO]),
        ("IF(MAX(m4), m2, m3)", [NO, NO, NO, NO, NO]),
    ],
)
def test_if_as_in_the_tables_of_aws(text: str, values: list[float | None]) -> None:
    given = {"m1": (1.0, 1.0, 0.0, 0.0, NO), "m2": (30.0, NO, 0.0, 0.0, 30.0), "m3": (0.0, 0.0, 20.0, NO, 20.0)}
    assert series(text, m4=(NO, NO, NO, NO, NO), **given) == values


G = (NO, 4.0, NO, NO, 10.0, -3.5)
H = (1.0, 2.0, 3.0, NO, 5.0, 6.0)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("FILL(g, 7)", [7, 4, 7, 7, 10, -3.5]),
        ("FILL(g, h)", [1, 4, 3, NO, 10, -3.5]),
        ("FILL(g, REPEAT)", [NO, 4, 4, 4, 10, -3.5]),
        ("FILL(g, LINEAR)", [NO, 4, 6, 8, 10, -3.5]),
        ("FILL(h, MIN(g))", [1, 2, 3, -3.5, 5, 6]),
        ("RATE(g)", [NO, NO, NO, NO, 6 / 180, -13.5 / 60]),
        ("DIFF(g)", [NO, NO, NO, NO, 6, -13.5]),
        ("DIFF_TIME(g)", [NO, NO, NO, NO, 180, 60]),
        ("RUNNING_SUM(g)", [NO, 4, NO, NO, 14, 10.5]),
        ("ABS(g)", [NO, 4, NO, NO, 10, 3.5]),
        ("CEIL(g)", [NO, 4, NO, NO, 10, -3]),
        ("FLOOR(g)", [NO, 4, NO, NO, 10, -4]),
        ("LOG(g)", [NO, math.log(4), NO, NO, math.log(10), NO]),
        ("LOG10(g)", [NO, math.log10(4), NO, NO, 1, NO]),
        ("g - AVG(g)", [NO, 4 - 10.5 / 6, NO, NO, 10 - 10.5 / 6, -3.5 - 10.5 / 6]),
        ("TIME_SERIES(MAX(g))", [10] * 6),
        ("TIME_SERIES(MIN(g))", [-3.5] * 6),
        ("TIME_SERIES(SUM(g))", [10.5] * 6),
        ("TIME_SERIES(DATAPOINT_COUNT(g))", [3] * 6),
        ("TIME_SERIES(PERIOD(g) / 60)", [1] * 6),
        ("TIME_SERIES(METRIC_COUNT(METRICS()))", [2] * 6),
        ("TIME_SERIES(1 / 0)", [NO] * 6),
        ("g * (1 / 0)", [NO] * 6),
        ("SUM(METRICS())", [1, 6, 3, NO, 15, 2.5]),
        ("AVG(METRICS())", [0.5, 3, 1.5, NO, 7.5, 1.25]),
        ("MIN(METRICS())", [1, 2, 3, NO, 5, -3.5]),
        ("MAX([g, h])", [1, 4, 3, NO, 10, 6]),
        ("DATAPOINT_COUNT(METRICS())", [1, 2, 1, NO, 2, 2]),
        ("STDDEV(METRICS())", [0, 1, 0, NO, 2.5, 4.75]),
        ("SUM([])", [NO] * 6),
        ("FIRST(METRICS())", list(G)),
        ("LAST(METRICS())", list(H)),
        ("LAST(REMOVE_EMPTY([g, g / 0]))", list(G)),
        ("FIRST(SORT(METRICS(), AVG, DESC))", list(H)),
        ("FIRST(SORT(METRICS(), MIN, ASC))", list(G)),
        ("FIRST(SLICE(METRICS(), 1))", list(H)),
        ("FIRST(SLICE(METRICS(), 0, 0))", [NO] * 6),
        ("MINUTE(g)", [0, 1, 2, 3, 4, 5]),
        ("HOUR(g)", [0] * 6),
        ("DAY(g)", [4] * 6),  # 1 January 1970 was a Thursday
        ("DATE(g)", [1] * 6),
        ("MONTH(g)", [1] * 6),
        ("YEAR(g)", [1970] * 6),
        ("EPOCH(g)", [0, 60, 120, 180, 240, 300]),
    ],
)
def test_functions(text: str, values: list[float | None]) -> None:
    assert series(text, g=G, h=H) == pytest.approx(values)


def test_metrics_are_those_of_the_request_by_a_part_of_their_id() -> None:
    data = {"errors1": (1.0, 2.0), "errors2": (3.0, NO), "requests": (10.0, 20.0)}
    assert series('SUM(METRICS("errors")) / SUM(METRICS("requests")) * 100', **data) == [40, 10]
    assert array("METRICS('rror')", **data) == [[1, 2], [3, NO]]
    assert array("-[METRICS('errors1'), METRICS('requests')]", **data) == [[-1, -2], [-10, -20]]
    assert array("METRICS('none')", **data) == []


def test_sort_puts_what_has_no_data_last() -> None:
    data = {"a": (1.0,), "b": (NO,), "c": (5.0,)}
    assert array("SORT(METRICS(), SUM, DESC)", **data) == [[5], [1], [NO]]
    assert array("SORT(METRICS(), SUM, ASC, 2)", **data) == [[1], [5]]


def test_labels_of_an_array_are_those_of_its_metrics() -> None:
    found = outcome(expression("FILL(METRICS(), 0)", label="Filled:"), a=(NO,), b=(1.0,))
    assert isinstance(found, tuple)
    assert [one.label for one in found] == ["Filled: a", "Filled: b"]


def test_expressions_rest_on_each_other_in_any_order() -> None:
    queries = [expression("f - 1"), expression("g * m", "f"), expression("m + m", "g")]
    found = outcome(*queries, m=(3.0, NO))
    assert isinstance(found, Series)
    assert (found.values, found.label) == ((17.0, NO), "e")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("m + nobody", "there is no metric or expression with the id 'nobody' (position 5)"),
        ("AVG(m)", "the result is S"),
        ("12", "the result is S"),
        ("m < METRICS()", "'<' does not take TS and TS[] (position 3)"),
        ("METRICS() + METRICS()", "'+' does not take TS[] and TS[]"),
        ("m + 'x'", "'+' does not take TS and a string"),
        ("m + REPEAT", "'+' does not take TS and a string"),
        ("-'x'", "'-' does not take a string"),
        ("[m, 1]", "an array holds TS or TS[], not S (position 5)"),
        ("ABS(1)", "ABS takes (TS) or (TS[]), not (S) (position 1)"),
        ("SUM(m, m)", "SUM takes"),
        ("FILL(m)", "FILL takes"),
        ("FILL(m, SOMEHOW)", "FILL takes"),
        ("IF(METRICS(), 1, 0)", "IF takes"),
        ("IF(1, 2, 3)", "IF takes"),
        ("SORT(METRICS(), STDDEV, ASC)", "SORT takes"),
        ("METRICS(m)", "METRICS takes () or a string"),
        ("PERIOD(m + m)", "PERIOD takes the id of a metric"),
        ("SEARCH('{AWS/EC2} x', 'Sum')", "the lab does not have SEARCH"),
        ("ANOMALY_DETECTION_BAND(m)", "the lab does not have ANOMALY_DETECTION_BAND"),
        ("MEDIAN(m)", "there is no function MEDIAN; there are ABS, AVG"),
        ("e + 1", "it refers to itself: e → e"),
    ],
)
def test_what_makes_no_sense_is_refused_whatever_the_data(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check([metric("m"), expression(text)])
    assert caught.value.message.startswith("Error in expression 'e': ")
    assert sentence in caught.value.message


def test_a_circle_is_named() -> None:
    with pytest.raises(ValidationError, match=r"it refers to itself: (a → b → a|b → a → b)"):
        check([expression("b + 1", "a"), expression("a + 1", "b")])


def test_a_long_row_of_expressions_is_no_deep_recursion() -> None:
    row = [expression("m", "e0"), *(expression(f"e{n} + 1", f"e{n + 1}") for n in range(480)), expression("e480")]
    found = outcome(*row, m=(1.0,))
    assert isinstance(found, Series)
    assert found.values == (481.0,)


def test_only_what_returns_data_and_what_it_needs_is_read() -> None:
    asked = []

    def read(one: Metric, start: float, period: int, unit: str) -> Statistics | None:
        asked.append((one.name, start, period, unit))
        return single(2.0)

    found = evaluate([metric("a"), metric("b"), expression("a * 2")], read, [60.0], 300)
    assert {name: one.values for name, one in found.items()} == {"e": (4.0,)}
    assert asked == [("a", 60.0, 300, "")]


def test_an_array_is_no_single_series() -> None:
    with pytest.raises(ValidationError, match="it must be a single time series"):
        evaluate([metric("m"), expression("METRICS()")], lambda *_: None, [0.0], 60)


def test_the_period_of_an_expression_is_its_own_or_the_longest_it_rests_on() -> None:
    queries = [
        metric("a", 60),
        metric("b", 300),
        expression("a + 1", "e1"),
        expression("SUM(METRICS())", "e2"),
        expression("e1 / b", "e3"),
        MetricDataQuery("e4", expression="b", period=600),
        expression("TIME_SERIES(1)", "e5"),
    ]
    assert periods(queries) == {"a": 60, "b": 300, "e1": 60, "e2": 300, "e3": 300, "e4": 600, "e5": 60}


# Against Python's own arithmetic.

NUMBERS = st.one_of(st.integers(0, 20).map(float), st.integers(1, 50000).map(lambda x: x / 1000))
ROW = st.lists(st.integers(-4000, 4000).map(lambda x: x / 100), min_size=3, max_size=3)


def formulas(depth: int) -> st.SearchStrategy[str]:
    leaf = st.one_of(st.sampled_from(["a", "b", "c"]), NUMBERS.map(repr))
    if depth == 0:
        return leaf
    inner = formulas(depth - 1)
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "<", ">=", "==", "!="]), inner)
    power = st.tuples(inner, st.just("^"), st.sampled_from(["0", "2", "3", "-1", "-2"]))
    return st.one_of(
        leaf,
        inner.map(lambda text: f"-{text}"),
        inner.map(lambda text: f"({text})"),
        # Python chains comparisons, metric math does not: both sides in parentheses.
        binary.map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})" if parts[1] in "<>===!=" else " ".join(parts)),
        power.map(lambda parts: "(" + parts[0] + ")" + "".join(parts[1:])),
    ).map(lambda text: f"({text})" if any(sign in text for sign in "<>=") else text)


def by_python(text: str, names: dict[str, float]) -> float | None:
    try:
        value = eval(text.replace("^", "**"), {}, names)
    except (ArithmeticError, ValueError):
        return None
    return float(value)


@given(formulas(3), ROW, ROW, ROW)
def test_arithmetic_on_full_series_is_that_of_python(text: str, a: list[float], b: list[float], c: list[float]) -> None:
    found = outcome(expression(f"TIME_SERIES(0) + ({text})"), a=a, b=b, c=c)
    assert isinstance(found, Series)
    for index, value in enumerate(found.values):
        expected = by_python(text, {"a": a[index], "b": b[index], "c": c[index]})
        if expected is not None:
            assert value == pytest.approx(expected)
