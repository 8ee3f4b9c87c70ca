"""When a metric alarm is evaluated, on which data points, and what becomes of it (cw:alarm-evaluation).

The window slides: it ends with the last whole minute (the last whole 10 s for periods of 10, 20 and 30 s, the last whole hour
for alarms over more than a day) and is cut into periods backwards from there, whatever the clock says. An evaluation looks at
an *evaluation range*, a little longer than N periods. AWS does not publish how much longer; its example shows 5 for N = 3, so
the lab takes N + 2.

                      enough breaching
        ┌──────┐ ─────────────────────────▶ ┌───────┐
        │  OK  │ ◀───────────────────────── │ ALARM │
        └──────┘     too few breaching      └───────┘
            ▲  ╲                              ╱  ▲
   data     │    ╲  no data at all          ╱    │ data
            │      ▼                      ▼      │
            └────────── INSUFFICIENT_DATA ───────┘
"""

from collections.abc import Sequence
from dataclasses import replace

from lab.core.cloudwatch.model import MetricAlarm
from lab.core.cloudwatch.query import Read
from lab.core.cloudwatch.query import evaluate as evaluate_queries
from lab.core.cloudwatch.reasons import reason, reason_data
from lab.core.cloudwatch.verdict import Datapoint, decide

EXTRA_PERIODS = 2
MINUTE, HOUR, DAY = 60, 3600, 86400
SHORT = 10
"""The cadence of alarms with periods of 10, 20 and 30 s."""


def cadence(alarm: MetricAlarm) -> int:
    """Lab seconds between two evaluations."""
    if alarm.period < MINUTE:
        return SHORT
    return HOUR if alarm.period * alarm.evaluation_periods > DAY else MINUTE


def is_due(alarm: MetricAlarm, last: float | None, now: float) -> bool:
    """Whether a tick of the cadence, or a new configuration, came after the `last` evaluation (None: there was none)."""
    if last is None or alarm.configured_at > last:
        return True
    return now // cadence(alarm) > last // cadence(alarm)


def evaluation_range(alarm: MetricAlarm, now: float) -> tuple[float, ...]:
    """The starts of the periods to look at, oldest first."""
    end = now // cadence(alarm) * cadence(alarm)
    count = alarm.evaluation_periods + EXTRA_PERIODS
    return tuple(end - alarm.period * back for back in range(count, 0, -1))


def datapoints(alarm: MetricAlarm, read: Read, now: float) -> tuple[Datapoint, ...]:
    """The data points of the evaluation range. What was measured before the alarm was made counts too, as on AWS."""
    starts = evaluation_range(alarm, now)
    if alarm.metric is None:
        [series] = evaluate_queries(alarm.queries, read, starts, alarm.period).values()
        return tuple(map(Datapoint, starts, series.values))
    points = []
    for start in starts:
        found = read(alarm.metric, start, alarm.period, alarm.unit)
        value = None if found is None else found.get(alarm.statistic)
        points.append(Datapoint(start, value, None if found is None else found.sample_count))
    return tuple(points)


def evaluate(alarm: MetricAlarm, points: Sequence[Datapoint], now: float) -> MetricAlarm:
    """The alarm after looking at `points` (oldest first, one for each period of `evaluation_range`). Of a state that stays,
    only `recent` is new."""
    verdict = decide(alarm, points)
    looked = replace(alarm, recent=tuple(point.value for point in verdict.used if point.value is not None))
    if verdict.state is None or verdict.state == alarm.state:
        return looked
    return replace(
        looked,
        state=verdict.state,
        state_reason=reason(alarm, verdict.state, verdict),
        state_reason_data=reason_data(alarm, verdict, now),
        state_updated_at=now,
        acted_at=None,
        results=(),
    )
