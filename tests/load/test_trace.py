"""Traces: what a file may say, and the built-in shapes."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.load.shapes import SHAPES, shape
from lab.load.trace import Trace, TraceError, parse, read, trace

JUMP = trace("jump", [(0, 10), (100, 10), (100, 50), (200, 70)])


@pytest.mark.parametrize(("time", "rate"), [(0, 10), (50, 10), (99.9, 10), (100, 50), (150, 60), (200, 70), (1000, 70)])
def test_straight_lines_between_points_a_jump_at_two_and_the_last_rate_holds(time: float, rate: float) -> None:
    assert JUMP.rate(time) == rate


@pytest.mark.parametrize(
    ("start", "end", "requests"),
    [(0, 100, 1000), (0, 200, 7000), (90, 110, 10 * 10 + 10 * 51), (150, 200, 50 * 65), (200, 300, 7000)],
)
def test_the_requests_of_a_time_are_the_area_under_the_line(start: float, end: float, requests: float) -> None:
    assert JUMP.requests(start, end) == pytest.approx(requests)
    assert JUMP.mean(start, end) == pytest.approx(requests / (end - start))


def test_the_highest_rate_of_a_time() -> None:
    assert (JUMP.highest(0, 90), JUMP.highest(0, 100), JUMP.highest(0, 150), JUMP.peak) == (10, 50, 60, 70)


TIMES = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 100)), min_size=1, max_size=8)


@given(TIMES, st.floats(0, 400), st.floats(0, 400))
def test_parts_of_a_time_add_up(gaps: list[tuple[int, int]], first: float, second: float) -> None:
    points, time = [(0.0, 3.0)], 0
    for gap, rate in gaps:
        time += gap
        points.append((float(time), float(rate)))
    made = trace("any", points)
    a, b = sorted((first, second))
    assert made.requests(0, a) + made.requests(a, b) == pytest.approx(made.requests(0, b), abs=1e-6)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "monday.csv"
    file.write_text("\ufeffseconds,requests_per_second\n# calm\n0,20\n\n600, 20\n600,120.5  # all at once\n3600,120\n")
    made = read(file)
    assert (made.name, made.duration, made.rate(600)) == ("monday", 3600, 120.5)
    assert read_text("0,1\n60,2\n").rate(30) == 1.5, "a header is not needed"


def read_text(text: str) -> Trace:
    return trace("text", parse(text.splitlines(), "text"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line of the form seconds,requests_per_second"),
        ("seconds,requests_per_second\n", "no line of the form"),
        ("0,10\n", "two points at least"),
        ("0,1\n0,2\n", "a duration above 0"),
        ("5,10\n60,10\n", "line 1: a trace begins at second 0, not at 5"),
        ("0,10\n60,ten\n", "line 2: requests_per_second must be a number, not 'ten'"),
        ("0,10\n60,-1\n", "line 2: requests_per_second must be from 0"),
        ("0,10\n60,nan\n", "line 2: requests_per_second must be from 0"),
        ("0,10\n60\n", "line 2: 1 columns; there are two, seconds,requests_per_second"),
        ("0,10\n\n60,10\n30,10\n", "line 4: second 30 comes after second 60; put the lines in order"),
        ("0,10\n60,1\n60,2\n60,3\n", "line 4: a third line for second 60; a jump is two"),
        ("seconds;requests\n0;1\n", "line 1: 1 columns"),
    ],
)
def test_what_is_wrong_with_a_file_and_where(text: str, said: str) -> None:
    with pytest.raises(TraceError, match=said):
        read_text(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        read(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="not text in UTF-8"):
        read(tmp_path / "binary.csv")


# Shapes.


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_trace_from_0_that_never_goes_below_it(name: str) -> None:
    made = shape(name, 1)
    assert made.times[0] == 0
    assert list(made.times) == sorted(made.times)
    assert min(made.rates) >= 0
    assert made.duration >= 3600


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("step:from=1,to=9,at=1m,for=2m", {0: 1, 59: 1, 60: 9, 120: 9}),
        ("ramp:from=10,to=20,at=10,over=100,for=200", {10: 10, 60: 15, 110: 20, 200: 20}),
        ("spike:base=1,peak=9,at=10,width=5,for=30", {9: 1, 10: 9, 14.9: 9, 15: 1, 30: 1}),
        ("daily:base=20,peak=200,peak_at=12h", {0: 20, 43200: 200, 21600: 110, 86400: 20}),
        ("flash-crowd:base=0,peak=80,at=60,rise=60,half_life=5m,for=1h", {60: 0, 90: 40, 120: 80, 420: 40, 720: 20}),
        ("noise:base=7,noise=0,for=60", {0: 7, 60: 7}),
    ],
)
def test_shapes(text: str, rates: dict[float, float]) -> None:
    made = shape(text, 1)
    assert {time: made.rate(time) for time in rates} == pytest.approx(rates)


def test_noise_is_of_its_size_has_a_memory_and_is_the_seeds() -> None:
    text = "noise:base=100,noise=0.2,for=10h"
    made = shape(text, 5)
    assert made == shape(text, 5) != shape(text, 6)
    deviations = [rate - 100 for rate in made.rates]
    size = sum(one**2 for one in deviations) / len(deviations)
    kept = sum(a * b for a, b in pairwise(deviations)) / len(deviations)
    assert size**0.5 == pytest.approx(20, rel=0.15)
    assert kept / size == pytest.approx(0.85, abs=0.05)
    assert min(shape("step:noise=0.9", 1).rates) >= 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weekly", "no trace file and no shape 'weekly'; the shapes are step, ramp"),
        ("step:top=9", "shape step has no 'top'; it takes noise, from, to, at, for"),
        ("step:to", "has no 'to'|takes"),
        ("spike:at=1h,for=30m", "would end before second 3900: make `for` longer"),
        ("daily:base=100,peak=-1", "peak must be a number"),
        ("flash-crowd:at=10,rise=10,for=15", "make `for` longer"),
        ("step:to=many", "to must be a number such as 20"),
        ("step:to=-5", "to must be a number"),
        ("daily:base=0,peak=0,days=0", "a duration above 0"),
    ],
)
def test_what_is_wrong_with_a_shape(text: str, said: str) -> None:
    with pytest.raises(TraceError, match=said):
        shape(text, 1)
