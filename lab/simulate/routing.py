"""Which instance gets which share of the trace: as load balancer nodes share requests out (`services/lb/group.py`).

* A load balancer's first listener that forwards by its default action gets all of the trace; rules with conditions get none,
  for a trace has no paths. The action's weights share it out over target groups, DNS over the nodes equally.
* A node uses the healthy targets in its reach (its own zone only without cross-zone load balancing), or all of them where too
  few are healthy. Equally: that is what round robin and random do, and also least outstanding requests, as long as the
  instances are alike. A target in slow start gets a share that grows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.core.elbv2.config import LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.rules import Forward
from lab.simulate.fleet import Fleet, Host
from lab.simulate.health import Key, Targets
from lab.simulate.tally import Tally

Portions = dict[Tally, float]


@dataclass(frozen=True, slots=True)
class Worker:
    """The instances in service of an Auto Scaling group that has no target group."""

    group: str
    instance_ids: Sequence[str]


class Router:
    """`group_of` names the Auto Scaling group that stands behind a target group ("" for none)."""

    def __init__(self, fleet: Fleet, targets: Targets, group_of: Callable[[str], str]) -> None:
        self._fleet = fleet
        self._targets = targets
        self._group_of = group_of

    def share_out(
        self, balancers: Mapping[str, Sequence[str]], documents: Iterable[LoadBalancerConfig],
        workers: Iterable[Worker], now: float,
    ) -> bool:  # fmt: skip
        """Give every host its portions. `balancers` are the zones of each load balancer's nodes, by ARN. True when the shares
        change with time, as in slow start."""
        shares: dict[Host, Portions] = {}
        turned_away: Portions = {}
        refused: Portions = {}
        moving = False
        for document in documents:
            zones = balancers[document.arn]
            for group, weight in weighted_groups(document):
                for zone in zones:
                    portion = weight / len(zones)
                    moving |= self._node(group, zone, portion, now, shares, turned_away, refused)
        for worker in workers:
            self._workers(worker, now, shares, turned_away)
        for host in self._fleet.hosts.values():
            portions = shares.get(host)
            if portions is None:
                host.share = 0.0  # what it still has, it counts where that came from
            else:
                host.portions, host.share = tuple(portions.items()), sum(portions.values())
        self._fleet.turned_away, self._fleet.refused = tuple(turned_away.items()), tuple(refused.items())
        return moving

    def _node(
        self, group: TargetGroup, zone: str, portion: float, now: float,
        shares: dict[Host, Portions], turned_away: Portions, refused: Portions,
    ) -> bool:  # fmt: skip
        reach = [
            target for target in group.targets
            if not target.draining and (group.cross_zone or target.zone in (zone, "all"))
        ]  # fmt: skip
        weights = self._weights(group, reach, now)
        total = sum(weights.values())
        if total <= 0.0:
            _add(turned_away, self._fleet.tally(group.arn, self._group_of(group.arn)), portion)
            return False
        for target_id, weight in weights.items():
            host = self._fleet.hosts.get(target_id)
            part = portion * weight / total
            if host is None or now < host.answers_at:
                _add(refused, self._fleet.tally(group.arn, host.group if host else self._group_of(group.arn)), part)
            else:
                _add(shares.setdefault(host, {}), self._fleet.tally(group.arn, host.group), part)
        return min(weights.values()) < max(weights.values())

    def _weights(self, group: TargetGroup, reach: Sequence[Target], now: float) -> dict[str, float]:
        """The targets in use, each with its weight from 0 to 1."""
        since = {target.id: self._targets.healthy_since(_key(group, target)) for target in reach}
        healthy = {name: at for name, at in since.items() if at is not None}
        percent = group.minimum_healthy_percent or 0
        if len(healthy) < max(1, group.minimum_healthy) or len(healthy) * 100 < percent * len(reach):
            return dict.fromkeys(since, 1.0)
        if group.slow_start <= 0.0:
            return dict.fromkeys(healthy, 1.0)
        weights = {name: min(1.0, (now - at) / group.slow_start) for name, at in healthy.items()}
        # Slow start needs others that carry the load.
        return weights if max(weights.values()) == 1.0 else dict.fromkeys(healthy, 1.0)

    def _workers(self, worker: Worker, now: float, shares: dict[Host, Portions], turned_away: Portions) -> None:
        tally = self._fleet.tally("", worker.group)
        found = [self._fleet.hosts[name] for name in worker.instance_ids if name in self._fleet.hosts]
        ready = [host for host in found if now >= host.answers_at]
        if not ready:
            _add(turned_away, tally, 1.0)
        for host in ready:
            _add(shares.setdefault(host, {}), tally, 1.0 / len(ready))


def weighted_groups(document: LoadBalancerConfig) -> list[tuple[TargetGroup, float]]:
    """The target groups of the first default action that forwards, each with its share of the load balancer's requests."""
    groups = {group.arn: group for group in document.target_groups}
    for listener in document.listeners:
        action = listener.default_action
        if isinstance(action, Forward):
            total = sum(weight for _, weight in action.target_groups)
            return [(groups[arn], weight / total) for arn, weight in action.target_groups if weight > 0]
    return []


def _key(group: TargetGroup, target: Target) -> Key:
    return (group.arn, target.id, target.port)


def _add(portions: Portions, tally: Tally, part: float) -> None:
    portions[tally] = portions.get(tally, 0.0) + part
