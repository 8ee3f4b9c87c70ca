"""A large body of known length moved from the target's socket to the client's inside the kernel: splice(2) through a pipe.

Only after the head has fixed a Content-Length, only between two plain sockets, and only while nothing waits to be sent: then
whatever the target sends next belongs to this body, and not a byte of it has to be seen. Pipes are kept for reuse; one that a
broken transfer left bytes in is closed.
"""

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from services.lb.serving.outcome import Cause
from services.lb.sockets.selector import READ, WRITE

if TYPE_CHECKING:
    from services.lb.serving.exchange import Exchange
    from services.lb.serving.upstream import Upstream
    from services.lb.sockets.endpoint import Endpoint

SPLICE_BYTES = 65536 if hasattr(os, "splice") else 1 << 62
"""Less than this is left to reading and writing."""
_PIPE_BYTES = 1 << 20
_POOL = 16
_pipes: list[tuple[int, int]] = []


class Splice:
    """Takes the place of both endpoints' own reading and writing until `remaining` bytes have passed."""

    def __init__(self, upstream: "Upstream", exchange: "Exchange", out: "Endpoint", remaining: int) -> None:
        self._upstream = upstream
        self._exchange = exchange
        self._in = upstream.link
        self._out = out
        self._left = remaining  # to come from the target
        self._held = 0  # in the pipe
        pipe = _pipe()
        if pipe is None:
            return  # out of descriptors: the endpoints go on by themselves
        self._from, self._to = pipe
        self._in.splice = self
        out.splice = self

    def on_ready(self, endpoint: "Endpoint", mask: int) -> None:
        if endpoint is self._in:
            if mask & READ and self._in.interest & READ:
                self._pull()
        elif mask & WRITE and self._held:
            self._push()
        elif mask & READ and endpoint.interest & READ:
            self._client_speaks(endpoint)

    def _pull(self) -> None:
        try:
            moved = os.splice(self._in.sock.fileno(), self._to, min(self._left, _PIPE_BYTES), flags=_NOW)
        except BlockingIOError:
            return
        except OSError:
            moved = 0
        if not moved:
            self._exchange.fail(Cause.TARGET_CLOSED)
            return
        self._left -= moved
        self._held += moved
        self._upstream.target.bytes_out += moved
        self._push()

    def _push(self) -> None:
        out = self._out
        while self._held:
            try:
                moved = os.splice(self._from, out.sock.fileno(), self._held, flags=_NOW if self._left else _LAST)
            except BlockingIOError:
                self._in.pause()
                out.want(out.interest | WRITE)
                return
            except OSError:
                self._exchange.fail(Cause.CLIENT_GONE)
                return
            self._held -= moved
            self._exchange.spliced(moved)
        if out.interest & WRITE:
            out.want(out.interest & ~WRITE)
        if self._left:
            self._in.resume()
        else:
            self._end()
            self._upstream.spliced(self._exchange)

    def _client_speaks(self, endpoint: "Endpoint") -> None:
        """What the client sends meanwhile is its owner's, and so is its end."""
        endpoint.splice = None
        endpoint.on_ready(READ)
        if self._in.splice is self:
            endpoint.splice = self

    def _end(self) -> None:
        self._in.splice = None
        self._out.splice = None
        if self._held == 0 and len(_pipes) < _POOL:
            _pipes.append((self._from, self._to))
        else:
            os.close(self._from)
            os.close(self._to)

    def give_up(self) -> None:
        """The exchange is over before its body: the connections go with it."""
        self._end()


_NOW = 3 | 4 if hasattr(os, "splice") else 0
_LAST = 3 if hasattr(os, "splice") else 0
"""SPLICE_F_MOVE (1), SPLICE_F_NONBLOCK (2), SPLICE_F_MORE (4): more follows, so no short packet yet (splice(2))."""


def _pipe() -> tuple[int, int] | None:
    if _pipes:
        return _pipes.pop()
    try:
        read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with contextlib.suppress(OSError):  # over the system's limit for pipes: it works with what it got
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read, write
