"""What one policy wants of its group now, before the others are asked and the bounds are kept."""

from dataclasses import dataclass

from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.cloudwatch.model import ALARM, MetricAlarm

NO_DATA = "the alarm has no data point to go by"


@dataclass(frozen=True, slots=True)
class Breach:
    """What a policy is invoked with: an alarm in a state, or a user's word for one (`alarm` is empty then). `values` are the
    data points the alarm rests on, newest last; `above` whether it is one for values above its threshold."""

    alarm: str
    metric: str
    threshold: float
    values: tuple[float, ...]
    above: bool
    state: str = ALARM


def breach_of(alarm: MetricAlarm) -> Breach:
    above = alarm.comparison_operator.startswith("Greater")
    return Breach(alarm.name, subject(alarm), alarm.threshold, alarm.recent, above, alarm.state)


def subject(alarm: MetricAlarm) -> str:
    """What the alarm is on, for people: a metric's name, or an expression by its label."""
    if alarm.metric is not None:
        return alarm.metric.name
    watched = next(query for query in alarm.queries if query.return_data)
    return watched.label or watched.expression


@dataclass(frozen=True, slots=True)
class Wish:
    """The capacity a policy asks for at a breach, and the arithmetic of it.

    `capacity` is the desired capacity itself when it asks for nothing; then `held` says what keeps it from asking, if it is
    not the arithmetic. `failure` is AWS's message when the policy cannot be carried out at all.
    """

    policy: ScalingPolicy
    breach: Breach
    value: float | None
    capacity: int
    arithmetic: str = ""
    held: str = ""
    failure: str = ""


def instances(count: int) -> str:
    """`1 instance`, `2 instances`."""
    return f"{count} instance{'' if count == 1 else 's'}"


def number(value: float) -> str:
    """A metric's value for people: `80`, `80.3`, `0.0123`, `1536000`."""
    if value == 0 or 1 <= abs(value) < 1e15:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.3g}"
