import math

import pytest

from lab.load.http1 import Response
from lab.load.result import Recorder, Result
from lab.load.slo import judged, objectives


def result(answers: int, latency: float, *, timeouts: int = 0, slow: float = 1.0) -> Result:
    recorder = Recorder(slow)
    recorder.scheduled = answers + timeouts
    for number in range(answers):
        recorder.answered(float(number), latency, Response(200, None, None, 0, True))
    for number in range(timeouts):
        recorder.no_answer(float(number), "timeout")
    return recorder.result(10.0, 10.0)


def told(text: str, of: Result) -> list[tuple[bool, str]]:
    return [(verdict.held, str(verdict)) for verdict in judged(objectives(text), of)]


def test_objectives_are_held_or_missed_one_by_one() -> None:
    assert told("p99=300ms, errors=0.1%,max=0.2s", result(1000, 0.25)) == [
        (True, "p99 250 ms ≤ 300 ms"),
        (True, "errors 0 % ≤ 0.1 %"),
        (False, "max 250 ms > 200 ms"),
    ]


def test_a_request_without_an_answer_took_longer_than_any_that_got_one() -> None:
    fast = result(980, 0.01, timeouts=20)
    assert fast.latency.percentile(99) == pytest.approx(0.01)
    assert fast.percentile(99) == math.inf
    assert fast.percentile(98) == pytest.approx(0.01)
    assert told("p99=1m,p50=20ms,errors=1%", fast) == [
        (False, "p99 no answer > 60 s"),
        (True, "p50 10 ms ≤ 20 ms"),
        (False, "errors 2 % > 1 %"),
    ]


def test_slow_answers_are_counted_with_their_times() -> None:
    slow = result(100, 0.5, slow=0.4)
    assert told("slow=99%", slow) == [(False, "slow 100 % > 99 %")]
    assert [(window.start, window.end, window.failed) for window in slow.slow_windows] == [(0.0, 99.0, 100)]


def test_a_run_that_asked_nothing_holds_nothing_but_errors() -> None:
    assert [held for held, _ in told("p99=1s,errors=0%", Recorder().result(0.0, 0.0))] == [False, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an objective is"),
        ("p99", "p99 is a time such as"),
        ("p99=300", "p99 is a time such as"),
        ("p100=1s", "an objective is"),
        ("errors=0.1", "errors is a share"),
        ("errors=101%", "errors is a share"),
        ("p99=1s,", "an objective is"),
    ],
)
def test_an_objective_that_makes_no_sense_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        objectives(text)
