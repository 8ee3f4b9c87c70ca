"""Requests per second by class and response times, from what load balancer nodes counted between two of their reports.

A node reports about once a second, and so are points made; a point that finds no new report of a node tells its last rate
again, for a few seconds at most, so that two clocks that are not in step do not draw a comb.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.core.elbv2.report import NodeReport, grown
from lab.core.elbv2.response_times import middle

WallBetween = Callable[[float, float], float]
"""Wall seconds between two moments of lab time."""

PATIENCE = 3.0
"""Wall seconds for which a node's last rate is told again."""
PERCENTILES = (50, 90, 99)
CLASSES: Mapping[str, tuple[str, ...]] = {
    "2xx": ("HTTPCode_Target_2XX_Count",),
    "3xx": ("HTTPCode_Target_3XX_Count", "HTTPCode_ELB_3XX_Count"),
    "4xx": ("HTTPCode_Target_4XX_Count", "HTTPCode_ELB_4XX_Count"),
    "5xx": ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"),
}
"""What a point tells apart, and AWS's metrics that are counted for it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What passed a node, or several: requests per wall second by class, and how many times were in which bucket."""

    rates: Mapping[str, float] = field(default_factory=dict)
    times: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A node's report when it was looked at last, when it came (lab time), and the flow up to it."""

    report: NodeReport
    at: float
    flow: Flow


def looked(before: Seen | None, report: NodeReport, at: float, wall_between: WallBetween) -> Seen:
    """The node after one more look. The first look, and the first after a boot, have nothing to compare with."""
    if before is None or before.report.boot_id != report.boot_id:
        return Seen(report, at, Flow())
    seconds = wall_between(before.at, at)
    if seconds <= 0:
        return before
    counts = grown(report.counters, before.report.counters)
    rates = {name: sum(counts.get(metric, 0) for metric in metrics) / seconds for name, metrics in CLASSES.items()}
    known = {group.target_group_arn: group for group in before.report.groups}
    times = Counter[int]()
    for group in report.groups:
        times.update(dict(group.since(known.get(group.target_group_arn)).response_times))
    return Seen(report, at, Flow(rates, times))


def together(seen: Iterable[Seen], now: float, wall_between: WallBetween) -> Flow:
    """All nodes in one; those that have been silent for too long have no part in it."""
    rates, times = Counter[str](), Counter[int]()
    for one in seen:
        if wall_between(one.at, now) <= PATIENCE:
            rates.update(one.flow.rates)
            times.update(one.flow.times)
    return Flow({name: rates[name] for name in CLASSES}, times)


def percentiles(times: Mapping[int, int], wanted: Sequence[int] = PERCENTILES) -> dict[str, float | None]:
    """Response times in milliseconds by name ("p99"): the least time that as many percent are not above. None without any."""
    total = sum(times.values())
    found: dict[str, float | None] = {}
    for percent in wanted:
        rank, passed = -(-total * percent // 100), 0
        found[f"p{percent}"] = None
        for bucket in sorted(times):
            passed += times[bucket]
            if passed >= rank:
                found[f"p{percent}"] = middle(bucket) * 1000
                break
    return found
