import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from lab.load import Plan, Snapshot, report
from lab.load.http1 import Response
from lab.load.result import Recorder

PLAN = Plan(("http://127.0.0.1:8080/products", "http://127.0.0.1:8081/products"), rate=500, duration=30)

SNAPSHOT = Snapshot(
    offset=3.0,
    scheduled=1500,
    ok=1490,
    failed=7,
    shed=1,
    in_flight=2,
    connections=9,
    statuses={200: 1490, 503: 4},
    errors={"connect_refused": 3},
    rate=498.7,
    failed_now=3,
    instances={"i-0123456789abcdef0": 250, "i-0fedcba9876543210": 248},
    zones={"eu-west-1a": 498},
    p50=0.0012,
    p99=1.5,
)


def drawn(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.00 ms"), (0.00123, "1.23 ms"), (0.0123, "12.3 ms"), (0.5, "500 ms"), (1.2, "1.20 s")],
)
def test_seconds_are_written_in_a_fitting_unit(value: float | None, text: str) -> None:
    assert report.seconds(value) == text


@pytest.mark.parametrize(("share", "text"), [(0, ""), (0.001, "▏"), (0.5, "████"), (1, "████████"), (0.5625, "████▌")])
def test_bars_are_proportional_and_show_anything_above_nothing(share: float, text: str) -> None:
    assert report.bar(share, 8) == text


def test_a_trend_has_gaps_where_nothing_was_measured() -> None:
    assert report.trend([1, None, 8, 4]) == "▂ █▅"
    assert report.trend([None, 0.0]) == "  "


def test_the_plain_line_has_every_count() -> None:
    assert report.plain_line(SNAPSHOT) == (
        "    3.0 s     498.7/s  in flight 2  p50 1.20 ms  p99 1.50 s  200: 1490  503: 4  connect_refused: 3  shed: 1"
    )


def test_the_live_display_fits_80_columns() -> None:
    calm = replace(SNAPSHOT, failed_now=0, p99=None)
    text = drawn(report.live(PLAN, [calm, SNAPSHOT]))
    assert max(map(len, text.splitlines())) <= 80
    for word in ("499/s", "p99", "1.50 s", "connect refused", "i-0123456789abcdef0", "7 failed", "1 shed"):
        assert word in text


def test_the_summary_fits_80_columns_and_names_what_failed() -> None:
    recorder = Recorder()
    recorder.scheduled = 1001
    for number in range(1000):
        status = 503 if number % 100 == 0 else 200
        recorder.answered(number / 100, 0.001 * (1 + number % 50), Response(status, f"i-{number % 3}", "a", 10, True))
    recorder.no_answer(10.0, "timeout")
    recorder.lateness.record(0.5)
    text = drawn(report.summary(PLAN, recorder.result(10.0, 10.5)))
    assert max(map(len, text.splitlines())) <= 80
    for word in ("990 ok", "11 failed", "timeout", "i-2", "100.0 answers/s", "failing", "itself was late", "█"):
        assert word in text


def test_an_empty_run_has_a_summary() -> None:
    assert "0 ok" in drawn(report.summary(PLAN, Recorder().result(0.0, 0.0)))
