"""What every connection of the data plane shares. Its own state is here and nowhere else; all of it is one thread's."""

from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

from services.lb.allowance import UNLIMITED, Allowance
from services.lb.counters import Counters
from services.lb.forwarding import TraceIds
from services.lb.limits import Limits
from services.lb.routing import RoutingTable
from services.lb.selector import ServingSelector

if TYPE_CHECKING:
    from services.lb.downstream import Client
    from services.lb.farewell import Farewell
    from services.lb.greeting import Greeting
    from services.lb.tunnel import Tunnel


class Plane:
    """`table` is replaced as a whole when a configuration comes into force. `draining`: the node is about to stop."""

    def __init__(
        self,
        selector: ServingSelector,
        table: RoutingTable,
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        allowance: Allowance = UNLIMITED,
    ) -> None:
        self.selector = selector
        self.table = table
        self.counters = Counters()
        self.clients: set[Client | Farewell | Greeting | Tunnel] = set()
        self.limits = Limits(allowance, selector, self.clients)
        self.draining = False
        self._wall = wall_clock
        self.trace_ids = TraceIds(random_bytes, wall_clock())
        self.date = ""
        self.logs = None
        self.stamp()

    def stamp(self) -> None:
        """Called about once a second: what a request needs of the time of day is rendered ahead."""
        wall = self._wall()
        self.trace_ids.stamp(wall)
        self.date = formatdate(wall, usegmt=True)

    def sweep(self) -> None:
        """Called now and then, instead of a timer per connection."""
        now = self.selector.now
        table = self.table
        for client in list(self.clients):
            client.check(now, table.idle_timeout)
        for target in table.targets():
            for connection in list(target.connections):
                connection.check(now, table.idle_timeout)
        self.limits.sweep(table.targets())
