"""What every connection of the data plane shares. Its own state is here and nowhere else; all of it is one thread's."""

from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

from services.lb.http1.forwarding import TraceIds
from services.lb.logs.logs import Logs
from services.lb.node.allowance import UNLIMITED, Allowance
from services.lb.routing.table import RoutingTable
from services.lb.serving.counters import Counters
from services.lb.serving.limits import Limits
from services.lb.serving.outcome import Outcome
from services.lb.serving.record import access_line, connection_entry
from services.lb.sockets.selector import ServingSelector

if TYPE_CHECKING:
    from services.lb.http2.connection import H2Connection
    from services.lb.serving.downstream import Client
    from services.lb.serving.exchange import Exchange
    from services.lb.serving.farewell import Farewell
    from services.lb.serving.front import Front
    from services.lb.serving.greeting import Greeting
    from services.lb.serving.peer import Peer
    from services.lb.serving.tunnel import Tunnel
    from services.lb.tls.contexts import TlsFront


class Plane:
    """`table`, `fronts` and `secure` (by listener port) are replaced together when a configuration comes into force.
    `draining`: the node is about to stop."""

    def __init__(
        self,
        selector: ServingSelector,
        table: RoutingTable,
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        allowance: Allowance = UNLIMITED,
        logs: Logs | None = None,
    ) -> None:
        self.selector = selector
        self.table = table
        self.fronts: dict[int, Front] = {}
        self.secure: dict[int, TlsFront] = {}
        self.counters = Counters()
        self.clients: set[Client | Farewell | Greeting | H2Connection | Tunnel] = set()
        self.limits = Limits(allowance, selector, self.clients)
        self.draining = False
        self.wall = wall_clock
        self.trace_ids = TraceIds(random_bytes, wall_clock())
        self.date = ""
        self.logs = logs
        self.stamp()

    def stamp(self) -> None:
        """Called about once a second: what a request needs of the time of day is rendered ahead."""
        wall = self.wall()
        self.trace_ids.stamp(wall)
        self.date = formatdate(wall, usegmt=True)

    def sweep(self) -> None:
        """Called now and then, instead of a timer per connection."""
        now = self.selector.now
        table = self.table
        for client in list(self.clients):
            client.check(now, table.idle_timeout)
        table.tick(now)
        for target in table.targets():
            for connection in list(target.connections):
                connection.check(now, table.idle_timeout)
        self.limits.sweep(table.targets())
        if self.logs is not None:
            self.logs.tick()

    def record(self, exchange: "Exchange", outcome: Outcome) -> None:
        """A request has ended."""
        logs = self.logs
        if logs is not None and logs.access is not None:
            try:
                logs.add(access_line(logs.access, exchange, outcome, self.selector.now))
            except Exception:
                logs.failed()

    def record_connection(self, peer: "Peer", handshake_seconds: float = -1.0) -> None:
        """A client connection has been made, or its TLS handshake has failed."""
        logs = self.logs
        if logs is not None and logs.connections is not None:
            try:
                logs.add_connection(logs.connections.line(connection_entry(peer, self.selector.now, handshake_seconds)))
            except Exception:
                logs.failed()
