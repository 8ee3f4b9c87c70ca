"""One field line of a message head: is it well formed, and does the load balancer care about its name?

Strict (RFC 9112 section 5): a token, a colon at once, a value without control bytes; no folding. A line that passes is
forwarded as it came, so nothing is accepted here that two readers could read differently.

A memo keyed by the exact bytes of a line makes the common case one look-up. Exact bytes, because anything less (lower
case, stripped) would let one client's line speak for another's. It is bounded, and lines that are different in each
request anyway (cookies, trace ids, long values) stay out of it.
"""

import re
from enum import IntEnum

_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]\-]*")

NO_TOKENS: frozenset[bytes] = frozenset()
FRAMING_NAMES = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""What Connection cannot nominate: these fields route and frame."""
_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade"})

_MEMO_LINES = 2048
_MEMO_LINE_BYTES = 160
_NOT_REMEMBERED = frozenset(
    {
        b"cookie",
        b"set-cookie",
        b"referer",
        b"authorization",
        b"traceparent",
        b"x-amzn-trace-id",
        b"x-request-id",
        b"etag",
    }
)


class Kind(IntEnum):
    """What a field is to the load balancer."""

    PLAIN = 0
    HOST = 1
    CONNECTION = 2
    CONTENT_LENGTH = 3
    TRANSFER_ENCODING = 4
    EXPECT = 5
    UPGRADE = 6
    FORWARDED_FOR = 7
    TRACE_ID = 8
    DROPPED = 9


# Bound once: looking a member up in its class for every line of every head would cost as much as the memo saves.
(
    _,
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    UPGRADE,
    FORWARDED_FOR,
    TRACE_ID,
    DROPPED,
) = Kind


class Field:
    """A checked line. `value` has no white space around it, `lower` is the same in lower case; `tokens` are the members of
    a Connection field in lower case, and `nominated` those of them that name fields to be removed."""

    __slots__ = ("kind", "lower", "nominated", "tokens", "value")

    def __init__(self, kind: Kind, value: bytes, tokens: frozenset[bytes] = NO_TOKENS) -> None:
        self.kind = kind
        self.value = value
        self.lower = value.lower()
        self.tokens = tokens
        self.nominated = tokens - _OPTIONS - FRAMING_NAMES


PLAIN = Field(Kind.PLAIN, b"")
"""Stands for every line that is forwarded as it came."""

_HOP_BY_HOP = {
    b"connection": Kind.CONNECTION,
    b"content-length": Kind.CONTENT_LENGTH,
    b"transfer-encoding": Kind.TRANSFER_ENCODING,
    b"upgrade": Kind.UPGRADE,
    b"keep-alive": Kind.DROPPED,
    b"proxy-connection": Kind.DROPPED,
}


class FieldReader:
    """Reads field lines. `special` names, in lower case, the fields that are not plain. `memo` is the mutable state: it is
    public because the loops over lines look into it before they call `read`."""

    __slots__ = ("_special", "memo")

    def __init__(self, special: dict[bytes, Kind]) -> None:
        self._special = special
        self.memo: dict[bytes, Field] = {}

    def read(self, line: bytes) -> Field | None:
        """The field, or None when the line is malformed."""
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            return None
        name = match[1].lower()
        kind = self._special.get(name)
        if kind is None:
            field = PLAIN
        else:
            value = match[2].rstrip(b" \t")
            if kind is HOST and not is_host(value):
                return None
            field = Field(kind, value, connection_tokens(value) if kind is CONNECTION else NO_TOKENS)
        if len(line) <= _MEMO_LINE_BYTES and name not in _NOT_REMEMBERED:
            if len(self.memo) >= _MEMO_LINES:
                self.memo.clear()
            self.memo[line] = field
        return field


def is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def connection_tokens(value: bytes) -> frozenset[bytes]:
    """The members of a comma separated list of tokens, in lower case; what is no token names nothing and is left out."""
    members = (member.strip(b" \t").lower() for member in value.split(b","))
    return frozenset(member for member in members if _TOKEN.fullmatch(member))


def name_of(line: bytes) -> bytes:
    """The name of a well-formed field line, in lower case."""
    return line[: line.index(b":")].lower()


REQUEST_FIELDS = {
    **_HOP_BY_HOP,
    b"host": Kind.HOST,
    b"expect": Kind.EXPECT,
    b"te": Kind.DROPPED,
    b"http2-settings": Kind.DROPPED,
    b"x-forwarded-for": Kind.FORWARDED_FOR,
    b"x-forwarded-proto": Kind.DROPPED,
    b"x-forwarded-port": Kind.DROPPED,
    b"x-amzn-trace-id": Kind.TRACE_ID,
}
RESPONSE_FIELDS = dict(_HOP_BY_HOP)
