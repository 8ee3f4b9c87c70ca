"""Keeps web pages of strangers out of the lab (DNS rebinding, cross-site requests).

The API listens on 127.0.0.1 and asks for no password, so a page in the user's browser could try to reach it. Two checks
stop that: the Host header must name this machine, and an Origin header, where there is one, too.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


def host_name(host: str) -> str:
    """The host of a Host header, without its port."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    return name.lower()


def refusal(host: str | None, origin: str | None, allowed: Iterable[str] = ()) -> str | None:
    """Why the request must be refused, or None. `allowed` are further host names, such as the one nodes use."""
    names = LOCAL_HOSTS | set(allowed)
    if host is None or host_name(host) not in names:
        return f"the Host header {host!r} does not name this machine: use http://127.0.0.1 or http://localhost"
    if origin is not None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or host_name(parts.netloc) not in LOCAL_HOSTS:
            return f"the Origin {origin!r} is not this machine: the lab answers its own pages only"
    return None
