"""Predictive scaling: an hourly forecast of a group's load from its own history, and the capacity it takes
(aws-facts §4.5; asg:ec2-auto-scaling-predictive-scaling). AWS forecasts by machine learning; this is a plain method, stated:

* History is the load of each whole hour of the last 14 days; at least 24 hours of it.
* Season: the load expected in an hour is the weighted mean of the same hour of the days before. A day's weight halves with
  every week it is away; the same day of the week counts seven times, as much as all days of a week.
* Level: the season is scaled by how the last 24 hours compared with what the season made of them, within a half and twice.
* Capacity: the load divided by what one instance takes at the target value, rounded up. What a unit of load means for the
  scaling metric is read from the same history.

    load(h) = level × Σ w(d)·load(h − d days) / Σ w(d)        w(d) = 2^(−(d−1)/7), × 7 for d = 7 and 14
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HOUR, DAY = 3600, 86400
HISTORY_DAYS = 14
NEEDED_HOURS = 24
AHEAD_HOURS = 48
REFRESH = 6 * HOUR
RETRY = HOUR
"""Lab seconds until the next try when there is not enough history."""
DEFAULT_BUFFER = 300.0
LEVELS = (0.5, 2.0)
WEEK = 7

PAIRS = {
    "ASGCPUUtilization": ("ASGTotalCPUUtilization", "ASGAverageCPUUtilization"),
    "ASGNetworkIn": ("ASGTotalNetworkIn", "ASGAverageNetworkIn"),
    "ASGNetworkOut": ("ASGTotalNetworkOut", "ASGAverageNetworkOut"),
    "ALBRequestCount": ("ALBTargetGroupRequestCount", "ALBRequestCountPerTarget"),
}
"""A metric pair's load metric and scaling metric (bc:autoscaling.PredefinedMetricPairType)."""

History = Mapping[int, float]
"""By the start of each whole hour (lab time), the load in it."""


@dataclass(frozen=True, slots=True)
class ForecastHour:
    """The hour from `start`: the load that is expected, and the capacity that it takes."""

    start: int
    load: float
    capacity: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of one policy, keyed by the policy's ARN: its hours, past ones for as long as history goes back. `made_at`
    is when it was last tried; `problem` says why it could not be made. `applied` is the start of the last hour whose capacity
    the group was held to."""

    policy: str
    made_at: float
    hours: tuple[ForecastHour, ...] = ()
    problem: str = ""
    applied: int = 0

    @property
    def key(self) -> str:
        return self.policy


def hours_before(now: float) -> range:
    """The starts of the whole hours that history looks at, oldest first."""
    this = int(now // HOUR) * HOUR
    return range(this - HISTORY_DAYS * DAY, this, HOUR)


def is_due(forecast: Forecast, now: float) -> bool:
    """Whether the forecast is to be made anew."""
    return now - forecast.made_at >= (RETRY if forecast.problem else REFRESH)


def forecast(
    load: History, demand: History, target: float, policy: str, known: Forecast | None, now: float
) -> Forecast:
    """The next 48 hours. `demand` is, for each hour, the scaling metric times the instances it was measured over: what would
    be `target` for each instance. Hours already past stay as they were forecast."""
    if len(load) < NEEDED_HOURS:
        problem = f"there are {len(load)} hours of load so far, and a forecast needs {NEEDED_HOURS}"
        return Forecast(policy, now, known.hours if known else (), problem, known.applied if known else 0)
    this = int(now // HOUR) * HOUR
    ratio = _ratio(load, demand)
    level = _level(load, this)
    made = []
    for start in range(this, this + AHEAD_HOURS * HOUR, HOUR):
        expected = _season(load, start)
        if expected is not None:
            made.append(ForecastHour(start, level * expected, needed(level * expected * ratio, target)))
    oldest = this - HISTORY_DAYS * DAY
    past = [hour for hour in (known.hours if known else ()) if oldest <= hour.start < this]
    return Forecast(policy, now, (*past, *made), "", known.applied if known else 0)


def needed(demand: float, target: float) -> int:
    """Instances at the target value, rounded up but for what floating point adds."""
    return max(0, math.ceil(round(demand / target, 9)))


def _season(load: History, start: int) -> float | None:
    """The weighted mean of the same hour of earlier days, None when there is none."""
    pairs = [(_weight(day), load[start - day * DAY]) for day in range(1, HISTORY_DAYS + 1) if start - day * DAY in load]
    total = sum(weight for weight, _ in pairs)
    return sum(weight * value for weight, value in pairs) / total if pairs else None


def _weight(day: int) -> float:
    return math.exp2(-(day - 1) / WEEK) * (WEEK if day % WEEK == 0 else 1)


def _level(load: History, this: int) -> float:
    """How the last 24 hours compare with what the season made of them."""
    pairs = [
        (load[start], season)
        for start in range(this - DAY, this, HOUR)
        if start in load and (season := _season(load, start)) is not None
    ]
    expected = sum(season for _, season in pairs)
    if len(pairs) < NEEDED_HOURS // 2 or expected <= 0:
        return 1.0
    return min(max(sum(actual for actual, _ in pairs) / expected, LEVELS[0]), LEVELS[1])


def _ratio(load: History, demand: History) -> float:
    """Demand per unit of load, over the hours that have both."""
    both = [start for start in load if start in demand]
    total = sum(load[start] for start in both)
    return sum(demand[start] for start in both) / total if total > 0 else 0.0


def floor(hours: Iterable[ForecastHour], buffer: float, now: float) -> ForecastHour | None:
    """The hour whose capacity the group is to have now: of this one and, `buffer` seconds ahead of it, the next, the one that
    takes more."""
    due = [hour for hour in hours if hour.start - buffer <= now < hour.start + HOUR]
    return max(due, key=lambda hour: (hour.capacity, -hour.start), default=None)


def hour_at(hours: Sequence[ForecastHour], buffer: float, now: float) -> ForecastHour | None:
    """The newest hour that has begun, `buffer` seconds ahead counted as begun."""
    begun = [hour for hour in hours if hour.start - buffer <= now < hour.start + HOUR]
    return begun[-1] if begun else None


def raised_maximum(capacity: int, buffer_percent: int, maximum: int) -> int:
    """The group's maximum when the policy may increase it: the forecast capacity and a buffer above it
    (bc:autoscaling.PredictiveScalingConfiguration: a forecast of 50 with a buffer of 10 makes 55)."""
    return max(maximum, -(-capacity * (100 + buffer_percent) // 100))
