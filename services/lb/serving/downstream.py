"""A client connection of HTTP/1.1: reads requests one at a time, relays each answer.

Pipelined requests wait in `_buffer` until the answer before them is complete and gone. A client that closes, even half,
while its request is outstanding has left (460). A head must be complete within the idle timeout of its first byte, so
that a client cannot hold a connection by dripping bytes.

    HEAD ──head──▶ BODY ──last byte──▶ WAIT ──answer complete, keep-alive──▶ HEAD
                     └─────────────────┴──answer complete, close──▶ GONE (services.lb.serving.farewell has the connection)
    WAIT ──101──▶ GONE (services.lb.serving.tunnel has it)
"""

import re
import socket
import struct
from enum import IntEnum
from typing import Final

from services.lb.http1 import responses
from services.lb.http1.body import BodyReader
from services.lb.http1.framing import CHUNKED, NO_BODY, REQUEST_HEAD_BYTES, UNTIL_CLOSE, fields_named
from services.lb.http1.request_head import parse_next, unfinished_request
from services.lb.http1.response_head import Response
from services.lb.http1.responses import CONTINUE, Answer
from services.lb.serving.exchange import NOTHING, Exchange
from services.lb.serving.farewell import Farewell
from services.lb.serving.outcome import Cause
from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.serving.tunnel import Tunnel
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ

_RESET: Final = struct.pack("ii", 1, 0)
_CODINGS: Final = fields_named(b"transfer-encoding")
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)+")
"""Forgiven before a request (RFC 9112 section 2.2)."""


class State(IntEnum):
    HEAD = 0
    BODY = 1
    WAIT = 2
    GONE = 3


# Bound once: looking a member up in its class takes longer than comparing it.
_HEAD: Final = State.HEAD
_BODY: Final = State.BODY
_WAIT: Final = State.WAIT
_GONE: Final = State.GONE


class Client(Exchange):
    """`link` is the connection. `_active` is when a byte passed last, or when the head that is being read began."""

    __slots__ = (
        "_active", "_body", "_buffer", "_expires", "_keep_alive", "_parsing", "_until_close", "link", "port", "state",
    )  # fmt: skip

    def __init__(self, link: Endpoint, plane: Plane, peer: Peer) -> None:
        super().__init__(plane, peer)
        self.link = link
        link.owner = self
        self._active = plane.selector.now
        self._expires = plane.selector.now + plane.table.client_keep_alive
        self.state = _HEAD
        self._buffer = b""
        self._parsing = False
        self._body: BodyReader | None = None
        self._keep_alive = True
        self._until_close = False  # the answer ends where the connection does
        self.port = peer.port
        plane.clients.add(self)

    # From the connection.

    def abort(self) -> None:
        if self.state in (_BODY, _WAIT):
            self.lost(Cause.INTERNAL)
        self._shut()

    def received(self, data: bytes) -> None:
        state = self.state
        if state is _HEAD:
            if self._buffer:
                self._buffer += data
            else:
                self._buffer = data
                self._active = self.plane.selector.now
            self._read_requests()
            if len(self._buffer) >= REQUEST_HEAD_BYTES and self.link.pending:
                self.link.pause()
        elif state is _WAIT:
            self._buffer += data
            if len(self._buffer) >= REQUEST_HEAD_BYTES:
                self.link.pause()
        elif state is _BODY:
            self._active = self.plane.selector.now
            self.received_bytes += len(data)
            body = self._take_body(data)
            if body is None:
                self.fail(Cause.BAD_BODY)
            else:
                self.body_received(body)

    def ended(self) -> None:
        """The client closed its side, or the connection broke."""
        if self.state is _BODY:
            self.fail(Cause.BODY_CUT_SHORT)
        elif self.state is _WAIT:
            self.fail(Cause.CLIENT_GONE)
        else:
            self._shut()

    def drained(self) -> None:
        self._active = self.plane.selector.now
        if self.upstream is not None:
            self.upstream.link.resume()
        elif self.state is _HEAD:
            self._read_requests()

    # Requests.

    def _read_requests(self) -> None:
        """Serves what is in the buffer, one request at a time; stops where an answer is outstanding or bytes are missing."""
        if self._parsing:
            return  # an answer that was there at once: the loop below goes on with the next request
        self._parsing = True
        link = self.link
        while self.state is _HEAD and self._buffer and not link.pending:
            buffer = self._buffer
            if buffer[0] == 13 and buffer.startswith(b"\r\n"):  # 13 is CR
                self._buffer = _EMPTY_LINES.sub(b"", buffer, count=1)
                continue
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                cause = unfinished_request(buffer)
                if cause is None:
                    break
                self._refuse(cause, len(buffer))
                break
            request = parse_next(buffer[:end], self.request)
            if isinstance(request, Cause):
                self._buffer = b""
                self._refuse(request, len(buffer))
                continue
            end += 4
            rest = buffer[end:]
            self.open(request, end)
            self._until_close = False
            self._active = self.created
            self._keep_alive = request.keep_alive and self.created < self._expires
            if request.framing is NO_BODY:
                self.state = _WAIT
                self._buffer = rest
                self.dispatch(b"", True)
                continue
            self.state = _BODY
            self._buffer = body = b""
            self._body = BodyReader()
            self._body.begin(request.framing, request.length)
            if rest:
                self.received_bytes += len(rest)
                taken = self._take_body(rest)
                if taken is None:
                    self.fail(Cause.BAD_BODY)
                    continue
                body = taken
            if self.state is _BODY:
                link.resume()  # it may have been paused while this request waited behind another
                if request.expects:
                    link.send(CONTINUE)
            self.dispatch(body, self.state is _WAIT)
        self._parsing = False
        if self.state is _HEAD and not link.pending and not link.interest & READ:
            link.resume()

    def _refuse(self, cause: Cause, received: int) -> None:
        """A head that is not served: where the next one would begin is unknown, so the connection ends."""
        self.open(NOTHING, received)
        self.fail(cause)

    def _take_body(self, data: bytes) -> bytes | None:
        """What of `data` belongs to the request's body, as it goes to the target; None when the framing is broken. At its
        end the state is WAIT and what is left over is in the buffer."""
        body = self._body
        assert body is not None
        out = body.take(data)
        if body.done:
            self.state = _WAIT
            self._body = None
            self._buffer = body.rest
            self.received_bytes -= len(body.rest)
        return out

    @property
    def request_sent(self) -> bool:
        return self.state is _WAIT

    def pause(self) -> None:
        self.link.pause()

    def resume(self) -> None:
        if self.state is _BODY:
            self.link.resume()

    # Answers.

    @property
    def is_blocked(self) -> bool:
        return bool(self.link.pending)

    @property
    def wants_plain_body(self) -> bool:
        return self.request.minor == 0

    @property
    def plain_link(self) -> Endpoint | None:
        return self.link if self.link.is_plain else None

    def interim(self, head: bytes) -> None:
        if self.request.minor == 1:
            self._send(head + b"\r\n\r\n")

    def begin_answer(self, response: Response, data: bytes, end: int) -> None:
        minor = self.request.minor
        if response.framing is UNTIL_CLOSE or (minor == 0 and response.framing is CHUNKED):
            self._until_close = True
            self._keep_alive = False
        # As `_may_keep_alive`, without the call.
        self._keep_alive = keep_alive = (
            self._keep_alive and self.state is _WAIT and not self.plane.draining and not self.closes
        )
        if keep_alive and response.persists:
            # As `_send`, but by the end of the batch.
            self._active = self.plane.selector.now
            self.sent_bytes += len(data)
            self.link.send_soon(data)
            return
        head = response.without_connection(data[:end])
        if minor == 0:
            head = _CODINGS.sub(b"", head)
        connection = b"\r\nConnection: keep-alive" if keep_alive else b"\r\nConnection: close"
        self._send(head + connection + data[end:])

    def relay(self, data: bytes) -> None:
        self._send(data)

    def _send(self, data: bytes) -> None:
        self._active = self.plane.selector.now
        self.sent_bytes += len(data)
        self.link.send(data)

    def spliced(self, count: int) -> None:
        self._active = self.plane.selector.now
        self.sent_bytes += count

    def answer(self, answer: Answer, last: bool) -> None:
        self._keep_alive = not last and self._may_keep_alive()
        front = self.front
        self._send(
            responses.http1(
                answer,
                date=self.plane.date,
                head_only=self.request.method.is_head,
                keep_alive=self._keep_alive,
                server=front is None or front.server_header,
                more=() if front is None else front.response_fields,
            )
        )

    def cut(self) -> None:
        if self._until_close and self.target_status:
            # An answer that ends with the connection must not look complete: reset instead of a clean end.
            self.link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._shut()

    def conclude(self) -> None:
        if not self._keep_alive:
            self._part()
            return
        self.state = _HEAD
        self.trace = b""
        self._active = self.plane.selector.now
        if self._buffer:
            self._read_requests()

    def switch_protocols(self, status: int, head: bytes, rest: bytes) -> None:
        upstream = self.upstream
        assert upstream is not None
        plane = self.plane
        upstream.target.counters.answered(status, plane.selector.now - upstream.since)
        self.status = self.target_status = status
        self.answered_at = plane.selector.now
        self._send(head + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + rest)
        self.upstream = None
        self.state = _GONE
        plane.clients.discard(self)
        Tunnel(self, upstream.leave(), self.link, self._buffer)

    # Time.

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: has something taken too long?"""
        if self.check_target(now):
            return
        link = self.link
        if now - self.last_progress <= idle_timeout:
            return
        upstream = self.upstream
        if self.state is _HEAD and self._buffer and not link.pending:
            self._refuse(Cause.CLIENT_IDLE, len(self._buffer))
        elif self.state is _HEAD:
            self._shut()
        elif link.is_blocked or (self.state is _BODY and upstream is not None and not upstream.is_blocked):
            self.fail(Cause.CLIENT_IDLE)
        else:
            self.fail(Cause.TARGET_IDLE)

    def drain(self) -> None:
        """The node is about to stop: close if idle. What has arrived already is still served."""
        if self.state is _HEAD:
            self.link.on_ready(READ)
            if self.link.is_open and self.is_idle:
                self._shut()

    # Limits.

    @property
    def is_idle(self) -> bool:
        return self.state is _HEAD and not self._buffer and not self.link.pending

    @property
    def held(self) -> int:
        held = len(self._buffer) + len(self.link.pending)
        return held if self.upstream is None else held + self.upstream.held

    @property
    def last_progress(self) -> float:
        return max(self._active, self.link.flushed)

    def shed(self) -> None:
        if self.state is not _HEAD:
            self.fail(Cause.OVERLOADED)
        elif self._buffer and not self.link.pending:
            self._refuse(Cause.OVERLOADED, len(self._buffer))
        else:
            self._shut()

    # Ends.

    def _may_keep_alive(self) -> bool:
        return self._keep_alive and self.state is _WAIT and not self.plane.draining and not self.closes

    def _part(self) -> None:
        """The last answer has been handed over."""
        unread = bool(self._buffer) or self.state is not _WAIT
        if not self.link.pending and not unread:
            self._shut()
            return
        self.state = _GONE
        self.plane.clients.discard(self)
        Farewell(self.link, self.plane, self.peer.port, linger=unread)

    def _shut(self) -> None:
        self.state = _GONE
        self.drop_target(failed=False)
        self.plane.clients.discard(self)
        self.link.close()
