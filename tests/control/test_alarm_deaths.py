"""A control plane that dies anywhere around alarms loses no state and repeats no action."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.core.cloudwatch.model import INSUFFICIENT_DATA, Alarm, AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.rds.model import Event
from tests.control.alarm_site import BUSY, CPU, IDLE, POLICY, TOPIC, Site, scaling
from tests.control.lab import Crash
from tests.core.alarm_rows import composite_alarm, metric_alarm

LOAD = (IDLE, BUSY, BUSY, BUSY, None, None, IDLE, BUSY, None, None, None, None, IDLE, IDLE, BUSY)
ALARMS: tuple[Alarm, ...] = (
    scaling(ok_actions=(POLICY, TOPIC), insufficient_data_actions=(POLICY,), state=INSUFFICIENT_DATA),
    metric_alarm(name="b", datapoints_to_alarm=2, treat_missing_data="breaching", alarm_actions=(TOPIC,)),
    metric_alarm(name="works", evaluation_periods=1, treat_missing_data="notBreaching", threshold=1000.0),
    composite_alarm("ALARM(a) OR ALARM(b)", name="any", alarm_actions=(TOPIC,), ok_actions=(TOPIC,)),
    composite_alarm(
        "ALARM(any)", name="held", alarm_actions=(TOPIC,), ok_actions=(TOPIC,), suppressor="works", wait_period=80,
        extension_period=60,
    ),
)  # fmt: skip


def events(site: Site) -> Iterator[tuple[Any, ...]]:
    """What happened, without ids; the times by the minute: a successor comes a few seconds later."""
    for event in site.store.all(Event):
        yield ("invoked", event.source_identifier, event.message, event.date // 60)
    for row in site.store.all(AlarmHistory):
        yield (row.item_type, row.alarm_name, row.summary, row.timestamp // 60)
    alarms: list[Alarm] = [*site.store.all(MetricAlarm), *site.store.all(CompositeAlarm)]
    for alarm in alarms:
        yield ("is", alarm.name, alarm.state)


def play(site: Site) -> Iterator[None]:
    """The load, a state set by hand at the seventh minute and the suppressor's coming and going; yields after each look."""
    for number, value in enumerate(LOAD):
        if number == 7:
            site.set_state("works", "ALARM")
        site.minute(value)
        yield
        site.turn(31)
        yield


def undisturbed() -> Site:
    site = Site(*ALARMS)
    for _ in play(site):
        pass
    return site


def test_a_control_plane_that_dies_at_any_commit_loses_nothing_and_fires_nothing_twice() -> None:
    whole = undisturbed()
    wanted = sorted(map(str, events(whole)))
    assert len(whole.invocations()) > 10
    assert len([one for one in wanted if "StateUpdate" in one]) > 15
    first = len(ALARMS) + 1
    for commit in range(first, whole.store.commits + 1):
        site = Site(*ALARMS)
        site.store.crash_at = commit
        for _ in survived(site):
            pass
        assert sorted(map(str, events(site))) == wanted, commit


def survived(site: Site) -> Iterator[None]:
    """The same, with a successor a few seconds after a death."""
    for number, value in enumerate(LOAD):
        if number == 7:
            try:
                site.set_state("works", "ALARM")
            except Crash:
                site.restart()
                site.set_state("works", "ALARM")
        begun = site.now // 60 * 60
        if value is not None:
            site.metrics.put(CPU, value, begun + 30)
        for until in (begun + 60, begun + 91):
            try:
                site.turn(until - site.now)
            except Crash:
                site.restart()
                site.turn(3)
            yield


@given(st.lists(st.booleans(), min_size=2 * len(LOAD), max_size=2 * len(LOAD)))
@settings(max_examples=40, deadline=None)
def test_restarts_between_looks_change_nothing(restarts: list[bool]) -> None:
    site = Site(*ALARMS)
    for restart, _ in zip(restarts, play(site), strict=True):
        if restart:
            site.restart()
            site.turn()
    assert sorted(map(str, events(site))) == sorted(map(str, events(undisturbed())))
