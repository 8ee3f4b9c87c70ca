"""What an idle connection costs in memory. The balancer is started anew, so that no heap of earlier work is used again."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench import machine
from bench.certificate import HOST
from bench.contender import Contender, Site
from bench.equality import client_context
from bench.nginx import SMALL_BYTES
from bench.processes import BenchError
from bench.scenarios import Idle

_REQUEST = f"GET /small HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
_WARM_UP = 20
_SETTLE_SECONDS = 1.0
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Growth:
    """`base` bytes without a connection, `per_connection` bytes for each of them."""

    scenario: str
    round: int
    contender: str
    base: int
    per_connection: float


def growth(contender: Contender, site: Site, idle: Idle, number: int) -> Growth:
    """Of the tree of processes (PSS), once each connection has had its answer; what the kernel holds is not in it."""
    with contender.start(site) as pid, machine.pinned(None):
        with _connections(contender, site, _WARM_UP, idle):
            pass
        settle = max(_SETTLE_SECONDS, contender.settles)  # what ends with a connection ends a little later
        time.sleep(settle)
        base = machine.resident(pid)
        with _connections(contender, site, idle.count, idle):
            time.sleep(settle)
            after = machine.resident(pid)
    return Growth(idle.name, number, contender.name, base, (after - base) / idle.count)


@contextlib.contextmanager
def _connections(contender: Contender, site: Site, count: int, idle: Idle) -> Iterator[None]:
    context = client_context() if idle.tls else None
    with contextlib.ExitStack() as stack:
        try:
            for _ in range(count):
                stack.enter_context(_connection(site, context))
        except OSError as error:
            raise BenchError(f"{contender.title} does not keep {count} connections ({idle.name}): {error}") from error
        yield


def _connection(site: Site, context: ssl.SSLContext | None) -> socket.socket:
    """One that has had its answer. Raises OSError when it gets none."""
    port = site.port if context is None else site.tls_port
    connection = socket.create_connection(("127.0.0.1", port), _SECONDS)
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_hostname=HOST)
        connection.sendall(_REQUEST)
        answer = b""
        while len(answer.partition(b"\r\n\r\n")[2]) < SMALL_BYTES:
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("closed without an answer")
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(f"answers {answer[:40]!r}")
    except OSError:
        connection.close()
        raise
    return connection
