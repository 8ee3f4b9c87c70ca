"""What a node counts, by AWS's metric names (alb:load-balancer-cloudwatch-metrics). Grows from 0 since the node's boot.

Each thing is counted once: what targets did by their group, all else by the load balancer, whose numbers are sums over its
groups. The common case (a target answered) is plain integers; everything else is counted by its `Outcome`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from lab.core.elbv2.report import GroupReport
from services.lb.serving.outcome import VERDICTS, Outcome

_BUCKETS: Final = 608
"""Of `lab.core.elbv2.response_times`: up to 2^40 microseconds, which are twelve days. No answer takes longer."""
OF_GROUPS: Final = ("TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount")
"""Of the names in `VERDICTS` those that tell of a target."""


class GroupCounters:
    """Of one target group; they go on when the configuration changes."""

    __slots__ = ("by_class", "connections", "microseconds", "named", "requests", "response_times")

    def __init__(self) -> None:
        self.requests = 0
        """Requests for which a target was chosen; those of targets that are still there are counted by them."""
        self.connections = 0
        """Made to targets."""
        self.by_class = [0] * 6
        """Answers by the first digit of their status."""
        self.response_times = [0] * _BUCKETS
        """By bucket, see `lab.core.elbv2.response_times`."""
        self.microseconds = 0
        """The sum of the response times."""
        self.named: dict[str, int] = {}

    def answered(self, status: int, seconds: float) -> None:
        """A target began its answer `seconds` after it had the request."""
        self.by_class[status // 100] += 1
        time = int(seconds * 1e6)
        self.microseconds += time
        shift = time.bit_length() - 5
        self.response_times[time if shift <= 0 else (shift << 4) + (time >> shift)] += 1

    def add(self, name: str) -> None:
        self.named[name] = self.named.get(name, 0) + 1

    def report(self, arn: str, requests: int) -> GroupReport:
        """`requests` are those that targets have counted."""
        counted = {
            "RequestCount": self.requests + requests,
            **{f"HTTPCode_Target_{digit}XX_Count": self.by_class[digit] for digit in (2, 3, 4, 5)},
            "NewConnectionCount": self.connections,
        }
        times = tuple((bucket, count) for bucket, count in enumerate(self.response_times) if count)
        return GroupReport(
            arn, {name: count for name, count in counted.items() if count} | self.named, times, self.microseconds
        )


class Counters:
    __slots__ = ("evaluations", "named", "outcomes", "processed", "retired")

    def __init__(self) -> None:
        self.evaluations = 0
        """Rules that were tried, the default ones not counted."""
        self.processed = 0
        """Bytes of requests and answers, from and to clients, without TLS: of a request when it ends."""
        self.outcomes: dict[Outcome, int] = {}
        self.named: dict[str, int] = {}
        self.retired: Counter[str] = Counter()
        """Of target groups that are used no more."""

    def ended(self, outcome: Outcome, group: GroupCounters | None) -> None:
        """`group` is that of the target, if one was chosen."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        for name in VERDICTS[outcome].metrics:
            if group is not None and name in OF_GROUPS:
                group.add(name)
            else:
                self.add(name)

    def add(self, name: str) -> None:
        self.named[name] = self.named.get(name, 0) + 1

    def metrics(self, groups: Iterable[GroupReport] = ()) -> dict[str, int]:
        """By metric name, those of the `groups` included; what never happened is absent."""
        total = self.retired.copy()
        for group in groups:
            total.update(group.counters)
        total.update({"RuleEvaluations": self.evaluations, "ProcessedBytes": self.processed})
        total.update(self.named)
        return {name: count for name, count in total.items() if count}
