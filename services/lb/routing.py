"""Where a request goes: the configuration, compiled so that one look-up and one step of a ring answer it.

Knows no sockets: a target's connections are only held here, because they must end when the target does. Rules
(alb:load-balancer-target-groups, alb:edit-target-group-attributes):

* one question decides: `available` - healthy and not draining;
* round robin over the available targets of all zones (of the node's own zone where cross-zone balancing is off);
* fail open: with none healthy, all targets that are not draining are used;
* a group without targets gives None, which is a 503.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lab.core.elbv2.config import Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.health import REGISTERED, TargetHealth
from lab.core.elbv2.rules import Action, FixedResponse, Forward
from services.lb.forwarding import HeadWriter

if TYPE_CHECKING:
    from services.lb.tunnel import Tunnel
    from services.lb.upstream import Upstream

TargetKey = tuple[str, str, int, str, int]
"""Target group ARN, id, port, host, dial port: a target that differs in any of them is another one."""


class TargetState:
    """A target as this node knows it. It outlives configurations: health and connections stay as long as its key does."""

    __slots__ = (
        "connections",
        "draining",
        "errors",
        "group_arn",
        "health",
        "host",
        "id",
        "in_flight",
        "key",
        "pool",
        "port",
        "requests",
        "sockaddr",
        "zone",
    )

    def __init__(self, key: TargetKey, zone: str) -> None:
        self.key = key
        self.group_arn, self.id, self.port, self.host, dial_port = key
        self.sockaddr = (self.host, dial_port)
        self.zone = zone
        self.draining = False
        self.health: TargetHealth = REGISTERED
        self.connections: set[Upstream | Tunnel] = set()
        """Every open one: idle, connecting or busy."""
        self.pool: list[Upstream] = []
        """The idle ones, the most recently used last."""
        self.in_flight = 0
        self.requests = 0
        self.errors = 0

    @property
    def available(self) -> bool:
        return self.health.healthy and not self.draining

    def retire(self, *, cut: bool) -> None:
        """No request is sent to it any more. With `cut` those under way end too."""
        for connection in list(self.connections):
            connection.retire(cut=cut)


class Group:
    """A target group. `refresh` must follow every change of a member's health."""

    __slots__ = ("_next", "_ring", "arn", "config", "members")

    def __init__(self, config: TargetGroup, members: list[TargetState], position: int) -> None:
        self.arn = config.arn
        self.config = config
        self.members = members
        self._next = position
        self._ring: list[TargetState] = []
        self.refresh()

    @property
    def position(self) -> int:
        """Where round robin stands, so that a new configuration goes on from there."""
        return self._next

    def refresh(self) -> None:
        usable = [target for target in self.members if not target.draining]
        self._ring = [target for target in usable if target.available] or usable

    def pick(self) -> TargetState | None:
        ring = self._ring
        if not ring:
            return None
        at = self._next
        if at >= len(ring):
            at = 0
        self._next = at + 1
        return ring[at]


class ForwardRoute:
    """A forward action. Several groups share by weight, evenly interleaved (smooth weighted round robin)."""

    __slots__ = ("_credits", "_groups", "_only", "_total")

    def __init__(self, groups: list[tuple[Group, int]]) -> None:
        self._groups = [(group, weight) for group, weight in groups if weight > 0]
        self._only = self._groups[0][0] if len(self._groups) == 1 else None
        self._credits = [0] * len(self._groups)
        self._total = sum(weight for _, weight in self._groups)

    def pick(self) -> TargetState | None:
        if self._only is not None:
            return self._only.pick()
        if not self._groups:
            return None
        for index, (_, weight) in enumerate(self._groups):
            self._credits[index] += weight
        best = max(range(len(self._groups)), key=self._credits.__getitem__)
        self._credits[best] -= self._total
        return self._groups[best][0].pick()


Route = ForwardRoute | FixedResponse


class Front:
    """A listener, compiled: what a request that came in through it needs to know."""

    __slots__ = ("desync_mode", "response_fields", "route", "server_header", "writer")

    def __init__(self, config: LoadBalancerConfig, listener: Listener, groups: dict[str, Group]) -> None:
        attributes = config.attributes
        self.desync_mode = attributes.desync_mode
        self.server_header = listener.server_header
        self.response_fields = listener.response_fields
        self.route = _route(listener.default_action, groups)
        self.writer = HeadWriter(attributes, listener.port, config.dns_name.encode("ascii"))


class RoutingTable:
    """A configuration in force. Replaced as a whole; a request reads it once."""

    __slots__ = ("client_keep_alive", "config", "fronts", "groups", "idle_timeout")

    def __init__(self, config: LoadBalancerConfig, groups: dict[str, Group]) -> None:
        self.config = config
        self.groups = groups
        self.idle_timeout = config.attributes.idle_timeout
        self.client_keep_alive = config.attributes.client_keep_alive
        self.fronts = {listener.port: Front(config, listener, groups) for listener in config.listeners}

    def targets(self) -> Iterable[TargetState]:
        return (target for group in self.groups.values() for target in group.members)


def compile_table(
    config: LoadBalancerConfig, before: RoutingTable | None, zone: str
) -> tuple[RoutingTable, list[TargetState]]:
    """(the new table, the targets of the old one that are in it no more). Targets that stay are the same objects, with
    their `draining` as the new document has it: the caller puts the table in force in the same breath."""
    known = {target.key: target for target in before.targets()} if before is not None else {}
    groups = {}
    for group in config.target_groups:
        old = before.groups.get(group.arn) if before is not None else None
        in_reach = (target for target in group.targets if group.cross_zone or target.zone == zone)
        members = [_member(group, target, known) for target in in_reach]
        groups[group.arn] = Group(group, members, old.position if old is not None else 0)
    return RoutingTable(config, groups), list(known.values())


def _member(group: TargetGroup, target: Target, known: dict[TargetKey, TargetState]) -> TargetState:
    key = (group.arn, target.id, target.port, target.host, target.dial_port)
    state = known.pop(key, None) or TargetState(key, target.zone)
    state.draining = target.draining
    return state


def _route(action: Action, groups: dict[str, Group]) -> Route:
    if isinstance(action, Forward):
        return ForwardRoute([(groups[arn], weight) for arn, weight in action.target_groups])
    assert isinstance(action, FixedResponse)
    return action
