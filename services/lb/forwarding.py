"""What the load balancer tells the target about the client: X-Forwarded-* and X-Amzn-Trace-Id (alb:x-forwarded-headers,
alb:load-balancer-request-tracing). Pure.

X-Forwarded-For is appended to. X-Forwarded-Proto and -Port are ours alone: what a client claims about them never passes.
"""

from collections.abc import Callable

from services.lb.http1 import Request

MAX_FORWARDED_ADDRESSES = 30
_MAX_TRACE_BYTES = 7 * 1024


def forwarded_fields(peer: bytes, port: int) -> bytes:
    """What follows X-Forwarded-For's earlier addresses on every request of one client connection, up to the trace id."""
    return b"%b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: %d\r\nX-Amzn-Trace-Id: " % (peer, port)


def too_many_forwards(forwarded_for: bytes) -> bool:
    """More than 30 addresses are refused with 463 (alb:load-balancer-troubleshooting)."""
    return forwarded_for.count(b",") >= MAX_FORWARDED_ADDRESSES


def trace_id(received: bytes, own: bytes) -> bytes:
    """The value to send on. `own` is a new id, `1-<8 hex>-<24 hex>`. A Root that came is kept with its custom fields and we
    add our Self, replacing the last hop's; an oversized value is replaced by a Root alone."""
    if not received or len(received) > _MAX_TRACE_BYTES:
        return b"Root=" + own
    fields = [field.strip(b" \t") for field in received.split(b";")]
    kept = [field for field in fields if field and field[:5].lower() != b"self="]
    has_root = any(field[:5].lower() == b"root=" for field in kept)
    return b";".join([(b"Self=" if has_root else b"Root=") + own, *kept])


def target_head(request: Request, forwarded: bytes, dns_name: bytes, own: bytes) -> bytes:
    """The head as the target gets it. `forwarded` is from `forwarded_fields`, `dns_name` the load balancer's (the Host of a
    request of HTTP/1.0 that has none), `own` a new trace id."""
    return b"%b%b\r\nX-Forwarded-For: %b%b%b\r\n\r\n" % (
        request.head,
        b"" if request.host is not None else b"\r\nHost: " + dns_name,
        request.forwarded_for + b", " if request.forwarded_for else b"",
        forwarded,
        b"Root=" + own if not request.trace_id else trace_id(request.trace_id, own),
    )


class TraceIds:
    """Makes ids `1-<8 hex epoch seconds>-<24 hex>`. Nobody can guess one from another: the digits come from `random_bytes`,
    drawn in blocks. `stamp` is called about once a second with the time."""

    __slots__ = ("_at", "_digits", "_prefix", "_random_bytes")

    _BLOCK = 12 * 256

    def __init__(self, random_bytes: Callable[[int], bytes], wall: float) -> None:
        self._random_bytes = random_bytes
        self._digits = b""
        self._at = 0
        self._prefix = b""
        self.stamp(wall)

    def stamp(self, wall: float) -> None:
        self._prefix = b"1-%08x-" % int(wall)

    def next(self) -> bytes:
        at = self._at
        if at >= len(self._digits):
            self._digits = self._random_bytes(self._BLOCK).hex().encode()
            at = 0
        self._at = at + 24
        return self._prefix + self._digits[at : at + 24]
