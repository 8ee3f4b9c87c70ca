"""A real connection out of this network, to see what becomes of it."""

import socket

SECONDS = 1.0


def probe(address: str, port: int) -> str:
    """A TCP connection: "reached"; "refused" when nobody listens there, for then the packets came and went all the same;
    "unreachable" when somebody says so; "lost" when there is no answer."""
    try:
        with socket.create_connection((address, port), timeout=SECONDS):
            return "reached"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "lost"
    except OSError:
        return "unreachable"
