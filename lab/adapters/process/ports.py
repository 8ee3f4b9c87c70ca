"""Which loopback port a machine's port becomes. Chosen once, at the first launch, and kept for the machine's life."""

import errno
import socket
from collections.abc import Iterable

from lab.core.compute import MachineSpec
from lab.core.errors import Refused, Unavailable


def choose(spec: MachineSpec, candidates: Iterable[int], taken: set[int]) -> dict[int, int]:
    """Actual port by port number: the published one, else the first candidate that is free and not in `taken`.

    `taken` are the ports of the lab's other machines, also of those that are stopped. Raises `Refused` when a published
    port is in use, `Unavailable` when the candidates run out.
    """
    published = {port.published for port in spec.ports if port.published is not None}
    free = (port for port in candidates if port not in taken and port not in published and is_free(port))
    chosen = {}
    for port in spec.ports:
        actual = port.published if port.published is not None else next(free, None)
        if actual is None:
            raise Unavailable(f"no loopback port is free for {spec.id}")
        chosen[port.number] = actual
    check_free(chosen)
    return chosen


def check_free(ports: dict[int, int]) -> None:
    for actual in ports.values():
        if not is_free(actual):
            raise Refused(f"port {actual} on 127.0.0.1 is in use by another program: free it or publish another port")


def is_free(port: int) -> bool:
    """Whether the port can be listened on. Connections of a past listener that still time out do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise Refused(f"port {port} on 127.0.0.1 needs root here: publish one above 1023") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refused(f"port {port} on 127.0.0.1 cannot be used: {error.strerror}") from error
            return False
    return True
