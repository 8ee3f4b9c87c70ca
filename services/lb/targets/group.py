"""A target group as one node uses it: which of its targets may be chosen now, and by which algorithm.

One question decides: `available` - healthy, not draining, not blocked by a zonal shift. With fewer available ones than the
group's thresholds ask for, all are used that do not drain and are not blocked (fail open; alb:load-balancer-target-groups).
With cross-zone balancing a zonal shift blocks the targets of its zone on every node; without, nodes use their own zone's
targets anyway, and a node in the zone serves what still reaches it (alb:zonal-shift). A group without targets gives None.

`refresh` must follow every change of a member's health; `tick` comes now and then, for what changes with time alone.
"""

import random

from lab.core.elbv2.config import TargetGroup
from lab.core.elbv2.report import GroupReport
from services.lb.serving.counters import GroupCounters
from services.lb.targets import anomaly, slow_start
from services.lb.targets.balance import Balancer, LeastOutstanding, WarmingRoundRobin, WeightedRandom
from services.lb.targets.target import TargetState


class Group:
    """`members` are the targets in this node's reach. `failing_open`: too few of them are available."""

    __slots__ = (
        "_due",
        "_period",
        "_warm_seconds",
        "arn",
        "balancer",
        "by_name",
        "config",
        "counters",
        "failing_open",
        "members",
    )

    def __init__(
        self,
        config: TargetGroup,
        members: list[TargetState],
        counters: GroupCounters,
        before: "Group | None",
        speed: float,
        now: float,
        dice: random.Random,
    ) -> None:
        """`before` is the group as it was, whose ring and rhythm go on."""
        self.arn = config.arn
        self.config = config
        self.members = members
        self.counters = counters
        self.failing_open = False
        self.by_name: dict[tuple[str, int], TargetState] = {}
        """The targets a session may stay with, by id and port; kept only for a sticky group."""
        self._warm_seconds = config.slow_start / speed if config.algorithm == "round_robin" else 0.0
        self._period = anomaly.PERIOD / speed
        self._due: float = before._due if before is not None else now + self._period
        position: int = before.balancer.position if before is not None else 0
        self.balancer: Balancer = _balancer(config, position, self._warm_seconds, dice)
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """`now` is monotonic, in seconds."""
        config = self.config
        slow_start.follow(self.members, now, self._warm_seconds)
        available = [target for target in self.members if target.available]
        usable = [target for target in self.members if target.usable]
        percent = config.minimum_healthy_percent or 0
        self.failing_open = (
            len(available) < max(1, config.minimum_healthy) or len(available) * 100 < percent * len(usable)
        ) and bool(usable)
        ring = usable if self.failing_open else available
        self.balancer.use(ring)
        self.balancer.failing_open = self.failing_open
        if config.stickiness is not None:
            self.by_name = {(target.id, target.port): target for target in ring}

    def tick(self, now: float) -> None:
        if now >= self._due:
            self._due += self._period
            if self._due <= now:
                self._due = now + self._period
            self._weigh()
            self.refresh(now)
        elif self._warm_seconds and any(target.warming_since >= 0 for target in self.members):
            self.refresh(now)

    def report(self) -> GroupReport:
        return self.counters.report(self.arn, sum(target.requests for target in self.members))

    def _weigh(self) -> None:
        config = self.config
        for target in self.members:
            target.record.close_period(target.requests, target.errors)
        judged = [target.record for target in self.members if target.available]
        anomaly.judge(judged)
        mitigating = config.anomaly_mitigation and config.algorithm == "weighted_random"
        if mitigating:
            anomaly.mitigate(judged)
        for target in self.members:
            if not target.available:
                target.record.anomalous = False
            if not mitigating:
                target.record.weight = 1.0


def _balancer(config: TargetGroup, position: int, warm_seconds: float, dice: random.Random) -> Balancer:
    if config.algorithm == "least_outstanding_requests":
        return LeastOutstanding(position)
    if config.algorithm == "weighted_random":
        return WeightedRandom(position, dice)
    return WarmingRoundRobin(position, warm_seconds) if warm_seconds else Balancer(position)
