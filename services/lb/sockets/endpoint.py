"""One non-blocking socket of the data plane, and who owns it.

Sending never fails where it is called. What the kernel does not take waits in `pending`, and the owner of the other side
stops reading until it is gone: that is the whole of back-pressure, and it bounds `pending` by one read of the peer. A
connection that breaks while sending swallows the rest and is found broken where every end is found: by reading it.

What is whole and small may wait for the end of the batch (`send_soon`): sent with what others have, it wakes whoever reads it
once for many messages instead of once for each, which is the dearest part of sending. Nobody need know of it: whatever is
asked of an endpoint, or done with it, what waits goes out first.
"""

import contextlib
import socket
from socket import SocketType
from typing import TYPE_CHECKING, Final

from services.lb.sockets.selector import READ, WRITE, Sender, ServingSelector

if TYPE_CHECKING:
    from services.lb.sockets.splice import Splice

READ_BYTES: Final = 65536
_SOON_BYTES: Final = 16384
"""More is sent at once: it takes so long that it might as well wake somebody, and a batch should not hold much."""


class Owner:
    """Who gets what an endpoint reads, and hears of its end. Not abstract: a stream of HTTP/2, which is an Exchange and so one
    of these, owns no endpoint, and hears of `abort` only."""

    __slots__ = ()

    def received(self, data: bytes) -> None:
        raise NotImplementedError

    def ended(self) -> None:
        """The peer closed its side, or the connection broke."""
        raise NotImplementedError

    def drained(self) -> None:
        """Everything that was pending has been taken by the kernel."""
        raise NotImplementedError

    def abort(self) -> None:
        """A handler failed: drop everything at once."""
        raise NotImplementedError


class Endpoint(Sender):
    """`interest` is what the selector watches for: READ, WRITE, both, or 0. `owner` is set before the first event.
    `splice`, when there is one, reads and writes in the endpoint's place. `unsent` waits for the end of the batch, and only
    while nothing is pending; `flushed` is when pending bytes went out last.
    `connecting`: the connection is being made; when it is, the owner hears `drained`, and `ended` when it cannot be."""

    __slots__ = (
        "_pending", "broken", "connecting", "flushed", "interest", "is_open", "owner", "selector", "sock", "splice", "swallows",
        "unsent",
    )  # fmt: skip

    is_plain: bool = True
    """Bytes go to the socket as they are: what a splice needs."""

    def __init__(self, sock: SocketType, selector: ServingSelector, interest: int) -> None:
        self.sock = sock
        self.selector = selector
        self.interest = interest
        self.is_open = True
        self.broken = False  # the peer did not close: the connection was reset, or timed out
        self.connecting = False
        self.swallows = False  # what is sent is thrown away: nobody is there any more
        self._pending = b""
        self.unsent = b""
        self.flushed = selector.now
        self.owner: Owner = _NOBODY
        self.splice: Splice | None = None
        selector.watch(sock.fileno(), self, interest)

    def on_ready(self, mask: int) -> None:
        if self.splice is not None:
            self.splice.on_ready(self, mask)
            return
        if mask != READ:
            if self.connecting:
                self._dialled()
                return
            if self._pending:
                self.flush()
                if not self._pending and self.is_open:
                    self.owner.drained()
            if not mask & READ:
                return
        if self.interest & READ:
            try:
                data = self.sock.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self.broken = True
                data = b""
            if data:
                self.owner.received(data)
            else:
                self.owner.ended()

    def _dialled(self) -> None:
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            self.owner.ended()
            return
        self.connecting = False
        self.want(READ)
        self.owner.drained()

    def abort(self) -> None:
        self.owner.abort()

    @property
    def is_blocked(self) -> bool:
        """Whether the peer does not take what it is sent."""
        return bool(self.pending) or (self.splice is not None and self.interest & WRITE != 0)

    @property
    def pending(self) -> bytes:
        """What the kernel did not take."""
        if self.unsent:
            self.send_unsent()
        return self._pending

    def send_soon(self, data: bytes) -> None:
        """Send a message that nothing follows for now, by the end of the batch."""
        selector = self.selector
        if self._pending or self.unsent or not selector.serving or len(data) > _SOON_BYTES:
            self.send(data)
        else:
            self.unsent = data
            selector.waiting.append(self)

    def send_unsent(self) -> None:
        """What waits for the end of the batch is sent now."""
        if self.unsent:
            self.send(self.take_back())

    def take_back(self) -> bytes:
        """What waits for the end of the batch is not sent."""
        data = self.unsent
        self.unsent = b""
        return data

    def send(self, data: bytes) -> None:
        if self.unsent:
            data = self.take_back() + data
        if self._pending:
            self._pending += data
            self.selector.held += len(data)
            return
        if self.swallows:
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.break_off()
            return
        if sent < len(data):
            self._pending = data[sent:]
            self.selector.held += len(self._pending)
            self.want(self.interest | WRITE)

    def flush(self) -> None:
        """The socket takes bytes again."""
        self.flushed = self.selector.now
        try:
            sent = self.sock.send(self._pending)
        except BlockingIOError:
            return
        except OSError:
            self.break_off()
            return
        self._pending = self._pending[sent:]
        self.selector.held -= sent
        if not self._pending:
            self.want(self.interest & ~WRITE)

    def want(self, mask: int) -> None:
        if mask != self.interest and self.is_open:
            self.selector.change(self.sock.fileno(), self.interest, mask)
            self.interest = mask

    def pause(self) -> None:
        self.want(self.interest & ~READ)

    def resume(self) -> None:
        self.want(self.interest | READ)

    def has_more(self) -> bool:
        """Whether the kernel holds anything to be read, bytes or an end. A system call."""
        try:
            SocketType.recv(self.sock, 1, socket.MSG_PEEK)  # of the socket itself, also under TLS
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def shutdown(self) -> None:
        """No more is sent. Raises OSError when the connection is broken."""
        self.send_unsent()
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        if self.is_open:
            self.send_unsent()
            self.is_open = False
            self.selector.held -= len(self._pending)
            self._pending = b""
            self.selector.forget(self.sock, self.interest)
            self.interest = 0
            self.swallows = True

    def break_off(self) -> None:
        """Sending failed: swallow the rest; reading will tell the owner."""
        self.swallows = True
        self.selector.held -= len(self._pending)
        self._pending = self.unsent = b""
        with contextlib.suppress(OSError):  # already down: all that matters is that reading will tell
            self.sock.shutdown(socket.SHUT_WR)
        self.want(READ)


class _Nobody(Owner):
    """Owns an endpoint until its owner is made; no event comes before."""


_NOBODY: Final = _Nobody()
