"""Alarms at work: evaluated when they are due, acting once on each transition, repeating Auto Scaling's actions, followed by
composite alarms."""

from dataclasses import replace

import pytest

from lab.core.cloudwatch import history
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, AlarmHistory, MetricAlarm
from tests.control.alarm_site import BUSY, CPU, IDLE, POLICY, TOPIC, Site, scaling
from tests.core.alarm_rows import composite_alarm, metric_alarm

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
