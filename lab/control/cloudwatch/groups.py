"""AWS/AutoScaling: the metrics of groups, each lab minute, those that are enabled."""

from collections.abc import Sequence

from lab.control.cloudwatch.batch import Batch
from lab.control.world import World
from lab.core.autoscaling.group_metrics import group_metrics
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.cloudwatch.emitted import GROUPS


class GroupMetrics:
    def __init__(self, world: World) -> None:
        self._world = world

    def sample(self, times: Sequence[float]) -> None:
        """`times` are what the data are stamped with."""
        store, batch = self._world.store, Batch(GROUPS)
        for group in store.all(AutoScalingGroup):
            if group.enabled_metrics:
                states = [member.state for member in store.where(Member, "group", group.name)]
                for name, number in group_metrics(group, store.get(WarmPool, group.name), states).items():
                    if name in group.enabled_metrics:
                        batch.add(name, {"AutoScalingGroupName": group.name}, number, times)
        batch.put(self._world.metrics)
