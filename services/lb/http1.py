"""Message heads of HTTP/1.1, read strictly (RFC 9112): bytes in, values out. Knows no connection and no configuration.

A head is forwarded as the slice that came, because every line of it passed: a token name with no space before its colon, no
folding, no bare CR or LF, no control bytes, one Host, at most one Content-Length of digits only, Transfer-Encoding exactly
`chunked` or absent, never both. Whatever two readers could understand differently is refused, not repaired
(alb:load-balancer-access-logs names most of it "Severe"; a node behaves as the `strictest` mode for framing).

Hop-by-hop fields go: Connection and what it nominates (never Host, Content-Length, Transfer-Encoding, which frame and
route), Keep-Alive, Proxy-Connection, TE, Upgrade. An upgrade is passed on for `websocket` only; anything else, `h2c` above
all, would open a way around this module. Limits are AWS's (alb:load-balancer-limits).
"""

import re
from enum import IntEnum

from services.lb.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED_FOR,
    FRAMING_NAMES,
    HOST,
    NO_TOKENS,
    PLAIN,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    TRACE_ID,
    TRANSFER_ENCODING,
    UPGRADE,
    FieldReader,
    is_host,
    name_of,
)
from services.lb.outcome import Cause

REQUEST_LINE_BYTES = 16 * 1024
FIELD_BYTES = 16 * 1024
REQUEST_HEAD_BYTES = 64 * 1024
RESPONSE_HEAD_BYTES = 32 * 1024

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])")
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]+)([/?].*)?", re.DOTALL)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?")

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


class Framing(IntEnum):
    """Where a body ends."""

    NONE = 0
    LENGTH = 1
    CHUNKED = 2
    UNTIL_CLOSE = 3


NO_BODY, LENGTH, CHUNKED, UNTIL_CLOSE = Framing


class Request:
    """A request head. `head` is what goes to the target: the request line and the fields, without the final CRLF CRLF and
    without the forwarding fields (see services.lb.forwarding). `host` is None when an HTTP/1.0 client sent none."""

    __slots__ = (
        "expects",
        "forwarded_for",
        "framing",
        "head",
        "host",
        "idempotent",
        "is_head",
        "keep_alive",
        "length",
        "minor",
        "trace_id",
        "upgrade",
    )

    def __init__(self, method: bytes, minor: int) -> None:
        self.minor = minor
        self.head = b""
        self.host: bytes | None = None
        self.framing = NO_BODY
        self.length = 0
        self.keep_alive = minor == 1
        self.expects = False
        self.upgrade = False
        self.is_head = method == b"HEAD"
        self.idempotent = method in _IDEMPOTENT
        self.forwarded_for = b""
        self.trace_id = b""


class Response:
    """A response head. `head` is what goes to the client, without the final CRLF CRLF and without a Connection field.
    `keep_alive` says whether the target will take another request on this connection."""

    __slots__ = ("framing", "head", "keep_alive", "length", "status")

    def __init__(self, status: int) -> None:
        self.status = status
        self.head = b""
        self.framing = NO_BODY
        self.length = 0
        self.keep_alive = True


_request_fields = FieldReader(REQUEST_FIELDS)
_response_fields = FieldReader(RESPONSE_FIELDS)
_status_lines: dict[bytes, tuple[int, int, bytes]] = {}


def unfinished_request(buffer: bytes) -> Cause | None:
    """Whether a head that has not ended yet can already be refused."""
    if len(buffer) > REQUEST_LINE_BYTES and buffer.find(b"\r\n", 0, REQUEST_LINE_BYTES + 2) < 0:
        return Cause.URI_TOO_LONG
    if len(buffer) > REQUEST_HEAD_BYTES or _has_bare_newline(buffer):
        return Cause.MALFORMED
    return None


def parse_request(head: bytes) -> Request | Cause:
    """`head` is everything before the empty line. The cause, when it is to be refused."""
    lines = head.split(b"\r\n")
    first = lines[0]
    if len(first) > REQUEST_LINE_BYTES:
        return Cause.URI_TOO_LONG
    if len(head) > REQUEST_HEAD_BYTES:
        return Cause.MALFORMED
    result = _parse_request(head, lines, first)
    # A head with a bare LF is the same malformed request however its bytes arrive: this matches `unfinished_request`.
    if isinstance(result, Cause) and _has_bare_newline(head):
        return Cause.MALFORMED
    return result


def _parse_request(head: bytes, lines: list[bytes], first: bytes) -> Request | Cause:
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        return Cause.MALFORMED
    method, target, major, minor = match.groups()
    if major != b"1" or minor not in b"01":
        return Cause.UNKNOWN_VERSION
    if method == b"TRACE":
        return Cause.METHOD_NOT_ALLOWED
    request = Request(method, 1 if minor == b"1" else 0)
    memo = _request_fields.memo
    tokens = nominated = NO_TOKENS
    dropped: list[bytes] | None = None
    host: bytes | None = None
    upgrade = b""
    del lines[0]
    for line in lines:
        field = memo.get(line)
        if field is None:
            if len(line) > FIELD_BYTES:
                return Cause.MALFORMED
            field = _request_fields.read(line)
            if field is None:
                return Cause.MALFORMED
        if field is PLAIN:
            continue
        kind = field.kind
        if kind is HOST:
            if host is not None:
                return Cause.MALFORMED
            host = field.value
            request.host = field.lower
            continue
        if kind is CONTENT_LENGTH:
            if request.framing is not NO_BODY or not field.value.isdigit() or len(field.value) > 18:
                return Cause.MALFORMED
            request.framing = LENGTH
            request.length = int(field.value)
            continue
        if kind is TRANSFER_ENCODING:
            if request.framing is not NO_BODY or request.minor == 0 or not field.value:
                return Cause.MALFORMED
            if field.lower != b"chunked":
                return _refused_coding(field.value)
            request.framing = CHUNKED
            continue
        if kind is CONNECTION:
            tokens = tokens | field.tokens
            nominated = nominated | field.nominated
        elif kind is UPGRADE:
            upgrade = field.lower
        elif kind is FORWARDED_FOR:
            request.forwarded_for += b", " + field.value if request.forwarded_for else field.value
        elif kind is TRACE_ID:
            request.trace_id = field.value
        elif kind is EXPECT:
            if field.lower != b"100-continue":
                continue
            request.expects = request.minor == 1
        if dropped is None:
            dropped = []
        dropped.append(line)
    if request.minor == 1:
        if host is None:
            return Cause.MALFORMED
        if tokens:
            request.keep_alive = b"close" not in tokens
    else:
        request.keep_alive = b"keep-alive" in tokens and b"close" not in tokens
    if request.framing is LENGTH and request.length == 0:
        request.framing = NO_BODY
    absolute_form = target[0] != 47 and not (target == b"*" and method == b"OPTIONS")  # 47 is "/"
    if absolute_form:
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or not is_host(absolute[1]):
            return Cause.MALFORMED
        request.host = absolute[1].lower()
        target = absolute[2] or b"/"
        if target[0] != 47:
            target = b"/" + target
    new_host = absolute_form or request.host != host
    if dropped is None and request.minor == 1 and not new_host:
        request.head = head
        return request
    for line in dropped or ():
        lines.remove(line)  # lines that are equal are dropped alike, so the first one found will do
    _drop_nominated(lines, nominated)
    if new_host:
        lines[:] = [line for line in lines if name_of(line) != b"host"]
        lines.insert(0, b"Host: " + (request.host or b""))
    lines.insert(0, method + b" " + target + b" HTTP/1.1")
    if upgrade == b"websocket" and b"upgrade" in tokens and _may_upgrade(method, request):
        request.upgrade = True
        lines.append(b"Connection: Upgrade\r\nUpgrade: websocket")
    request.head = b"\r\n".join(lines)
    return request


def parse_response(head: bytes, *, to_head: bool) -> Response | None:
    """`head` is everything before the empty line; `to_head` says the request was HEAD. None when it is malformed."""
    if len(head) > RESPONSE_HEAD_BYTES:
        return None
    lines = head.split(b"\r\n")
    status_line = _status_lines.get(lines[0]) or _read_status_line(lines[0])
    if status_line is None:
        return None
    minor, status, lines[0] = status_line
    response = Response(status)
    memo = _response_fields.memo
    tokens = nominated = NO_TOKENS
    framing = UNTIL_CLOSE
    dropped: list[bytes] | None = None
    for line in lines[1:]:
        field = memo.get(line)
        if field is None:
            field = _response_fields.read(line)
            if field is None:
                return None
        if field is PLAIN:
            continue
        kind = field.kind
        if kind is CONTENT_LENGTH:
            if framing is not UNTIL_CLOSE or not field.value.isdigit() or len(field.value) > 18:
                return None
            framing = LENGTH
            response.length = int(field.value)
            continue
        if kind is TRANSFER_ENCODING:
            if framing is not UNTIL_CLOSE or minor == 0 or field.lower != b"chunked":
                return None
            framing = CHUNKED
            continue
        if kind is CONNECTION:
            tokens = tokens | field.tokens
            nominated = nominated | field.nominated
        if dropped is None:
            dropped = []
        dropped.append(line)
    if dropped is not None:
        for line in dropped:
            lines.remove(line)
        _drop_nominated(lines, nominated)
    if status < 200 or status == 204:
        if framing is not UNTIL_CLOSE:  # RFC 9110 section 8.6: neither field may stand here
            lines[1:] = [line for line in lines[1:] if name_of(line) not in FRAMING_NAMES]
        framing = NO_BODY
    elif to_head or status == 304 or (framing is LENGTH and response.length == 0):
        framing = NO_BODY
    response.framing = framing
    response.keep_alive = b"close" not in tokens if minor == 1 else b"keep-alive" in tokens
    response.head = b"\r\n".join(lines)
    return response


def without_transfer_encoding(head: bytes) -> bytes:
    """A response head for a client of HTTP/1.0, which knows no transfer codings."""
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(line for line in lines if name_of(line) != b"transfer-encoding")])


def _read_status_line(line: bytes) -> tuple[int, int, bytes] | None:
    """(minor version, status, the line as we send it: always HTTP/1.1)."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return None
    read = (int(match[1]), int(match[2]), b"HTTP/1.1 " + match[2] + b" " + (match[3] or b""))
    if len(_status_lines) < 128:
        _status_lines[line] = read
    return read


def _drop_nominated(lines: list[bytes], names: frozenset[bytes]) -> None:
    """Removes the fields that Connection named, in place; `lines` may begin with a start line."""
    if names:
        lines[:] = [line for line in lines if line.partition(b":")[0].lower() not in names]


def _may_upgrade(method: bytes, request: Request) -> bool:
    return method == b"GET" and request.minor == 1 and request.framing is NO_BODY


def _refused_coding(value: bytes) -> Cause:
    """A coding we do not know is not implemented; `chunked` named twice, or a list with holes, is an attack on framing."""
    codings = [coding.strip(b" \t").lower() for coding in value.split(b",")]
    return Cause.MALFORMED if b"" in codings or codings.count(b"chunked") > 1 else Cause.UNKNOWN_CODING


def _has_bare_newline(data: bytes) -> bool:
    return data.count(b"\n") != data.count(b"\r\n")
