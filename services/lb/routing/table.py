"""Where a request goes: a configuration, compiled. A request reads the table once; it is replaced as a whole.

    rules = table.listeners[port]
    route = rules.routes[rules.matcher.find(…)]     which rule: services.lb.routing.matcher
    route.balancer.pick(now)                        the common case: services.lb.targets.balance
    route.forward.choose(head, now, wall)           several groups, or stickiness: services.lb.routing.forward
    route.redirection.location(…)                   services.lb.routing.redirects
    route.fixed                                     an answer as the document has it

What outlives a configuration goes from the old table to the new one: targets with their health, counts and connections, where
rings stand, how weights were shared, slow starts and anomalies. Knows no sockets: a target's connections are only held, because
they must end when the target does.
"""

import random
from collections.abc import Callable, Iterable

from lab.core.elbv2.config import Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.rules import FixedResponse, Forward, Redirect, Rule
from lab.core.elbv2.tls_policies import target_policy
from services.lb.routing.cookies import Seal
from services.lb.routing.forward import Choice, ForwardRoute
from services.lb.routing.matcher import Matcher
from services.lb.routing.redirects import Redirection
from services.lb.routing.transforms import Transforms, transforms
from services.lb.serving.counters import GroupCounters
from services.lb.targets.balance import Balancer, Shares
from services.lb.targets.group import Group
from services.lb.targets.target import TargetKey, TargetState
from services.lb.tls.settings import target_context

__all__ = [
    "Choice",
    "Group",
    "ListenerRules",
    "Route",
    "RoutingTable",
    "TargetKey",
    "TargetState",
    "compile_table",
]

_EVERY_ZONE = "all"
ForwardKey = tuple[str, str, tuple[tuple[str, int], ...]]
"""Listener ARN, rule ARN, weights: a forward action with the same key goes on sharing where it stood."""


class Route:
    """A rule, compiled: its action is exactly one of `forward`, `redirection` and `fixed`; `balancer` is there where nothing
    else need be done than to ask it. `evaluations` is how many rules were tried until it (RuleEvaluations; the default rule
    is not counted)."""

    __slots__ = ("arn", "balancer", "evaluations", "fixed", "forward", "priority", "redirection", "transforms")

    def __init__(self, rule: Rule, evaluations: int, forward: ForwardRoute | None) -> None:
        action = rule.action
        self.arn = rule.arn
        self.priority = rule.priority
        self.evaluations = evaluations
        self.forward = forward
        self.redirection: Redirection | None = Redirection(action) if isinstance(action, Redirect) else None
        self.fixed: FixedResponse | None = action if isinstance(action, FixedResponse) else None
        self.transforms: Transforms | None = transforms(rule)
        self.balancer: Balancer | None = None
        if forward is not None and self.transforms is None:
            self.balancer = forward.balancer


class ListenerRules:
    """`only` is the route when the listener has just its default rule; else it is `routes[matcher.find(…)]`."""

    __slots__ = ("config", "matcher", "only", "routes")

    def __init__(self, config: Listener, routes: list[Route]) -> None:
        self.config = config
        self.routes = routes
        self.matcher = Matcher(config.rules)
        self.only: Route | None = routes[0] if len(routes) == 1 else None


class RoutingTable:
    """A configuration in force. `now` of all methods is the selector's."""

    __slots__ = (
        "client_keep_alive",
        "config",
        "dice",
        "dns_name",
        "groups",
        "idle_timeout",
        "listeners",
        "shares",
    )

    def __init__(self, config: LoadBalancerConfig, groups: dict[str, Group], dice: random.Random) -> None:
        self.config = config
        self.groups = groups
        self.dice = dice
        self.idle_timeout = config.attributes.idle_timeout
        self.client_keep_alive = config.attributes.client_keep_alive
        self.dns_name = config.dns_name.encode("ascii")
        self.listeners: dict[int, ListenerRules] = {}
        self.shares: dict[ForwardKey, Shares] = {}

    def targets(self) -> Iterable[TargetState]:
        return (target for group in self.groups.values() for target in group.members)

    def tick(self, now: float) -> None:
        """Called about twice a second: what changes with time alone (slow starts, anomalies)."""
        for group in self.groups.values():
            group.tick(now)


def compile_table(
    config: LoadBalancerConfig,
    before: RoutingTable | None,
    zone: str,
    now: float,
    random_bytes: Callable[[int], bytes],
) -> tuple[RoutingTable, list[TargetState]]:
    """(the new table, the targets of the old one that are in it no more). Targets that stay are the same objects, with
    their `draining` as the new document has it: the caller puts the table in force in the same breath. `zone` is the
    node's. `config` has passed `check.problems`."""
    known = {target.key: target for target in before.targets()} if before is not None else {}
    policy = target_policy(listener.tls.policy for listener in config.listeners if listener.tls is not None)
    dice = before.dice if before is not None else random.Random(random_bytes(16))
    groups = {}
    for group in config.target_groups:
        old = before.groups.get(group.arn) if before is not None else None
        counters = old.counters if old is not None else GroupCounters()
        in_reach = [target for target in group.targets if group.cross_zone or target.zone in (zone, _EVERY_ZONE)]
        members = [_member(group, target, known, counters) for target in in_reach]
        tls = target_context(policy) if group.protocol == "HTTPS" else None
        for member in members:
            member.tls = tls
            member.blocked = group.cross_zone and member.zone == config.shifted_zone
            if old is None or not old.members:
                member.founding = True
        groups[group.arn] = Group(group, members, counters, old, config.speed, now, dice)
    table = RoutingTable(config, groups, dice)
    seal = Seal(bytes.fromhex(config.cookie_key), random_bytes) if config.cookie_key else None
    for listener in config.listeners:
        routes = [
            Route(rule, min(index + 1, len(listener.rules) - 1), _forward(rule, listener, table, before, seal))
            for index, rule in enumerate(listener.rules)
        ]
        table.listeners[listener.port] = ListenerRules(listener, routes)
    return table, list(known.values())


def _member(
    group: TargetGroup, target: Target, known: dict[TargetKey, TargetState], counters: GroupCounters
) -> TargetState:
    key = (group.arn, target.id, target.port, target.host, target.dial_port)
    state = known.pop(key, None) or TargetState(key, group, target.zone, counters)
    state.group = group
    state.zone = target.zone
    state.draining = target.draining
    return state


def _forward(
    rule: Rule, listener: Listener, table: RoutingTable, before: RoutingTable | None, seal: Seal | None
) -> ForwardRoute | None:
    action = rule.action
    if not isinstance(action, Forward):
        return None
    key = (listener.arn, rule.arn, action.target_groups)
    shares = before.shares.get(key) if before is not None else None
    if shares is None:
        shares = Shares([weight for _, weight in action.target_groups])
    table.shares[key] = shares
    return ForwardRoute(action, table.groups, shares, seal, table.config.arn, table.config.speed)
