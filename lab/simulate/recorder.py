"""What is kept of a simulation while it runs: per Auto Scaling group a sample for each stretch of time, each change of its
capacity, and the sums. Nothing grows with the number of requests or instances.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.target_tracking import group_dimensions
from lab.core.cloudwatch.metric import Metric
from lab.core.ec2.model import Instance
from lab.core.store import Store
from lab.simulate.latency import percentile
from lab.simulate.tally import Tally
from lab.simulate.world import BEGIN, MINUTE, World

MUCH_LOST = 0.01
"""The share of lost requests from which on a time counts as over the SLO."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """A group's capacity from `at` (seconds of the trace) on: as set, in service, and running (what is paid for)."""

    at: float
    minimum: int
    maximum: int
    desired: int
    in_service: int
    running: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A stretch of time up to `at`. `load`: requests per second; `lost`: share of them that got no answer or an error;
    `p50` and `p99`: response times in seconds, None without any; `cpu`: the group's average as CloudWatch has it for the last
    whole minute, None without data."""

    at: float
    seconds: float
    load: float
    lost: float
    p50: float | None
    p99: float | None
    cpu: float | None


@dataclass(slots=True)
class GroupRecord:
    """One group's story so far. `totals` are the tallies at its end; `instance_seconds` and `capacity_seconds` are sums of what
    runs and of what is in service."""

    name: str
    capacities: list[Capacity] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    totals: Tally = field(default_factory=lambda: Tally("", ""))
    instance_seconds: float = 0.0
    capacity_seconds: float = 0.0
    over_slo: float = 0.0


class Recorder:
    """`slo` is the response time, in seconds, that 99 of 100 requests should stay below."""

    def __init__(self, world: World, slo: float) -> None:
        self._world = world
        self._slo = slo
        self._sampled_at = BEGIN
        self._revision = -1
        self._last_decision = ""
        self.groups: dict[str, GroupRecord] = {}
        self.decisions: list[Decision] = []
        for name, totals in self._totals().items():
            self.groups[name] = GroupRecord(name, totals=totals)

    def look(self) -> None:
        """After the control plane has settled: what has changed."""
        store, at = self._world.store, self._world.now() - BEGIN
        revision = store.revision(AutoScalingGroup, Member, Instance)
        if revision != self._revision:
            self._revision = revision
            for group in store.all(AutoScalingGroup):
                record = self.groups.setdefault(group.name, GroupRecord(group.name))
                _changed(record, _capacity(store, group, at))
        self.decisions += reversed(list(self._new_decisions()))

    def passed(self, seconds: float) -> None:
        for record in self.groups.values():
            if record.capacities:
                record.instance_seconds += seconds * record.capacities[-1].running
                record.capacity_seconds += seconds * record.capacities[-1].in_service

    def sample(self) -> None:
        """The stretch of time since the last sample, now that what was measured in it is known."""
        now = self._world.now()
        seconds = now - self._sampled_at
        self._sampled_at = now
        for name, totals in self._totals().items():
            record = self.groups.setdefault(name, GroupRecord(name))
            part = totals.since(record.totals)
            record.totals = totals
            sample = Sample(
                at=now - BEGIN,
                seconds=seconds,
                load=part.arrived / seconds,
                lost=part.lost / part.arrived if part.arrived > 0 else 0.0,
                p50=percentile(part.times, 50.0),
                p99=percentile(part.times, 99.0),
                cpu=self._cpu(name, now),
            )
            if sample.lost > MUCH_LOST or (sample.p99 is not None and sample.p99 > self._slo):
                record.over_slo += seconds
            record.samples.append(sample)

    def _totals(self) -> dict[str, Tally]:
        """By group, whatever target group the requests came by."""
        found: dict[str, Tally] = {}
        for (_, name), tally in self._world.fleet.tallies.items():
            found[name] = found[name].plus(tally) if name in found else tally.copy()
        return found

    def _cpu(self, group: str, now: float) -> float | None:
        metric = Metric("AWS/EC2", "CPUUtilization", group_dimensions(group))
        statistics = self._world.lab.metrics.statistics(metric, now // MINUTE * MINUTE - MINUTE, int(MINUTE))
        return None if statistics is None else statistics.get("Average")

    def _new_decisions(self) -> Iterable[Decision]:
        """Newest first. The store keeps the last ones only."""
        for decision in reversed(self._world.store.all(Decision)):
            if decision.decision_id == self._last_decision:
                break
            yield decision
        rows = self._world.store.all(Decision)
        self._last_decision = rows[-1].decision_id if rows else ""


def _capacity(store: Store, group: AutoScalingGroup, at: float) -> Capacity:
    members = store.where(Member, "group", group.name)
    instances = [store.get(Instance, member.instance_id) for member in members]
    return Capacity(
        at=at,
        minimum=group.min_size,
        maximum=group.max_size,
        desired=group.desired_capacity,
        in_service=sum(1 for member in members if member.state == IN_SERVICE),
        running=sum(1 for instance in instances if instance is not None and instance.state == "running"),
    )


def _changed(record: GroupRecord, capacity: Capacity) -> None:
    known = record.capacities
    same = ("minimum", "maximum", "desired", "in_service", "running")
    if known and all(getattr(known[-1], name) == getattr(capacity, name) for name in same):
        return
    if known and known[-1].at == capacity.at:
        known.pop()  # of what happens at one moment, the end of it is told
    known.append(capacity)
