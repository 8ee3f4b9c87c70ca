"""A connection to a target, and how one is made.

One request at a time; between requests it lies in its target's pool (last in, first out: the warm one first, so that the
spare ones grow old and are swept). It goes back there only if request and answer both ended exactly at their framing, with
no byte missing or left over, the target wants to keep it, and desync mitigation does not end it.

Retry rule. A load balancer of this kind does not retry (no ALB documentation of one exists), with one exception, RFC 9110
section 9.2.2: a *reused* connection that turns out closed before a byte of the answer came may simply have met the
target's idle timeout. Then the request is sent once more, on a fresh connection to the same target, if its method is
idempotent (GET, HEAD, OPTIONS, PUT, DELETE) and all of it that was sent is still held in `_replay`. What has not been sent
yet, for it waits for the end of the batch, goes there whatever its method: nobody has seen it.

    CONNECTING ──writable──▶ HEAD ──final head──▶ BODY ──end──▶ (pool) IDLE ──begin──▶ HEAD
                              └──101──▶ a tunnel   └──end, not reusable──▶ closed
"""

import socket
from enum import IntEnum
from socket import SocketType
from typing import TYPE_CHECKING, Final

from services.lb.http1.body import BodyReader
from services.lb.http1.framing import LENGTH, RESPONSE_HEAD_BYTES
from services.lb.http1.response_head import parse_response
from services.lb.serving.outcome import Cause
from services.lb.sockets.endpoint import READ_BYTES, Endpoint, Owner
from services.lb.sockets.selector import READ, WRITE, ServingSelector
from services.lb.sockets.splice import SPLICE_BYTES, Splice
from services.lb.targets.target import TargetState
from services.lb.tls.endpoint import TlsEndpoint, dial_tls

if TYPE_CHECKING:
    from services.lb.serving.exchange import Exchange

CONNECT_SECONDS: Final = 10.0  # AWS's own limit (alb:load-balancer-troubleshooting)
MOST_INTERIM: Final = 16
"""Answers of 1xx to one request; more is a flood."""


class State(IntEnum):
    CONNECTING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3


# Bound once: looking a member up in its class takes longer than comparing it.
CONNECTING: Final = State.CONNECTING
IDLE: Final = State.IDLE
_HEAD: Final = State.HEAD
_BODY: Final = State.BODY


class Upstream(Owner):
    """`since` is when it was opened, got its request (or more of it), or went idle."""

    __slots__ = (
        "_body", "_buffer", "_exchange", "_filled", "_interim", "_replay", "_reusable", "_waiting", "link", "selector",
        "since", "state", "target",
    )  # fmt: skip

    def __init__(self, link: Endpoint, target: TargetState) -> None:
        self.link = link
        link.owner = self
        self.selector = link.selector
        self.target = target
        self.state = CONNECTING
        self.since = link.selector.now
        self._exchange: Exchange | None = None
        self._waiting = b""  # the request, while the connection is being made
        self._buffer = b""  # an unfinished head
        self._interim = 0
        self._body = BodyReader()
        self._replay: bytes | None = None
        self._reusable = True
        self._filled = False  # the last read took all it could: more may be waiting
        target.connections.add(self)

    def begin(self, exchange: "Exchange", data: bytes, complete: bool, replay: bool) -> None:
        """Take a request. `data` is its head and what there is of its body, all of it if `complete`; then, with `replay`, it
        may be sent twice."""
        self._exchange = exchange
        self.target.in_flight += 1
        self.since = exchange.dispatched = self.selector.now
        if self.state is CONNECTING:
            self._waiting = data
            return
        self.state = _HEAD
        self.target.bytes_in += len(data)
        if complete:
            if replay:
                self._replay = data
            self.link.send_soon(data)
        else:
            self.link.send(data)

    def send_body(self, data: bytes) -> None:
        """More of the request's body."""
        self._replay = None
        if self.state is CONNECTING:
            self._waiting += data
            return
        self.target.bytes_in += len(data)
        self.since = self.selector.now
        self.link.send(data)

    @property
    def is_blocked(self) -> bool:
        """Whether the target does not take what it is sent."""
        return bool(self._waiting or self.link.pending)

    @property
    def held(self) -> int:
        """Bytes in memory: of the request, and of an answer's head that is not complete."""
        return len(self._waiting) + len(self.link.pending) + len(self._buffer)

    def abort(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()
        self.detach()

    def detach(self, *, failed: bool = False) -> None:
        """The request is over, however it ended: close. `failed` blames the target for it."""
        if self._exchange is not None:
            self._exchange = None
            self.target.in_flight -= 1
            self.target.errors += failed
        self.target.connections.discard(self)
        if self.state is IDLE and self in self.target.pool:
            self.target.pool.remove(self)
        splice = self.link.splice
        if splice is not None:
            splice.give_up()
        self.link.close()

    def retire(self, *, cut: bool) -> None:
        """The target gets no more requests: close if idle; with `cut` also when a request is under way."""
        if self._exchange is None:
            self.detach()
        elif cut:
            self._exchange.fail(Cause.TARGET_REMOVED)

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: is it idle for too long? (While a request is under way its exchange watches the time.)"""
        if self._exchange is None and now - self.since > idle_timeout:
            self.detach()

    def drained(self) -> None:
        if self.state is CONNECTING:
            self._connected()
        elif self._exchange is not None:
            self._exchange.target_drained()

    def _connected(self) -> None:
        self.state = _HEAD
        self.since = self.selector.now
        exchange = self._exchange
        assert exchange is not None
        exchange.dispatched = self.since
        waiting, self._waiting = self._waiting, b""
        self.target.bytes_in += len(waiting)
        self.target.counters.connections += 1
        self.link.send(waiting)
        if not self.link.pending:
            exchange.target_drained()

    def leave(self) -> Endpoint:
        """The connection, for a tunnel. The request stays in flight."""
        self._exchange = None
        self.target.connections.discard(self)
        return self.link

    def received(self, data: bytes) -> None:
        exchange = self._exchange
        self.target.bytes_out += len(data)
        self._filled = len(data) == READ_BYTES
        if exchange is None:
            self.detach()  # an idle target that speaks unasked: whatever it says is nobody's answer
        elif self.state is _HEAD:
            if self.link.unsent:
                self._take_back(exchange)  # likewise: it has not been asked yet
            else:
                self._head(exchange, data)
        else:
            body = self._body.take(data)
            if body is None:
                exchange.fail(Cause.TARGET_MALFORMED)
            else:
                if body:
                    exchange.relay(body)
                self._after_relay(exchange)

    def _head(self, exchange: "Exchange", data: bytes) -> None:
        self._replay = None
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        request = exchange.request
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > RESPONSE_HEAD_BYTES:
                    exchange.fail(Cause.TARGET_MALFORMED)
                else:
                    self._buffer = data
                return
            head = data[:end]
            response = parse_response(head, request.method.is_head)
            if response is None or (response.status == 101 and not request.upgrade):
                exchange.fail(Cause.TARGET_MALFORMED)
                return
            if response.status >= 200:
                break
            head = response.without_connection(response.rewritten or head)
            data = data[end + 4 :]
            if response.status == 101:
                exchange.switch_protocols(response.status, head, data)
                return
            self._interim += 1
            if self._interim > MOST_INTERIM:
                exchange.fail(Cause.TARGET_MALFORMED)
                return
            if response.status != 100:  # the client got its 100 from us, if it asked for one
                exchange.interim(head)
            if not data:
                return
        self.state = _BODY
        self._interim = 0
        self._reusable = response.keep_alive
        if response.status >= 500:
            self.target.errors += 1
        if response.framing is LENGTH and response.length == len(data) - end - 4 and not response.rewritten:
            exchange.response(response, data, end)  # all of it is here: nothing to do for `_body`, which is done
            if self._exchange is exchange:
                self._complete(exchange)
            return
        rest = data[end + 4 :]
        self._body.begin(response.framing, response.length, decode=exchange.wants_plain_body)
        body = self._body.take(rest)
        if body is None:
            exchange.fail(Cause.TARGET_MALFORMED)
            return
        if response.rewritten or body is not rest:
            head = response.rewritten or head
            data, end = head + b"\r\n\r\n" + body, len(head)
        exchange.response(response, data, end)
        self._after_relay(exchange)

    def _after_relay(self, exchange: "Exchange") -> None:
        if self._exchange is not exchange:
            return  # it has ended meanwhile: the client is gone
        if self._body.done:
            self._complete(exchange)
        elif exchange.is_blocked:
            self.link.pause()
        elif self._body.framing is LENGTH and self._body.remaining >= SPLICE_BYTES:
            out = exchange.plain_link
            if out is not None and self.link.is_plain:
                Splice(self, exchange, out, self._body.remaining)

    def spliced(self, exchange: "Exchange") -> None:
        """The rest of the body has gone past us, from socket to socket."""
        self._body.skip()
        self._filled = True
        self._complete(exchange)

    def ended(self) -> None:
        """The target closed its side, or the connection broke."""
        exchange = self._exchange
        if exchange is None:
            self.detach()
        elif self.state is CONNECTING:
            link = self.link
            secure = isinstance(link, TlsEndpoint) and link.failure != ""
            exchange.fail(Cause.TARGET_TLS_FAILED if secure else Cause.TARGET_UNREACHABLE)
        elif self.state is _BODY and self._body.until_close and not self.link.broken:
            self._reusable = False
            self._complete(exchange)
        elif self.state is _HEAD and self.link.unsent:
            self._take_back(exchange)
        elif self._replay is not None:
            self._go_elsewhere(exchange, self._replay)
        else:
            exchange.fail(Cause.TARGET_CLOSED)

    def _take_back(self, exchange: "Exchange") -> None:
        request = self.link.take_back()
        self.target.bytes_in -= len(request)
        self._go_elsewhere(exchange, request)

    def _go_elsewhere(self, exchange: "Exchange", request: bytes) -> None:
        self._replay = None
        self.detach()
        exchange.send_again(self.target, request)

    def _complete(self, exchange: "Exchange") -> None:
        """The answer has been relayed. Into the pool, if nothing speaks against it."""
        target = self.target
        if (
            self._reusable
            and not self._body.rest
            and not self.link.pending
            and exchange.request_sent
            and not exchange.closes
            and not target.draining
            # Under TLS a read is of one record, and the next may be here as well.
            and not ((self._filled or not self.link.is_plain) and self.link.has_more())
        ):
            self._exchange = None
            target.in_flight -= 1
            self.state = IDLE
            self.since = self.selector.now
            if self.link.interest != READ:
                self.link.want(READ)
            target.pool.append(self)
        else:
            self.detach()
        exchange.response_complete()


def connect(target: TargetState, selector: ServingSelector) -> Upstream | Cause:
    """The cause when the connection is refused at once, or the system has no more descriptors: not the target's fault."""
    try:
        sock = SocketType(socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return Cause.OVERLOADED
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(target.sockaddr)
    except BlockingIOError:
        pass
    except OSError:
        sock.close()
        target.errors += 1
        return Cause.TARGET_UNREACHABLE
    if target.tls is not None:
        return Upstream(dial_tls(sock, selector, target.tls), target)
    link = Endpoint(sock, selector, WRITE)
    link.connecting = True
    return Upstream(link, target)
