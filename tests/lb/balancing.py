"""What the tests of routing have in common: groups of targets with a health, on a clock that the test turns."""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lab.core.elbv2.config import HealthCheck, Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.health import REGISTERED, State, TargetHealth
from lab.core.elbv2.rules import Action, Forward, Rule, default_rule
from services.lb.routing.table import Group, RoutingTable, TargetState, compile_table

GROUP = "arn:group"
KEY = "0f" * 32
HEALTHY = TargetHealth(State.HEALTHY)
UNHEALTHY = TargetHealth(State.UNHEALTHY)


def target(number: int, **changes: Any) -> Target:
    return replace(Target(f"i-{number}", 80, "a", f"10.0.0.{number}", 8000), **changes)


def group(*targets: Target, **changes: Any) -> TargetGroup:
    return replace(TargetGroup(GROUP, "group", "HTTP", HealthCheck(), targets), **changes)


def document(
    *groups: TargetGroup, action: Action | None = None, rules: Iterable[Rule] = (), **changes: Any
) -> LoadBalancerConfig:
    """One listener, whose default action forwards to the first group."""
    default = default_rule(action or Forward(((groups[0].arn, 1),)), "arn:default")
    listener = Listener("arn:listener", "HTTP", 80, (*rules, default))
    config = LoadBalancerConfig(1, "app/lb/1", "arn:lb", "lb.example", 1.0, (listener,), groups, cookie_key=KEY)
    return replace(config, **changes)


class Bench:
    """Tables that follow one another, as in a node of zone a."""

    def __init__(self, zone: str = "a", seed: int = 1) -> None:
        self.zone = zone
        self.now = 100.0
        self.table: RoutingTable | None = None
        self._random_bytes = random.Random(seed).randbytes

    def load(self, config: LoadBalancerConfig) -> list[TargetState]:
        """The targets that are gone."""
        self.table, gone = compile_table(config, self.table, self.zone, self.now, self._random_bytes)
        return gone

    def group(self, arn: str = GROUP) -> Group:
        assert self.table is not None
        return self.table.groups[arn]

    def member(self, number: int, arn: str = GROUP) -> TargetState:
        [found] = [member for member in self.group(arn).members if member.id == f"i-{number}"]
        return found

    def health(self, *numbers: int, healthy: bool = True, arn: str = GROUP) -> None:
        """These targets become healthy or unhealthy; the others keep what they have."""
        for number in numbers:
            self.member(number, arn).health = HEALTHY if healthy else UNHEALTHY
        self.group(arn).refresh(self.now)

    def forget(self, number: int) -> None:
        self.member(number).health = REGISTERED
        self.group().refresh(self.now)

    def pick(self, arn: str = GROUP) -> str | None:
        found = self.group(arn).balancer.pick(self.now)
        return found.id if found is not None else None

    def picks(self, count: int, arn: str = GROUP) -> list[str | None]:
        return [self.pick(arn) for _ in range(count)]

    def wait(self, seconds: float) -> None:
        """Half a second at a time, as the sweep does."""
        assert self.table is not None
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.5)
            self.table.tick(self.now)
