"""After a 101 (WebSocket): two connections tied together, bytes relayed unread both ways until either side closes or both are
silent for the idle timeout (alb:load-balancer-listeners). What one side said last still reaches the other."""

import socket

from services.lb.endpoint import Endpoint
from services.lb.outcome import Cause, Outcome, Phase
from services.lb.plane import Plane
from services.lb.routing import TargetState
from services.lb.selector import READ


class Tunnel:
    """Owns both ends. The target has it in flight until it ends."""

    __slots__ = ("_active", "_client", "_open", "_plane", "_server", "_target", "port")

    def __init__(
        self,
        plane: Plane,
        target: TargetState,
        port: int,
        client: tuple[socket.socket, bytes],
        server: tuple[socket.socket, bytes],
    ) -> None:
        """`client` and `server` are sockets with what is still to be sent to each."""
        self._plane = plane
        self._target = target
        self.port = port
        self._open = True
        self._active = plane.selector.now
        self._client = TunnelEnd(client[0], self)
        self._server = TunnelEnd(server[0], self)
        plane.clients.add(self)
        target.connections.add(self)
        self._server.relay(client[1], self._client)
        self._client.relay(server[1], self._server)

    @property
    def plane(self) -> Plane:
        return self._plane

    def passed(self, data: bytes, source: "TunnelEnd") -> None:
        self._active = self._plane.selector.now
        source.relay(data, self.other(source))

    def other(self, end: "TunnelEnd") -> "TunnelEnd":
        return self._server if end is self._client else self._client

    def check(self, now: float, idle_timeout: float) -> None:
        if now - self._active > idle_timeout:
            self.end(Cause.CLIENT_IDLE)

    def retire(self, *, cut: bool) -> None:
        if cut:
            self.end(Cause.TARGET_REMOVED)

    def drain(self) -> None:
        """The node is about to stop: a tunnel is a request under way."""

    def abort(self) -> None:
        self.end(Cause.INTERNAL)

    def end(self, cause: Cause) -> None:
        if self._open:
            self._open = False
            self._plane.counters.ended(Outcome(Phase.TUNNEL, cause))
            self._plane.clients.discard(self)
            self._target.connections.discard(self)
            self._target.in_flight -= 1
            self._client.close()
            self._server.close()


class TunnelEnd(Endpoint):
    __slots__ = ("_last", "_tunnel")

    def __init__(self, sock: socket.socket, tunnel: Tunnel) -> None:
        super().__init__(sock, tunnel.plane.selector, READ)
        self._tunnel = tunnel
        self._last = False  # the other side has left: what is pending is the last to be sent

    def relay(self, data: bytes, to: Endpoint) -> None:
        if data:
            to.send(data)
            if to.pending:
                self.pause()

    def received(self, data: bytes) -> None:
        self._tunnel.passed(data, self)

    def drained(self) -> None:
        if self._last:
            self._tunnel.end(Cause.COMPLETE)
        else:
            self._tunnel.other(self).resume()

    def ended(self) -> None:
        other = self._tunnel.other(self)
        if other.pending:
            other._last = True
            self.pause()
        else:
            self._tunnel.end(Cause.COMPLETE)

    def abort(self) -> None:
        self._tunnel.abort()
