"""AWS/ApplicationELB, what is measured once a minute: healthy and unhealthy targets, open connections; and zeros.

Each node that lives gives a datum of each, so that Minimum and Maximum are over nodes. AWS does not say whose zone
AvailabilityZone is with hosts; here it is the targets' (as with Classic Load Balancers), with all else the node's.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lab.control.cloudwatch.batch import Batch
from lab.control.cloudwatch.elbv2 import short_name
from lab.control.world import World
from lab.core.cloudwatch.emitted import BY_NAME, CODES, ELB
from lab.core.cloudwatch.spread import MINUTE
from lab.core.elbv2.model import LoadBalancer
from lab.core.elbv2.report import NodeReport, TargetReport

ZEROS = ("RequestCount", *CODES, "RequestCountPerTarget")
"""While targets are registered, what did not happen is 0 of these, not absent."""


class HostMetrics:
    def __init__(self, world: World) -> None:
        self._world = world

    def sample(self, now: float, times: Sequence[float]) -> None:
        """`times` are what the data are stamped with."""
        batch = Batch(ELB)
        for balancer in self._world.store.all(LoadBalancer):
            for report in self._world.nodes.live([node.node_id for node in balancer.nodes], now):
                facts = {"LoadBalancer": balancer.short_name, "AvailabilityZone": report.zone}
                if report.active_connections:
                    batch.add("ActiveConnectionCount", facts, report.active_connections, times)
                for arn, rows in _by_group(report).items():
                    self._hosts(batch, balancer.short_name, arn, rows, times)
                    self._zeros({**facts, "TargetGroup": short_name(arn)}, times)
        batch.put(self._world.metrics)

    def _hosts(
        self, batch: Batch, balancer: str, arn: str, rows: Iterable[TargetReport], times: Sequence[float]
    ) -> None:
        facts = {"LoadBalancer": balancer, "TargetGroup": short_name(arn)}
        zones = defaultdict[str, list[TargetReport]](list)
        for row in rows:
            zones[self._world.zone_of(arn, row.id, row.port)].append(row)
        for name, number in _numbers(rows).items():
            batch.add(name, facts, number, times)
        for zone, mine in zones.items():
            if zone not in ("", "all"):
                for name, number in _numbers(mine).items():
                    batch.add_exactly(name, {**facts, "AvailabilityZone": zone}, number, times)

    def _zeros(self, facts: Mapping[str, str], times: Sequence[float]) -> None:
        metrics = self._world.metrics
        for name in ZEROS:
            row = BY_NAME[ELB, name]
            for metric, time in itertools.product(row.metrics(facts), times):
                if metrics.statistics(metric, time // MINUTE * MINUTE, int(MINUTE)) is None:
                    metrics.put(metric, 0.0, time, unit=row.unit)


def _by_group(report: NodeReport) -> dict[str, list[TargetReport]]:
    groups = defaultdict[str, list[TargetReport]](list)
    for row in report.targets:
        groups[row.target_group_arn].append(row)
    return groups


def _numbers(rows: Iterable[TargetReport]) -> dict[str, int]:
    """A target that drains is neither healthy nor unhealthy, nor is one that is still being looked at."""
    found = {"HealthyHostCount": 0, "UnHealthyHostCount": 0, "AnomalousHostCount": 0, "MitigatedHostCount": 0}
    for row in rows:
        found["HealthyHostCount"] += row.state == "healthy"
        found["UnHealthyHostCount"] += row.state == "unhealthy"
        found["AnomalousHostCount"] += row.anomalous
        found["MitigatedHostCount"] += row.mitigated
    return found
