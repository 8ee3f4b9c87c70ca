"""A client connection: reads requests one at a time, sends each to a target, relays the answer.

Pipelined requests wait in `_buffer` until the answer before them is complete and gone. A client that closes, even half,
while its request is outstanding has left (460). A head must be complete within the idle timeout of its first byte, so
that a client cannot hold a connection by dripping bytes.

    HEAD ──head──▶ BODY ──last byte──▶ WAIT ──answer complete, keep-alive──▶ HEAD
                     └─────────────────┴──answer complete, close──▶ CLOSING ──flushed──▶ LINGER ──▶ closed
    WAIT ──101──▶ TUNNEL

LINGER: what a client still sends after our last answer is read and thrown away for a while, because closing a socket with
unread bytes resets it, and a reset can destroy the answer before the client has read it (RFC 9112 section 9.6).
"""

import socket
import struct
from enum import IntEnum

from lab.core.elbv2.config import FixedResponse
from services.lb.chunked import ChunkedBody
from services.lb.endpoint import READ_BYTES, Endpoint
from services.lb.forwarding import forwarded_fields, too_many_forwards, trace_id
from services.lb.http1 import (
    REQUEST_HEAD_BYTES,
    Framing,
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
from services.lb.selector import READ, WRITE
from services.lb.upstream import CONNECT_SECONDS, Upstream, connect, lease
from services.lb.upstream import State as UpstreamState

LINGER_SECONDS = 2.0
_RESET = struct.pack("ii", 1, 0)
_NOTHING = Request(b"", b"", 1)


class State(IntEnum):
    HEAD = 0
    BODY = 1
    WAIT = 2
    TUNNEL = 3
    CLOSING = 4
    LINGER = 5


class Client(Endpoint):
    __slots__ = (
        "_active",
        "_answered",
        "_buffer",
        "_chunked",
        "_expires",
        "_forwarded",
        "_keep_alive",
        "_linger",
        "_parsing",
        "_plane",
        "_remaining",
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
        self.state = State.HEAD
        self.request = _NOTHING
        self._buffer = b""
        self._parsing = False
        self._upstream: Upstream | None = None
        self._remaining = 0
        self._chunked: ChunkedBody | None = None
        self._keep_alive = True
        self._answered = False  # the head of an answer has been sent for this request
        self._until_close = False  # that answer ends where the connection does
        self._linger = False  # the client may still be sending: do not just close
        plane.clients.add(self)

    # From the socket.

    def on_ready(self, mask: int) -> None:
        if mask & WRITE and self.pending:
            self.flush()
            self._active = self.selector.now
            if not self.pending:
                self._drained()
        if mask & READ and self.interest & READ:
            try:
                data = self.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._received(data)
            else:
                self._gone()

    def abort(self) -> None:
        if self.state in (State.BODY, State.WAIT, State.TUNNEL):
            self._plane.counters.ended(Outcome(self._phase(), Cause.INTERNAL))
        self._shut()

    def _received(self, data: bytes) -> None:
        state = self.state
        if state is State.HEAD:
            if self._buffer:
                self._buffer += data
            else:
                self._buffer = data
                self._active = self.selector.now
            self._read_requests()
            if self.pending and len(self._buffer) >= REQUEST_HEAD_BYTES:
                self.pause()
        elif state is State.WAIT:
            self._buffer += data
            if len(self._buffer) >= REQUEST_HEAD_BYTES:
                self.pause()
        elif state is State.BODY:
            self._active = self.selector.now
            body = self._take_body(data)
            if body is None:
                self._fail(Cause.MALFORMED)
            else:
                self._to_target(body)
        elif state is State.TUNNEL:
            self._active = self.selector.now
            self._to_target(data)
        else:
            self._linger = True

    def _gone(self) -> None:
        """The client closed its side, or the connection broke."""
        if self.state is State.BODY:
            self._fail(Cause.MALFORMED)  # "closed before sending the whole body" is a 400
        elif self.state is State.WAIT:
            self._fail(Cause.CLIENT_GONE)
        elif self.state is State.TUNNEL:
            upstream = self._upstream
            assert upstream is not None
            self._upstream = None
            self._plane.counters.ended(Outcome(Phase.TUNNEL, Cause.COMPLETE))
            upstream.finish_tunnel()
            self._shut()
        else:
            self._shut()

    def _drained(self) -> None:
        """All that was to be sent to the client has been taken by the kernel."""
        if self.state is State.CLOSING:
            self._last_words_sent()
        elif self._upstream is not None:
            self._upstream.resume()
        elif self.state is State.HEAD:
            self._read_requests()

    # Requests.

    def _read_requests(self) -> None:
        """Serves what is in the buffer, one request at a time; stops where an answer is outstanding or bytes are missing."""
        if self._parsing:
            return  # an answer that was there at once: the loop below goes on with the next request
        self._parsing = True
        while self.state is State.HEAD and self._buffer and not self.pending:
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
        if self.state is State.HEAD and not self.pending and not self.interest & READ:
            self.resume()

    def _refuse(self, cause: Cause) -> None:
        """A head that is not served: where the next one would begin is unknown, so the connection ends."""
        self.request = _NOTHING
        self._fail(cause)

    def _serve(self, request: Request, rest: bytes) -> None:
        plane = self._plane
        self.request = request
        self._answered = False
        self._until_close = False
        self._keep_alive = request.keep_alive
        self._active = now = self.selector.now
        if now >= self._expires:
            self._keep_alive = False
        if request.framing is Framing.NONE:
            self.state = State.WAIT
            self._buffer = rest
            body = b""
        else:
            self.state = State.BODY
            self._remaining = request.length
            self._chunked = ChunkedBody() if request.framing is Framing.CHUNKED else None
            taken = self._take_body(rest) if rest else b""
            if taken is None:
                self._fail(Cause.MALFORMED)
                return
            body = taken
        route = plane.table.routes.get(self.port)
        if isinstance(route, FixedResponse):
            self._answer_fixed(route)
            return
        target = route.pick() if route is not None else None
        if target is None:
            self._fail(Cause.NO_TARGETS)
            return
        if request.expects and self.state is State.BODY:
            self.send(CONTINUE)
        plane.counters.requests += 1
        target.requests += 1
        upstream = lease(target, self.selector)
        if upstream is None:
            target.errors += 1
            self._fail(Cause.TARGET_UNREACHABLE, Phase.CONNECT)
            return
        self._upstream = upstream
        complete = self.state is State.WAIT
        upstream.begin(self, self._target_head() + body, replay=complete and request.idempotent)
        if not complete and upstream.pending:
            self.pause()

    def _target_head(self) -> bytes:
        """The head as the target gets it."""
        request = self.request
        plane = self._plane
        own = plane.trace_ids.next()
        return b"%b%b\r\nX-Forwarded-For: %b%b%b\r\n\r\n" % (
            request.head,
            b"" if request.host is not None else b"\r\nHost: " + plane.table.dns_name,
            request.forwarded_for + b", " if request.forwarded_for else b"",
            self._forwarded,
            b"Root=" + own if not request.trace_id else trace_id(request.trace_id, own),
        )

    def _take_body(self, data: bytes) -> bytes | None:
        """What of `data` belongs to the request's body, as it goes to the target; None when the framing is broken. At its
        end the state is WAIT and what is left over is in the buffer."""
        if self._chunked is not None:
            out = self._chunked.feed(data)
            if self._chunked.done:
                self._buffer = self._chunked.rest
                self._chunked = None
                self.state = State.WAIT
            return out
        length = len(data)
        if length < self._remaining:
            self._remaining -= length
            return data
        self.state = State.WAIT
        if length > self._remaining:
            self._buffer = data[self._remaining :]
            return data[: self._remaining]
        return data

    def _to_target(self, data: bytes) -> None:
        upstream = self._upstream
        assert upstream is not None
        upstream.send_body(data)
        if upstream.pending and self.state is not State.WAIT:
            self.pause()

    def _answer_fixed(self, route: FixedResponse) -> None:
        self._plane.counters.ended(Outcome(Phase.REQUEST, Cause.FIXED_RESPONSE))
        keep_alive = self._may_keep_alive()
        self.send(
            fixed_response(
                route.status_code,
                route.content_type,
                route.body,
                date=self._plane.date,
                head_only=self.request.is_head,
                keep_alive=keep_alive,
            )
        )
        self._next(keep_alive)

    # From the target's connection.

    @property
    def request_sent(self) -> bool:
        """Whether the whole request has been read and passed on."""
        return self.state is State.WAIT

    def target_drained(self) -> None:
        if self.state in (State.BODY, State.TUNNEL):
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
        if response.framing is Framing.UNTIL_CLOSE or (minor == 0 and response.framing is Framing.CHUNKED):
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
        self._plane.counters.answered(response.status, self.selector.now - upstream.since)
        self.state = State.TUNNEL
        upstream.tunnel()
        self.relay(response.head + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + rest)
        early, self._buffer = self._buffer, b""
        self.resume()
        if early:
            self._to_target(early)
        if self.pending:
            upstream.pause()

    def tunnel_ended(self) -> None:
        """The target has left the tunnel: send what it said last, then close."""
        self._plane.counters.ended(Outcome(Phase.TUNNEL, Cause.COMPLETE))
        self._drop_target(failed=False)
        self._close_after_flush()

    def send_again(self, target: TargetState, data: bytes) -> None:
        """The pooled connection was closed all along: see the retry rule in services.lb.upstream."""
        self._upstream = upstream = connect(target, self.selector)
        if upstream is None:
            target.errors += 1
            self._fail(Cause.TARGET_UNREACHABLE, Phase.CONNECT)
        else:
            upstream.begin(self, data, replay=False)

    def target_failed(self, cause: Cause) -> None:
        self._fail(cause)

    # Time.

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: has something taken too long?"""
        upstream = self._upstream
        if upstream is not None and upstream.state is UpstreamState.CONNECTING:
            if now - upstream.since > CONNECT_SECONDS:
                self._fail(Cause.TARGET_IDLE)
            return
        idle = now - self._active
        if self.state is State.LINGER:
            if idle > LINGER_SECONDS:
                self._shut()
        elif idle <= idle_timeout:
            return
        elif self.state is State.HEAD and self._buffer and not self.pending:
            self._refuse(Cause.CLIENT_IDLE)
        elif self.state in (State.HEAD, State.CLOSING):
            self._shut()
        elif self.state is State.TUNNEL or self.pending or (self.state is State.BODY and upstream is not None and not upstream.pending):
            self._fail(Cause.CLIENT_IDLE)
        else:
            self._fail(Cause.TARGET_IDLE)

    def drain(self) -> None:
        """The node is about to stop: close if idle. What has arrived already is still served."""
        if self.state is State.HEAD:
            self.on_ready(READ)
            if self.is_open and self.state is State.HEAD and not self._buffer and not self.pending:
                self._shut()

    # Ends.

    def _phase(self) -> Phase:
        if self._upstream is None:
            return Phase.REQUEST
        if self.state is State.TUNNEL:
            return Phase.TUNNEL
        if self._upstream.state is UpstreamState.CONNECTING:
            return Phase.CONNECT
        return Phase.RESPONSE if self._answered else Phase.WAIT

    def _may_keep_alive(self) -> bool:
        return self._keep_alive and self.state is State.WAIT and not self._plane.draining

    def _fail(self, cause: Cause, phase: Phase | None = None) -> None:
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
            self._close_after_flush()
            return
        self.state = State.HEAD
        self._active = self.selector.now
        if self._buffer:
            self._read_requests()

    def _close_after_flush(self) -> None:
        unread = self._buffer or self.state is not State.WAIT
        self._chunked = None
        self._buffer = b""
        self._linger = bool(unread)
        self.state = State.CLOSING
        self._active = self.selector.now
        if not self.pending:
            self._last_words_sent()

    def _last_words_sent(self) -> None:
        if not self._linger:
            self._shut()
            return
        self.state = State.LINGER
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._shut()
            return
        self.resume()

    def _shut(self) -> None:
        self._drop_target(failed=False)
        self._plane.clients.discard(self)
        self.close()


_TARGETS_FAULT = frozenset({Cause.TARGET_UNREACHABLE, Cause.TARGET_CLOSED, Cause.TARGET_MALFORMED, Cause.TARGET_IDLE})
