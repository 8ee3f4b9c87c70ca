"""Load balancer nodes that are not there: what they would report of a simulated fleet.

Every node of a load balancer has seen an equal part of its requests. Counts are whole numbers from the beginning, rounded
down, so that they only grow.
"""

import math
from collections import Counter
from collections.abc import Iterable

from lab.core.elbv2.config import LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.health import State
from lab.core.elbv2.model import LoadBalancer, Node
from lab.core.elbv2.report import GroupReport, NodeReport, TargetReport
from lab.core.store import Store
from lab.simulate.fleet import IDLE, Fleet
from lab.simulate.health import Targets
from lab.simulate.tally import Tally


class Nodes:
    """Speaks for all nodes of all load balancers."""

    def __init__(self, store: Store, fleet: Fleet, targets: Targets) -> None:
        self._store = store
        self._fleet = fleet
        self._targets = targets

    def says(self, node: Node, document: LoadBalancerConfig) -> NodeReport:
        balancer = self._store.get(LoadBalancer, document.arn)
        nodes = len(balancer.nodes) if balancer is not None else 1
        groups = tuple(self._group(group, nodes) for group in document.target_groups)
        counters: Counter[str] = Counter()
        for group in groups:
            counters.update(group.counters)
            counters.update(_by_the_balancer(self._tallies(group.target_group_arn), nodes))
        targets = tuple(
            self._target(group, target, nodes) for group in document.target_groups for target in group.targets
        )
        return NodeReport(
            node_id=node.node_id,
            boot_id=f"boot-{node.node_id}",
            zone=node.availability_zone,
            applied=document.generation,
            targets=targets,
            counters=counters,
            groups=groups,
            active_connections=sum(target.in_flight for target in targets),
        )

    def _target(self, group: TargetGroup, target: Target, nodes: int) -> TargetReport:
        host = self._fleet.hosts.get(target.id)
        health = self._targets.health((group.arn, target.id, target.port))
        state = State.DRAINING if target.draining else health.state
        inside = 0.0 if host is None else host.inside / nodes
        return TargetReport(
            target_group_arn=group.arn,
            id=target.id,
            port=target.port,
            state=state,
            reason=health.reason,
            description=health.description,
            # A target that drains is done when it has nothing at all; the mean of another one is what is told.
            in_flight=math.ceil(inside - IDLE) if target.draining else round(inside),
            requests=0 if host is None else int(host.requests / nodes),
            errors=0 if host is None else int(host.errors / nodes),
        )

    def _group(self, group: TargetGroup, nodes: int) -> GroupReport:
        tallies = self._tallies(group.arn)
        counted = {
            "RequestCount": sum(one.arrived - one.turned_away for one in tallies),
            "HTTPCode_Target_2XX_Count": sum(one.served for one in tallies),
            "HTTPCode_Target_5XX_Count": sum(one.rejected for one in tallies),
            "TargetConnectionErrorCount": sum(one.refused for one in tallies),
        }
        times: Counter[int] = Counter()
        for tally in tallies:
            times.update({bucket: int(count / nodes) for bucket, count in tally.times.items()})
        return GroupReport(
            group.arn,
            _whole(counted, nodes),
            tuple(sorted((bucket, count) for bucket, count in times.items() if count)),
            int(sum(one.microseconds for one in tallies) / nodes),
        )

    def _tallies(self, target_group: str) -> list[Tally]:
        return [tally for (arn, _), tally in self._fleet.tallies.items() if arn == target_group]


def _by_the_balancer(tallies: Iterable[Tally], nodes: int) -> dict[str, int]:
    """The answers of the load balancer's own: nobody answers (502), there is nobody (503), it takes too long (504)."""
    counted: Counter[str] = Counter()
    for tally in tallies:
        own = {502: tally.refused, 503: tally.turned_away, 504: tally.timed_out}
        for status, count in own.items():
            counted.update(_whole({f"HTTPCode_ELB_{status}_Count": count, "HTTPCode_ELB_5XX_Count": count}, nodes))
    return dict(counted)


def _whole(counted: dict[str, float], nodes: int) -> dict[str, int]:
    return {name: int(count / nodes) for name, count in counted.items() if count >= nodes}
