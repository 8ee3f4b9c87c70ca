"""What members in a state count for (aws-facts §3.2, §3.10).

| state                                  | counts as (asg:ec2-auto-scaling-metrics) | capacity |
|----------------------------------------|------------------------------------------|----------|
| Pending, Pending:Wait, Pending:Proceed | pending                                  | yes      |
| InService                              | in service                               | yes      |
| EnteringStandby, Standby               | standby                                  | no       |
| Terminating, …:Wait, …:Proceed         | terminating                              | no       |
| Terminating:Retained, Detaching        | nothing                                  | no       |
| Warmed:Pending, …:Wait, …:Proceed      | warm pool pending                        | no       |
| Warmed:Stopped, …Running, …Hibernated  | warmed                                   | no       |
| Warmed:Terminating, …:Wait, …:Proceed  | warm pool terminating                    | no       |

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
    WARMED_HIBERNATED,
    WARMED_PENDING,
    WARMED_PENDING_PROCEED,
    WARMED_PENDING_WAIT,
    WARMED_RUNNING,
    WARMED_STOPPED,
    WARMED_TERMINATING,
    WARMED_TERMINATING_PROCEED,
    WARMED_TERMINATING_RETAINED,
    WARMED_TERMINATING_WAIT,
    Member,
)

COUNTS_AS: Mapping[str, str] = {
    **dict.fromkeys((PENDING, PENDING_WAIT, PENDING_PROCEED), "pending"),
    IN_SERVICE: "in service",
    **dict.fromkeys((ENTERING_STANDBY, STANDBY), "standby"),
    **dict.fromkeys((TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED), "terminating"),
    **dict.fromkeys((TERMINATING_RETAINED, DETACHING, WARMED_TERMINATING_RETAINED), ""),
    **dict.fromkeys((WARMED_PENDING, WARMED_PENDING_WAIT, WARMED_PENDING_PROCEED), "warm pool pending"),
    **dict.fromkeys((WARMED_STOPPED, WARMED_RUNNING, WARMED_HIBERNATED), "warmed"),
    **dict.fromkeys((WARMED_TERMINATING, WARMED_TERMINATING_WAIT, WARMED_TERMINATING_PROCEED), "warm pool terminating"),
}
"""Every state a member's row may have."""


def is_capacity(member: Member) -> bool:
    return COUNTS_AS[member.state] in ("pending", "in service")


def is_owed(member: Member) -> bool:
    """It is leaving, and its successor has not been launched yet."""
    return COUNTS_AS[member.state] == "terminating" and not member.replaced


def is_pooled(member: Member) -> bool:
    """It is in the warm pool or on its way into it, and not on its way out."""
    return COUNTS_AS[member.state] in ("warm pool pending", "warmed")


def is_in_pool(member: Member) -> bool:
    """It is an instance of the warm pool, also on its way out of it."""
    return member.state.startswith("Warmed:")
