"""A client connection: reads requests one at a time, sends each to a target, relays the answer.

Pipelined requests wait in `_buffer` until the answer before them is complete and gone. A client that closes, even half,
while its request is outstanding has left (460). A head must be complete within the idle timeout of its first byte, so
that a client cannot hold a connection by dripping bytes.

    HEAD ──head──▶ BODY ──last byte──▶ WAIT ──answer complete, keep-alive──▶ HEAD
                     └─────────────────┴──answer complete, close──▶ GONE (services.lb.farewell has the socket)
    WAIT ──101──▶ GONE (services.lb.tunnel has it)
"""

import socket
import struct
from enum import IntEnum

from lab.core.elbv2.rules import FixedResponse
from services.lb.body import BodyReader
from services.lb.endpoint import Endpoint
from services.lb.farewell import Farewell
from services.lb.forwarding import forwarded_fields, target_head, too_many_forwards
from services.lb.http1 import (
    CHUNKED,
    NO_BODY,
    REQUEST_HEAD_BYTES,
    UNTIL_CLOSE,
    Request,
    Response,
    parse_request,
    unfinished_request,
    without_transfer_encoding,
)
from services.lb.outcome import VERDICTS, Cause, Outcome, Phase
from services.lb.plane import Plane
from services.lb.responses import CONTINUE, error_page, fixed_response
from services.lb.routing import TargetState
from services.lb.selector import READ
from services.lb.tunnel import Tunnel
from services.lb.upstream import CONNECT_SECONDS, CONNECTING, Upstream, connect, lease

_RESET = struct.pack("ii", 1, 0)
_NOTHING = Request(b"", 1)


class State(IntEnum):
    HEAD = 0
    BODY = 1
    WAIT = 2
    GONE = 3


# Bound once: looking a member up in its class takes longer than comparing it.
_HEAD, _BODY, _WAIT, _GONE = State


class Client(Endpoint):
    __slots__ = (
        "_active",
        "_answered",
        "_body",
        "_buffer",
        "_expires",
        "_forwarded",
        "_keep_alive",
        "_parsing",
        "_plane",
        "_until_close",
        "_upstream",
        "port",
        "request",
        "state",
    )

    def __init__(self, sock: socket.socket, plane: Plane, peer: str, port: int) -> None:
        """`port` is the listener's, which may differ from the one the socket is bound to."""
        super().__init__(sock, plane.selector, READ)
        self._plane = plane
        self.port = port
        self._forwarded = forwarded_fields(peer.encode("ascii"), port)
        self._active = plane.selector.now  # the last time a byte passed, or the head that is being read began
        self._expires = plane.selector.now + plane.table.client_keep_alive
        self.state = _HEAD
        self.request = _NOTHING
        self._buffer = b""
        self._parsing = False
        self._upstream: Upstream | None = None
        self._body = BodyReader()
        self._keep_alive = True
        self._answered = False  # the head of an answer has been sent for this request
        self._until_close = False  # that answer ends where the connection does
        plane.clients.add(self)

    # From the socket.

    def flush(self) -> None:
        super().flush()
        self._active = self.selector.now

    def abort(self) -> None:
        if self.state in (_BODY, _WAIT):
            self._plane.counters.ended(Outcome(self._phase(), Cause.INTERNAL))
        self._shut()

    def received(self, data: bytes) -> None:
        state = self.state
        if state is _HEAD:
            if self._buffer:
                self._buffer += data
            else:
                self._buffer = data
                self._active = self.selector.now
            self._read_requests()
            if self.pending and len(self._buffer) >= REQUEST_HEAD_BYTES:
                self.pause()
        elif state is _WAIT:
            self._buffer += data
            if len(self._buffer) >= REQUEST_HEAD_BYTES:
                self.pause()
        elif state is _BODY:
            self._active = self.selector.now
            body = self._take_body(data)
            if body is None:
                self.fail(Cause.MALFORMED)
            else:
                self._to_target(body)

    def ended(self) -> None:
        """The client closed its side, or the connection broke."""
        if self.state is _BODY:
            self.fail(Cause.MALFORMED)  # "closed before sending the whole body" is a 400
        elif self.state is _WAIT:
            self.fail(Cause.CLIENT_GONE)
        else:
            self._shut()

    def drained(self) -> None:
        """All that was to be sent to the client has been taken by the kernel."""
        if self._upstream is not None:
            self._upstream.resume()
        elif self.state is _HEAD:
            self._read_requests()

    # Requests.

    def _read_requests(self) -> None:
        """Serves what is in the buffer, one request at a time; stops where an answer is outstanding or bytes are missing."""
        if self._parsing:
            return  # an answer that was there at once: the loop below goes on with the next request
        self._parsing = True
        while self.state is _HEAD and self._buffer and not self.pending:
            buffer = self._buffer
            if buffer.startswith(b"\r\n"):
                self._buffer = buffer[2:]  # empty lines before a request are forgiven (RFC 9112 section 2.2)
                continue
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                cause = unfinished_request(buffer)
                if cause is None:
                    break
                self._refuse(cause)
                break
            request = parse_request(buffer[:end])
            self._buffer = b""
            if isinstance(request, Cause):
                self._refuse(request)
            elif request.forwarded_for and too_many_forwards(request.forwarded_for):
                self._refuse(Cause.TOO_MANY_FORWARDS)
            else:
                self._serve(request, buffer[end + 4 :])
        self._parsing = False
        if self.state is _HEAD and not self.pending and not self.interest & READ:
            self.resume()

    def _refuse(self, cause: Cause) -> None:
        """A head that is not served: where the next one would begin is unknown, so the connection ends."""
        self.request = _NOTHING
        self.fail(cause)

    def _serve(self, request: Request, rest: bytes) -> None:
        plane = self._plane
        self.request = request
        self._answered = self._until_close = False
        self._keep_alive = request.keep_alive
        self._active = now = self.selector.now
        if now >= self._expires:
            self._keep_alive = False
        if request.framing is NO_BODY:
            self.state = _WAIT
            self._buffer = rest
            body = b""
        else:
            self.state = _BODY
            self._body.begin(request.framing, request.length)
            taken = self._take_body(rest) if rest else b""
            if taken is None:
                self.fail(Cause.MALFORMED)
                return
            body = taken
        rules = plane.table.listeners.get(self.port)
        method, address, _ = request.head.split(b" ", 2)
        peer = self._forwarded.partition(b"\r\n")[0]
        route = rules.match(method, address, request.host, request.head, peer) if rules is not None else None
        if route is not None and route.fixed is not None:
            self._answer_fixed(route.fixed)
            return
        target = route.balancer.pick(now) if route is not None and route.balancer is not None else None
        if target is None:
            self.fail(Cause.NO_TARGETS)
            return
        if request.expects and self.state is _BODY:
            self.send(CONTINUE)
        plane.counters.requests += 1
        target.requests += 1
        upstream = lease(target, self.selector)
        if upstream is None:
            target.errors += 1
            self.fail(Cause.TARGET_UNREACHABLE, Phase.CONNECT)
            return
        self._upstream = upstream
        complete = self.state is _WAIT
        upstream.begin(
            self,
            target_head(request, self._forwarded, plane.table.dns_name, plane.trace_ids.next()) + body,
            replay=complete and request.idempotent,
        )
        if not complete and upstream.pending:
            self.pause()

    def _take_body(self, data: bytes) -> bytes | None:
        """What of `data` belongs to the request's body, as it goes to the target; None when the framing is broken. At its
        end the state is WAIT and what is left over is in the buffer."""
        body = self._body
        out = body.take(data)
        if body.done:
            self.state = _WAIT
            self._buffer = body.rest
        return out

    def _to_target(self, data: bytes) -> None:
        upstream = self._upstream
        assert upstream is not None
        upstream.send_body(data)
        if upstream.pending and self.state is not _WAIT:
            self.pause()

    def _answer_fixed(self, route: FixedResponse) -> None:
        self._plane.counters.ended(Outcome(Phase.REQUEST, Cause.FIXED_RESPONSE))
        keep_alive = self._may_keep_alive()
        self.send(fixed_response(route, date=self._plane.date, head_only=self.request.is_head, keep_alive=keep_alive))
        self._next(keep_alive)

    # From the target's connection.

    @property
    def request_sent(self) -> bool:
        """Whether the whole request has been read and passed on."""
        return self.state is _WAIT

    def target_drained(self) -> None:
        if self.state is _BODY:
            self.resume()

    def relay(self, data: bytes) -> None:
        self._active = self.selector.now
        if data:
            self.send(data)

    def response_head(self, response: Response, seconds: float) -> bytes:
        """A final answer begins, `seconds` after the target had the request. The head as the client gets it."""
        self._plane.counters.answered(response.status, seconds)
        self._answered = True
        head = response.head
        minor = self.request.minor
        if response.framing is UNTIL_CLOSE or (minor == 0 and response.framing is CHUNKED):
            self._until_close = True
            self._keep_alive = False
        if minor == 0:
            head = without_transfer_encoding(head)
        self._keep_alive = self._may_keep_alive()
        return head + (b"\r\nConnection: keep-alive\r\n\r\n" if self._keep_alive else b"\r\nConnection: close\r\n\r\n")

    def response_complete(self) -> None:
        self._upstream = None
        self._plane.counters.completed += 1
        self._next(self._keep_alive)

    def switch_protocols(self, response: Response, rest: bytes) -> None:
        """The target said 101: from here on bytes are relayed unread, both ways."""
        upstream = self._upstream
        assert upstream is not None
        plane = self._plane
        plane.counters.answered(response.status, self.selector.now - upstream.since)
        head = response.head + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        to_client = self.pending + head + rest
        self._upstream = None
        self.state = _GONE
        plane.clients.discard(self)
        server, to_server = upstream.leave()
        Tunnel(plane, upstream.target, self.port, (self.hand_over(), to_client), (server, to_server + self._buffer))

    def send_again(self, target: TargetState, data: bytes) -> None:
        """The pooled connection was closed all along: see the retry rule in services.lb.upstream."""
        self._upstream = upstream = connect(target, self.selector)
        if upstream is None:
            target.errors += 1
            self.fail(Cause.TARGET_UNREACHABLE, Phase.CONNECT)
        else:
            upstream.begin(self, data, replay=False)

    # Time.

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: has something taken too long?"""
        upstream = self._upstream
        if upstream is not None and upstream.state is CONNECTING:
            if now - upstream.since > CONNECT_SECONDS:
                self.fail(Cause.TARGET_IDLE)
            return
        idle = now - self._active
        if idle <= idle_timeout:
            return
        if self.state is _HEAD and self._buffer and not self.pending:
            self._refuse(Cause.CLIENT_IDLE)
        elif self.state is _HEAD:
            self._shut()
        elif self.pending or (self.state is _BODY and upstream is not None and not upstream.pending):
            self.fail(Cause.CLIENT_IDLE)
        else:
            self.fail(Cause.TARGET_IDLE)

    def drain(self) -> None:
        """The node is about to stop: close if idle. What has arrived already is still served."""
        if self.state is _HEAD:
            self.on_ready(READ)
            if self.is_open and self.state is _HEAD and not self._buffer and not self.pending:
                self._shut()

    # Ends.

    def _phase(self) -> Phase:
        if self._upstream is None:
            return Phase.REQUEST
        if self._upstream.state is CONNECTING:
            return Phase.CONNECT
        return Phase.RESPONSE if self._answered else Phase.WAIT

    def _may_keep_alive(self) -> bool:
        return self._keep_alive and self.state is _WAIT and not self._plane.draining

    def fail(self, cause: Cause, phase: Phase | None = None) -> None:
        """The request ends without a target's whole answer."""
        outcome = Outcome(phase or self._phase(), cause)
        verdict = VERDICTS[outcome]
        self._plane.counters.ended(outcome)
        self._drop_target(failed=cause in _TARGETS_FAULT)
        if verdict.status is None:
            if self._until_close and self._answered:
                # An answer that ends with the connection must not look complete: reset instead of a clean end.
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._shut()
            return
        keep_alive = self._may_keep_alive()
        self.send(
            error_page(verdict.status, date=self._plane.date, head_only=self.request.is_head, keep_alive=keep_alive)
        )
        self._next(keep_alive)

    def _drop_target(self, *, failed: bool) -> None:
        upstream = self._upstream
        if upstream is not None:
            self._upstream = None
            upstream.detach(failed=failed)

    def _next(self, keep_alive: bool) -> None:
        """The answer has been handed over: on to the next request, or to the end."""
        if not keep_alive:
            self._part()
            return
        self.state = _HEAD
        self._active = self.selector.now
        if self._buffer:
            self._read_requests()

    def _part(self) -> None:
        """The last answer has been handed over."""
        unread = bool(self._buffer) or self.state is not _WAIT
        if not self.pending and not unread:
            self._shut()
            return
        self.state = _GONE
        self._plane.clients.discard(self)
        Farewell(self.hand_over(), self._plane, self.port, self.pending, linger=unread)

    def _shut(self) -> None:
        self.state = _GONE
        self._drop_target(failed=False)
        self._plane.clients.discard(self)
        self.close()


_TARGETS_FAULT = frozenset({Cause.TARGET_UNREACHABLE, Cause.TARGET_CLOSED, Cause.TARGET_MALFORMED, Cause.TARGET_IDLE})
