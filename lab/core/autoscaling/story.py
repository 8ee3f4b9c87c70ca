"""Decisions as sentences: what was seen, what was reckoned, what was done and why. `lab why` shows them."""

from lab.core.autoscaling.policy import (
    FORECAST,
    POLICY,
    SCHEDULED,
    SIMPLE,
    STEP,
    TARGET_TRACKING,
    Decision,
)
from lab.core.autoscaling.wish import number
from lab.core.times import clock

KINDS = {TARGET_TRACKING: "target tracking", STEP: "step", SIMPLE: "simple"}


def sentences(decision: Decision) -> list[str]:
    """Each ends with a full stop. Times are lab time's."""
    told = [_seen(decision)]
    if decision.arithmetic:
        told.append(_capital(decision.arithmetic))
    told.append(_done(decision))
    if decision.count > 1:
        told.append(_again(decision))
    return [f"{one}." for one in told]


def why(decision: Decision) -> str:
    """In one line: the arithmetic and what became of it; without one, who wanted it."""
    return decision.reason or _seen(decision)


def _seen(decision: Decision) -> str:
    policy = decision.policy
    if decision.kind == SCHEDULED:
        return f"The scheduled action {policy} came due"
    if decision.kind == FORECAST:
        value = "" if decision.metric_value is None else f" a load of {number(decision.metric_value)}"
        return f"The predictive policy {policy} expects{value or ' nothing yet'}"
    if decision.kind == POLICY:
        return _alarmed(decision)
    if not decision.policy_type:
        return f"A user called {policy}"
    value = "" if decision.metric_value is None else f" with a value of {_value(decision)}"
    return f"A user executed the {KINDS[decision.policy_type]} policy {policy}{value}"


def _alarmed(decision: Decision) -> str:
    kind = KINDS.get(decision.policy_type, "scaling")
    name = f"the {kind} policy {decision.policy}"
    if decision.metric_value is None:
        return f"The alarm {decision.alarm} called {name}"
    if decision.policy_type == TARGET_TRACKING:
        return f"{_capital(name)} saw {decision.metric} at {_value(decision)}"
    return f"The alarm {decision.alarm} saw {decision.metric or 'its metric'} at {_value(decision)} and called {name}"


def _value(decision: Decision) -> str:
    value = "nothing" if decision.metric_value is None else number(decision.metric_value)
    if decision.threshold is None:
        return value
    word = "target" if decision.policy_type == TARGET_TRACKING else "threshold"
    return f"{value} against a {word} of {number(decision.threshold)}"


def _done(decision: Decision) -> str:
    why = f": {decision.why}" if decision.why else ""
    if decision.desired == decision.current:
        return f"The desired capacity stays at {decision.current}{why}"
    return f"The desired capacity goes from {decision.current} to {decision.desired}{why}"


def _again(decision: Decision) -> str:
    values = ""
    if decision.lowest is not None and decision.highest is not None and decision.lowest != decision.highest:
        values = f", {decision.metric} being between {number(decision.lowest)} and {number(decision.highest)}"
    return f"That was so {decision.count} times from {clock(decision.at)} to {clock(decision.until)}{values}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
