"""Who must be replaced, why, and how far the group's capacity may move for it
(asg:instance-maintenance-policy-overview-and-considerations).

| kind      | without a maintenance policy                                  |                                            |
|-----------|---------------------------------------------------------------|--------------------------------------------|
| unhealthy | terminate and launch, 10 % at a time, at least one            | at once when dead or when a user called it |
| refresh   | terminate and launch, 10 % at a time, at least one            | or as the refresh's preferences say        |
| lifetime  | terminate and launch, 10 % at a time, at least one            |                                            |
| rebalance | launch before terminate, 10 % (at least one) over the maximum |                                            |

With a policy its bounds hold for all of them; only the dead are replaced at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.steps import Kind


@dataclass(frozen=True, slots=True)
class Need:
    """A member to be replaced. `cause` is the sentence, undated, of its termination, `successor_cause` that of the launch
    ("" for the one of the kind). `at_once` does not wait for bounds."""

    instance_id: str
    kind: Kind
    cause: str
    successor_cause: str = ""
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """Needs that share bounds: at least `floor` members stay that are ready to use, at most `ceiling` are in service or
    pending. A ceiling of None launches nothing beforehand. `warmup` is the time in service, in lab seconds, after which a
    successor is ready. `strict`: only who is ready counts toward the floor, not who is to be replaced and still serves."""

    needs: tuple[Need, ...]
    floor: int
    ceiling: int | None
    warmup: float
    strict: bool = False


DEFAULTS: dict[Kind, tuple[int, int | None]] = {
    Kind.UNHEALTHY: (90, None),
    Kind.REFRESH: (90, None),
    Kind.LIFETIME: (90, None),
}
"""Minimum and maximum healthy percentage."""


def demand(group: AutoScalingGroup, kind: Kind, needs: Iterable[Need]) -> Demand:
    """The needs with the bounds of the group's policy, or the defaults of their kind."""
    policy = group.instance_maintenance_policy
    if policy is not None:
        return bounded(group, needs, policy.min_healthy_percentage, policy.max_healthy_percentage)
    if kind is Kind.REBALANCE:
        return Demand(tuple(needs), group.desired_capacity, highest(group), default_warmup(group))
    return bounded(group, needs, *DEFAULTS[kind])


def highest(group: AutoScalingGroup) -> int:
    """How many may be in service while some are replaced: 10 % of the maximum above it, at least one
    (asg:auto-scaling-benefits, rebalancing)."""
    return group.max_size + max(1, group.max_size // 10)


def bounded(
    group: AutoScalingGroup, needs: Iterable[Need], minimum: int, maximum: int | None, warmup: float | None = None
) -> Demand:
    """Bounds in percent of the desired capacity: whole instances that keep within both."""
    floor = -(-group.desired_capacity * minimum // 100)
    ceiling = None if maximum is None else group.desired_capacity * maximum // 100
    return Demand(tuple(needs), floor, ceiling, default_warmup(group) if warmup is None else warmup)


def default_warmup(group: AutoScalingGroup) -> float:
    return group.default_instance_warmup or 0.0
