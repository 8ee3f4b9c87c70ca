"""Response heads of HTTP/1.1, read strictly (RFC 9112): bytes in, values out. Knows no connection.

What a target says is checked as closely as what a client says: a head that two readers could read differently is no answer
(502). Hop-by-hop fields go; Content-Length and Transfer-Encoding stay as they came, for the body is framed by them.
"""

import re
from typing import Final

from services.lb.http1.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    FRAMING_NAMES,
    NO_TOKENS,
    PLAIN,
    RESPONSE_FIELDS,
    TRANSFER_ENCODING,
    FieldReader,
    name_of,
)
from services.lb.http1.framing import (
    CHUNKED,
    LENGTH,
    LENGTH_DIGITS,
    NO_BODY,
    RESPONSE_HEAD_BYTES,
    UNTIL_CLOSE,
    Framing,
    drop_named,
    fields_named,
)

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?")
_KNOWN: Final = 1024


class Response:
    """What a response head says; shared, so never changed. `rewritten` is what goes on in the head's place, empty where it
    goes on as it came: without a Connection field, or with one that says keep-alive and nothing else, if `persists`.
    `keep_alive` says whether the target will take another request on this connection."""

    __slots__ = ("framing", "keep_alive", "length", "persists", "rewritten", "status")

    def __init__(
        self, status: int, rewritten: bytes, framing: Framing, length: int, keep_alive: bool, persists: bool = False
    ) -> None:
        self.status = status
        self.rewritten = rewritten
        self.framing = framing
        self.length = length
        self.keep_alive = keep_alive
        self.persists = persists

    def without_connection(self, head: bytes) -> bytes:
        """The head as it goes on, without any Connection field."""
        return _CONNECTION_FIELDS.sub(b"", head) if self.persists else head


_CONNECTION: Final = frozenset({b"connection"})
_CONNECTION_FIELDS: Final = fields_named(b"connection")
_fields: Final = FieldReader(RESPONSE_FIELDS)
_known: Final[dict[tuple[bytes, ...], Response]] = {}
"""What heads say that go on as they came, by their status line and the fields that are not forwarded unseen, to the byte. Only
lines that `FieldReader` remembers, too: what is different each time stays out. Bounded."""


def parse_response(head: bytes, to_head: bool) -> Response | None:
    """`head` is everything before the empty line; `to_head` says the request was HEAD. None when it is malformed."""
    if len(head) > RESPONSE_HEAD_BYTES:
        return None
    lines = head.split(b"\r\n")
    plain = _fields.plain
    telling = tuple([line for line in lines if line not in plain])
    known = _known.get(telling)
    if known is not None and telling[0] is lines[0] and not to_head:
        return known
    return _parse_response(lines, telling, to_head)


def _parse_response(lines: list[bytes], telling: tuple[bytes, ...], to_head: bool) -> Response | None:
    status_line = _read_status_line(lines[0])
    if status_line is None:
        return None
    minor, status, first = status_line
    memo = _fields.memo
    tokens = nominated = NO_TOKENS
    framing = UNTIL_CLOSE
    length = 0
    persists = False
    changed = first != lines[0]
    for line in telling[1:]:
        field = memo.get(line)
        if field is None:
            field = _fields.read(line)
            if field is None:
                return None
        if field is PLAIN:
            continue
        kind = field.kind
        if kind is CONTENT_LENGTH:
            value = field.value
            if framing is not UNTIL_CLOSE or not value.isdigit() or len(value) > LENGTH_DIGITS:
                return None
            framing = LENGTH
            length = int(value)
            continue
        if kind is TRANSFER_ENCODING:
            if framing is not UNTIL_CLOSE or minor == 0 or field.lower != b"chunked":
                return None
            framing = CHUNKED
            continue
        if kind is CONNECTION:
            tokens = tokens | field.tokens
            nominated = nominated | field.nominated
            if field.stays and not persists and minor == 1:
                persists = True
                continue
        changed = True
        lines.remove(line)
    if changed:
        lines[0] = first
        if persists and len(tokens) > 1:
            persists = False
            drop_named(lines, _CONNECTION)
        drop_named(lines, nominated)
    if status < 200 or status == 204:
        if framing is not UNTIL_CLOSE:  # RFC 9110 section 8.6: neither field may stand here
            lines[1:] = [line for line in lines[1:] if name_of(line) not in FRAMING_NAMES]
            changed = True
        framing = NO_BODY
    elif to_head or status == 304 or (framing is LENGTH and length == 0):
        framing = NO_BODY
    keep_alive = b"close" not in tokens if minor == 1 else b"keep-alive" in tokens
    rewritten = b"\r\n".join(lines) if changed else b""
    response = Response(status, rewritten, framing, length, keep_alive, persists)
    if not changed and not to_head and all(line in memo for line in telling[1:]):
        if len(_known) >= _KNOWN:
            _known.clear()
        _known[telling] = response
    return response


def _read_status_line(line: bytes) -> tuple[int, int, bytes] | None:
    """(minor version, status, the line as we send it: always HTTP/1.1)."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return None
    return int(match[1]), int(match[2]), b"HTTP/1.1 " + match[2] + b" " + (match[3] or b"")
