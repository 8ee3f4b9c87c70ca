"""A stream of HTTP/2: one request and its answer, on a connection that it shares with others (`connection`).

The answer's body waits in `_out` as long as the client's window, or its connection, takes no more; meanwhile the target is
not read (`is_blocked`). The other way round, the client's window is opened again only as far as the target's connection
takes the request's body: what is owed is `_owed`.

    receiving ──END_STREAM──▶ waiting ──answer complete──▶ concluded ──all of it sent──▶ gone
        └──── answered early, and all of it sent: RST_STREAM(NO_ERROR), RFC 9113 section 8.1 ───▲
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from services.lb.http1.framing import CHUNKED, LENGTH, NO_BODY
from services.lb.http1.response_head import Response
from services.lb.http1.responses import Answer
from services.lb.http2.head import answer_headers, interim_headers, is_grpc, read_request, response_headers
from services.lb.serving.exchange import NOTHING, Exchange
from services.lb.serving.outcome import Cause
from services.lb.sockets.endpoint import Endpoint

if TYPE_CHECKING:
    from services.lb.http2.connection import H2Connection

NO_ERROR: Final = 0
INTERNAL_ERROR: Final = 2
CANCEL: Final = 8
"""RFC 9113 section 7."""
_WITHOUT_BODY: Final = (204, 304)


class Stream(Exchange):
    """`number` is the stream's. A target's 101 and a splice cannot happen here: no request asks for an upgrade, and there is
    no plain connection to splice to. So `switch_protocols` and `spliced` stay undefined."""

    __slots__ = (
        "_active", "_connection", "_ended", "_gone", "_headed", "_out", "_owed", "_paused", "_remaining", "_selector",
        "_to_head", "_whole", "concluded", "number",
    )  # fmt: skip

    def __init__(self, connection: "H2Connection", number: int) -> None:
        super().__init__(connection.plane, connection.peer)
        self.kind = b"h2"
        self.number = number
        self.concluded = False
        self._connection = connection
        self._selector = connection.plane.selector
        self._active = connection.plane.selector.now
        self._ended = False  # the client's END_STREAM has come
        self._paused = False
        self._to_head = False  # also where the request is refused
        self._owed = 0  # bytes of window
        self._remaining = 0  # of a request body of known length
        self._out = bytearray()
        self._whole = False  # nothing will be added to `_out`
        self._headed = False  # the final head has been sent
        self._gone = False  # no more frames: END_STREAM has been sent, or the stream was reset

    # From the client.

    def begin(self, headers: Iterable[tuple[bytes, bytes]], ended: bool) -> None:
        self._ended = ended
        headers = list(headers)
        self._to_head = (b":method", b"HEAD") in headers
        request, received = read_request(headers, ended=ended)
        if isinstance(request, Cause):
            self.open(NOTHING, received)
            self.fail(request)
            return
        self.open(request, received)
        self._remaining = request.length
        self.is_grpc = is_grpc(request)
        self.dispatch(b"", self.request_sent)

    def take_body(self, data: bytes, cost: int) -> None:
        """More of the request's body; `cost` is what it took of the window, padding included."""
        self._owed += cost
        self.received_bytes += cost
        if self.concluded:
            self.plane.counters.processed += cost  # the rest was counted at the end
            self._pay()
            return
        self._active = self._selector.now
        request = self.request
        if request.framing is CHUNKED:
            if data:
                self.body_received(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._remaining -= len(data)
            if self._remaining < 0:
                self.fail(Cause.BAD_BODY)
            elif data:
                self.body_received(data)
        if not self._paused or self.request_sent:
            self._pay()

    def body_ended(self) -> None:
        if self._ended:
            return  # it came with the head
        self._ended = True
        self._active = self._selector.now
        self._pay()
        if self.concluded:
            return
        if self.request.framing is CHUNKED:
            self.body_received(b"0\r\n\r\n")
        elif self._remaining:
            self.fail(Cause.BAD_BODY)

    def cancelled(self) -> None:
        """The client has reset the stream, or has left altogether."""
        self._gone = self._ended = True
        if not self.concluded:
            self.fail(Cause.CLIENT_GONE)
        self._forget()

    @property
    def request_sent(self) -> bool:
        framing = self.request.framing
        return self._ended or framing is NO_BODY or (framing is LENGTH and not self._remaining)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._pay()
        self._connection.settle()

    def _pay(self) -> None:
        if self._owed:
            owed, self._owed = self._owed, 0
            self._connection.open_window(self.number, owed)

    # To the client.

    @property
    def is_blocked(self) -> bool:
        return bool(self._out)

    @property
    def wants_plain_body(self) -> bool:
        return True

    @property
    def plain_link(self) -> Endpoint | None:
        return None

    def interim(self, head: bytes) -> None:
        self.sent_bytes += self._connection.send_headers(self.number, interim_headers(head), False)
        self._connection.settle()

    def begin_answer(self, response: Response, data: bytes, end: int) -> None:
        body = data[end + 4 :]
        self._whole = response.framing is NO_BODY or (response.framing is LENGTH and response.length == len(body))
        self._send(response_headers(response.status, response.without_connection(data[:end])), body)

    def relay(self, data: bytes) -> None:
        self._add(data)
        self._connection.pump(self)

    def answer(self, answer: Answer, last: bool) -> None:
        """`last` means nothing here: where the next request begins is the frames' to say, so the connection goes on."""
        front = self.front
        headers = answer_headers(
            answer,
            date=self.plane.date,
            server=front is None or front.server_header,
            more=() if front is None else front.response_fields,
        )
        self._whole = True
        self._send(headers, b"" if self._to_head or answer.status in _WITHOUT_BODY else answer.body)

    def _send(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._active = self._selector.now
        self._headed = True
        self._gone = self._whole and not body
        self.sent_bytes += self._connection.send_headers(self.number, headers, self._gone)
        self._add(body)
        self._connection.pump(self)

    def _add(self, data: bytes) -> None:
        if not self._gone:
            self._out += data
            self._selector.held += len(data)

    @property
    def unsent(self) -> bool:
        """Whether there is a frame to send, be it an empty one that ends the stream."""
        return not self._gone and self._headed and (bool(self._out) or self._whole)

    def send_frame(self, most: int) -> bool:
        """Send `most` bytes at most of the body in one frame. Whether there was anything to send."""
        out = self._out
        data = bytes(out[:most]) if most > 0 else b""
        if not data and (out or not self.unsent):
            return False
        del out[: len(data)]
        self._selector.held -= len(data)
        self._active = self._selector.now
        self._gone = self._whole and not out
        self.sent_bytes += len(data)
        if self.concluded:
            self.plane.counters.processed += len(data)
        self._connection.send_data(self.number, data, self._gone)
        if not out and self.upstream is not None:
            self.upstream.link.resume()
        if self._gone and self.concluded:
            self._forget()
        return True

    # Ends.

    def conclude(self) -> None:
        self.concluded = True
        self._whole = True
        self._pay()
        self._connection.finished()
        if self._gone:
            self._forget()
        else:
            self._connection.pump(self)
        self._connection.settle()

    def cut(self) -> None:
        self.concluded = True
        self._reset(INTERNAL_ERROR)

    def abort(self) -> None:
        if not self.concluded:
            self.concluded = True
            self.lost(Cause.INTERNAL)
            self.drop_target(failed=False)
        self._reset(INTERNAL_ERROR)

    def _reset(self, code: int) -> None:
        self._pay()
        if not self._gone:
            self._gone = True
            self._ended = True
            self._connection.reset(self.number, code)
        self._forget()
        self._connection.settle()

    def _forget(self) -> None:
        self._selector.held -= len(self._out)
        self._out.clear()
        self._pay()
        self._connection.forget(self, unread=not self._ended)

    # Time and limits.

    def check(self, now: float, idle_timeout: float) -> None:
        flushed = self._connection.link.flushed if self._out else 0.0
        if self.check_target(now) or now - max(self._active, flushed) <= idle_timeout:
            return
        upstream = self.upstream
        if self.concluded:
            self._reset(CANCEL)
        elif self._out or (not self.request_sent and upstream is not None and not upstream.is_blocked):
            self.fail(Cause.CLIENT_IDLE)
        else:
            self.fail(Cause.TARGET_IDLE)

    @property
    def held(self) -> int:
        return len(self._out) + (0 if self.upstream is None else self.upstream.held)
