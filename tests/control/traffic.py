"""Nodes that count: what passes through them, told in reports by the counters of a real node."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from lab.core.cloudwatch.emitted import BY_NAME, ELB
from lab.core.cloudwatch.metric import Metric, Statistics, dimensions
from lab.core.elbv2.model import LoadBalancer, TargetGroup
from lab.core.elbv2.report import NodeReport, TargetReport
from services.lb.serving.counters import Counters, GroupCounters
from tests.control.lab import Lab

MINUTE = 60


@dataclass
class Count:
    """Of one node, since its boot."""

    boot: int = 0
    counters: Counters = field(default_factory=Counters)
    groups: defaultdict[str, GroupCounters] = field(default_factory=lambda: defaultdict(GroupCounters))
    sent: defaultdict[str, tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)))
    connections: int = 0


class Traffic:
    """Of the nodes of a lab's load balancer, `nodes` in the order of their zones."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.counts = defaultdict[str, Count](Count)
        lab.amended = self._amended

    @property
    def balancer(self) -> LoadBalancer:
        [balancer] = self.lab.store.all(LoadBalancer)
        return balancer

    @property
    def group(self) -> TargetGroup:
        return self.lab.store.all(TargetGroup)[0]

    @property
    def nodes(self) -> list[str]:
        return [node.node_id for node in sorted(self.balancer.nodes, key=lambda node: node.availability_zone)]

    def pass_on(self, node: int, requests: int, *, status: int = 200, seconds: float = 0.1, arn: str = "") -> None:
        """The node sends so many requests to targets, which answer them."""
        group = self.counts[self.nodes[node]].groups[arn or self.group.arn]
        group.requests += requests
        for _ in range(requests):
            group.answered(status, seconds)

    def add(self, node: int, name: str, number: int = 1) -> None:
        """The node counts something of its own."""
        for _ in range(number):
            self.counts[self.nodes[node]].counters.add(name)

    def send(self, node: int, target: str, to: int, back: int) -> None:
        """So many bytes to a target, and from it."""
        sent = self.counts[self.nodes[node]].sent
        sent[target] = (sent[target][0] + to, sent[target][1] + back)

    def reboot(self, node: int) -> None:
        """The node crashes and starts again: it counts from 0."""
        boot = self.counts[self.nodes[node]].boot + 1
        self.counts[self.nodes[node]] = Count(boot)

    def _amended(self, report: NodeReport) -> NodeReport:
        count = self.counts[report.node_id]
        groups = tuple(group.report(arn, 0) for arn, group in count.groups.items())
        return replace(
            report,
            boot_id=f"{report.boot_id}-{count.boot}",
            targets=tuple(self._target(row, count) for row in report.targets),
            counters=count.counters.metrics(groups),
            groups=groups,
            active_connections=count.connections,
        )

    def _target(self, row: TargetReport, count: Count) -> TargetReport:
        to, back = count.sent[row.id]
        return replace(row, bytes_in=to, bytes_out=back)

    # What there is to read.

    def facts(self, zone: str = "", *, targets: bool = False, balancer: bool = True) -> dict[str, str]:
        return {
            **({"LoadBalancer": self.balancer.short_name} if balancer else {}),
            **({"AvailabilityZone": f"us-east-1{zone}"} if zone else {}),
            **({"TargetGroup": self.group.short_name} if targets else {}),
        }

    def read(self, name: str, facts: dict[str, str], *, back: int = 1, minutes: int = 1) -> Statistics | None:
        """Of the last `minutes` minutes that are over, `back` minutes ago."""
        return read(self.lab, Metric(ELB, name, dimensions(facts)), back=back, minutes=minutes)


def read(lab: Lab, metric: Metric, *, back: int = 1, minutes: int = 1) -> Statistics | None:
    """Of the last `minutes` minutes that are over, `back` minutes ago."""
    key = (metric.namespace, metric.name)
    last = lab.clock.now() // MINUTE * MINUTE - MINUTE * (back - 1)
    return lab.metrics.statistics(metric, last - MINUTE * minutes, MINUTE * minutes, BY_NAME[key].unit)


def numbers(found: Statistics | None) -> tuple[float, float, float, float]:
    """Count, sum, minimum, maximum. There must be data."""
    assert found is not None
    return found.sample_count, found.sum, found.minimum, found.maximum


async def to_minute(lab: Lab, seconds: float = 0.0) -> None:
    """Until so many seconds after the next whole minute, and what is due then is done."""
    end = lab.clock.now() // MINUTE * MINUTE + MINUTE + seconds
    while lab.clock.now() + 5.0 < end:
        await lab.tick()
    lab.clock.advance(end - lab.clock.now())
    await lab.turn()
