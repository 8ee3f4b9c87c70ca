"""A listening socket: accepts client connections for one listener port.

When accepting fails, most likely because the process is out of descriptors, it pauses for a moment instead of spinning on
a socket that stays ready: `resume` is called from the sweep (alb:load-balancer-cloudwatch-metrics, RejectedConnectionCount).
"""

import logging
import socket

from services.lb.downstream import Client
from services.lb.endpoint import Endpoint
from services.lb.peer import Peer
from services.lb.plane import Plane
from services.lb.selector import READ, Handler

BACKLOG = 4096
_ACCEPTS_PER_EVENT = 32

_log = logging.getLogger("lb")


class ListeningSocket(Handler):
    """`port` is the listener's; `bind_port` where it is on this machine. Raises OSError when that cannot be bound."""

    def __init__(self, plane: Plane, host: str, port: int, bind_port: int) -> None:
        self._plane = plane
        self.port = port
        self._sock = sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Linux: accepted sockets inherit it
            sock.bind((host, bind_port))
            sock.listen(BACKLOG)
        except (OSError, OverflowError):
            sock.close()
            raise
        self.bind_port: int = sock.getsockname()[1]
        self._interest = READ
        plane.selector.watch(sock.fileno(), self, READ)

    def on_ready(self, mask: int) -> None:
        plane = self._plane
        for _ in range(_ACCEPTS_PER_EVENT):
            try:
                sock, address = self._sock.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # the client left before it was accepted
            except OSError as error:
                plane.counters.add("RejectedConnectionCount")
                plane.selector.change(self._sock.fileno(), READ, 0)
                self._interest = 0
                _log.warning(
                    "listener %d pauses: %s; if that is about open files, raise `ulimit -n`", self.port, error.strerror
                )
                return
            sock.setblocking(False)
            plane.counters.add("NewConnectionCount")
            Client(Endpoint(sock, plane.selector, READ), plane, Peer(address[0], address[1], self.port))

    def resume(self) -> None:
        if not self._interest:
            plane = self._plane
            plane.selector.change(self._sock.fileno(), 0, READ)
            self._interest = READ

    def close(self) -> None:
        """Takes what the kernel has accepted already, then closes: a client that got a connection gets its answer."""
        if self._interest:
            self.on_ready(READ)
        self._plane.selector.forget(self._sock, self._interest)

    def abort(self) -> None:
        """A failed accept is no reason to stop listening."""
