"""Alarms at work: evaluated when they are due, acting once on each transition, repeating Auto Scaling's actions, followed by
composite alarms; and a control plane that dies anywhere loses no state and repeats no action.

What an action does is a row (an RDS event lends itself): it becomes durable with the alarm, or neither does.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.actions import dispatch
from lab.adapters.metrics import MetricStore
from lab.control.cloudwatch.alarms import Alarms
from lab.core.cloudwatch import history
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, Alarm, AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.rds.model import Event
from tests.control.lab import Crash, CrashingStore, Lab
from tests.core.alarm_rows import NOW, composite_alarm, metric_alarm

CPU = Metric("AWS/EC2", "CPUUtilization", ())
POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/web:policyName/cpu"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"
BUSY, IDLE = 99.0, 1.0


class Watch(MetricStore):
    """Counts how often it is read."""

    reads = 0

    def statistics(self, metric: Metric, start: float, period: int, unit: str = "") -> Statistics | None:
        self.reads += 1
        return super().statistics(metric, start, period, unit)


class Site:
    """Alarms over a store that may end the process. `failure` is what policies answer."""

    def __init__(self, *alarms: Alarm) -> None:
        self.store = CrashingStore()
        self.metrics = Watch(None)
        self.now = NOW
        self.failure = ""
        self.lab = Lab(self.store, self.metrics)
        for alarm in alarms:
            self.store.put(alarm)
        self.restart()

    def restart(self) -> None:
        """`kill -9`, and the control plane started again."""
        self.alarms = Alarms(self.lab.world, self._invoke)

    def _invoke(self, alarm: MetricAlarm, action: str, now: float) -> str:
        value = alarm.recent[-1] if alarm.recent else None
        self.store.put(Event(self.lab.world.new_id("uuid"), alarm.name, action, f"{alarm.state} {value}", now))
        return self.failure

    def turn(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.alarms.evaluate(self.now)

    def minute(self, value: float | None, metric: Metric = CPU) -> None:
        """The rest of the minute with this datum, and the look when it is over."""
        begun = self.now // 60 * 60
        if value is not None:
            self.metrics.put(metric, value, begun + 30)
        self.turn(begun + 60 - self.now)

    def call(self, operation: str, **members: Any) -> None:
        dispatch.call(self.lab.world.context(self.now), "cloudwatch", operation, members)

    def set_state(self, name: str, state: str, **more: Any) -> None:
        self.call("SetAlarmState", AlarmName=name, StateValue=state, StateReason="drill", **more)

    def state(self, name: str = "a") -> str:
        return self.alarm(name).state

    def alarm(self, name: str = "a") -> Alarm:
        found = self.store.get(MetricAlarm, name) or self.store.get(CompositeAlarm, name)
        assert found is not None
        return found

    def invocations(self) -> list[str]:
        return [event.message for event in self.store.all(Event)]

    def history(self, name: str = "a", item_type: str = "") -> list[str]:
        rows = self.store.where(AlarmHistory, "alarm_name", name)
        return [row.summary for row in rows if item_type in ("", row.item_type)]


def scaling(**more: Any) -> MetricAlarm:
    """Invokes a policy in ALARM; above 50 % in one of one minute."""
    return metric_alarm(**{"alarm_actions": (POLICY,), "evaluation_periods": 1, **more})


# When.


def test_an_alarm_is_evaluated_once_a_minute_and_writes_nothing_while_nothing_changes() -> None:
    site = Site(metric_alarm())
    site.minute(IDLE)
    reads, commits = site.metrics.reads, site.store.commits
    for _ in range(59):
        site.turn(1)
    assert (site.metrics.reads, site.store.commits) == (reads, commits)
    site.turn(1)
    assert (site.metrics.reads, site.store.commits) == (2 * reads, commits)


def test_a_new_alarm_is_evaluated_at_once() -> None:
    site = Site(metric_alarm(state=INSUFFICIENT_DATA))
    site.minute(IDLE)
    site.turn(7)
    site.store.put(metric_alarm(name="late", state=INSUFFICIENT_DATA, configured_at=site.now))
    site.turn(1)
    assert site.state("late") == OK, "what was measured before it was made counts too (cw:alarm-evaluation)"


def test_a_changed_alarm_is_evaluated_at_once() -> None:
    site = Site(metric_alarm())
    for _ in range(3):
        site.minute(IDLE)
    site.turn(7)
    site.store.put(replace(metric_alarm(threshold=0.5), configured_at=site.now))
    site.turn(1)
    assert site.state() == ALARM


def test_short_periods_are_looked_at_every_ten_seconds() -> None:
    site = Site(metric_alarm(period=10, evaluation_periods=2))
    for _ in range(2):
        site.metrics.put(CPU, BUSY, site.now + 5, resolution=1)
        site.turn(10)
    assert site.state() == ALARM
    for _ in range(2):
        site.metrics.put(CPU, IDLE, site.now + 5, resolution=1)
        site.turn(10)
    assert site.state() == OK


def test_five_minute_periods_slide_by_the_minute() -> None:
    """cw:alarm-evaluation."""
    site = Site(metric_alarm(period=300, evaluation_periods=1, statistic="Sum", threshold=250.0))
    for _ in range(7):
        site.minute(IDLE)
    site.minute(BUSY)
    site.minute(BUSY)
    assert site.state() == OK
    site.minute(BUSY)
    assert site.state() == ALARM


def test_a_thousand_groups_cost_reads_in_proportion_and_no_commit() -> None:
    count = 2000
    site = Site(*(metric_alarm(name=f"alarm-{number}") for number in range(count)))
    site.minute(IDLE)
    reads, commits = site.metrics.reads, site.store.commits
    for _ in range(4):
        site.turn(14)
    site.minute(IDLE)
    assert site.metrics.reads - reads == count * 5
    assert site.store.commits == commits


# Actions.


def test_actions_fire_on_each_transition_and_only_then() -> None:
    """cw:alarm-actions."""
    site = Site(metric_alarm(alarm_actions=(TOPIC,), ok_actions=(TOPIC,), evaluation_periods=1))
    for value in (BUSY, BUSY, BUSY, IDLE, IDLE):
        site.minute(value)
    failed = f'Failed to execute action {TOPIC}. Received error: "the lab has no Amazon SNS topic; nothing was done"'
    assert site.history() == ["Alarm updated from OK to ALARM", failed, "Alarm updated from ALARM to OK", failed]
    assert site.invocations() == []


def test_auto_scalings_actions_are_repeated_each_minute_while_the_state_lasts() -> None:
    """cw:AlarmThatSendsEmail: once per minute that the alarm remains in the new state."""
    site = Site(scaling())
    for value in (BUSY, BUSY, 80.0):
        site.minute(value)
        for _ in range(3):
            site.turn(5)
    site.minute(IDLE)
    site.minute(IDLE)
    assert site.invocations() == ["ALARM 99.0", "ALARM 99.0", "ALARM 80.0"]


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [("ok_actions", IDLE, "OK 1.0"), ("insufficient_data_actions", None, "INSUFFICIENT_DATA None")],
)
def test_they_are_repeated_in_the_other_states_too(member: str, value: float | None, said: str) -> None:
    site = Site(scaling(alarm_actions=(), state=ALARM, **{member: (POLICY,)}))
    for _ in range(3):
        site.minute(value)
    assert site.invocations() == [said] * 3


def test_a_repetition_does_not_repeat_other_actions() -> None:
    site = Site(scaling(alarm_actions=(TOPIC, POLICY)))
    for _ in range(3):
        site.minute(BUSY)
    assert len(site.invocations()) == 3
    assert len([summary for summary in site.history() if TOPIC in summary]) == 1


def test_the_history_tells_the_first_invocation_and_what_comes_to_something_else() -> None:
    site = Site(scaling())
    site.minute(BUSY)
    site.minute(BUSY)
    site.failure = "No step adjustment found"
    site.minute(BUSY)
    site.minute(BUSY)
    site.failure = ""
    site.minute(BUSY)
    done = f"Successfully executed action {POLICY}"
    failed = f'Failed to execute action {POLICY}. Received error: "No step adjustment found"'
    assert site.history(item_type="Action") == [done, failed, done]
    assert len(site.invocations()) == 5


def test_disabled_actions_are_not_made_up_for() -> None:
    """bc:cloudwatch.DisableAlarmActions. Auto Scaling's come with the next minute of the state."""
    site = Site(metric_alarm(name="mail", alarm_actions=(TOPIC,), evaluation_periods=1), scaling())
    site.call("DisableAlarmActions", AlarmNames=["a", "mail"])
    site.minute(BUSY)
    assert (site.state(), site.state("mail")) == (ALARM, ALARM)
    site.call("EnableAlarmActions", AlarmNames=["a", "mail"])
    site.turn(1)
    assert site.invocations() == []
    site.minute(BUSY)
    assert site.invocations() == ["ALARM 99.0"]
    assert site.history("mail", "Action") == []


def test_putting_an_alarm_again_fires_nothing() -> None:
    site = Site(scaling())
    site.minute(BUSY)
    found = site.alarm()
    site.store.put(replace(found, description="new", configured_at=site.now + 1))
    site.turn(2)
    assert site.invocations() == ["ALARM 99.0"]


# By hand.


def test_a_state_set_by_hand_acts_and_then_yields_to_the_data() -> None:
    """bc:cloudwatch.SetAlarmState."""
    site = Site(scaling())
    site.minute(IDLE)
    site.set_state("a", "ALARM")
    for _ in range(3):
        site.turn(5)
    assert (site.state(), site.invocations()) == (ALARM, ["ALARM 1.0"])
    site.minute(IDLE)
    assert (site.state(), site.invocations()) == (OK, ["ALARM 1.0"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"recentDatapoints":[50,70]}', "ALARM 70.0"),
        ('{"recentDatapoints":["much",NaN,true,1e999]}', "ALARM 1.0"),
        ('{"recentDatapoints":5}', "ALARM 1.0"),
        ("{}", "ALARM 1.0"),
    ],
)
def test_the_data_that_a_state_is_set_with_are_the_policys(data: str, said: str) -> None:
    """bc:cloudwatch.SetAlarmState, StateReasonData; without any, the metric's own."""
    site = Site(scaling())
    site.minute(IDLE)
    site.set_state("a", "ALARM", StateReasonData=data)
    site.turn(1)
    assert site.invocations() == [said]


# Composite alarms.


def test_a_composite_alarm_follows_in_the_same_look() -> None:
    site = Site(
        metric_alarm(evaluation_periods=1), composite_alarm("ALARM(inner)", name="outer"),
        composite_alarm("ALARM(a)", name="inner", alarm_actions=(TOPIC,)),
    )  # fmt: skip
    site.minute(IDLE)
    assert (site.state("inner"), site.state("outer")) == (OK, OK)
    site.minute(BUSY)
    assert (site.state("inner"), site.state("outer")) == (ALARM, ALARM)
    assert site.history("inner")[-2:] == [
        "Alarm updated from OK to ALARM",
        f'Failed to execute action {TOPIC}. Received error: "the lab has no Amazon SNS topic; nothing was done"',
    ]
    assert [row.alarm_type for row in site.store.where(AlarmHistory, "alarm_name", "outer")] == ["CompositeAlarm"] * 2


def test_a_composite_alarm_set_by_hand_acts_and_stays() -> None:
    site = Site(metric_alarm(), composite_alarm("ALARM(a)", alarm_actions=(TOPIC,)))
    site.minute(IDLE)
    site.set_state("both", "ALARM")
    for _ in range(3):
        site.minute(IDLE)
    assert site.state("both") == ALARM
    assert len(site.history("both", "Action")) == 1


def test_a_suppressed_alarm_acts_when_its_wait_is_over_between_minutes_too() -> None:
    """cw:Create_Composite_Alarm_Suppression, example 1."""
    site = Site(
        metric_alarm(evaluation_periods=1), metric_alarm(name="works", threshold=1000.0),
        composite_alarm("ALARM(a)", alarm_actions=(TOPIC,), suppressor="works", wait_period=25, extension_period=60),
    )  # fmt: skip
    site.minute(IDLE)
    site.turn(25)
    site.minute(BUSY)
    assert (site.state("both"), site.history("both", "Action")) == (ALARM, [])
    site.turn(24)
    assert site.history("both", "Action") == []
    site.turn(1)
    assert len(site.history("both", "Action")) == 1


def test_a_child_that_is_gone_is_in_no_state() -> None:
    """Auto Scaling deletes the alarms of its policies whoever depends on them."""
    site = Site(metric_alarm(evaluation_periods=1), composite_alarm("ALARM(a)"))
    site.minute(BUSY)
    assert site.state("both") == ALARM
    site.store.delete(MetricAlarm, "a")
    site.turn(1)
    assert site.state("both") == OK


# The history.


def test_history_is_kept_for_thirty_days_and_survives_the_alarm() -> None:
    """aws-facts §10.6."""
    site = Site(metric_alarm(evaluation_periods=1))
    site.minute(BUSY)
    site.call("DeleteAlarms", AlarmNames=["a"])
    site.turn(history.KEPT - 7200)
    assert site.history() == ["Alarm updated from OK to ALARM", 'Alarm "a" deleted']
    site.turn(3 * 3600)
    assert site.history() == []


def test_history_is_bounded_in_number() -> None:
    site = Site()
    for number in range(history.MOST + 50):
        site.store.put(AlarmHistory(f"item-{number}", "a", site.now, "StateUpdate", str(number)))
    site.turn(3600)
    rows = site.history()
    assert (len(rows), rows[0], rows[-1]) == (history.MOST, "50", str(history.MOST + 49))


# Death.

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
