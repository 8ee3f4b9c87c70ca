"""When the rule of a composite alarm is looked at, what becomes of it, and what holds its actions back
(cw:alarm-combining, cw:Create_Composite_Alarm_Suppression, bc:cloudwatch.PutCompositeAlarm).

The rule is looked at when the alarm was made or changed, and when a child has taken another state since; so a state that was
set by hand lasts until then. INSUFFICIENT_DATA is the state before the first look only.

Suppression, while the suppressor's own state and time go by; a transition of the composite alarm leads to the upper row:

    suppressor in ALARM                                  suppressor not in ALARM
    ┌───────┐ ◀──────────── suppressor alarms ────────── ┌────────────┐  period over   ┌──────┐
    │ Alarm │                                            │ WaitPeriod │ ─────────────▶ │ none │
    │       │ ── suppressor ends ▶ ┌─────────────────┐   └────────────┘                │      │
    └───────┘ ◀ suppressor alarms ─│ ExtensionPeriod │ ──────── period over ─────────▶ │      │
                                   └─────────────────┘                                 └──────┘

Actions are those of the state at the moment nothing holds them back any more, and only if it has not acted yet.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lab.core.cloudwatch.model import ALARM, OK, UNCHECKED, ChildStates, CompositeAlarm
from lab.core.cloudwatch.reasons import LONGEST_DATA, to_json
from lab.core.cloudwatch.rule import children, holds
from lab.core.cloudwatch.rule_parser import parse
from lab.core.times import iso_offset, spoken

WAIT_PERIOD, EXTENSION_PERIOD, BY_ALARM = "WaitPeriod", "ExtensionPeriod", "Alarm"


def evaluate(alarm: CompositeAlarm, states: ChildStates, now: float) -> CompositeAlarm:
    """The alarm after a look at `states`, in which at least its children and suppressor are found if they are there."""
    looked = _looked(alarm, states, now)
    suppressor, _ = states.get(alarm.suppressor, ("", 0.0))
    return _held_back(looked, suppressor, now, transitioned=looked.state != alarm.state)


def acts(alarm: CompositeAlarm) -> bool:
    """Whether actions of the present state are owed and nothing holds them back."""
    return alarm.acted_at is None and not alarm.suppressed_by


def _looked(alarm: CompositeAlarm, states: ChildStates, now: float) -> CompositeAlarm:
    rule = parse(alarm.rule)
    seen = {name: states[name] for name in children(rule) if name in states}
    if seen == alarm.seen:
        return alarm
    state = ALARM if holds(rule, {name: state for name, (state, _) in seen.items()}) else OK
    looked = replace(alarm, seen=seen)
    if state == alarm.state:
        return looked
    changed = [name for name in seen if alarm.seen is None or alarm.seen.get(name) != seen[name]]
    return replace(
        looked,
        state=state,
        state_reason=_reason(alarm, state, changed, seen),
        state_reason_data=_reason_data(alarm, changed, seen),
        state_updated_at=now,
        acted_at=None,
        results=(),
    )


def _held_back(alarm: CompositeAlarm, suppressor: str, now: float, *, transitioned: bool) -> CompositeAlarm:
    by, until = alarm.suppressed_by, alarm.suppressed_until
    if not alarm.suppressor:
        by = ""
    elif suppressor == ALARM:
        by = BY_ALARM
    elif transitioned:
        by, until = WAIT_PERIOD, now + (alarm.wait_period or 0)
    elif by == BY_ALARM:
        by, until = EXTENSION_PERIOD, now + (alarm.extension_period or 0)
    if by in (WAIT_PERIOD, EXTENSION_PERIOD) and now >= until:
        by = ""
    return replace(alarm, suppressed_by=by, suppressed_until=until if by in (WAIT_PERIOD, EXTENSION_PERIOD) else 0.0)


def _reason(alarm: CompositeAlarm, state: str, changed: Iterable[str], seen: ChildStates) -> str:
    """AWS's wording (cw:cloudwatch-and-eventbridge); of several children that changed, the last one."""
    if alarm.seen is None or not changed:
        verb = "created" if alarm.state_reason == UNCHECKED else "updated"
        return f"{alarm.arn} was {verb} and its alarm rule evaluates to {state}"
    last = max(changed, key=lambda name: seen[name][1])
    child_state, since = seen[last]
    return f"{_arn(alarm, last)} transitioned to {child_state} at {spoken(since)}"


def _reason_data(alarm: CompositeAlarm, changed: Iterable[str], seen: ChildStates) -> str:
    """The children that made the difference, as many as AWS's 4000 characters hold."""
    triggering: list[dict[str, Any]] = []
    for name in changed:
        state, since = seen[name]
        triggering.append({"arn": _arn(alarm, name), "state": {"value": state, "timestamp": iso_offset(since)}})
    while len(to_json({"triggeringAlarms": triggering})) > LONGEST_DATA:
        triggering.pop()
    return to_json({"triggeringAlarms": triggering})


def _arn(alarm: CompositeAlarm, name: str) -> str:
    """Of another alarm: all are of one account and region (cw:alarm-combining)."""
    return alarm.arn.removesuffix(alarm.name) + name
