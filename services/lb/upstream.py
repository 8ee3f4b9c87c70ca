"""A connection to a target, and how one is leased.

One request at a time; between requests it lies in its target's pool (last in, first out: the warm one first, so that the
spare ones grow old and are swept). It goes back there only if request and answer both ended exactly at their framing, with
no byte missing or left over, and the target wants to keep it.

Retry rule. A load balancer of this kind does not retry (no ALB documentation of one exists), with one exception, RFC 9110
section 9.2.2: a *reused* connection that turns out closed before a byte of the answer came may simply have met the
target's idle timeout. Then the request is sent once more, on a fresh connection to the same target, if its method is
idempotent (GET, HEAD, OPTIONS, PUT, DELETE) and all of it that was sent is still held in `_replay`.

    CONNECTING ──writable──▶ HEAD ──final head──▶ BODY ──end──▶ (pool) IDLE ──begin──▶ HEAD
                              └──101──▶ a tunnel   └──end, not reusable──▶ closed
"""

import socket
from enum import IntEnum
from typing import TYPE_CHECKING

from services.lb.body import BodyReader
from services.lb.endpoint import Endpoint
from services.lb.http1 import RESPONSE_HEAD_BYTES, parse_response
from services.lb.outcome import Cause
from services.lb.routing import TargetState
from services.lb.selector import READ, WRITE, ServingSelector

if TYPE_CHECKING:
    from services.lb.downstream import Client

CONNECT_SECONDS = 10.0  # AWS's own limit (alb:load-balancer-troubleshooting)


class State(IntEnum):
    CONNECTING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3


# Bound once: looking a member up in its class takes longer than comparing it.
CONNECTING, _IDLE, _HEAD, _BODY = State


class Upstream(Endpoint):
    __slots__ = (
        "_body",
        "_buffer",
        "_client",
        "_replay",
        "_reusable",
        "since",
        "state",
        "target",
    )

    def __init__(self, sock: socket.socket, selector: ServingSelector, target: TargetState) -> None:
        super().__init__(sock, selector, WRITE)
        self.target = target
        self.state = CONNECTING
        self.since = selector.now
        """When it was opened, got its request, or went idle."""
        self._client: Client | None = None
        self._buffer = b""  # an unfinished head
        self._body = BodyReader()
        self._replay: bytes | None = None
        self._reusable = True
        target.connections.add(self)

    def begin(self, client: "Client", data: bytes, *, replay: bool) -> None:
        """Take a request. `data` is its head and what there is of its body; with `replay` it may be sent twice."""
        self._client = client
        self.target.in_flight += 1
        self.since = self.selector.now
        if self.state is CONNECTING:
            self.pending = data
            return
        self.state = _HEAD
        if replay:
            self._replay = data
        self.send(data)

    def send_body(self, data: bytes) -> None:
        """More of the request's body."""
        self._replay = None
        self.since = self.selector.now
        self.send(data)

    def abort(self) -> None:
        client = self._client
        if client is not None:
            client.abort()
        self.detach()

    def detach(self, *, failed: bool = False) -> None:
        """The request is over, however it ended: close. `failed` blames the target for it."""
        if self._client is not None:
            self._client = None
            self.target.in_flight -= 1
            self.target.errors += failed
        self.target.connections.discard(self)
        if self.state is _IDLE and self in self.target.pool:
            self.target.pool.remove(self)
        self.close()

    def retire(self, *, cut: bool) -> None:
        """The target gets no more requests: close if idle; with `cut` also when a request is under way."""
        if self._client is None:
            self.detach()
        elif cut:
            self._client.fail(Cause.TARGET_REMOVED)

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: is it idle for too long? (While a request is under way its client watches the time.)"""
        if self._client is None and now - self.since > idle_timeout:
            self.detach()

    def flush(self) -> None:
        if self.state is CONNECTING:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                self._lost(Cause.TARGET_UNREACHABLE)
                return
            self.state = _HEAD
            self.since = self.selector.now
            self.want(READ | WRITE)
        super().flush()

    def drained(self) -> None:
        if self._client is not None:
            self._client.target_drained()

    def leave(self) -> tuple[socket.socket, bytes]:
        """The socket, and what is still to be sent on it, for a tunnel. The request stays in flight."""
        pending = self.pending
        self._client = None
        self.target.connections.discard(self)
        return self.hand_over(), pending

    def _lost(self, cause: Cause) -> None:
        assert self._client is not None
        self._client.fail(cause)

    def received(self, data: bytes) -> None:
        client = self._client
        if client is None:
            self.detach()  # an idle target that speaks unasked: whatever it says is nobody's answer
        elif self.state is _HEAD:
            self._head(client, data)
        else:
            body = self._body.take(data)
            if body is None:
                client.fail(Cause.TARGET_MALFORMED)
            else:
                self._relay(client, body)

    def _head(self, client: "Client", data: bytes) -> None:
        self._replay = None
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > RESPONSE_HEAD_BYTES:
                    client.fail(Cause.TARGET_MALFORMED)
                else:
                    self._buffer = data
                return
            request = client.request
            response = parse_response(data[:end], to_head=request.is_head)
            data = data[end + 4 :]
            if response is None or (response.status == 101 and not request.upgrade):
                client.fail(Cause.TARGET_MALFORMED)
                return
            if response.status >= 200:
                break
            if response.status == 101:
                client.switch_protocols(response, data)
                return
            if response.status != 100 and request.minor == 1:  # the client got its 100 from us, if it asked for one
                client.relay(response.head + b"\r\n\r\n")
            if not data:
                return
        self.state = _BODY
        self._reusable = response.keep_alive
        if response.status >= 500:
            self.target.errors += 1
        self._body.begin(response.framing, response.length, decode=request.minor == 0)
        body = self._body.take(data)
        if body is None:
            client.fail(Cause.TARGET_MALFORMED)
            return
        self._relay(client, client.response_head(response, self.selector.now - self.since) + body)

    def _relay(self, client: "Client", data: bytes) -> None:
        client.relay(data)
        if self._body.done:
            self._complete(client)
        elif client.pending:
            self.pause()

    def ended(self) -> None:
        """The target closed its side, or the connection broke."""
        client = self._client
        if client is None:
            self.detach()
        elif self.state is _BODY and self._body.until_close:
            self._reusable = False
            self._complete(client)
        elif self._replay is not None:
            replay, self._replay = self._replay, None
            self.detach()
            client.send_again(self.target, replay)
        else:
            client.fail(Cause.TARGET_CLOSED)

    def _complete(self, client: "Client") -> None:
        """The answer has been relayed. Into the pool, if nothing speaks against it."""
        target = self.target
        if self._reusable and not self._body.rest and client.request_sent and not self.pending and not target.draining:
            self._client = None
            target.in_flight -= 1
            self.state = _IDLE
            self.since = self.selector.now
            if self.interest != READ:
                self.want(READ)
            target.pool.append(self)
        else:
            self.detach()
        client.response_complete()


def lease(target: TargetState, selector: ServingSelector) -> Upstream | None:
    """A connection to `target`, pooled or new; None when none can be opened, which is known at once."""
    if target.pool:
        return target.pool.pop()
    return connect(target, selector)


def connect(target: TargetState, selector: ServingSelector) -> Upstream | None:
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return None  # out of descriptors
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(target.sockaddr)
    except BlockingIOError:
        pass
    except OSError:
        sock.close()
        return None
    return Upstream(sock, selector, target)
