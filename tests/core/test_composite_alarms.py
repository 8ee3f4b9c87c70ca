"""Composite alarms: when their rule is looked at, the reasons, and what holds their actions back (the documentation's six
examples of suppression, in its own time units).
"""

import json
from dataclasses import replace

import pytest

from lab.core.cloudwatch.composite import acts, evaluate
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, ChildStates, CompositeAlarm
from tests.core.alarm_rows import NOW, PREFIX, composite_alarm

FRIDAY = 1_658_505_465.394  # Friday 22 July, 2022 15:57:45 UTC


def looked(alarm: CompositeAlarm, states: ChildStates, now: float = NOW) -> CompositeAlarm:
    return evaluate(alarm, states, now)


def test_a_new_alarm_takes_the_state_of_its_rule() -> None:
    """cw:cloudwatch-and-eventbridge, composite alarms: the previous state."""
    alarm = looked(composite_alarm("ALARM(net) OR ALARM(cpu)"), {"cpu": (OK, 1.0), "net": (OK, 2.0)})
    assert (alarm.state, alarm.acted_at) == (OK, None)
    assert alarm.state_reason == f"{PREFIX}both was created and its alarm rule evaluates to OK"
    assert json.loads(alarm.state_reason_data) == {
        "triggeringAlarms": [
            {"arn": f"{PREFIX}net", "state": {"value": "OK", "timestamp": "1970-01-01T00:00:02.000+0000"}},
            {"arn": f"{PREFIX}cpu", "state": {"value": "OK", "timestamp": "1970-01-01T00:00:01.000+0000"}},
        ]
    }


def test_a_child_that_changes_is_the_reason() -> None:
    """cw:cloudwatch-and-eventbridge, composite alarms; the date is in the words of AWS's mails."""
    before = looked(composite_alarm("ALARM(cpu) OR ALARM(net)"), {"cpu": (OK, 1.0), "net": (OK, 2.0)})
    alarm = looked(before, {"cpu": (ALARM, FRIDAY), "net": (OK, 2.0)}, FRIDAY + 1)
    assert (alarm.state, alarm.state_updated_at) == (ALARM, FRIDAY + 1)
    assert alarm.state_reason == f"{PREFIX}cpu transitioned to ALARM at Friday 22 July, 2022 15:57:45 UTC"
    assert alarm.state_reason_data == (
        f'{{"triggeringAlarms":[{{"arn":"{PREFIX}cpu","state":{{"value":"ALARM",'
        '"timestamp":"2022-07-22T15:57:45.394+0000"}}]}'
    )


def test_of_several_children_the_last_one_is_the_reason() -> None:
    before = looked(composite_alarm("ALARM(a) AND ALARM(b)"), {"a": (OK, 1.0), "b": (OK, 1.0)})
    alarm = looked(before, {"a": (ALARM, 70.0), "b": (ALARM, 60.0)})
    assert alarm.state_reason.startswith(f"{PREFIX}a transitioned to ALARM")
    assert len(json.loads(alarm.state_reason_data)["triggeringAlarms"]) == 2


def test_a_state_set_by_hand_lasts_until_a_child_changes() -> None:
    """bc:cloudwatch.SetAlarmState."""
    alarm = looked(composite_alarm("ALARM(a)"), {"a": (OK, 1.0)})
    by_hand = replace(alarm, state=ALARM)
    assert looked(by_hand, {"a": (OK, 1.0)}).state == ALARM
    assert looked(by_hand, {"a": (INSUFFICIENT_DATA, 2.0)}).state == OK


def test_a_child_that_went_and_came_back_is_looked_at_too() -> None:
    alarm = looked(composite_alarm("ALARM(a)"), {"a": (OK, 1.0)})
    assert looked(replace(alarm, state=ALARM), {"a": (OK, 9.0)}).state == OK


def test_a_new_rule_is_looked_at_and_says_so() -> None:
    alarm = looked(composite_alarm("ALARM(a)"), {"a": (OK, 1.0)})
    changed = looked(replace(alarm, rule="NOT ALARM(a)", seen=None), {"a": (OK, 1.0)})
    assert changed.state_reason == f"{PREFIX}both was updated and its alarm rule evaluates to ALARM"


def test_insufficient_data_is_the_state_before_the_first_look_only() -> None:
    """bc:cloudwatch.PutCompositeAlarm."""
    alarm = composite_alarm("ALARM(a)")
    assert alarm.state == INSUFFICIENT_DATA
    assert looked(alarm, {"a": (INSUFFICIENT_DATA, 1.0)}).state == OK
    assert looked(alarm, {}).state == OK, "its child is gone"


def test_nothing_new_changes_nothing() -> None:
    alarm = looked(composite_alarm("ALARM(a)"), {"a": (ALARM, 1.0)})
    assert looked(alarm, {"a": (ALARM, 1.0)}, NOW + 60) == alarm


def test_reason_data_keeps_to_awss_length() -> None:
    states = {f"alarm-number-{number}": (OK, 1.0) for number in range(100)}
    rule = " OR ".join(f"ALARM({name})" for name in states)
    data = looked(composite_alarm(rule), states).state_reason_data
    assert len(data) <= 4000
    assert len(json.loads(data)["triggeringAlarms"]) > 10


# Suppression (cw:Create_Composite_Alarm_Suppression): WaitPeriod is 2 time units, ExtensionPeriod 3. Each line is a time, the
# state of the child that the composite alarm follows, that of the suppressor, and what the alarm does then: "acts", or what
# holds it back, or nothing. Nothing happens at t1.

NONE, WAIT, EXTENSION, HELD = "", "WaitPeriod", "ExtensionPeriod", "Alarm"
EXAMPLES = {
    "1: not suppressed after WaitPeriod": [
        (2, ALARM, OK, WAIT), (3, ALARM, OK, WAIT), (4, ALARM, OK, "acts ALARM"), (5, ALARM, OK, NONE),
    ],
    "2: suppressed by alarm before WaitPeriod expires": [
        (2, ALARM, OK, WAIT), (3, ALARM, ALARM, HELD), (4, ALARM, ALARM, HELD), (9, ALARM, ALARM, HELD),
    ],
    "3: state transition when suppressed by WaitPeriod": [
        (2, ALARM, OK, WAIT), (3, OK, OK, WAIT), (4, OK, OK, WAIT), (5, OK, OK, "acts OK"),
    ],
    "4: state transition when suppressed by alarm": [
        (2, ALARM, ALARM, HELD), (3, OK, ALARM, HELD), (4, ALARM, ALARM, HELD),
    ],
    "5: not suppressed after ExtensionPeriod": [
        (2, ALARM, OK, WAIT), (3, ALARM, ALARM, HELD), (6, ALARM, OK, EXTENSION), (8, ALARM, OK, EXTENSION),
        (9, ALARM, OK, "acts ALARM"),
    ],
    "6: state transition when suppressed by ExtensionPeriod": [
        (2, ALARM, OK, WAIT), (3, ALARM, ALARM, HELD), (6, ALARM, OK, EXTENSION), (7, OK, OK, WAIT), (8, OK, OK, WAIT),
        (9, OK, OK, "acts OK"),
    ],
    "the suppressor comes back": [
        (2, ALARM, ALARM, HELD), (3, ALARM, OK, EXTENSION), (4, ALARM, ALARM, HELD), (5, ALARM, OK, EXTENSION),
        (7, ALARM, OK, EXTENSION), (8, ALARM, OK, "acts ALARM"),
    ],
    "a suppressor of an alarm that owes nothing": [
        (2, OK, ALARM, HELD), (3, OK, OK, EXTENSION), (6, OK, OK, NONE), (7, ALARM, OK, WAIT),
    ],
}  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES)
def test_suppression(example: str) -> None:
    unit = 60.0
    alarm = composite_alarm(
        "ALARM(child)", suppressor="suppressor", wait_period=120, extension_period=180, state=OK,
        seen={"child": (OK, 0.0)}, suppressed_by="",
    )  # fmt: skip
    child, since = OK, 0.0
    for time, state, suppressor, wanted in EXAMPLES[example]:
        if state != child:
            child, since = state, time * unit
        states = {"child": (child, since), "suppressor": (suppressor, 0.0)}
        alarm = evaluate(alarm, states, time * unit)
        if acts(alarm):
            assert wanted == f"acts {alarm.state}", (example, time)
            alarm = replace(alarm, acted_at=time * unit)
        else:
            assert wanted == alarm.suppressed_by, (example, time)


def test_without_periods_nothing_waits() -> None:
    alarm = composite_alarm("ALARM(a)", suppressor="s", wait_period=0, extension_period=0)
    assert acts(evaluate(alarm, {"a": (ALARM, 1.0), "s": (OK, 1.0)}, NOW))


def test_without_a_suppressor_nothing_holds_it_back() -> None:
    alarm = composite_alarm("ALARM(a)", suppressed_by="WaitPeriod", suppressed_until=NOW + 60)
    assert acts(evaluate(alarm, {"a": (ALARM, 1.0)}, NOW))
