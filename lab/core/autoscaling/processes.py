"""The scaling processes that can be suspended, and what that stops (aws-facts §3.7;
asg:understand-how-suspending-processes-affects-other-processes).

| suspended         | effect                                                                                                |
|-------------------|-------------------------------------------------------------------------------------------------------|
| Launch            | nothing is launched, so no rebalancing, no refresh, no end of life; unhealthy ones are terminated      |
| Terminate         | no scaling in; unhealthy ones are marked and stay; no refresh, no end of life; rebalancing only launches |
| AddToLoadBalancer | what enters service meanwhile is never registered                                                     |
| AlarmNotification | alarms invoke no policy                                                                               |
| AZRebalance       | zones stay as they are; launches still go where there are fewest                                      |
| HealthCheck       | nothing is marked unhealthy but by SetInstanceHealth                                                  |
| InstanceRefresh   | a refresh pauses                                                                                      |
| ReplaceUnhealthy  | unhealthy ones are marked and stay                                                                    |
| ScheduledActions  | scheduled actions are lost                                                                            |
"""

from lab.core.times import iso

PROCESSES = (
    "Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
    "ReplaceUnhealthy", "ScheduledActions",
)  # fmt: skip
FAILING_FOR = 86400.0
"""Lab seconds of launches that fail without a success, after which Launch is suspended for administrative reasons."""


def by_user(now: float) -> str:
    return f"User suspended at {iso(now)}"


def administratively(now: float) -> str:
    """AWS's words are not published."""
    return f"Administratively suspended at {iso(now)}: no instance could be launched for 24 hours"
