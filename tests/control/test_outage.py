"""The compute engine away, for a while: nothing is concluded from not seeing, and nothing is done twice afterwards."""

from lab.core.errors import Refused, Unavailable
from lab.rows import ROWS
from tests.control.lab import Lab

AWAY = Unavailable("the Docker engine does not answer")


async def test_rows_stay_as_they_are_while_the_engine_is_away(lab: Lab) -> None:
    before = {kind: lab.store.all(kind) for kind in ROWS}
    lab.compute.away = AWAY
    await lab.run(120)
    assert {kind: lab.store.all(kind) for kind in ROWS} == before
    assert lab.loop.engine_problem == "the Docker engine does not answer"


async def test_nothing_is_launched_or_terminated_when_the_engine_is_back(lab: Lab) -> None:
    launched = list(lab.compute.launched)
    lab.compute.away = AWAY
    await lab.run(120)
    lab.compute.away = None
    await lab.run(120)
    assert (lab.compute.launched, lab.compute.terminated) == (launched, [])
    assert lab.loop.engine_problem == ""


async def test_what_died_meanwhile_is_replaced_afterwards(lab: Lab) -> None:
    victim = lab.members[0]
    lab.compute.away = AWAY
    await lab.run(30)
    await lab.compute.kill(victim)
    await lab.run(30)
    assert victim in lab.members
    lab.compute.away = None
    await lab.until(lambda: victim not in lab.members and lab.settled(), 60)


async def test_a_refusal_to_list_is_no_news_either(lab: Lab) -> None:
    launched = list(lab.compute.launched)
    lab.compute.away = Refused("permission denied")
    await lab.run(60)
    lab.compute.away = None
    await lab.run(60)
    assert lab.compute.launched == launched
