"""A client connection of HTTP/2 (RFC 9113): frames, windows, and its end; a request is a `Stream`'s. `h2` reads and writes the
frames, and is asked to check no head: `head` is stricter, and a bad head costs a stream here, not the connection.

As AWS has it (alb:load-balancer-troubleshooting, elb:how-elastic-load-balancing-works, alb:edit-load-balancer-attributes): 128
streams at once; GOAWAY after 10 000 requests and with the first request after the client keep-alive; a PING is no activity.
GOAWAY lets the requests under way end. AWS publishes no limits of abuse; here a client is told to be calm (and cut off) that
has reset 100 streams more than it let finish, or sent 1 000 frames that ask for nothing while no request was finished.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from h2.settings import SettingCodes

from services.lb.http2.frames import PREFACE_BYTES, FrameFilter, goaway
from services.lb.http2.stream import NO_ERROR, Stream
from services.lb.serving.farewell import Farewell
from services.lb.serving.outcome import Cause
from services.lb.sockets.endpoint import Endpoint, Owner
from services.lb.sockets.selector import READ

if TYPE_CHECKING:
    from services.lb.serving.peer import Peer
    from services.lb.serving.plane import Plane

MOST_STREAMS: Final = 128
MOST_REQUESTS: Final = 10_000
MOST_RESETS: Final = 100
MOST_CONTROL_FRAMES: Final = 1_000
WINDOW_BYTES: Final = 1 << 20
"""Of all request bodies of a connection together, so that one that a target does not take holds up few others."""
_HEAD_BYTES: Final = 64 * 1024
_UNFINISHED_BYTES: Final = 2 * _HEAD_BYTES
"""Of frames that have come to nothing yet: the largest head, and room."""
_TABLE_BYTES: Final = 4096
"""Of answers' fields that are kept to be named again, however many more the client would keep: what is kept is searched."""
_PENDING_BYTES: Final = 64 * 1024
"""More waits in the streams, and no more frames are read."""
_INITIAL_WINDOW: Final = 65_535

_REFUSED_STREAM: Final = 7
_FRAME_SIZE_ERROR: Final = 6
_ENHANCE_YOUR_CALM: Final = 11

_UPDATES_PER_FRAME: Final = 4
"""WINDOW_UPDATEs that a DATA frame of ours accounts for: of its stream and of the connection, with room."""


class H2Connection(Owner):
    """Takes `link` over. `port` is the listener's."""

    def __init__(self, link: Endpoint, plane: "Plane", peer: "Peer") -> None:
        self.link = link
        self.plane = plane
        self.peer = peer
        self.port = peer.port
        link.owner = self
        self._active = plane.selector.now
        self._expires = plane.selector.now + plane.table.client_keep_alive
        self._streams: dict[int, Stream] = {}
        self._waiting: dict[int, Stream] = {}  # with frames to send, the next one first
        self._requests = 0
        self._last = 0  # the highest stream that is served
        self._resets = 0
        self._control = 0
        self._busy = False  # within `received`: what is to be sent is sent at its end
        self._leaving = False  # GOAWAY has been sent
        self._over = False  # nothing more is served
        self._closed = False  # the connection is another's, or nobody's
        self._ready = bytearray()  # frames to be sent together
        self._unfinished = 0  # bytes of frames that nothing has come of yet
        self._filter = FrameFilter(PREFACE_BYTES)
        config = h2.config.H2Configuration(
            client_side=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        # The limit of streams comes as a change: h2 then enforces it only once the client has confirmed that it knows, and
        # a client that is faster than our first frame has streams refused, not its connection ended.
        self._h2.local_settings = h2.settings.Settings(
            client=False, initial_values={SettingCodes.MAX_HEADER_LIST_SIZE: _HEAD_BYTES}
        )
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS})
        self._h2.increment_flow_control_window(WINDOW_BYTES - _INITIAL_WINDOW)
        plane.clients.add(self)
        self.settle()

    # From the connection.

    def received(self, data: bytes) -> None:
        self._busy = True
        try:
            events = self._h2.receive_data(self._filter.feed(data))
        except h2.exceptions.ProtocolError:
            self._break()  # h2 has a GOAWAY ready
        else:
            self._hold(0 if events or self._filter.whole else self._unfinished + len(data))
            for event in events:
                if self._over:
                    break
                self._take(event)
            if self._filter.too_large:
                self._refuse(_FRAME_SIZE_ERROR)
            elif self._unfinished > _UNFINISHED_BYTES:
                self._refuse(_ENHANCE_YOUR_CALM)
            elif self._filter.goaway == NO_ERROR:
                self._leave()  # the client asks no more, and may wait for its answers
            elif self._filter.goaway > NO_ERROR:
                self._break()
        self._busy = False
        self.settle()
        if not self._closed and len(self.link.pending) > _PENDING_BYTES:
            self.link.pause()

    def ended(self) -> None:
        """The client closed its side, or the connection broke."""
        self._shut()

    def drained(self) -> None:
        self._active = self.plane.selector.now
        self.settle()
        if not self._closed and len(self.link.pending) <= _PENDING_BYTES:
            self.link.resume()

    def abort(self) -> None:
        self._busy = True
        for stream in list(self._streams.values()):
            stream.abort()
        self._shut()

    def _hold(self, unfinished: int) -> None:
        self.plane.selector.held += unfinished - self._unfinished
        self._unfinished = unfinished

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._request(event)
        elif isinstance(event, h2.events.DataReceived):
            self._data(event)
        elif isinstance(event, h2.events.StreamEnded):
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                stream.body_ended()
        elif isinstance(event, h2.events.StreamReset):
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                self._count_reset()
                stream.cancelled()
        elif not isinstance(event, h2.events.TrailersReceived):
            self._count_control()
            if self._h2.encoder.header_table_size > _TABLE_BYTES:
                self._h2.encoder.header_table_size = _TABLE_BYTES

    def _request(self, event: h2.events.RequestReceived) -> None:
        number = event.stream_id
        if self._leaving or len(self._streams) >= MOST_STREAMS:
            self._try(lambda: self._h2.reset_stream(number, _REFUSED_STREAM))
            self._count_control()
            return
        self._active = now = self.plane.selector.now
        self._last = number
        self._requests += 1
        stream = self._streams[number] = Stream(self, number)
        if self._requests >= MOST_REQUESTS or now >= self._expires or self.plane.draining:
            self._leave()
        stream.begin(event.headers, event.stream_ended is not None)

    def _data(self, event: h2.events.DataReceived) -> None:
        if not event.data and event.stream_ended is None:
            self._count_control()
        stream = self._streams.get(event.stream_id)
        if stream is None:
            self.open_window(event.stream_id, event.flow_controlled_length)
        else:
            self._active = self.plane.selector.now
            stream.take_body(event.data, event.flow_controlled_length)

    def _count_control(self) -> None:
        self._control += 1
        if self._control > MOST_CONTROL_FRAMES:
            self._refuse(_ENHANCE_YOUR_CALM)

    def _count_reset(self) -> None:
        self._resets += 1
        if self._resets > MOST_RESETS:
            self._refuse(_ENHANCE_YOUR_CALM)

    def _refuse(self, code: int) -> None:
        if not self._over:
            self._say_goaway(code)
            self._break()

    # From the streams.

    def open_window(self, number: int, count: int) -> None:
        """The client may send `count` bytes more, on the stream, if it is still there, and in all."""
        if count:
            self._try(lambda: self._h2.acknowledge_received_data(count, number))

    def send_headers(self, number: int, headers: list[tuple[bytes, bytes]], end: bool) -> int:
        """How many bytes it took."""
        self._collect()
        self._try(lambda: self._h2.send_headers(number, headers, end_stream=end))
        return self._collect()

    def send_data(self, number: int, data: bytes, end: bool) -> None:
        self._control = max(0, self._control - _UPDATES_PER_FRAME)
        self._try(lambda: self._h2.send_data(number, data, end_stream=end))

    def reset(self, number: int, code: int) -> None:
        self._try(lambda: self._h2.reset_stream(number, code))

    def _try(self, call: Callable[[], None]) -> None:
        """h2 reads all that came before we see any of it: the end of the stream, or of the connection, may be among what is
        to come, and h2 sends nothing on either any more."""
        try:
            call()
        except h2.exceptions.ProtocolError:
            return

    def pump(self, stream: Stream) -> None:
        """`stream` may have frames to send."""
        if stream.unsent:
            self._waiting[stream.number] = stream
        self.settle()

    def forget(self, stream: Stream, *, unread: bool) -> None:
        """It is over. `unread`: the client's side of it is open yet."""
        if self._streams.pop(stream.number, None) is None:
            return
        self._waiting.pop(stream.number, None)
        if unread:
            self.reset(stream.number, NO_ERROR)

    def finished(self) -> None:
        """A request has had its answer."""
        self._active = self.plane.selector.now
        self._resets = max(0, self._resets - 1)
        self._control = 0

    def settle(self) -> None:
        """Send what can be sent; part when everything is said."""
        if self._busy:
            return
        self._busy = True
        try:
            while not self._over and self._send_frames():
                self._flush()
            self._flush()
        finally:
            self._busy = False
        if self._leaving and not self._streams and not self._closed:
            self._part()

    def _send_frames(self) -> bool:
        """One of each stream and turn, so that none starves another, until there are as many as may wait. Whether there were
        any."""
        stuck = 0
        self._collect()
        before = len(self._ready)
        while stuck < len(self._waiting) and len(self.link.pending) + len(self._ready) < _PENDING_BYTES:
            number, stream = next(iter(self._waiting.items()))
            del self._waiting[number]
            stuck = 0 if stream.send_frame(self._window(number)) else stuck + 1
            if stream.unsent:
                self._waiting[number] = stream
            self._collect()
        return len(self._ready) > before

    def _window(self, number: int) -> int:
        try:
            return min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        except h2.exceptions.ProtocolError:
            return 0  # see `_try`

    def _collect(self) -> int:
        data = self._h2.data_to_send()
        self._ready += data
        return len(data)

    def _flush(self) -> None:
        self._collect()
        if self._ready:
            data = bytes(self._ready)
            self._ready.clear()
            self.link.send(data)

    # Time and limits.

    def check(self, now: float, idle_timeout: float) -> None:
        """Called now and then: has something taken too long?"""
        for stream in list(self._streams.values()):
            stream.check(now, idle_timeout)
        if not self._closed and not self._streams and now - self.last_progress > idle_timeout:
            self._leave_idle()

    def drain(self) -> None:
        """No more requests. What has arrived already is still served."""
        if not self._streams:
            self.link.on_ready(READ)
        if self._closed:
            return
        if self.is_idle:
            self._leave_idle()
        else:
            self._leave()
            self.settle()

    @property
    def is_idle(self) -> bool:
        return not self._streams and not self._unfinished and not self.link.pending

    @property
    def held(self) -> int:
        return len(self.link.pending) + self._unfinished + sum(stream.held for stream in self._streams.values())

    @property
    def last_progress(self) -> float:
        return max(self._active, self.link.flushed)

    def shed(self) -> None:
        self._busy = True
        for stream in list(self._streams.values()):
            if not stream.concluded:
                stream.fail(Cause.OVERLOADED)
        self._shut()

    # Ends.

    def _leave(self) -> None:
        """Serve what is under way, and nothing else."""
        if not self._leaving:
            self._leaving = True
            self._say_goaway(NO_ERROR)

    def _leave_idle(self) -> None:
        self._leave()
        self._flush()
        self._shut()

    def _say_goaway(self, code: int) -> None:
        """Past h2, which would send nothing after it."""
        self._collect()
        self._ready += goaway(self._last, code)

    def _break(self) -> None:
        """The client has gone, or speaks no HTTP/2, or too much of it: the requests under way are nobody's."""
        self._over = self._leaving = True
        self._hold(0)
        for stream in list(self._streams.values()):
            stream.cancelled()

    def _part(self) -> None:
        """All is said, though maybe not all is sent, and the client may be speaking still."""
        self._over = self._closed = True
        self._hold(0)
        self.plane.clients.discard(self)
        Farewell(self.link, self.plane, self.port, linger=True)

    def _shut(self) -> None:
        self._busy = self._closed = True
        self._break()
        self.plane.clients.discard(self)
        self.link.close()
