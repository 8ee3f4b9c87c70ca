"""AWS/ApplicationELB: what load balancer nodes count, and how their targets are.

Counters grow since a node's boot; data are what was counted since the last report that counted. How far that is, is marked
in the metric store and outlives the control plane:

1. The same boot: what has been counted since. Was that more than a minute and a half ago, because the control plane was
   away, then it is spread evenly over the time.
2. Another boot: the node was started again, and everything it has counted is new.
3. A node that was never heard: counting begins with what it says. A new node says it before its first request.

A report counts for the minute it comes in: it comes once a second, and a minute that is over stays as it is.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from lab.control.cloudwatch.batch import Batch
from lab.control.cloudwatch.samples import UNREADABLE, Pair, forget
from lab.control.world import World
from lab.core.cloudwatch.distribution import distribution
from lab.core.cloudwatch.emitted import BY_NAME, ELB
from lab.core.cloudwatch.metric import Statistics
from lab.core.cloudwatch.spread import Spread, by_minute
from lab.core.elbv2.model import LoadBalancer, TargetGroup
from lab.core.elbv2.report import GroupReport, NodeReport, TargetReport, from_json, grown, to_json
from lab.core.elbv2.response_times import MICROSECONDS, lower, middle

NODE, RELAYED = "node/", "relayed/"
"""What the marks of nodes and of instances begin with."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How far a node has been counted, and when that was, in lab time."""

    report: NodeReport
    at: float

    def text(self) -> str:
        return json.dumps({"at": self.at, "report": to_json(self.report)})


@dataclass(frozen=True, slots=True)
class News:
    """What a report adds to the one before it; `facts` are the node's."""

    report: NodeReport
    before: NodeReport | None
    facts: Mapping[str, str]
    over: Spread


class BalancerMetrics:
    def __init__(self, world: World) -> None:
        self._world = world
        self._counted: dict[str, Counted] = {}
        self._relayed: dict[str, Pair] = {}

    def heard(self, balancer: LoadBalancer, report: NodeReport, now: float) -> None:
        """A node's counters become data."""
        last = self._last(report.node_id)
        self._counted[report.node_id] = fresh = Counted(report, now)
        self._world.metrics.mark(NODE + report.node_id, fresh.text)
        if last is None:
            return
        before = last.report if last.report.boot_id == report.boot_id else None
        facts = {"LoadBalancer": balancer.short_name, "AvailabilityZone": report.zone}
        news = News(report, before, facts, by_minute(last.at, now))
        batch = Batch(ELB)
        _count(
            batch, facts, grown(report.counters, {} if before is None else before.counters), news.over, targets=False
        )
        known = {} if before is None else {group.target_group_arn: group for group in before.groups}
        for group in report.groups:
            self._count_group(batch, news, group.since(known.get(group.target_group_arn)))
        batch.put(self._world.metrics)
        self._count_bytes(news)

    def relayed(self, target_id: str) -> Pair:
        """What load balancers have sent the target, and received from it, health checks not counted."""
        known = self._relayed.get(target_id)
        if known is None:
            known = (0, 0)
            with contextlib.suppress(*UNREADABLE):
                came, went = json.loads(self._world.metrics.marked(RELAYED + target_id) or "[0, 0]")
                known = (int(came), int(went))
        return known

    def _last(self, node_id: str) -> Counted | None:
        known = self._counted.get(node_id)
        if known is None and (text := self._world.metrics.marked(NODE + node_id)) is not None:
            with contextlib.suppress(*UNREADABLE):
                body = json.loads(text)
                known = Counted(from_json(body["report"]), body["at"])
        return known

    def _count_group(self, batch: Batch, news: News, group: GroupReport) -> None:
        facts = {**news.facts, "TargetGroup": short_name(group.target_group_arn)}
        _count(batch, facts, group.counters, news.over, targets=True)
        if group.response_times:
            self._count_times(batch, facts, group, news.over)
        requests = group.counters.get("RequestCount", 0)
        if requests:
            self._count_per_target(batch, facts, news, group.target_group_arn, requests)

    def _count_times(self, batch: Batch, facts: Mapping[str, str], group: GroupReport, over: Spread) -> None:
        total = sum(count for _, count in group.response_times)
        seconds = group.response_microseconds / MICROSECONDS
        columns = zip(*(over.shares(count) for _, count in group.response_times), strict=True)
        for counts, time in zip(columns, over.times, strict=True):
            part = [(bucket, n) for (bucket, _), n in zip(group.response_times, counts, strict=True) if n]
            if part:
                share = sum(count for _, count in part)
                batch.add_set("TargetResponseTime", facts, _response_times(part, seconds * share / total), time)

    def _count_per_target(self, batch: Batch, facts: Mapping[str, str], news: News, arn: str, requests: int) -> None:
        """Requests by healthy target, by registered one where none is healthy. In a zone it is by those targets that a node
        of the zone uses: all of them, or with cross-zone load balancing off those of the zone."""
        targets = [row for row in news.report.targets if row.target_group_arn == arn and row.state != "draining"]
        group = self._world.store.get(TargetGroup, arn)
        reach = targets
        if group is not None and not group.cross_zone:
            here = (news.report.zone, "all")
            reach = [row for row in targets if self._world.zone_of(arn, row.id, row.port) in here]
        total = {name: value for name, value in facts.items() if name != "AvailabilityZone"}
        for part, time in zip(news.over.parts(requests), news.over.times, strict=True):
            batch.add("RequestCountPerTarget", total, part / _divisor(targets), [time])
            batch.add_exactly("RequestCountPerTarget", facts, part / _divisor(reach), [time])

    def _count_bytes(self, news: News) -> None:
        known = {} if news.before is None else {(r.target_group_arn, r.id, r.port): r for r in news.before.targets}
        for row in news.report.targets:
            last = known.get((row.target_group_arn, row.id, row.port))
            if last is None or row.bytes_in < last.bytes_in or row.bytes_out < last.bytes_out:
                came, went = row.bytes_in, row.bytes_out  # it has been registered anew
            else:
                came, went = row.bytes_in - last.bytes_in, row.bytes_out - last.bytes_out
            if came or went:
                before = self.relayed(row.id)
                self._relayed[row.id] = total = (before[0] + came, before[1] + went)
                self._world.metrics.mark(RELAYED + row.id, lambda total=total: json.dumps(total))  # type: ignore[misc]

    def forget(self, nodes: set[str], instances: set[str]) -> None:
        """Keep only these."""
        self._counted = {node_id: known for node_id, known in self._counted.items() if node_id in nodes}
        self._relayed = {name: known for name, known in self._relayed.items() if name in instances}
        forget(self._world.metrics, NODE, nodes)
        forget(self._world.metrics, RELAYED, instances)


def short_name(target_group_arn: str) -> str:
    """What the TargetGroup dimension says: `targetgroup/NAME/ID`."""
    return target_group_arn.rpartition(":")[2]


def _count(batch: Batch, facts: Mapping[str, str], counters: Mapping[str, int], over: Spread, *, targets: bool) -> None:
    """What target groups count is theirs, and by its dimensions the load balancer's; the rest is the load balancer's own."""
    for name, count in counters.items():
        row = BY_NAME.get((ELB, name))
        if row is not None and row.is_of_targets is targets:
            for share, time in zip(over.shares(count), over.times, strict=True):
                if share:
                    batch.count(name, facts, share, time)


def _divisor(targets: list[TargetReport]) -> int:
    healthy = sum(1 for row in targets if row.state == "healthy")
    return healthy or max(1, len(targets))


def _response_times(times: list[tuple[int, int]], seconds: float) -> Statistics:
    """Of (bucket, count) pairs that rise, and the sum of the times, which is exact. The least and the greatest time are not
    known better than between which bounds of their buckets they are."""
    return Statistics(
        float(sum(count for _, count in times)),
        seconds,
        lower(times[0][0]) / MICROSECONDS,
        lower(times[-1][0] + 1) / MICROSECONDS,
        distribution((middle(bucket), float(count)) for bucket, count in times),
    )
