"""An availability zone that has no room for an instance, in AWS's words (asg:ts-as-instancelaunchfailure,
bc:ec2.StateReason)."""

from collections.abc import Sequence

INSUFFICIENT_CAPACITY = "Server.InsufficientInstanceCapacity"
"""The code of the instance's state reason."""


def no_capacity(instance_type: str, zone: str, others: Sequence[str]) -> str:
    """`others` are zones to try instead."""
    return (
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). "
        f"Our system will be working on provisioning additional capacity. You can currently get {instance_type} capacity by "
        f"not specifying an Availability Zone in your request or choosing {', '.join(others)}."
    )
