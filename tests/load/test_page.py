"""The page of a run: it stands for itself, and says what the result says."""

import re
from html import unescape
from html.parser import HTMLParser

from lab.load import Plan
from lab.load.http1 import Response
from lab.load.page import page
from lab.load.result import Recorder, Snapshot
from lab.load.shapes import shape
from lab.load.slo import judged, objectives

PLAN = Plan(("http://127.0.0.1:8080/<b>",), shape("step:from=10,to=40,at=5,for=10", 0), 10.0, slow=0.2)


def told() -> str:
    recorder, shots = Recorder(PLAN.slow), list[Snapshot]()
    for second in range(10):
        for number in range(10):
            at = second + number / 10
            recorder.scheduled += 1
            if second == 6:
                recorder.no_answer(at, "reset")
            else:
                recorder.answered(at, 0.5 if second == 7 else 0.01, Response(200, "i-1", "us-east-1a", 3, True))
        shots.append(recorder.snapshot(second + 1.0, 3, 2))
    result = recorder.result(10.0, 10.0)
    return page(PLAN, result, shots, judged(objectives("p50=300ms,errors=1%"), result))


class Balanced(HTMLParser):
    """Fails on an element that is closed out of order."""

    VOID = ("meta", "rect", "line", "path", "circle")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_asks_nobody_for_anything_and_is_well_formed() -> None:
    text = told()
    assert re.findall(r"""(?:src|href)\s*=|url\(|@import|<script""", text) == []
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "&lt;b&gt;" in text
    assert "<b>GET" not in text


def test_the_page_says_what_was_counted() -> None:
    text = unescape(re.sub(r"<[^>]+>", " ", told()))
    for word in (
        "10 (10 %)",
        "errors 10 % > 1 %",
        "p50 10 ms ≤ 300 ms",
        "6.00 s",
        "6.90 s",
        "7.00 s",
        "i-1",
        "us-east-1a",
    ):
        assert word in text, word


def test_the_chart_tells_each_second() -> None:
    assert "7 s  0.0 answered, 10.0 failed per second, 3 in flight" in told()
