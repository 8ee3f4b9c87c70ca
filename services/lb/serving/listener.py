"""Listening sockets: how they are opened, and how a worker accepts client connections from one of them.

Each worker of a node has a socket of its own per listener, all bound to the same port with SO_REUSEPORT: Linux spreads new
connections over them by a hash of the addresses (socket(7)). A connection belongs to its socket from its SYN on; were that
socket closed with connections in its queue, they would be reset, unless net.ipv4.tcp_migrate_req is 1, which it is not by
default (ip-sysctl). So nothing here closes a queue unread: the supervisor keeps every socket open while its worker is being
replaced, and `close` first takes all there is. What remains is a handshake whose last packet arrives within that very
instant; that client is reset, as it would have been refused a moment later.

When accepting fails, most likely because the process is out of descriptors, idle connections are given up, clients' and
targets'; where there are none the socket pauses until the next sweep instead of spinning, and the kernel keeps what waits.
"""

import logging
import socket
from collections.abc import Callable
from socket import SocketType

from services.lb.http1 import responses
from services.lb.http1.responses import error_page
from services.lb.serving.farewell import Farewell
from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.serving.welcome import welcome
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ, Handler

BACKLOG = 4096
_ACCEPTS_PER_EVENT = 32
_FULL_EVENTS = 4
_RAISE = "if that is about open files, raise `ulimit -n`"

_log = logging.getLogger("lb")


def open_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets on the same port; 0 lets the kernel pick it. Raises OSError when it cannot be bound."""
    first = _bound(host, port, shared=False)
    if count == 1:
        first.listen(BACKLOG)
        return [first]
    # Among SO_REUSEPORT sockets of one user a stranger's would not be noticed: a socket without it finds out.
    port = first.getsockname()[1]
    first.close()
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_bound(host, port, shared=True))
            sockets[-1].listen(BACKLOG)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Linux: accepted sockets inherit it
        sock.bind((host, port))
    except (OSError, OverflowError):
        sock.close()
        raise
    return sock


class ListeningSocket(Handler):
    """Takes `sock`, which listens, over. `port` is the listener's; `bind_port` where it is on this machine."""

    def __init__(self, plane: Plane, sock: socket.socket, port: int) -> None:
        self._plane = plane
        self._sock = sock
        self.port = port
        self.bind_port: int = sock.getsockname()[1]
        self._interest = READ
        self._warned = False
        self._expected = 1
        self._full = 0
        # What `accept` calls, too; but that then makes a socket of Python's, which takes longer than all else about it.
        self._take: Callable[[], tuple[int, tuple[str, int]]] = sock._accept  # type: ignore[attr-defined]  # not in the stubs
        sock.setblocking(False)
        plane.selector.watch(sock.fileno(), self, READ)

    @property
    def paused(self) -> bool:
        return not self._interest

    def on_ready(self, mask: int) -> None:
        if self._plane.limits.nears_last_descriptor:
            # Whoever gets the last one needs another for its target; it is one accept too many that finds out in time.
            self._accept(_ACCEPTS_PER_EVENT)
            return
        # To ask until nothing is left takes one call too many: mostly it is asked for as many as there have been lately.
        most = self._expected
        if self._accept(most) < most:
            self._expected = max(1, most - 1)
            self._full = 0
            return
        self._full += 1
        if self._full == _FULL_EVENTS:
            self._expected = min(_ACCEPTS_PER_EVENT, most * 2)
            self._full = 0

    def _accept(self, most: int) -> int:
        """Takes up to `most` connections; how many there were."""
        plane = self._plane
        for taken in range(most):
            if not plane.limits.has_room():
                self._pause("too many connections", "new ones wait until some end; see LB_MAX_CONNECTIONS")
                return taken
            try:
                fd, address = self._take()
            except BlockingIOError:
                return taken
            except ConnectionError:
                continue  # the client left before it was accepted
            except OSError as error:
                if plane.limits.free_descriptors(plane.table.targets()):
                    self._warn(f"is short: {error.strerror}; idle connections are closed", _RAISE)
                else:
                    self._pause(str(error.strerror), _RAISE)
                return taken
            sock = SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
            sock.setblocking(False)
            if not plane.limits.admit_connection():
                self._refuse(sock)
                continue
            plane.counters.add("NewConnectionCount")
            welcome(sock, plane, Peer(address[0], address[1], self.port, plane.trace_ids.connection_id()))
        return most

    def _refuse(self, sock: SocketType) -> None:
        """Over the limit of connections: say so, where that can be said before a TLS handshake, and close."""
        plane = self._plane
        plane.counters.add("RejectedConnectionCount")
        if self.port in plane.secure:
            sock.close()
            return
        link = Endpoint(sock, plane.selector, READ)
        link.send(responses.http1(error_page(503), date=plane.date, head_only=False, keep_alive=False, server=True))
        Farewell(link, plane, self.port, linger=True)

    def _pause(self, why: str, what_helps: str) -> None:
        self._plane.selector.change(self._sock.fileno(), READ, 0)
        self._interest = 0
        self._warn(f"pauses: {why}", what_helps)

    def _warn(self, what: str, what_helps: str) -> None:
        """Once between two sweeps."""
        if not self._warned:
            self._warned = True
            _log.warning("listener %d %s; %s", self.port, what, what_helps)

    def resume(self) -> None:
        """Called from the sweep."""
        self._warned = False
        if self.paused:
            plane = self._plane
            plane.selector.change(self._sock.fileno(), 0, READ)
            self._interest = READ

    def close(self) -> None:
        """Takes what the kernel has accepted already, then closes: a client that got a connection gets its answer."""
        self.resume()
        self._accept(BACKLOG)
        self._plane.selector.forget(self._sock, self._interest, shared=True)

    def abort(self) -> None:
        """A failed accept is no reason to stop listening."""
