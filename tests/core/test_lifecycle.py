"""The table of a member's states (aws-facts §3.2)."""

import pytest

from lab.core.autoscaling.counts import COUNTS_AS
from lab.core.autoscaling.lifecycle import TRANSITIONS, Event, after, moved
from lab.core.autoscaling.model import (
    DETACHED,
    IN_SERVICE,
    PENDING,
    TERMINATED,
    TERMINATING,
    WARMED_PENDING,
    WARMED_TERMINATED,
)
from lab.core.autoscaling.steps import Kind
from tests.core.rows import member

GONE = (TERMINATED, DETACHED, WARMED_TERMINATED)


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ([Event.WAIT, Event.PROCEED, Event.SERVE], ["Pending:Wait", "Pending:Proceed", "InService"]),
        ([Event.SERVE, Event.TERMINATE, Event.END], ["InService", "Terminating", "Terminated"]),
        ([Event.TERMINATE, Event.WAIT, Event.PROCEED, Event.END],
         ["Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminated"]),
        ([Event.SERVE, Event.STAND_BY, Event.REST, Event.RETURN, Event.SERVE],
         ["InService", "EnteringStandby", "Standby", "Pending", "InService"]),
        ([Event.SERVE, Event.DETACH, Event.END], ["InService", "Detaching", "Detached"]),
        ([Event.SERVE, Event.POOL, Event.WAIT, Event.PROCEED, Event.KEEP_STOPPED, Event.TAKE],
         ["InService", "Warmed:Pending", "Warmed:Pending:Wait", "Warmed:Pending:Proceed", "Warmed:Stopped", "Pending"]),
    ],
)  # fmt: skip
def test_the_lives_of_a_member(events: list[Event], states: list[str]) -> None:
    seen, state = [], PENDING
    for event in events:
        state = after(state, event)
        seen.append(state)
    assert seen == states


@pytest.mark.parametrize(
    ("state", "event"),
    [(IN_SERVICE, Event.SERVE), (TERMINATING, Event.TERMINATE), (TERMINATED, Event.END), (PENDING, Event.STAND_BY)],
)
def test_an_unknown_transition_raises(state: str, event: Event) -> None:
    with pytest.raises(ValueError, match=state):
        moved(member("1", state=state), event)


def test_every_state_is_reached_counts_for_something_and_has_a_way_out() -> None:
    reached = {PENDING, WARMED_PENDING, *TRANSITIONS.values()}
    assert reached - {*GONE} == {*COUNTS_AS} == {state for state, _ in TRANSITIONS}


def test_the_kinds_are_in_the_order_of_their_urgency() -> None:
    assert [*Kind] == [Kind.UNHEALTHY, Kind.REFRESH, Kind.LIFETIME, Kind.REBALANCE]
