"""AWS/AutoScaling: a group's own metrics, from its sizes and the lifecycle states of its members (asg:ec2-auto-scaling-metrics,
aws-facts §3.10).

Capacity is counted in instances: there is no instance weighting here. AWS counts as total what is in service, pending or
terminating; so do we, and an instance in Standby is not in it.
"""

from collections import Counter
from collections.abc import Iterable

from lab.core.autoscaling.counts import COUNTS_AS
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.warm_pool import WarmPool, size

_OWN = {"InService": "in service", "Pending": "pending", "Standby": "standby", "Terminating": "terminating"}
_WARM = {"Pending": "warm pool pending", "Terminating": "warm pool terminating", "Warmed": "warmed"}
"""What states count as (`counts`), by the word in the metric's name."""


def group_metrics(group: AutoScalingGroup, pool: WarmPool | None, states: Iterable[str]) -> dict[str, int]:
    """By metric name. `states` are those of all members. Those of a warm pool are there while the group has one, or
    instances of it."""
    counted = Counter(COUNTS_AS[state] for state in states)
    own = {word: counted[kind] for word, kind in _OWN.items()}
    warm = {word: counted[kind] for word, kind in _WARM.items()}
    total = own["Total"] = own["InService"] + own["Pending"] + own["Terminating"]
    found = {
        "GroupMinSize": group.min_size,
        "GroupMaxSize": group.max_size,
        "GroupDesiredCapacity": group.desired_capacity,
        **{f"Group{word}Instances": number for word, number in own.items()},
        **{f"Group{word}Capacity": number for word, number in own.items()},
    }
    prepared = sum(warm.values())
    if pool is None and prepared == 0:
        return found
    wanted = size(pool, group)
    return {
        **found,
        "WarmPoolMinSize": 0 if pool is None else pool.min_size,
        "WarmPoolDesiredCapacity": wanted,
        **{f"WarmPool{word}Capacity": number for word, number in warm.items()},
        "WarmPoolTotalCapacity": prepared,
        "GroupAndWarmPoolDesiredCapacity": group.desired_capacity + wanted,
        "GroupAndWarmPoolTotalCapacity": total + prepared,
    }
