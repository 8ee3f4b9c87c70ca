"""What PutScalingPolicy is told of step and simple scaling, checked. Messages are AWS's
(github.com/badmintoncryer/cdk-preflight lists them as AWS answers)."""

from itertools import pairwise

from lab.actions.context import Request
from lab.core.autoscaling.adjustment import ADJUSTMENT_TYPES, EXACT, PERCENT
from lab.core.autoscaling.policy import SIMPLE, STEP, Adjustment, SimpleScaling, Step, StepScaling
from lab.core.autoscaling.step import AGGREGATIONS, MOST_STEPS
from lab.core.errors import ValidationError


def step(request: Request) -> StepScaling:
    adjustment = _adjustment(request, STEP)
    given = request.get("StepAdjustments", ())
    if not given:
        raise ValidationError("You should specify at least one StepAdjustment with a StepScaling policy")
    if len(given) > MOST_STEPS:
        raise ValidationError(f"Your policies can have at most {MOST_STEPS} StepAdjustments")
    aggregation = request.get("MetricAggregationType", "")
    if aggregation and aggregation not in AGGREGATIONS:
        raise ValidationError(f"MetricAggregationType must be one of {', '.join(AGGREGATIONS)}, not '{aggregation}'")
    steps = tuple(
        Step(one.get("MetricIntervalLowerBound"), one.get("MetricIntervalUpperBound"), one["ScalingAdjustment"])
        for one in given
    )
    if adjustment.adjustment_type == EXACT and any(one.adjustment < 0 for one in steps):
        raise ValidationError(
            "The lowest value for ScalingAdjustment parameter is 0 with the specified adjustment type"
        )
    check_steps(steps)
    return StepScaling(adjustment, steps, aggregation)


def check_steps(steps: tuple[Step, ...]) -> None:
    """Raises ValidationError unless the steps cover what they cover without a gap, once, and to the end
    (bc:autoscaling.StepAdjustment)."""
    for one in steps:
        if one.lower is None and one.upper is None:
            raise ValidationError("Both lower and upper bounds of a StepAdjustment cannot be left unspecified")
        if one.lower is not None and one.upper is not None and one.lower >= one.upper:
            raise ValidationError(
                f"LowerBound must be less than the UpperBound for StepAdjustment: {one.lower:g} and {one.upper:g}"
            )
    lowers, uppers = [one.lower for one in steps], [one.upper for one in steps]
    for side, bounds in (("lower", lowers), ("upper", uppers)):
        if bounds.count(None) > 1:
            raise ValidationError(f"At most one StepAdjustment may have an unspecified {side} bound")
    _check_ends(lowers, uppers)
    ordered = sorted(steps, key=lambda one: float("-inf") if one.lower is None else one.lower)
    for one, after in pairwise(ordered):
        if one.upper is None or after.lower is None or one.upper > after.lower:
            raise ValidationError("StepAdjustment intervals cannot overlap")
        if one.upper < after.lower:
            raise ValidationError(
                f"StepAdjustment intervals cannot have gaps between them: nothing covers {one.upper:g} to {after.lower:g}"
            )


def _check_ends(lowers: list[float | None], uppers: list[float | None]) -> None:
    lowest = min((bound for bound in lowers if bound is not None), default=0.0)
    highest = max((bound for bound in uppers if bound is not None), default=0.0)
    for side, sign, open_ended, reaches in (
        ("lower", "negative", None in lowers, lowest < 0),
        ("upper", "positive", None in uppers, highest > 0),
    ):
        if reaches and not open_ended:
            raise ValidationError(
                f"There must be a StepAdjustment with an unspecified {side} bound (i.e., {side} bound is null) when one "
                f"StepAdjustment has a {sign} {side} bound"
            )


def simple(request: Request) -> SimpleScaling:
    adjustment = _adjustment(request, SIMPLE)
    amount = request.get("ScalingAdjustment")
    if amount is None:
        raise ValidationError("Scaling increment must be specified for a SimpleScaling policy")
    if adjustment.adjustment_type == EXACT and amount < 0:
        raise ValidationError("The lower range for adjustment is 0 with the specified adjustment type")
    cooldown = request.get("Cooldown")
    return SimpleScaling(adjustment, amount, None if cooldown is None else float(cooldown))


def _adjustment(request: Request, policy_type: str) -> Adjustment:
    kind = request.get("AdjustmentType")
    if kind is None:
        raise ValidationError(f"You must specify an AdjustmentType for policy type: {policy_type}")
    if kind not in ADJUSTMENT_TYPES:
        raise ValidationError(f"AdjustmentType must be one of {', '.join(ADJUSTMENT_TYPES)}, not '{kind}'")
    least = request.get("MinAdjustmentMagnitude", request.get("MinAdjustmentStep"))
    if least is not None and kind != PERCENT:
        raise ValidationError("MinAdjustmentMagnitude is not supported by the specified adjustment type")
    if least is not None and least <= 0:
        raise ValidationError("If specified, MinAdjustmentMagnitude must be greater than zero")
    return Adjustment(kind, least)
