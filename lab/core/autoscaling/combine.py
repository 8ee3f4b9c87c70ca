"""Several policies of one group: what comes of all their wishes together (aws-facts §4.1; asg:as-scale-based-on-demand).

An alarm invokes one policy at a time, but what it may do depends on the others. So at each invocation every enabled policy of
the group is asked what it wants now, from its own alarms and their newest data: whoever is in ALARM has a wish. Then:

1. Out. If any wish is above the desired capacity, the largest wins, whoever was invoked. (A policy whose wish has won already
   asks for nothing more when its own turn comes.)
2. In, when the invoked policy wants it. The largest capacity wins here too: another policy that wants to scale in less, or
   one in ALARM that wants to stay, prevails. A target tracking policy, besides, scales in only if every other one that may
   scale in is ready to: its Low alarm is in ALARM as well. Step and simple policies do not wait for those.
3. In stops at the capacity that a predictive policy forecasts for the hour.
4. The group's bounds hold in the end.

Asked at any moment, in any order, it gives the same answer for the same alarms and instances.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.core.autoscaling.available import clamped
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import POLICY, TARGET_TRACKING, Decision
from lab.core.autoscaling.wish import Wish, instances


@dataclass(frozen=True, slots=True)
class Others:
    """What the other policies have to say: their wishes; by name, the state of the Low alarm of each target tracking policy
    that may scale in and is not ready to; and the forecast that holds the capacity up, as policy and capacity."""

    wishes: Sequence[Wish] = ()
    unready: Mapping[str, str] | None = None
    floor: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision, and the wish that has won."""

    decision: Decision
    winner: Wish


def decide(
    group: AutoScalingGroup, invoked: Wish, others: Others, now: float, decision_id: str, kind: str = POLICY
) -> Outcome:
    """What the group is to do when `invoked` is, by an alarm or (`kind`) by a user."""
    current = group.desired_capacity
    winner, wanted, why = _combined(current, invoked, others)
    desired = clamped(wanted, group)
    parts = [why, _cap(wanted, desired, group), _nothing(current, wanted, desired, why or invoked.held)]
    decision = Decision(
        decision_id=decision_id,
        group=group.name,
        policy=invoked.policy.name,
        alarm=invoked.breach.alarm,
        at=now,
        metric_value=invoked.value,
        current=current,
        wanted=wanted,
        desired=desired,
        why="; ".join(part for part in parts if part),
        kind=kind,
        policy_type=invoked.policy.policy_type,
        metric=invoked.breach.metric,
        threshold=_threshold(invoked),
        arithmetic=invoked.arithmetic,
        minimum=group.min_size,
        maximum=group.max_size,
    )
    return Outcome(decision, winner)


def _combined(current: int, invoked: Wish, others: Others) -> tuple[Wish, int, str]:
    """The wish that wins, the capacity that comes of it, and why where it is not just what the invoked policy asked for."""
    largest = max([invoked, *others.wishes], key=lambda one: one.capacity)
    if largest.capacity > current:
        return largest, largest.capacity, _instead(largest, invoked)
    if invoked.capacity == current:
        return invoked, current, invoked.held
    unready = others.unready or {}
    if invoked.policy.policy_type == TARGET_TRACKING and unready:
        names = " and ".join(f"{name} (its low alarm is {state})" for name, state in unready.items())
        return invoked, current, f"scale-in waits until all agree, and {names} {_does(len(unready))} not"
    if largest.capacity == current:
        return invoked, current, f"{largest.policy.name} wants to stay at {current}, and the largest capacity wins"
    floor = others.floor
    if floor is not None and largest.capacity < floor[1]:
        kept = min(current, floor[1])
        return largest, kept, f"the forecast of {floor[0]} keeps {instances(kept)} for this hour"
    return largest, largest.capacity, _instead(largest, invoked)


def _instead(winner: Wish, invoked: Wish) -> str:
    if winner.capacity == invoked.capacity:
        return ""
    return f"{winner.policy.name} asks for {winner.capacity}, and the largest capacity wins"


def _does(count: int) -> str:
    return "does" if count == 1 else "do"


def _cap(wanted: int, desired: int, group: AutoScalingGroup) -> str:
    if desired == wanted:
        return ""
    bound = f"maximum of {group.max_size}" if desired < wanted else f"minimum of {group.min_size}"
    return f"capped to {desired} by the group's {bound}"


def _nothing(current: int, wanted: int, desired: int, why: str) -> str:
    """That nothing changes, where no other words say so."""
    return "that is what there is already" if current == wanted == desired and not why else ""


def _threshold(wish: Wish) -> float | None:
    if wish.value is None:
        return None
    tracking = wish.policy.target_tracking
    return wish.breach.threshold if tracking is None else tracking.target_value
