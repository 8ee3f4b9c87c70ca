"""The corpus against AWS's desync table: the class each head is given, and what the two other modes make of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from services.lb.http1 import desync
from services.lb.http1.request_head import parse_request
from services.lb.serving.outcome import Cause
from tests.lb.hostile.case import SMUGGLED, Case, Tier, rows
from tests.lb.hostile.check import check_answers, check_origin
from tests.lb.hostile.corpus import REQUESTS
from tests.lb.hostile.play import Played, play, whole
from tests.lb.hostile.recorder import Recorder
from tests.lb.hostile.stage import staged

HEADS = tuple(row for row in REQUESTS if b"\r\n\r\n" in row.data.lstrip(b"\r\n"))


def found(row: Case) -> desync.Finding | None:
    """What the node's reader says of the row's first head; None when it refuses it without a class."""
    result = parse_request(row.data.lstrip(b"\r\n").partition(b"\r\n\r\n")[0])
    return desync.REFUSED.get(result) if isinstance(result, Cause) else result.finding


@pytest.mark.parametrize("row", rows(HEADS))
def test_no_class_is_milder_than_the_engine_of_aws_has_it(row: Case) -> None:
    finding = found(row)
    if finding is not None:  # a head that is refused for good needs none
        assert finding.tier >= row.desync.tier


@pytest.mark.parametrize("row", [row for row in HEADS if row.answers[:1] == (200,)], ids=str)
def test_what_is_served_is_classed_as_by_the_engine_of_aws(row: Case) -> None:
    finding = found(row)
    assert finding is not None
    if row.name not in OTHER_REASONS:
        assert (finding.tier.name, finding.reason.decode()) == (row.desync.tier.name, row.desync.reason)


OTHER_REASONS = {
    "folded-empty": "the engine says MultilineHeader, which is not among the reasons AWS documents",
    "te-cl-on-get": "the engine looks at the method first; the class is the same",
}


@pytest.fixture(scope="module", params=["monitor", "strictest"])
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[Case], Played]]]:
    recorder = Recorder()
    with staged(recorder.serve, desync_mode=request.param) as (runner, world):
        yield request.param, lambda row: runner.run(play(world, recorder, row, whole(row)))


NON_COMPLIANT = tuple(row for row in REQUESTS if row.answers[:1] == (200,) and row.desync.tier > Tier.COMPLIANT)


@pytest.mark.parametrize("row", NON_COMPLIANT, ids=str)
def test_a_mode(stage: tuple[str, Callable[[Case], Played]], row: Case) -> None:
    """What is blocked is a 400 that the target never hears of; what is let through goes on in one form, in every mode."""
    mode, run = stage
    if row.desync.blocked(mode):
        expected = replace(row, answers=(400,), stays=False)
    else:
        hidden = row.data.endswith(SMUGGLED) and row.desync.parts("defensive") and "smuggled" not in row.name
        expected = replace(row, answers=(*row.answers, *([200] if hidden else [])), stays=True)
    played = run(expected)
    check_answers(expected, played)
    check_origin(expected, played)
