"""Keeps a worker within its allowance, at the expense of those who cost most and need it least.

Connections. From nine tenths of the allowed ones on, idle keep-alive connections are closed, the longest idle first, until
an eighth is free again: a connection that says nothing must not cost another one its request. Over the limit, a new
connection is told 503 and closed, as long as the reserve for that lasts; then new ones wait in the kernel's backlog
(alb:load-balancer-cloudwatch-metrics, RejectedConnectionCount). AWS publishes no such numbers.

Bytes. What a peer does not take, and a head that is not complete, is held in memory. Each connection holds a bounded
amount; over the limit in all, new requests are answered 503, and the sweep ends connections that hold bytes without any
progress, the longest first: one who does not read must not cost the others their answers.

Descriptors. When four fifths are taken, connections to targets that are kept for the next request are closed.
"""

import heapq
from collections.abc import Collection, Iterable
from typing import Protocol

from services.lb.node.allowance import Allowance
from services.lb.routing.table import TargetState
from services.lb.sockets.selector import ServingSelector

_FRUITLESS_SECONDS = 0.1
"""Between two searches for idle connections when the last one did not help."""


class Limited(Protocol):
    """What the plane has among its clients."""

    @property
    def is_idle(self) -> bool:
        """Waits for a request, and nothing of one is there."""

    @property
    def held(self) -> int:
        """Bytes in memory on its behalf."""

    @property
    def last_progress(self) -> float:
        """When a byte came or went last, by the selector's clock."""

    def drain(self) -> None:
        """Close if idle."""

    def shed(self) -> None:
        """End, to free memory."""


class Limits:
    """Of the plane that owns `clients`. `selector.held` is kept by the endpoints, and set right by every sweep."""

    def __init__(self, allowance: Allowance, selector: ServingSelector, clients: Collection[Limited]) -> None:
        self.allowance = allowance
        self._selector = selector
        self._clients = clients
        self._search_at = selector.now

    @property
    def overloaded(self) -> bool:
        """Whether new requests are to be refused."""
        return self._selector.held > self.allowance.buffered

    @property
    def nears_last_descriptor(self) -> bool:
        """Whether there may be no more, for all that is known."""
        return self._selector.watched >= self.allowance.descriptors

    def has_room(self) -> bool:
        """Whether one more connection can be taken, to serve it or to refuse it."""
        most = self.allowance.connections + self.allowance.refusals
        if len(self._clients) >= most:
            self._make_room()
        return len(self._clients) < most

    def admit_connection(self) -> bool:
        """Whether one more is served."""
        self._make_room()
        return len(self._clients) < self.allowance.connections

    def _make_room(self) -> None:
        most = self.allowance.connections
        if len(self._clients) * 10 >= most * 9 and self._selector.now >= self._search_at:
            self._close_idle(len(self._clients) - most * 7 // 8)
            if len(self._clients) * 10 >= most * 9:
                self._search_at = self._selector.now + _FRUITLESS_SECONDS

    def free_descriptors(self, targets: Iterable[TargetState]) -> bool:
        """The system gives no more: give up what is kept for convenience only. Whether there was any; it is free from the next
        batch of the selector on."""
        return self._close_idle(max(1, len(self._clients) // 8)) + _close_pools(targets) > 0

    def sweep(self, targets: Iterable[TargetState]) -> None:
        """Called now and then."""
        if self._selector.watched * 10 > self.allowance.descriptors * 8:
            _close_pools(targets)
        self._count()
        excess = self._selector.held - self.allowance.buffered
        if excess <= 0:
            return
        before = self._selector.now - self.allowance.patience
        stuck = [client for client in self._clients if client.held and client.last_progress < before]
        for client in sorted(stuck, key=_last_progress):
            if excess <= 0:
                break
            excess -= client.held
            client.shed()
        self._count()

    def _count(self) -> None:
        self._selector.held = sum(client.held for client in self._clients)

    def _close_idle(self, count: int) -> int:
        """Closes up to `count`, the longest idle first; how many."""
        before = len(self._clients)
        idle = [client for client in self._clients if client.is_idle]
        for client in heapq.nsmallest(count, idle, key=_last_progress):
            client.drain()
        return before - len(self._clients)


def _close_pools(targets: Iterable[TargetState]) -> int:
    """Closes all connections that are kept for the next request; how many."""
    closed = 0
    for target in targets:
        for connection in list(target.pool):
            connection.retire(cut=False)
            closed += 1
    return closed


def _last_progress(client: Limited) -> float:
    return client.last_progress
