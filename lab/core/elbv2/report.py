"""What a load balancer node tells the control plane once a second: target health as it sees it, and counters.

Counters grow from 0 since the node's boot; `boot_id` changes with each boot, so a reader can tell a restart from a
decrease. Everything in a report may be lost: the next one carries the whole state again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.core.elbv2.codec import decode


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target of one group as one node sees it. `state`, `reason` and `description` are AWS's literal strings
    (alb:target-group-health-checks); reason and description are empty when healthy. `requests` and `errors` (answers with a
    5xx of its own, or none at all) are counted since boot; `in_flight` is now. `anomalous`: it errs more than its peers;
    `mitigated`: it gets less for that."""

    target_group_arn: str
    id: str
    port: int
    state: str
    reason: str = ""
    description: str = ""
    in_flight: int = 0
    requests: int = 0
    errors: int = 0
    anomalous: bool = False
    mitigated: bool = False


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node's whole report. `applied` is the generation in force (0: none yet). `rejected` names a generation that the
    node refused, and `rejected_why` the reason. `counters` hold AWS/ApplicationELB metric names (RequestCount,
    HTTPCode_Target_2XX_Count, HTTPCode_ELB_502_Count, NewConnectionCount, …). `response_times` counts target response
    times in log2 buckets: the number at index i is of times in [2^i, 2^(i+1)) microseconds."""

    node_id: str
    boot_id: str
    zone: str
    applied: int
    targets: tuple[TargetReport, ...]
    counters: Mapping[str, int]
    response_times: tuple[int, ...] = ()
    active_connections: int = 0
    rejected: int = 0
    rejected_why: str = ""


def to_json(report: NodeReport) -> dict[str, Any]:
    return asdict(report)


def from_json(body: Mapping[str, Any]) -> NodeReport:
    """The inverse of `to_json`. Raises ValueError with the reason when `body` is not a report."""
    try:
        report = NodeReport(
            **{
                **body,
                "targets": tuple(decode(TargetReport, row) for row in body["targets"]),
                "response_times": tuple(body.get("response_times", ())),
            }
        )
        numbers = (
            report.applied,
            report.rejected,
            report.active_connections,
            *report.counters.values(),
            *report.response_times,
            *(number for row in report.targets for number in (row.port, row.in_flight, row.requests, row.errors)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a node report: {error}") from error
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("not a node report: its counts must be whole numbers from 0")
    return report
