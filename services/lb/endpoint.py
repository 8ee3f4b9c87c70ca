"""One non-blocking socket of the data plane: what a client connection and a target connection have in common.

Sending never fails where it is called. What the kernel does not take waits in `pending`, and the owner of the other side
stops reading until it is gone: that is the whole of back-pressure, and it bounds `pending` by one read of the peer. A
connection that breaks while sending swallows the rest and is found broken where every end is found: by reading it.
"""

import contextlib
import socket
from collections.abc import Callable

from services.lb.selector import READ, WRITE, ServingSelector

READ_BYTES = 65536


def _swallow(data: bytes) -> int:
    return len(data)


class Endpoint:
    """`interest` is what the selector watches for: READ, WRITE, both, or 0."""

    __slots__ = ("_send", "interest", "is_open", "pending", "recv", "selector", "sock")

    def __init__(self, sock: socket.socket, selector: ServingSelector, interest: int) -> None:
        self.sock = sock
        self.selector = selector
        self.interest = interest
        self.is_open = True
        self.pending = b""
        self.recv = sock.recv
        self._send: Callable[[bytes], int] = sock.send
        selector.watch(sock.fileno(), self, interest)

    def received(self, data: bytes) -> None:
        raise NotImplementedError

    def ended(self) -> None:
        """The peer closed its side, or the connection broke."""
        raise NotImplementedError

    def drained(self) -> None:
        """Everything that was pending has been taken by the kernel."""
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def on_ready(self, mask: int) -> None:
        if mask & WRITE and self.pending:
            self.flush()
            if not self.pending and self.is_open:
                self.drained()
        if mask & READ and self.interest & READ:
            try:
                data = self.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self.received(data)
            else:
                self.ended()

    def send(self, data: bytes) -> None:
        if self.pending:
            self.pending += data
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._break()
            return
        if sent < len(data):
            self.pending = data[sent:]
            self.want(self.interest | WRITE)

    def flush(self) -> None:
        """The socket takes bytes again."""
        try:
            sent = self._send(self.pending)
        except BlockingIOError:
            return
        except OSError:
            self._break()
            return
        self.pending = self.pending[sent:]
        if not self.pending:
            self.want(self.interest & ~WRITE)

    def want(self, mask: int) -> None:
        if mask != self.interest and self.is_open:
            self.selector.change(self.sock.fileno(), self.interest, mask)
            self.interest = mask

    def pause(self) -> None:
        self.want(self.interest & ~READ)

    def resume(self) -> None:
        self.want(self.interest | READ)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.pending = b""
            self.selector.forget(self.sock, self.interest)
            self.interest = 0
            self._send = _swallow

    def hand_over(self) -> socket.socket:
        """The socket, still open, for another endpoint to go on with; this one is done."""
        self.selector.unwatch(self.sock.fileno(), self.interest)
        self.is_open = False
        self.interest = 0
        return self.sock

    def _break(self) -> None:
        self._send = _swallow
        self.pending = b""
        with contextlib.suppress(OSError):  # already down: all that matters is that reading will tell
            self.sock.shutdown(socket.SHUT_WR)
        self.want(READ)
