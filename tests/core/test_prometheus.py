"""Prometheus's text format: what is written a strict reader reads back, and the reader is strict."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.prometheus import (
    SECONDS,
    Family,
    Histogram,
    Kind,
    counter,
    exposition,
    gauge,
    process_families,
    process_use,
)
from tests.prometheus import Malformed, read, value

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
LABELS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), st.text(max_size=8), max_size=3)
NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats())


@given(NAMES, st.text(min_size=1, max_size=20), st.lists(st.tuples(LABELS, NUMBERS), min_size=1, max_size=4))
def test_any_gauge_is_read_back(name: str, text: str, samples: list[tuple[dict[str, str], float]]) -> None:
    distinct = {frozenset(labels.items()): number for labels, number in samples}
    name = f"x{name}_x"
    found = read(exposition([gauge(name, text, [(dict(labels), number) for labels, number in distinct.items()])]))
    assert found[name].kind == "gauge"
    for labels, number in distinct.items():
        back = found[name].samples[name, labels]
        assert back == pytest.approx(float(number), rel=1e-15) or (math.isnan(back) and math.isnan(number))


def test_a_family_as_it_is_written() -> None:
    text = exposition([counter("a_total", 'Back\\slash and\nline "end".', [({"b": 'x"\\\n'}, 3), ({}, 0.5)])])
    assert text == (
        '# HELP a_total Back\\\\slash and\\nline "end".\n'
        "# TYPE a_total counter\n"
        'a_total{b="x\\"\\\\\\n"} 3\n'
        "a_total 0.5\n"
    )


def test_a_histogram_is_cumulative_and_ends_at_infinity() -> None:
    one = Histogram((0.5, 1.0), (2, 3), 4, 5.25)
    text = exposition([Family("t_seconds", Kind.HISTOGRAM, "Times.", (({"a": "b"}, one),))])
    assert text.splitlines()[2:] == [
        't_seconds_bucket{a="b",le="0.5"} 2',
        't_seconds_bucket{a="b",le="1"} 3',
        't_seconds_bucket{a="b",le="+Inf"} 4',
        't_seconds_sum{a="b"} 5.25',
        't_seconds_count{a="b"} 4',
    ]
    found = read(text)
    assert value(found, "t_seconds_count", a="b") == 4
    assert value(found, "t_seconds_bucket", le="1") == 3


def test_what_is_empty_is_left_out() -> None:
    assert exposition([gauge("a", "A.", []), gauge("b", "B.", [({}, math.inf), ({"c": "d"}, math.nan)])]) == (
        '# HELP b B.\n# TYPE b gauge\nb +Inf\nb{c="d"} NaN\n'
    )


def test_bounds_rise() -> None:
    assert list(SECONDS) == sorted(set(SECONDS))


def test_what_a_process_uses() -> None:
    fields = ["S", *map(str, range(4, 53))]
    for number, field in ((14, "250"), (15, "50"), (22, "1000"), (23, "4096000"), (24, "7")):
        fields[number - 3] = field
    use = process_use(f"12 (a) b) {' '.join(fields)}\n", 100, 4096, 1_700_000_000.0, 9, 1024)
    found = read(exposition(process_families(use)))
    assert value(found, "process_cpu_seconds_total") == 3
    assert value(found, "process_resident_memory_bytes") == 7 * 4096
    assert value(found, "process_virtual_memory_bytes") == 4096000
    assert (value(found, "process_open_fds"), value(found, "process_max_fds")) == (9, 1024)
    assert value(found, "process_start_time_seconds") == 1_700_000_010


HEAD = "# HELP a A.\n# TYPE a gauge\n"


@pytest.mark.parametrize(
    "text",
    [
        "a 1\n",
        HEAD,
        HEAD + "a 1",
        HEAD + "\na 1\n",
        HEAD + "a 1\na 2\n",
        HEAD + "b 1\n",
        HEAD + "a one\n",
        HEAD + 'a{b="c} 1\n',
        HEAD + 'a{b="\\x"} 1\n',
        HEAD + 'a{b="1",b="2"} 1\n',
        HEAD + 'a{__b="1"} 1\n',
        HEAD + "a 1 123456\n",
        HEAD + "a_total 1\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a A.\na 1\n",
        HEAD + "a 1\n" + HEAD + 'a{b="c"} 1\n',
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 3\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n',
        '# HELP a A.\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_count 1\n',
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises(Malformed):
        read(text)
