"""Every request of the corpus through a real node to an origin that records: what nobody may be able to do.

(a) The origin never sees two requests where the balancer answered one. (b) No line reaches it that the balancer did not vouch
for. (c) What it got reads alike to every reader. (d) Every answer is that to the request before it, on this connection and
on others'. And none of it depends on how the bytes arrive.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.lb.hostile.case import Case, rows
from tests.lb.hostile.check import check_answers, check_origin
from tests.lb.hostile.corpus import REQUESTS
from tests.lb.hostile.play import Played, at_random, bytewise, play, whole
from tests.lb.hostile.recorder import Recorder
from tests.lb.hostile.stage import staged

Cut = Callable[[Case], list[bytes]]
Stage = Callable[[Case, Cut], Played]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    recorder = Recorder()
    with staged(recorder.serve) as (runner, world):
        yield lambda row, cut: runner.run(play(world, recorder, row, cut(row)))


@pytest.mark.parametrize("row", rows(REQUESTS))
def test_a_request_of_the_corpus(stage: Stage, row: Case) -> None:
    played = stage(row, whole)
    check_answers(row, played)
    check_origin(row, played)


@pytest.mark.parametrize("row", rows(REQUESTS))
@pytest.mark.parametrize("cut", [bytewise, at_random])
def test_how_the_bytes_arrive_changes_nothing(stage: Stage, row: Case, cut: Cut) -> None:
    played = stage(row, cut)
    check_answers(row, played)
    check_origin(row, played)
