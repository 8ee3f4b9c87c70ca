"""What data points say of a metric alarm: M of N, missing data, low sample counts (cw:alarm-evaluation,
cw:alarms-and-missing-data, cw:percentiles-with-low-samples; aws-facts §5.3 holds the truth tables that the tests check).
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lab.core.cloudwatch.extended import extended
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@dataclass(frozen=True, slots=True)
class Datapoint:
    """One period of the range: its start (lab time) and value, None where there was no data; how many samples it rests on,
    None where that cannot be told."""

    start: float
    value: float | None
    sample_count: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation comes to: the state (None: keep what is), the real data points it rests on, oldest first, and the
    missing ones that were filled in, oldest first."""

    state: str | None
    used: tuple[Datapoint, ...]
    filled: tuple[Datapoint, ...] = ()


def decide(alarm: MetricAlarm, points: Sequence[Datapoint]) -> Verdict:
    """`points` are oldest first, one for each period of `evaluation_range`."""
    wanted, needed = alarm.evaluation_periods, needed_to_alarm(alarm)
    real = tuple(point for point in points if point.value is not None)
    breaching = sum(map(breaches(alarm), real))

    # 1. Enough real data points in the range: the newest of them decide, what is missing is passed over.
    if len(real) >= wanted:
        used = real[-wanted:]
        state = ALARM if sum(map(breaches(alarm), used)) >= needed else OK
        return Verdict(None if _too_few_samples(alarm, used) else state, used)

    missing = tuple(point for point in points if point.value is None)[-(wanted - len(real)) :]
    treatment = alarm.treat_missing_data or "missing"

    # 2. No data at all: the treatment alone decides.
    if not real:
        states = {"missing": INSUFFICIENT_DATA, "ignore": None, "breaching": ALARM, "notBreaching": OK}
        return Verdict(states[treatment], (), missing)

    # 3. Some data: the shortfall is filled as the treatment says, and every real point counts.
    if _too_few_samples(alarm, real):
        return Verdict(None, real)
    if treatment in ("breaching", "notBreaching"):
        assumed = len(missing) if treatment == "breaching" else 0
        return Verdict(ALARM if breaching + assumed >= needed else OK, real, missing)
    if breaching >= needed:
        return Verdict(ALARM, real)
    # Only breaching points and too few of them: no alarm before its time. It comes once the oldest breaching point is
    # M periods old and nothing newer says otherwise.
    if breaching == len(real):
        age = len(points) - points.index(real[0])
        return Verdict(ALARM if age >= needed and treatment == "missing" else None, real)
    return Verdict(OK, real)


def needed_to_alarm(alarm: MetricAlarm) -> int:
    """M of M out of N."""
    return alarm.datapoints_to_alarm or alarm.evaluation_periods


def breaches(alarm: MetricAlarm) -> Callable[[Datapoint], bool]:
    """Whether a real data point is on the wrong side of the threshold."""
    compare = COMPARISONS[alarm.comparison_operator]
    return lambda point: point.value is not None and compare(point.value, alarm.threshold)


def samples_needed(percent: Fraction) -> Fraction:
    """How many samples make a percentile significant: 10 in the thinner of the two tails (cw:percentiles-with-low-samples).
    AWS leaves out p0 and p100, which are the minimum and maximum of however few."""
    tail = min(percent, 100 - percent)
    return 1000 / tail if tail > 0 else Fraction(0)


def _too_few_samples(alarm: MetricAlarm, used: Sequence[Datapoint]) -> bool:
    """AWS counts "during the evaluation period": all the periods that are evaluated, taken together."""
    if alarm.evaluate_low_sample_count_percentile != "ignore":
        return False
    statistic = extended(alarm.statistic)
    if statistic is None or statistic.kind != "p" or statistic.high is None:
        return False
    return sum(point.sample_count or 0 for point in used) < samples_needed(statistic.high)
