"""Simple scaling: one adjustment, and then waiting (aws-facts §4.3; asg:ec2-auto-scaling-scaling-cooldowns).

A simple policy waits for scaling activities and replacements to end, and after the last launch or termination for the cooldown:
the policy's own, else the group's default. Nothing keeps time for it: whether it waits is read from the activities. Only
simple policies wait; and whoever asks for the cooldown to be honoured.
"""

from collections.abc import Iterable, Sequence

from lab.core.autoscaling.adjustment import adjusted
from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import ScalingPolicy, SimpleScaling
from lab.core.autoscaling.wish import Breach, Wish, instances
from lab.core.times import clock

SCALING = (
    "Launching a new EC2 instance: ", "Launching a new EC2 instance from warm pool: ",
    "Terminating EC2 instance: ", "Returning EC2 instance to warm pool: ",
)  # fmt: skip
"""How the descriptions of the activities begin that start a cooldown."""
OF_THE_POOL = ("Launching a new EC2 instance into warm pool", "Terminating EC2 instance from warm pool")
"""Those that a warm pool has by itself: nobody waits for them."""


def waits(
    group: AutoScalingGroup,
    members: Iterable[Member],
    activities: Sequence[Activity],
    cooldown: float,
    now: float,
) -> str:
    """What a simple policy has to wait for at `now`, empty when nothing: `members` and `activities` are all of the group's."""
    open_ones = (one for one in activities if one.end_time is None)
    running = next((one for one in open_ones if not one.description.startswith(OF_THE_POOL)), None)
    if running is not None:
        return f"an activity is in progress ({running.description}), and a simple policy waits for its end"
    alive = [member for member in members if is_capacity(member)]
    lacking = group.desired_capacity - len(alive)
    if lacking > 0:
        return f"{instances(lacking)} yet to be launched, and a simple policy waits for that"
    if lacking < 0 and not all(member.protected for member in alive):
        return f"{instances(-lacking)} yet to be terminated, and a simple policy waits for that"
    scaled = last_scaled(activities)
    if scaled is not None and now < scaled + cooldown:
        return (
            f"in its cooldown of {cooldown:g} s: the last launch or termination ended at {clock(scaled)}, "
            f"so it is ignored until {clock(scaled + cooldown)}"
        )
    return ""


def last_scaled(activities: Iterable[Activity]) -> float | None:
    """When the last instance had been launched or terminated, None when none ever was."""
    ends = [
        activity.end_time
        for activity in activities
        if activity.status_code == "Successful" and activity.description.startswith(SCALING)
    ]
    return max((end for end in ends if end is not None), default=None)


def cooldown_of(policy: ScalingPolicy, group: AutoScalingGroup) -> float:
    """Lab seconds."""
    own = simple(policy).cooldown
    return group.default_cooldown if own is None else own


def wish(policy: ScalingPolicy, group: AutoScalingGroup, breach: Breach, held: str) -> Wish:
    """The capacity the policy asks for; `held` is what it waits for."""
    desired = group.desired_capacity
    value = breach.values[-1] if breach.values else None
    if held:
        return Wish(policy, breach, value, desired, held=held)
    scaling = simple(policy)
    result = adjusted(scaling.adjustment, scaling.amount, desired, "desired")
    return Wish(policy, breach, value, result.capacity, result.arithmetic)


def simple(policy: ScalingPolicy) -> SimpleScaling:
    if policy.simple is None:
        raise ValueError(f"{policy.name} is not of type SimpleScaling")
    return policy.simple
