"""What a node counts, by AWS's metric names (alb:load-balancer-cloudwatch-metrics). Grows from 0 since the node's boot.

The common case (a target answered) is plain integers; everything else is counted by its `Outcome`.
"""

from services.lb.outcome import VERDICTS, Outcome

_BUCKETS = 40  # 2^40 microseconds are twelve days: no answer takes longer


class Counters:
    __slots__ = ("by_class", "completed", "evaluations", "named", "outcomes", "requests", "response_times")

    def __init__(self) -> None:
        self.requests = 0
        """Requests for which a target was chosen."""
        self.evaluations = 0
        """Rules that were tried, the default ones not counted."""
        self.completed = 0
        """Requests whose answer was relayed whole: Outcome(RESPONSE, COMPLETE)."""
        self.by_class = [0] * 6
        """Target answers by the first digit of their status."""
        self.response_times = [0] * _BUCKETS
        """At index i: target response times of i significant bits, in microseconds."""
        self.outcomes: dict[Outcome, int] = {}
        self.named: dict[str, int] = {}

    def answered(self, status: int, seconds: float) -> None:
        """A target began its answer `seconds` after it had the request."""
        self.by_class[status // 100] += 1
        self.response_times[int(seconds * 1e6).bit_length()] += 1

    def ended(self, outcome: Outcome) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        for name in VERDICTS[outcome].metrics:
            self.add(name)

    def add(self, name: str) -> None:
        self.named[name] = self.named.get(name, 0) + 1

    def metrics(self) -> dict[str, int]:
        """By metric name; what never happened is absent."""
        counted = {
            "RequestCount": self.requests,
            "RuleEvaluations": self.evaluations,
            **{f"HTTPCode_Target_{digit}XX_Count": self.by_class[digit] for digit in (2, 3, 4, 5)},
        }
        return {name: count for name, count in counted.items() if count} | self.named

    def histogram(self) -> tuple[int, ...]:
        """At index i: response times in [2^i, 2^(i+1)) microseconds, without the empty buckets at the end."""
        none, one, *longer = self.response_times
        times = [none + one, *longer]
        last = max((index for index, count in enumerate(times) if count), default=-1)
        return tuple(times[: last + 1])
