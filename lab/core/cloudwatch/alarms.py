"""Alarm evaluation: M of N data points, missing data, and the reason in AWS's words (cw:alarm-evaluation,
cw:alarms-and-missing-data; aws-facts §5.3 holds the truth tables that the tests check).

An evaluation looks at an *evaluation range*, a little longer than N periods. AWS does not publish how much longer; its
example shows 5 for N = 3, so the lab takes N + 2.

                      enough breaching
        ┌──────┐ ─────────────────────────▶ ┌───────┐
        │  OK  │ ◀───────────────────────── │ ALARM │
        └──────┘     too few breaching      └───────┘
            ▲  ╲                              ╱  ▲
   data     │    ╲  no data at all          ╱    │ data
            │      ▼                      ▼      │
            └────────── INSUFFICIENT_DATA ───────┘
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm
from lab.core.times import alarm_date

EXTRA_PERIODS = 2

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True, slots=True)
class Datapoint:
    """One period of the range: its start (lab time) and value, None where there was no data."""

    start: float
    value: float | None


def evaluation_range(alarm: MetricAlarm, now: float) -> tuple[float, ...]:
    """The starts of the periods to look at, oldest first. The last is the newest period that is over."""
    newest = (now // alarm.period) * alarm.period - alarm.period
    count = alarm.evaluation_periods + EXTRA_PERIODS
    return tuple(newest - alarm.period * back for back in range(count - 1, -1, -1))


def is_due(alarm: MetricAlarm, now: float) -> bool:
    """An alarm is evaluated once in each period of a minute or more, and at least every 10 s below that."""
    cadence = 60 if alarm.period >= 60 else 10
    return now // cadence > alarm.evaluated_at // cadence


def evaluate(alarm: MetricAlarm, points: Sequence[Datapoint], now: float) -> MetricAlarm:
    """The alarm after looking at `points` (oldest first, one for each period of `evaluation_range`)."""
    state, used = _decide(alarm, points)
    recent = tuple(point.value for point in used if point.value is not None)
    looked = replace(alarm, evaluated_at=now, recent=recent)
    if state is None or state == alarm.state:
        return looked
    return replace(looked, state=state, state_reason=_reason(alarm, state, used), state_updated_at=now, acted_at=None)


def _decide(alarm: MetricAlarm, points: Sequence[Datapoint]) -> tuple[str | None, Sequence[Datapoint]]:
    """The new state (None: keep what is) and the data points it rests on."""
    breaches = COMPARISONS[alarm.comparison_operator][0]
    wanted = alarm.evaluation_periods
    needed = alarm.datapoints_to_alarm or wanted
    real = [point for point in points if point.value is not None]
    treatment = alarm.treat_missing_data or "missing"

    # 1. Enough real data points in the range: the newest of them decide, what is missing is passed over.
    if len(real) >= wanted:
        used = real[-wanted:]
        return (ALARM if _breaching(used, alarm, breaches) >= needed else OK), used

    # 2. No data at all: the treatment alone decides.
    if not real:
        state = {"missing": INSUFFICIENT_DATA, "ignore": None, "breaching": ALARM, "notBreaching": OK}[treatment]
        return state, ()

    # 3. Some data: the shortfall is filled as the treatment says, and every real point counts.
    breaching = _breaching(real, alarm, breaches)
    filled = wanted - len(real)
    if treatment == "breaching":
        return (ALARM if breaching + filled >= needed else OK), real
    if treatment == "notBreaching":
        return (ALARM if breaching >= needed else OK), real
    if breaching >= needed:
        return ALARM, real
    # Only breaching points and too few of them: no alarm before its time. It comes once the oldest breaching point is
    # M periods old and nothing newer says otherwise.
    if breaching == len(real):
        age = len(points) - points.index(real[0])
        if age >= needed and treatment == "missing":
            return ALARM, real
        return None, real
    return OK, real


def _breaching(points: Sequence[Datapoint], alarm: MetricAlarm, breaches: Callable[[float, float], bool]) -> int:
    return sum(1 for point in points if point.value is not None and breaches(point.value, alarm.threshold))


def _reason(alarm: MetricAlarm, state: str, used: Sequence[Datapoint]) -> str:
    """AWS's wording of why the state changed (aws-facts §5.3)."""
    if not used:
        if state == INSUFFICIENT_DATA:
            count = alarm.evaluation_periods
            return f"Insufficient Data: {count} datapoint{'s were' if count > 1 else ' was'} unknown."
        treated = "[Breaching]" if state == ALARM else "[NonBreaching]"
        return (
            f"Threshold Crossed: no datapoints were received for {alarm.evaluation_periods} periods and "
            f"{alarm.evaluation_periods} missing datapoints were treated as {treated}."
        )
    breaches, words = COMPARISONS[alarm.comparison_operator]
    wanted = state == ALARM
    shown = [p for p in used if p.value is not None and breaches(p.value, alarm.threshold) == wanted] or list(used)
    listed = ", ".join(f"{p.value} ({alarm_date(p.start)})" for p in reversed(shown))
    plural = len(shown) != 1
    verb = ("were" if plural else "was") + ("" if wanted else " not")
    needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
    minimum = needed if wanted else alarm.evaluation_periods - needed + 1
    return (
        f"Threshold Crossed: {len(shown)} out of the last {len(used)} datapoint{'s' if len(used) != 1 else ''} "
        f"[{listed}] {verb} {words} the threshold ({alarm.threshold}) "
        f"(minimum {minimum} datapoint{'s' if minimum != 1 else ''} for {alarm.state} -> {state} transition)."
    )
