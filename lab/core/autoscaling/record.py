"""The log of decisions: every look leaves one, and the log stays short enough to be read.

What comes to the same conclusion as the look before it is folded into that one's row: a policy whose alarm lasts is asked
every minute, and mostly there is nothing new. The row keeps how often, since when, until when and the range of the values;
its arithmetic is the last one's. Whatever changes a capacity has a row of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import FORECAST, USER, Decision

KEPT = 200
"""Decisions kept of each group."""
GAP, FORECAST_GAP = 300.0, 7200.0
"""Lab seconds without a look after which the same conclusion is news again: alarms are looked at each minute, forecasts each
hour."""


def folded(decision: Decision, earlier: Sequence[Decision]) -> Decision:
    """The decision as a row: `earlier` are the group's, in the order in which they were made."""
    last = next((one for one in reversed(earlier) if _subject(one) == _subject(decision)), None)
    if last is None or not _repeats(decision, last) or any(_changed(one) and one.at > last.at for one in earlier):
        return decision
    values = [one for one in (last.lowest, last.highest, last.metric_value, decision.metric_value) if one is not None]
    return replace(
        decision,
        decision_id=last.decision_id,
        at=last.at,
        last_at=decision.at,
        count=last.count + 1,
        lowest=min(values, default=None),
        highest=max(values, default=None),
    )


def asked(group: AutoScalingGroup, after: AutoScalingGroup, action: str, now: float, decision_id: str) -> Decision:
    """What a user's own action made of the group's capacity."""
    return Decision(
        decision_id=decision_id,
        group=group.name,
        policy=action,
        alarm="",
        at=now,
        metric_value=None,
        current=group.desired_capacity,
        wanted=after.desired_capacity,
        desired=after.desired_capacity,
        why="",
        kind=USER,
        minimum=after.min_size,
        maximum=after.max_size,
    )


def surplus(decisions: Sequence[Decision]) -> list[Decision]:
    """Those of a group to forget: the ones that were so longest ago."""
    return sorted(decisions, key=lambda one: one.until)[: max(0, len(decisions) - KEPT)]


def _repeats(decision: Decision, last: Decision) -> bool:
    same = _conclusion(decision) == _conclusion(last)
    gap = FORECAST_GAP if decision.kind == FORECAST else GAP
    return same and not _changed(decision) and decision.at - last.until <= gap


def _changed(decision: Decision) -> bool:
    return decision.current != decision.desired


def _subject(decision: Decision) -> tuple[str, str, str]:
    return decision.kind, decision.policy, decision.alarm


def _conclusion(decision: Decision) -> tuple[object, ...]:
    return decision.current, decision.wanted, decision.desired, decision.why, decision.minimum, decision.maximum
