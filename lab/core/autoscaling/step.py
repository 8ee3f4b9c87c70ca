"""Step scaling: which step a breach falls into, and the capacity it asks for (aws-facts §4.2; asg:as-scaling-simple-step).

Bounds are relative to the alarm's threshold. Above it a step holds its lower bound and not its upper one; below it the other
way round:

    threshold 50        −20      −10        0        10       20
                  ───────]────────]────────][────────[────────[───────

A step is reckoned from the current capacity: scaling out from the instances that are warm, scaling in from those that are
warm or terminating. What comes out is held against the desired capacity, which is what has been asked for already. So a
breach that lasts adds nothing while its instances warm up, and a worse one adds the difference.
"""

from collections.abc import Sequence

from lab.core.autoscaling.adjustment import EXACT, adjusted
from lab.core.autoscaling.available import Capacity
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import ScalingPolicy, Step, StepScaling
from lab.core.autoscaling.target_tracking import scale_in_waits
from lab.core.autoscaling.wish import NO_DATA, Breach, Wish, number

AGGREGATIONS = ("Average", "Maximum", "Minimum")
MOST_STEPS = 20


def aggregated(values: Sequence[float], aggregation: str) -> float:
    """The alarm's newest data points as one, by the policy's MetricAggregationType."""
    match aggregation:
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
    return sum(values) / len(values)


def matching(steps: Sequence[Step], difference: float, *, above: bool) -> Step | None:
    """The step for a metric that is `difference` above the threshold. At the threshold itself both readings fit, and the one
    that the alarm is for holds: `above`."""
    from_above = difference > 0 or (difference == 0 and above)
    return next((step for step in steps if _holds(step, difference, above=from_above)), None)


def _holds(step: Step, difference: float, *, above: bool) -> bool:
    lower = float("-inf") if step.lower is None else step.lower
    upper = float("inf") if step.upper is None else step.upper
    return lower <= difference < upper if above else lower < difference <= upper


def not_found(values: Sequence[float], threshold: float) -> str:
    """AWS's message when no step fits (github.com/DFE-Digital/teaching-vacancies/pull/58)."""
    return f"No step adjustment found for metric value {list(values)} and breach threshold {threshold}"


def wish(policy: ScalingPolicy, group: AutoScalingGroup, breach: Breach, capacity: Capacity) -> Wish:
    """The capacity the policy asks for while the alarm is in ALARM."""
    desired = group.desired_capacity
    scaling = stepping(policy)
    if not breach.values:
        return Wish(policy, breach, None, desired, held=NO_DATA)
    value = aggregated(breach.values, scaling.aggregation)
    # What floating point adds to a difference must not carry it over a bound.
    step = matching(scaling.steps, round(value - breach.threshold, 9), above=breach.above)
    if step is None:
        failure = not_found(breach.values, breach.threshold)
        return Wish(policy, breach, value, desired, held="no step fits the value", failure=failure)
    wanted, arithmetic, held = _stepped(scaling, step, desired, capacity)
    return Wish(policy, breach, value, wanted, arithmetic, held)


def _stepped(scaling: StepScaling, step: Step, desired: int, capacity: Capacity) -> tuple[int, str, str]:
    """The desired capacity after a step, the arithmetic, and what holds it back."""
    exact, amount = scaling.adjustment.adjustment_type == EXACT, step.adjustment
    into = amount < desired if exact else amount < 0
    base, what = capacity.warm, "warm"
    if into and capacity.terminating:
        base, what = capacity.warm + capacity.terminating, "warm or terminating"
    result = adjusted(scaling.adjustment, amount, base, what)
    text = f"step {_span(step)}: {result.arithmetic}"
    if not into:
        return max(desired, result.capacity), text, ""
    held = scale_in_waits(capacity, desired) if result.capacity < desired else ""
    return (desired if held else min(desired, result.capacity)), text, held


def _span(step: Step) -> str:
    lower = "−∞" if step.lower is None else _signed(step.lower)
    upper = "+∞" if step.upper is None else _signed(step.upper)
    return f"{lower} to {upper}"


def _signed(bound: float) -> str:
    return f"+{number(bound)}" if bound > 0 else number(bound).replace("-", "−")


def stepping(policy: ScalingPolicy) -> StepScaling:
    if policy.step is None:
        raise ValueError(f"{policy.name} is not of type StepScaling")
    return policy.step
