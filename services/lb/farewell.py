"""The end of a client connection whose last answer is not out yet, or whose client may still be sending.

What is left is sent. Then, if the client may still be sending, our side is closed and what it sends is read and thrown away
for a while: closing a socket with unread bytes resets it, and a reset can destroy the answer before the client has read it
(RFC 9112 section 9.6).
"""

import socket

from services.lb.endpoint import Endpoint
from services.lb.plane import Plane
from services.lb.selector import READ, WRITE

LINGER_SECONDS = 2.0


class Farewell(Endpoint):
    __slots__ = ("_active", "_linger", "_plane", "_sent", "port")

    def __init__(self, sock: socket.socket, plane: Plane, port: int, pending: bytes, *, linger: bool) -> None:
        super().__init__(sock, plane.selector, READ | WRITE if pending else READ)
        self._plane = plane
        self.port = port
        self.pending = pending
        self._linger = linger
        self._sent = False
        self._active = plane.selector.now
        plane.clients.add(self)
        if not pending:
            self.drained()

    def flush(self) -> None:
        super().flush()
        self._active = self.selector.now

    def drained(self) -> None:
        self._sent = True
        self._active = self.selector.now
        if not self._linger:
            self.abort()
            return
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort()

    def received(self, data: bytes) -> None:
        self._linger = True

    def ended(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._plane.clients.discard(self)
        self.close()

    def check(self, now: float, idle_timeout: float) -> None:
        if now - self._active > (LINGER_SECONDS if self._sent else idle_timeout):
            self.abort()

    def drain(self) -> None:
        """The connection is ending as it is."""
