"""What members in a state count for (aws-facts §3.2, §3.10).

| state                                  | counts as (asg:ec2-auto-scaling-metrics) | capacity |
|----------------------------------------|------------------------------------------|----------|
| Pending, Pending:Wait, Pending:Proceed | pending                                  | yes      |
| InService                              | in service                               | yes      |
| EnteringStandby, Standby               | standby                                  | no       |
| Terminating, …:Wait, …:Proceed         | terminating                              | no       |
| Terminating:Retained, Detaching        | nothing                                  | no       |

Capacity is what is held against the desired capacity.
"""

from collections.abc import Mapping

from lab.core.autoscaling.model import (
    DETACHING,
    ENTERING_STANDBY,
    IN_SERVICE,
    PENDING,
    PENDING_PROCEED,
    PENDING_WAIT,
    STANDBY,
    TERMINATING,
    TERMINATING_PROCEED,
    TERMINATING_RETAINED,
    TERMINATING_WAIT,
    Member,
)

COUNTS_AS: Mapping[str, str] = {
    **dict.fromkeys((PENDING, PENDING_WAIT, PENDING_PROCEED), "pending"),
    IN_SERVICE: "in service",
    **dict.fromkeys((ENTERING_STANDBY, STANDBY), "standby"),
    **dict.fromkeys((TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED), "terminating"),
    **dict.fromkeys((TERMINATING_RETAINED, DETACHING), ""),
}
"""Every state a member's row may have."""


def is_capacity(member: Member) -> bool:
    return COUNTS_AS[member.state] in ("pending", "in service")


def is_owed(member: Member) -> bool:
    """It is leaving, and its successor has not been launched yet."""
    return COUNTS_AS[member.state] == "terminating" and not member.replaced
