"""After a 101 (WebSocket): two connections tied together, bytes relayed unread both ways until either side closes or both are
silent for the idle timeout (alb:load-balancer-listeners). What one side said last still reaches the other. The access log's
entry is written at the end (alb:load-balancer-access-logs)."""

from typing import TYPE_CHECKING

from services.lb.serving.outcome import Cause, Outcome, Phase
from services.lb.sockets.endpoint import Endpoint, Owner

if TYPE_CHECKING:
    from services.lb.serving.exchange import Exchange


class Tunnel:
    """Owns both ends. The target has it in flight until it ends."""

    def __init__(self, exchange: "Exchange", server: Endpoint, client: Endpoint, unread: bytes) -> None:
        """`exchange` is the one that asked for it; `server` the target's connection; `unread` what the client has sent."""
        assert exchange.target is not None
        self.plane = exchange.plane
        self.port = exchange.peer.port
        self._exchange = exchange
        self._target = exchange.target
        self._is_open = True
        self._active = self.plane.selector.now
        self._client = TunnelEnd(client, self)
        self._server = TunnelEnd(server, self)
        self.plane.clients.add(self)
        self._target.connections.add(self)
        self._target.bytes_in += len(unread)
        self.plane.counters.processed += exchange.received_bytes + exchange.sent_bytes + len(unread)
        self._server.pass_on(unread, self._client)
        if client.pending:
            server.pause()  # what the client was sent with the 101 is still on its way

    def passed(self, data: bytes, source: "TunnelEnd") -> None:
        self._active = self.plane.selector.now
        self.plane.counters.processed += len(data)
        if source is self._client:
            self._exchange.received_bytes += len(data)
            self._target.bytes_in += len(data)
        else:
            self._exchange.sent_bytes += len(data)
            self._target.bytes_out += len(data)
        self.other(source).pass_on(data, source)

    def other(self, end: "TunnelEnd") -> "TunnelEnd":
        return self._server if end is self._client else self._client

    def check(self, now: float, idle_timeout: float) -> None:
        if now - self.last_progress > idle_timeout:
            self.end(Cause.CLIENT_IDLE)

    def retire(self, *, cut: bool) -> None:
        if cut:
            self.end(Cause.TARGET_REMOVED)

    def drain(self) -> None:
        """The node is about to stop: a tunnel is a request under way."""

    is_idle = False

    @property
    def held(self) -> int:
        return len(self._client.link.pending) + len(self._server.link.pending)

    @property
    def last_progress(self) -> float:
        return max(self._active, self._client.link.flushed, self._server.link.flushed)

    def shed(self) -> None:
        self.end(Cause.OVERLOADED)

    def abort(self) -> None:
        self.end(Cause.INTERNAL)

    def end(self, cause: Cause) -> None:
        if self._is_open:
            self._is_open = False
            outcome = Outcome(Phase.TUNNEL, cause)
            self.plane.counters.ended(outcome, self._target.counters)
            self.plane.record(self._exchange, outcome)
            self.plane.clients.discard(self)
            self._target.connections.discard(self)
            self._target.in_flight -= 1
            self._client.link.close()
            self._server.link.close()


class TunnelEnd(Owner):
    def __init__(self, link: Endpoint, tunnel: Tunnel) -> None:
        self.link = link
        link.owner = self
        self._tunnel = tunnel
        self._last = False  # the other side has left: what is pending is the last to be sent
        link.resume()

    def pass_on(self, data: bytes, source: "TunnelEnd") -> None:
        """Send what the other end read."""
        if data:
            self.link.send(data)
        if self.link.pending:
            source.link.pause()

    def received(self, data: bytes) -> None:
        self._tunnel.passed(data, self)

    def drained(self) -> None:
        if self._last:
            self._tunnel.end(Cause.COMPLETE)
        else:
            self._tunnel.other(self).link.resume()

    def ended(self) -> None:
        other = self._tunnel.other(self)
        if other.link.pending:
            other._last = True
            self.link.pause()
        else:
            self._tunnel.end(Cause.COMPLETE)

    def abort(self) -> None:
        self._tunnel.abort()
