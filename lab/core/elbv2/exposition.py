"""What load balancer nodes count, as Prometheus has it: the same names on a node and on the control plane. Pure.

A node says what it knows itself; the control plane says what each node reported last, a second ago at most.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.core.elbv2.report import GroupReport, NodeReport, TargetReport
from lab.core.elbv2.response_times import MICROSECONDS, cumulated
from lab.core.prometheus import SECONDS, Family, Histogram, Kind, Labels, counter, gauge

_PREFIX = "asg_lab_lb"
_ANSWERS = {
    **{f"HTTPCode_Target_{digit}XX_Count": ("target", f"{digit}xx") for digit in (2, 3, 4, 5)},
    **{f"HTTPCode_ELB_{digit}XX_Count": ("load_balancer", f"{digit}xx") for digit in (3, 4, 5)},
    "HTTP_Fixed_Response_Count": ("load_balancer", "fixed"),
}
"""Who answered, and how: every answered request is in one of them."""
_COUNTERS = {
    "new_connections_total": ("NewConnectionCount", "Connections made, by clients and to targets."),
    "rejected_connections_total": ("RejectedConnectionCount", "Connections refused over the limit."),
    "tls_errors_total": ("ClientTLSNegotiationErrorCount", "TLS handshakes of clients that failed."),
    "processed_bytes_total": ("ProcessedBytes", "Bytes of requests and answers, from and to clients, without TLS."),
    "rule_evaluations_total": ("RuleEvaluations", "Rules tried, default rules not counted."),
}
_GROUP_COUNTERS = {
    "target_connection_errors_total": ("TargetConnectionErrorCount", "Connections to targets that could not be made."),
    "target_tls_errors_total": ("TargetTLSNegotiationErrorCount", "TLS handshakes with targets that failed."),
    "target_new_connections_total": ("NewConnectionCount", "Connections made to targets."),
}
_TARGET_COUNTERS = {
    "target_requests_total": ("requests", "Requests sent to the target."),
    "target_errors_total": ("errors", "Answers of the target with a 5xx, or none at all."),
    "target_received_bytes_total": ("bytes_in", "Bytes sent to the target, health checks not counted."),
    "target_sent_bytes_total": ("bytes_out", "Bytes received from the target, health checks not counted."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A node's report and the name of its load balancer; `live`: it is not too old."""

    load_balancer: str
    report: NodeReport
    live: bool = True

    @property
    def labels(self) -> dict[str, str]:
        return {"load_balancer": self.load_balancer, "zone": self.report.zone}


def name_of(short_name: str) -> str:
    """`app/NAME/ID` or an ARN that ends in `targetgroup/NAME/ID` -> NAME"""
    parts = short_name.split("/")
    return parts[-2] if len(parts) > 1 else short_name


def node_families(told: Sequence[Told]) -> list[Family]:
    return [
        counter(
            f"{_PREFIX}_requests_total",
            "Requests answered, by whom (target, load_balancer) and with which class of status.",
            _answers(told),
        ),
        Family(
            f"{_PREFIX}_target_response_time_seconds",
            Kind.HISTOGRAM,
            "Time from a request's last byte to the target until the first of its answer.",
            tuple(_times(told)),
        ),
        *(
            counter(f"{_PREFIX}_{name}", text, [(one.labels, one.report.counters.get(key, 0)) for one in told])
            for name, (key, text) in _COUNTERS.items()
        ),
        *(
            counter(f"{_PREFIX}_{name}", text, [(labels, row.counters.get(key, 0)) for labels, row in _groups(told)])
            for name, (key, text) in _GROUP_COUNTERS.items()
        ),
        *(
            counter(f"{_PREFIX}_{name}", text, [(labels, getattr(row, field)) for labels, row in _targets(told)])
            for name, (field, text) in _TARGET_COUNTERS.items()
        ),
        gauge(
            f"{_PREFIX}_target_in_flight_requests",
            "Requests that the target has not answered yet.",
            [(labels, row.in_flight) for labels, row in _targets(told)],
        ),
        gauge(
            f"{_PREFIX}_target_healthy",
            "1 when the node finds the target healthy.",
            [(labels, row.state == "healthy") for labels, row in _targets(told)],
        ),
        gauge(
            f"{_PREFIX}_active_connections",
            "Open connections, of clients and to targets.",
            [(one.labels, one.report.active_connections) for one in told],
        ),
        gauge(
            f"{_PREFIX}_config_generation",
            "Generation of the configuration in force.",
            [(one.labels, one.report.applied) for one in told],
        ),
        gauge(f"{_PREFIX}_node_up", "1 while the node reports.", [(one.labels, one.live) for one in told]),
    ]


def _answers(told: Iterable[Told]) -> Iterator[tuple[Labels, float]]:
    for one in told:
        for key, (source, code) in _ANSWERS.items():
            yield {**one.labels, "source": source, "code": code}, one.report.counters.get(key, 0)


def _times(told: Iterable[Told]) -> Iterator[tuple[Labels, Histogram]]:
    for labels, row in _groups(told):
        total = sum(count for _, count in row.response_times)
        counts = cumulated(row.response_times, SECONDS)
        yield labels, Histogram(SECONDS, counts, total, row.response_microseconds / MICROSECONDS)


def _groups(told: Iterable[Told]) -> Iterator[tuple[Mapping[str, str], GroupReport]]:
    for one in told:
        for row in one.report.groups:
            yield {**one.labels, "target_group": name_of(row.target_group_arn)}, row


def _targets(told: Iterable[Told]) -> Iterator[tuple[Mapping[str, str], TargetReport]]:
    for one in told:
        for row in one.report.targets:
            group = name_of(row.target_group_arn)
            yield {**one.labels, "target_group": group, "target": f"{row.id}:{row.port}"}, row
