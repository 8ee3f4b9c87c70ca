"""Scheduled actions: what one does to its group, and when it is over (aws-facts §4.4; asg:ec2-auto-scaling-scheduled-scaling).

* An action runs at `next_at`, or as soon after as anyone looks: its first time is the start time or else the first of its
  recurrence, each further one follows from the recurrence. Times that pass while nobody looks are one run, not several.
* Sizes that it does not give stay. The desired capacity, given or not, ends within the bounds as they are then: AWS asks to
  give bounds along with a capacity outside them.
* It is gone after its only run, and after its end time.
"""

from dataclasses import dataclass

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import SCHEDULED, Decision


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """`recurrence` is a cron expression by the clocks of `time_zone`, empty for an action that runs once. `start_time` is what
    the user gave; `next_at` is when it runs next."""

    name: str
    arn: str
    group: str
    next_at: float
    start_time: float | None = None
    end_time: float | None = None
    recurrence: str = ""
    time_zone: str = ""
    min_size: int | None = None
    max_size: int | None = None
    desired_capacity: int | None = None

    @property
    def key(self) -> str:
        return f"{self.group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resized:
    """A group's sizes after an action, with the arithmetic, and what is wrong with them ("" when nothing is)."""

    min_size: int
    max_size: int
    wanted: int
    desired: int
    arithmetic: str
    why: str = ""


def is_over(action: ScheduledAction, next_at: float | None) -> bool:
    """Whether there is no further run: `next_at` is when the recurrence comes up again, None when never."""
    return next_at is None or (action.end_time is not None and next_at > action.end_time)


def resized(action: ScheduledAction, group: AutoScalingGroup) -> Resized:
    """What the action makes of the group."""
    current = group.desired_capacity
    low = group.min_size if action.min_size is None else action.min_size
    high = group.max_size if action.max_size is None else action.max_size
    wanted = current if action.desired_capacity is None else action.desired_capacity
    given = {"minimum": action.min_size, "maximum": action.max_size, "desired capacity": action.desired_capacity}
    text = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    if low > high:
        why = f"the minimum of {low} would be above the maximum of {high}, so nothing was changed"
        return Resized(group.min_size, group.max_size, current, current, text, why)
    desired = min(max(wanted, low), high)
    if desired == wanted:
        return Resized(low, high, wanted, desired, text)
    bound = f"maximum of {high}" if desired < wanted else f"minimum of {low}"
    return Resized(low, high, wanted, desired, text, f"brought to {desired} by the {bound}")


def decision(
    action: ScheduledAction, group: AutoScalingGroup, sizes: Resized, now: float, decision_id: str
) -> Decision:
    """The record of a run."""
    nothing = sizes.desired == group.desired_capacity and not sizes.why
    return Decision(
        decision_id=decision_id,
        group=group.name,
        policy=action.name,
        alarm="",
        at=now,
        metric_value=None,
        current=group.desired_capacity,
        wanted=sizes.wanted,
        desired=sizes.desired,
        why="that is what there is already" if nothing else sizes.why,
        kind=SCHEDULED,
        arithmetic=sizes.arithmetic,
        minimum=sizes.min_size,
        maximum=sizes.max_size,
    )


def lost(action: ScheduledAction, group: AutoScalingGroup, now: float, decision_id: str) -> Decision:
    """The record of a run that was due while the process ScheduledActions was suspended
    (asg:as-suspend-resume-processes: it is not made up for)."""
    same = group.desired_capacity
    sizes = Resized(
        group.min_size, group.max_size, same, same, "", "the process ScheduledActions is suspended, so it is lost"
    )
    return decision(action, group, sizes, now, decision_id)
