"""The sentences of an activity's Cause and Description, in AWS's words (aws-facts §3.9; asg:CHAP_Troubleshooting).

A Cause is one or two sentences joined by two spaces, each beginning `At <ISO 8601>Z `.
"""

from collections.abc import Sequence

from lab.core.autoscaling.steps import Kind
from lab.core.times import iso

DIFFERENCE_LAUNCH = (
    "an instance was started in response to a difference between desired and actual capacity, "
    "increasing the capacity from {old} to {new}."
)
DIFFERENCE_TERMINATE = (
    "an instance was taken out of service in response to a difference between desired and actual capacity, "
    "shrinking the capacity from {old} to {new}."
)
REPLACEMENT = "an instance was launched in response to an unhealthy instance needing to be replaced."
ELB_UNHEALTHY = "an instance was taken out of service in response to an ELB system health check failure."
EC2_UNHEALTHY = (
    "an instance was taken out of service in response to an EC2 health check "
    "indicating it has been terminated or stopped."
)
REFRESH = "an instance was taken out of service in response to an instance refresh."
POOL_GROWS = (
    "an instance was launched into the warm pool in response to a difference between its desired and actual size, "
    "increasing its size from {old} to {new}."
)
POOL_SHRINKS = (
    "an instance was taken out of the warm pool in response to a difference between its desired and actual size, "
    "shrinking its size from {old} to {new}."
)
"""Of the warm pool AWS publishes no causes."""
LIFETIME = "an instance was taken out of service in response to its maximum instance lifetime."
USER_UNHEALTHY = "an instance was taken out of service in response to a user health-check."

BALANCING = (
    "availability zones {zones} had {sizes} instances respectively. "
    "An instance was launched to aid in balancing the group's zones."
)
MIGRATING = (
    "invalid availability zones {zones} had {sizes} instances respectively. "
    "An instance was launched to aid in migrating instances from these zones to valid ones."
)
MORE_THAN_DESIRED = (
    "instances were launched to balance instances in zones {zones} with other zones "
    "resulting in more than desired number of instances in the group."
)
ALL_PROTECTED = "Could not scale to desired capacity because all remaining instances are protected from scale-in."
SUCCESSOR = {
    Kind.UNHEALTHY: REPLACEMENT,
    Kind.REFRESH: "an instance was launched in response to an instance refresh.",
    Kind.LIFETIME: "an instance was launched in response to an instance reaching its maximum instance lifetime.",
    Kind.REBALANCE: "An instance was launched to aid in balancing the group's zones.",
}
"""Why the successor of a member was launched. AWS publishes none for the maximum instance lifetime."""


def at(now: float, text: str) -> str:
    return f"At {iso(now)} {text}"


def joined(sentences: Sequence[str]) -> str:
    """The whole Cause, cut to AWS's 1023 characters."""
    return "  ".join(sentence for sentence in sentences if sentence)[:1023]


def group_created(now: float, desired: int) -> str:
    return at(now, f"a user request created an AutoScalingGroup changing the desired capacity from 0 to {desired}.")


def group_updated(now: float, minimum: int, maximum: int, old: int, new: int) -> str:
    return at(
        now,
        f"a user request update of AutoScalingGroup constraints to min: {minimum}, max: {maximum}, desired: {new} "
        f"changing the desired capacity from {old} to {new}.",
    )


def desired_set(now: float, old: int, new: int) -> str:
    return at(
        now, f"a user request explicitly set group desired capacity changing the desired capacity from {old} to {new}."
    )


def alarm_triggered(now: float, alarm: str, state: str, policy: str, old: int, new: int) -> str:
    return at(
        now,
        f"a monitor alarm {alarm} in state {state} triggered policy {policy} "
        f"changing the desired capacity from {old} to {new}.",
    )


def policy_executed(now: float, policy: str, old: int, new: int) -> str:
    return at(now, f"a user request executed policy {policy} changing the desired capacity from {old} to {new}.")


def schedule_ran(now: float, minimum: int, maximum: int, old: int, new: int) -> str:
    """The first words are as seen on AWS (obs:15887140949), the rest as for a user's update."""
    return at(
        now,
        f"a scheduled action update of AutoScalingGroup constraints to min: {minimum}, max: {maximum}, desired: {new} "
        f"changing the desired capacity from {old} to {new}.",
    )


def forecast_reached(now: float, policy: str, old: int, new: int) -> str:
    """AWS's words are not known; these follow its others."""
    return at(
        now, f"a forecast of predictive scaling policy {policy} changing the desired capacity from {old} to {new}."
    )


def selected(now: float, instance_id: str) -> str:
    return at(now, f"instance {instance_id} was selected for termination.")


def user_terminated(now: float, instance_id: str, old: int, new: int) -> str:
    return at(
        now, f"instance {instance_id} was taken out of service in response to a user request{_shrinking(old, new)}."
    )


def standby_entered(now: float, instance_id: str, old: int, new: int) -> str:
    return at(now, f"instance {instance_id} was moved to standby in response to a user request{_shrinking(old, new)}.")


def standby_left(now: float, instance_id: str, old: int, new: int) -> str:
    return at(
        now,
        f"instance {instance_id} was moved out of standby in response to a user request, "
        f"increasing the capacity from {old} to {new}.",
    )


def detached(now: float, instance_id: str, old: int, new: int) -> str:
    return at(now, f"instance {instance_id} was detached in response to a user request{_shrinking(old, new)}.")


def attached(now: float, desired: int) -> str:
    return at(now, f"an instance was added in response to user request. Keeping the capacity at the new {desired}.")


def equilibrium(now: float) -> str:
    return at(now, "group reached equilibrium.")


def _shrinking(old: int, new: int) -> str:
    return f", shrinking the capacity from {old} to {new}" if new < old else ""
