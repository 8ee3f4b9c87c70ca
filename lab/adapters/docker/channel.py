"""The way to the agent of a network interface: its container's standard input and output, by the engine's attach call.

The container has an open input, so one may attach, say a line, hear the answer and leave, as often as there is something to
say; it costs about a millisecond. Nothing is mounted, published or executed for it, and it works wherever the engine is.
"""

import itertools
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from docker.api.client import APIClient

from lab.core.errors import Refused, Unavailable

SECONDS = 10.0
"""How long an answer may take."""
_numbers = itertools.count(1)
ATTACH = {"stdin": 1, "stdout": 1, "stream": 1}


def tell(client: APIClient, container: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Say it and hear the answer. Raises `Refused` with the agent's reason, `Unavailable` when no answer comes."""
    number = next(_numbers)
    attached = client.attach_socket(container, params=ATTACH)
    sock: socket.socket = getattr(attached, "_sock", attached)
    try:
        sock.settimeout(SECONDS)
        sock.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
        for line in _lines(sock):
            found = json.loads(line)
            if found.get("id") != number:
                continue  # another's, who is attached at the same time
            if "error" in found:
                raise Refused(f"{container} could not be told: {found['error']}")
            return dict(found)
    except TimeoutError:
        raise Unavailable(f"the agent of {container} does not answer") from None
    finally:
        attached._response.close()  # else the collector closes it over a socket that has gone, and complains (Python 3.13)
        attached.close()
        sock.close()  # the wrapper's own close leaves it to the garbage collector
    raise Unavailable(f"the agent of {container} has gone")


def _lines(sock: socket.socket) -> Iterator[bytes]:
    """The lines of standard output; an answer may come in several frames, of 8 bytes and as many as the last four say. Not by
    the client's own reader of frames: that one waits for ever where nothing comes."""
    rest = b""
    with sock.makefile("rb") as frames:
        while len(head := frames.read(8)) == 8:
            *whole, rest = (rest + frames.read(int.from_bytes(head[4:], "big"))).split(b"\n")
            yield from whole
