"""What a load balancer node tells the control plane once a second: target health as it sees it, and counters.

Counters grow from 0 since the node's boot; `boot_id` changes with each boot, so a reader can tell a restart from a
decrease. Those of a target group begin at 0 again when the group comes into the node's document anew. Everything in a report
may be lost: the next one carries the whole state again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.core.elbv2.codec import decode


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target of one group as one node sees it. `state`, `reason` and `description` are AWS's literal strings
    (alb:target-group-health-checks); reason and description are empty when healthy. `requests`, `errors` (answers with a
    5xx of its own, or none at all) and the bytes that it was sent and that it sent back, health checks not counted, are
    since boot; `in_flight` is now. `anomalous`: it errs more than its peers; `mitigated`: it gets less for that."""

    target_group_arn: str
    id: str
    port: int
    state: str
    reason: str = ""
    description: str = ""
    in_flight: int = 0
    requests: int = 0
    errors: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    anomalous: bool = False
    mitigated: bool = False


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What one target group's targets did. `counters` hold the AWS/ApplicationELB names that there are for a target group,
    and as NewConnectionCount the connections made to its targets. `response_times` are (bucket, count) pairs that rise, see
    `response_times`; `response_microseconds` is the sum of the times."""

    target_group_arn: str
    counters: Mapping[str, int] = field(default_factory=dict)
    response_times: tuple[tuple[int, int], ...] = ()
    response_microseconds: int = 0

    def since(self, before: "GroupReport | None") -> "GroupReport":
        """What was counted after `before`. Where something is less than it was, the group has begun anew, and all is."""
        if before is None or any(self.counters.get(name, 0) < count for name, count in before.counters.items()):
            return self
        known = dict(before.response_times)
        times = tuple((bucket, count - known.get(bucket, 0)) for bucket, count in self.response_times)
        return GroupReport(
            self.target_group_arn,
            grown(self.counters, before.counters),
            tuple((bucket, count) for bucket, count in times if count > 0),
            self.response_microseconds - before.response_microseconds,
        )

    def plus(self, other: "GroupReport") -> "GroupReport":
        """With another's counts added to ours."""
        times = Counter(dict(self.response_times))
        times.update(dict(other.response_times))
        return GroupReport(
            self.target_group_arn,
            dict(Counter(self.counters) + Counter(other.counters)),
            tuple(sorted(times.items())),
            self.response_microseconds + other.response_microseconds,
        )


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node's whole report. `applied` is the generation in force (0: none yet). `rejected` names a generation that the
    node refused, and `rejected_why` the reason. `counters` hold AWS/ApplicationELB metric names (RequestCount,
    HTTPCode_Target_2XX_Count, HTTPCode_ELB_502_Count, NewConnectionCount, …), those of the `groups` included.
    `active_connections` are those of clients and those to targets. `metrics_at` is the host and port at which the node serves
    its metrics, where it does."""

    node_id: str
    boot_id: str
    zone: str
    applied: int
    targets: tuple[TargetReport, ...]
    counters: Mapping[str, int]
    groups: tuple[GroupReport, ...] = ()
    active_connections: int = 0
    rejected: int = 0
    rejected_why: str = ""
    metrics_at: str = ""


def grown(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """The counters that have grown, and by how much."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def to_json(report: NodeReport | GroupReport) -> dict[str, Any]:
    return asdict(report)


def group_from_json(row: Mapping[str, Any]) -> GroupReport:
    """Raises KeyError, TypeError or ValueError when `row` is not a group's report."""
    times = tuple((bucket, count) for bucket, count in row["response_times"])
    return GroupReport(**{**row, "response_times": times})


def from_json(body: Mapping[str, Any]) -> NodeReport:
    """The inverse of `to_json`. Raises ValueError with the reason when `body` is not a report."""
    try:
        report = NodeReport(
            **{
                **body,
                "targets": tuple(decode(TargetReport, row) for row in body["targets"]),
                "groups": tuple(map(group_from_json, body.get("groups", ()))),
            }
        )
        sound = all(type(number) is int and number >= 0 for number in _numbers(report))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a node report: {error}") from error
    if not sound:
        raise ValueError("not a node report: its counts must be whole numbers from 0")
    return report


def _numbers(report: NodeReport) -> list[int]:
    found = [report.applied, report.rejected, report.active_connections, *report.counters.values()]
    for target in report.targets:
        found += (target.port, target.in_flight, target.requests, target.errors, target.bytes_in, target.bytes_out)
    for group in report.groups:
        found += (group.response_microseconds, *group.counters.values())
        found += (number for pair in group.response_times for number in pair)
    return found
