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
LIFETIME = "an instance was taken out of service in response to its maximum instance lifetime."
USER_UNHEALTHY = "an instance was taken out of service in response to a user health-check."

SUCCESSOR = {
    Kind.UNHEALTHY: REPLACEMENT,
    Kind.REFRESH: "an instance was launched in response to an instance refresh.",
    Kind.LIFETIME: "an instance was launched in response to an instance reaching its maximum instance lifetime.",
    Kind.REBALANCE: "an instance was launched to aid in balancing the group's zones.",
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


def alarm_triggered(now: float, alarm: str, policy: str, old: int, new: int) -> str:
    return at(
        now,
        f"a monitor alarm {alarm} in state ALARM triggered policy {policy} "
        f"changing the desired capacity from {old} to {new}.",
    )


def selected(now: float, instance_id: str) -> str:
    return at(now, f"instance {instance_id} was selected for termination.")


def user_terminated(now: float, instance_id: str, shrinking: tuple[int, int] | None) -> str:
    tail = f", shrinking the capacity from {shrinking[0]} to {shrinking[1]}" if shrinking else ""
    return at(now, f"instance {instance_id} was taken out of service in response to a user request{tail}.")
