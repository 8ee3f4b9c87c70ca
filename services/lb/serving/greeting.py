"""A client connection while it shakes hands: who owns it until there is anybody to speak HTTP with.

A handshake has ten seconds from its accept. One that fails counts in ClientTLSNegotiationErrorCount
(alb:load-balancer-cloudwatch-metrics) and is told to `failed`, for the connection log.
"""

from collections.abc import Callable

from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.sockets.endpoint import Owner
from services.lb.tls.endpoint import HANDSHAKE_SECONDS, TlsEndpoint


class Greeting(Owner):
    """`done` takes the connection over at once; `failed` is told before it is closed. `port` is the listener's."""

    def __init__(
        self,
        link: TlsEndpoint,
        plane: Plane,
        peer: Peer,
        done: Callable[[TlsEndpoint, Plane, Peer], None],
        failed: Callable[[TlsEndpoint, Plane, Peer], None],
    ) -> None:
        self.port = peer.port
        self.link = link
        link.owner = self
        self._plane = plane
        self._peer = peer
        self._done = done
        self._failed = failed
        self._since = plane.selector.now
        plane.clients.add(self)

    def drained(self) -> None:
        self._plane.clients.discard(self)
        self._peer.scheme = b"https"
        self._done(self.link, self._plane, self._peer)

    def received(self, data: bytes) -> None:
        """Nothing is read before the handshake is over, and then somebody else owns the connection."""

    def ended(self) -> None:
        self._plane.counters.add("ClientTLSNegotiationErrorCount")
        self._failed(self.link, self._plane, self._peer)
        self.abort()

    def abort(self) -> None:
        self._plane.clients.discard(self)
        self.link.close()

    is_idle = False
    held = 0

    @property
    def last_progress(self) -> float:
        return self._since

    def shed(self) -> None:
        self.abort()

    def check(self, now: float, idle_timeout: float) -> None:
        if now - self._since > HANDSHAKE_SECONDS:
            self.link.give_up()

    def drain(self) -> None:
        """The node is about to stop, and no request is under way here."""
        self.abort()
