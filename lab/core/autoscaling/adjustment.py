"""Adjustment types: what a number in a step or simple policy does to a capacity (aws-facts §4.2; asg:as-scaling-simple-step).

Percentages are rounded as AWS rounds: above 1 down, between 0 and 1 to 1, between −1 and 0 to −1, below −1 towards zero. A
minimum magnitude makes a percentage at least so many instances; it does not turn 0 % into a change.
"""

from dataclasses import dataclass

from lab.core.autoscaling.policy import Adjustment

CHANGE, PERCENT, EXACT = "ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"
ADJUSTMENT_TYPES = (CHANGE, EXACT, PERCENT)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A capacity after an adjustment, and the arithmetic."""

    capacity: int
    arithmetic: str


def adjusted(adjustment: Adjustment, amount: int, base: int, what: str) -> Adjusted:
    """`base` adjusted by `amount`; `what` calls the base by name. Never below 0."""
    if adjustment.adjustment_type == EXACT:
        return Adjusted(amount, f"exactly {amount}")
    if adjustment.adjustment_type == CHANGE:
        capacity = max(0, base + amount)
        return Adjusted(capacity, f"{base} {what} {_signed(amount)} = {capacity}")
    change = rounded(base * amount, 100)
    least = adjustment.min_magnitude or 0
    text = f"{amount} % of {base} {what} is {base * amount / 100:g}"
    if change != 0 and abs(change) < least:
        change = least if change > 0 else -least
        text += f", at least {least}"
    elif change * 100 != base * amount:
        text += f", rounded to {change}"
    capacity = max(0, base + change)
    return Adjusted(capacity, f"{text}: {base} {_signed(change)} = {capacity}")


def rounded(numerator: int, denominator: int) -> int:
    """A quotient as AWS rounds it, without floating point."""
    whole = abs(numerator) // denominator
    if whole == 0 and numerator != 0:
        whole = 1
    return whole if numerator > 0 else -whole


def _signed(amount: int) -> str:
    return f"+ {amount}" if amount >= 0 else f"− {-amount}"
