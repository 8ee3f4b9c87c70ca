"""The head as the target gets it: Host, X-Forwarded-* and X-Amzn-Trace-Id (alb:x-forwarded-headers,
alb:load-balancer-request-tracing, alb:edit-load-balancer-attributes). Pure.

X-Forwarded-Proto and -Port are ours alone: what a client claims about them never passes. X-Forwarded-For is appended to,
preserved or removed, as the attribute says. Host goes on in lower case, its port dropped on listener ports 80 and 443 and added
on others, unless it is to be preserved.
"""

from collections.abc import Callable
from typing import Final

from lab.core.elbv2.config import Attributes
from services.lb.http1.request_line import Request

MAX_FORWARDED_ADDRESSES: Final = 30
_MAX_TRACE_BYTES: Final = 7 * 1024
_HOSTS: Final = 256
_CLIENTS: Final = 1024
_CLIENT_BYTES: Final = 256
_FORWARDED_FOR: Final = b"\r\nX-Forwarded-For: "


def too_many_forwards(forwarded_for: bytes) -> bool:
    """More than 30 addresses are refused with 463 (alb:load-balancer-troubleshooting)."""
    return forwarded_for.count(b",") >= MAX_FORWARDED_ADDRESSES


class HeadWriter:
    """Writes heads for one listener of one configuration. `dns_name` is the load balancer's: the Host of a request of
    HTTP/1.0 that has none. The memos are bounded."""

    __slots__ = (
        "_appends",
        "_clients",
        "_dns_name",
        "_drops_odd",
        "_hosts",
        "_port",
        "_preserves_host",
        "_removes",
        "_with_port",
    )

    def __init__(self, attributes: Attributes, port: int, dns_name: bytes) -> None:
        self._port = port
        self._dns_name = dns_name
        self._appends = attributes.xff_mode == "append"
        self._removes = attributes.xff_mode == "remove"
        self._with_port = attributes.xff_client_port
        self._preserves_host = attributes.preserve_host_header
        self._drops_odd = attributes.drop_invalid_header_fields
        self._hosts: dict[bytes, bytes] = {}
        self._clients: dict[tuple[bytes, bytes, bytes], bytes] = {}

    def client_fields(self, peer: bytes, peer_port: bytes, scheme: bytes, more: bytes) -> bytes:
        """What is the same on every request of one client connection, from the end of the client's own fields up to the trace
        id's value. `more` are whole lines about its TLS, each ending in CRLF."""
        key = (peer, scheme, more)
        known = self._clients.get(key)
        if known is not None:
            return known
        own = peer
        if self._with_port:
            own = (b"[%b]:%b" if b":" in peer else b"%b:%b") % (peer, peer_port)
        own = _FORWARDED_FOR + own if self._appends else b""
        fields = b"%b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Port: %d\r\n%bX-Amzn-Trace-Id: " % (
            own,
            scheme,
            self._port,
            more,
        )
        if not self._with_port and len(more) <= _CLIENT_BYTES:
            if len(self._clients) >= _CLIENTS:
                self._clients.clear()
            self._clients[key] = fields
        return fields

    def write(self, request: Request, client_fields: bytes, trace: bytes) -> bytes:
        """The whole head. `trace` is the value of X-Amzn-Trace-Id."""
        head = request.head
        if request.odd is not None and self._drops_odd:
            head = _without_lines(head, request.odd)
        if request.host is None:
            head = b"%b\r\nHost: %b" % (head, self._dns_name)
        elif not self._preserves_host:
            line = self._hosts.get(request.host)
            if line is None:
                line = self._host_line(request.host)
            if line != request.host_line:
                # No other line can begin with this one: a second Host is refused.
                head = head.replace(b"\r\n" + request.host_line, b"\r\n" + line, 1)
        if request.forwarded_for and not self._removes:
            head += _FORWARDED_FOR + request.forwarded_for
            if self._appends:
                head += b", "
                client_fields = client_fields[len(_FORWARDED_FOR) :]
        return b"".join((head, client_fields, trace, b"\r\n\r\n"))

    def invalid_fields(self, request: Request) -> str:
        """The metric that counts a request with names that are none to AWS."""
        return "DroppedInvalidHeaderRequestCount" if self._drops_odd else "ForwardedInvalidHeaderRequestCount"

    def _host_line(self, host: bytes) -> bytes:
        name, colon, port = host.rpartition(b":")
        if not colon or not (port.isdigit() or not port) or (b":" in name and not name.endswith(b"]")):
            name, port = host, b""
        line = b"Host: " + name
        if self._port not in (80, 443):
            line += b":" + (port or b"%d" % self._port)
        if len(self._hosts) >= _HOSTS:
            self._hosts.clear()
        self._hosts[host] = line
        return line


def transformed(request: Request, host: bytes, target: bytes) -> None:
    """The request goes on with another Host and another target, by a rule's transforms."""
    lines = request.head.split(b"\r\n")
    lines[0] = b"%b %b HTTP/1.1" % (request.method.name, target)
    line = b"Host: " + host
    if request.host is None:
        lines.insert(1, line)
    else:
        lines[lines.index(request.host_line)] = line
    request.head = b"\r\n".join(lines)
    request.is_repeatable = request.is_ordinary = False  # its Host is no longer the client's
    request.host = host
    request.host_line = line


def _without_lines(head: bytes, dropped: list[bytes]) -> bytes:
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(line for line in lines if line not in dropped)])


def trace_value(received: bytes, root: bytes) -> bytes:
    """The value to send on where one came. `root` is a new one, `Root=1-<8 hex>-<24 hex>`. A Root that came is kept with its
    custom fields and we add our Self, replacing the last hop's; an oversized value is replaced by a Root alone."""
    if len(received) > _MAX_TRACE_BYTES:
        return root
    fields = [field.strip(b" \t") for field in received.split(b";")]
    kept = [field for field in fields if field and field[:5].lower() != b"self="]
    has_root = any(field[:5].lower() == b"root=" for field in kept)
    return b";".join([b"Self=" + root.removeprefix(b"Root=") if has_root else root, *kept])


class TraceIds:
    """Makes roots `Root=1-<8 hex epoch seconds>-<24 hex>`. Nobody can guess one from another: the digits come from
    `random_bytes`, drawn in blocks. `stamp` is called about once a second with the time."""

    __slots__ = ("_digits", "_prefix", "_random_bytes")

    _BLOCK = 256

    def __init__(self, random_bytes: Callable[[int], bytes], wall: float) -> None:
        self._random_bytes = random_bytes
        self._digits: list[bytes] = []
        self._prefix = b""
        self.stamp(wall)

    def stamp(self, wall: float) -> None:
        self._prefix = b"Root=1-%08x-" % int(wall)

    def connection_id(self) -> bytes:
        """Of a client connection, for the logs."""
        return b"TID_" + self.root()[-24:] + self.root()[-8:]  # 32 digits

    def root(self) -> bytes:
        digits = self._digits
        if not digits:
            drawn = self._random_bytes(12 * self._BLOCK).hex().encode()
            digits += [drawn[at : at + 24] for at in range(0, len(drawn), 24)]
        return self._prefix + digits.pop()
