"""The end of a client connection whose last answer is not out yet, or whose client may still be sending.

What is left is sent. Then, if the client may still be sending, our side is closed and what it sends is read and thrown away
for a while: closing a socket with unread bytes resets it, and a reset can destroy the answer before the client has read it
(RFC 9112 section 9.6).
"""

from services.lb.serving.plane import Plane
from services.lb.sockets.endpoint import Endpoint, Owner

LINGER_SECONDS = 2.0


class Farewell(Owner):
    """Takes `link` over with what is pending on it. `port` is the listener's."""

    def __init__(self, link: Endpoint, plane: Plane, port: int, *, linger: bool) -> None:
        self.port = port
        self.link = link
        link.owner = self
        self._plane = plane
        self._linger = linger
        self._sent = False
        self._active = plane.selector.now
        plane.clients.add(self)
        link.resume()
        if not link.pending:
            self.drained()

    def drained(self) -> None:
        self._sent = True
        self._active = self._plane.selector.now
        if not self._linger:
            self.abort()
            return
        try:
            self.link.shutdown()
        except OSError:
            self.abort()

    def received(self, data: bytes) -> None:
        self._linger = True

    def ended(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._plane.clients.discard(self)
        self.link.close()

    def check(self, now: float, idle_timeout: float) -> None:
        if now - self.last_progress > (LINGER_SECONDS if self._sent else idle_timeout):
            self.abort()

    def drain(self) -> None:
        """The connection is ending as it is."""

    is_idle = False

    @property
    def held(self) -> int:
        return len(self.link.pending)

    @property
    def last_progress(self) -> float:
        return max(self._active, self.link.flushed)

    def shed(self) -> None:
        self.abort()
