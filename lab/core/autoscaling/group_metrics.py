"""AWS/AutoScaling: a group's own metrics, from its sizes and the lifecycle states of its members (asg:ec2-auto-scaling-metrics,
aws-facts §3.10).

Capacity is counted in instances: there is no instance weighting here. AWS counts as total what is in service, pending or
terminating; so do we, and an instance in Standby is not in it.
"""

from collections import Counter
from collections.abc import Iterable

from lab.core.autoscaling.model import AutoScalingGroup

_KINDS = {
    "Pending": "Pending",
    "InService": "InService",
    "EnteringStandby": "Standby",
    "Standby": "Standby",
    "Terminating": "Terminating",
}
"""By a state's first word: `Pending:Wait` is Pending. Others are counted nowhere."""
_WARMED = {
    "Pending": "Pending",
    "Terminating": "Terminating",
    "Stopped": "Warmed",
    "Running": "Warmed",
    "Hibernated": "Warmed",
}
"""By the word after `Warmed:`."""
_RETAINED = "Retained"
"""At a state's end: the instance is kept for people to look at, and is not the group's capacity any more."""


def group_metrics(group: AutoScalingGroup, states: Iterable[str]) -> dict[str, int]:
    """By metric name. `states` are those of all members. Those of a warm pool are there when it has instances."""
    own, warm = Counter[str](), Counter[str]()
    for state in states:
        first, *rest = state.split(":")
        if state.endswith(_RETAINED):
            continue
        if first == "Warmed":
            warm[_WARMED.get(rest[0], "")] += 1
        else:
            own[_KINDS.get(first, "")] += 1
    numbers = {name: own[name] for name in ("InService", "Pending", "Standby", "Terminating")}
    total = numbers["Total"] = numbers["InService"] + numbers["Pending"] + numbers["Terminating"]
    found = {
        "GroupMinSize": group.min_size,
        "GroupMaxSize": group.max_size,
        "GroupDesiredCapacity": group.desired_capacity,
        **{f"Group{name}Instances": number for name, number in numbers.items()},
        **{f"Group{name}Capacity": number for name, number in numbers.items()},
    }
    if not warm:
        return found
    pool = warm["Pending"] + warm["Terminating"] + warm["Warmed"]
    return {
        **found,
        "WarmPoolPendingCapacity": warm["Pending"],
        "WarmPoolTerminatingCapacity": warm["Terminating"],
        "WarmPoolWarmedCapacity": warm["Warmed"],
        "WarmPoolTotalCapacity": pool,
        "GroupAndWarmPoolTotalCapacity": total + pool,
    }
