"""A target as this node knows it, as long as it is registered. Knows no socket: connections are held, not understood."""

from ssl import SSLContext
from typing import TYPE_CHECKING, Final

from lab.core.elbv2.config import TargetGroup
from lab.core.elbv2.health import REGISTERED, TargetHealth
from services.lb.logs.access import group_words
from services.lb.serving.counters import GroupCounters
from services.lb.targets.anomaly import Record

if TYPE_CHECKING:
    from services.lb.serving.tunnel import Tunnel
    from services.lb.serving.upstream import Upstream

TargetKey = tuple[str, str, int, str, int]
"""Target group ARN, id, port, host, dial port: a target that differs in any of them is another one."""

FULL_SHARE: Final = -1.0


class TargetState:
    """It outlives configurations: everything below stays as long as its key does, but for what the document says of it
    (`group`, `zone`, `draining`, `blocked`)."""

    __slots__ = (
        "blocked",
        "bytes_in",
        "bytes_out",
        "connections",
        "counters",
        "draining",
        "errors",
        "founding",
        "group",
        "group_arn",
        "group_words",
        "health",
        "host",
        "id",
        "in_flight",
        "key",
        "label",
        "pool",
        "port",
        "record",
        "requests",
        "sockaddr",
        "started",
        "tls",
        "warming_since",
        "zone",
    )

    def __init__(self, key: TargetKey, group: TargetGroup, zone: str, counters: GroupCounters) -> None:
        """`counters` are the group's."""
        self.key = key
        arn, self.id, self.port, self.host, dial_port = key
        self.sockaddr = (self.host, dial_port)
        self.label = b"%b:%d" % (self.host.encode("ascii"), dial_port)
        """Where requests go, for logs."""
        self.group_arn = arn.encode("ascii")
        """Likewise for logs; `group.arn` is the same as text."""
        self.group_words = group_words(self.group_arn)
        self.group = group
        self.counters = counters
        self.zone = zone
        self.tls: SSLContext | None = None
        """How it is spoken to where its group is HTTPS."""
        self.draining = False
        self.blocked = False
        """A zonal shift moves traffic away from its zone."""
        self.health: TargetHealth = REGISTERED
        self.connections: set[Upstream | Tunnel] = set()
        """Every open one: idle, connecting or busy."""
        self.pool: list[Upstream] = []
        """The idle ones, the most recently used last."""
        self.in_flight = 0
        self.requests = 0
        self.errors = 0
        """Answers with a 5xx of its own, or none at all."""
        self.bytes_in = 0
        """Sent to it, without TLS; health checks are not counted."""
        self.bytes_out = 0
        """Received from it."""
        self.started = False
        """Whether it was available when its group was last refreshed."""
        self.founding = False
        """Registered with the first targets of its group, and never available yet."""
        self.warming_since = FULL_SHARE
        """When its slow start began; FULL_SHARE: it is not in one."""
        self.record = Record()

    @property
    def available(self) -> bool:
        return self.health.healthy and not self.draining and not self.blocked

    @property
    def usable(self) -> bool:
        """May be used where too few are available."""
        return not self.draining and not self.blocked

    @property
    def anomalous(self) -> bool:
        return self.record.anomalous

    @property
    def mitigated(self) -> bool:
        return self.record.weight < 1.0

    def retire(self, *, cut: bool) -> None:
        """No request is sent to it any more. With `cut` those under way end too."""
        for connection in list(self.connections):
            connection.retire(cut=cut)
