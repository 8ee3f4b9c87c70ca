"""One field line of a message head: is it well formed, and does the load balancer care about its name?

Strict (RFC 9112 section 5): a token, a colon at once, a value without control bytes; no folding. A line that passes is
forwarded as it came, so nothing is accepted here that two readers could read differently.

What is known of lines that came before makes the common case one look-up: `plain` holds lines that are forwarded unseen,
`memo` the others. Both are keyed by the exact bytes of a line, because anything less (lower case, stripped) would let one
client's line speak for another's. Both are bounded, and lines that are different in each request anyway (cookies, trace ids,
long values) stay out of them; for these at least the name's spelling is remembered.
"""

import re
from enum import IntEnum
from typing import Final

from services.lb.tls.facts import CERTIFICATE_FIELDS, TLS_FIELDS

_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e]*")
_HIGH_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_ALB_NAME: Final = re.compile(rb"[-A-Za-z0-9]+")
_HOST: Final = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]\-]*")

NO_TOKENS: Final[frozenset[bytes]] = frozenset()
FRAMING_NAMES: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""What Connection cannot nominate: these fields route and frame."""
_OPTIONS: Final = frozenset({b"close", b"keep-alive", b"upgrade"})
_KEEP_ALIVE: Final = frozenset({b"keep-alive"})
_DISGUISES: Final = frozenset({b"transferencoding", b"contentlength"})
_NOT_LETTERS: Final = re.compile(rb"[^a-z]")

_MEMO_LINES: Final = 2048
_MEMO_LINE_BYTES: Final = 160
_NOT_REMEMBERED: Final = frozenset(
    {
        b"cookie",
        b"set-cookie",
        b"referer",
        b"authorization",
        b"traceparent",
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
    USER_AGENT = 10
    ODD_NAME = 11  # a token, but not of letters, digits and hyphens: `drop_invalid_header_fields` decides
    SUSPICIOUS = 12  # a name that could be taken for one of a framing field
    HIGH_VALUE = 13  # bytes above ASCII
    FLEETING = 14  # forwarded as it came, and different each time


# Bound once: looking a member up in its class for every line of every head would cost as much as the memo saves. Final, so
# that compiled code finds them without a look-up at all.
HOST: Final = Kind.HOST
CONNECTION: Final = Kind.CONNECTION
CONTENT_LENGTH: Final = Kind.CONTENT_LENGTH
TRANSFER_ENCODING: Final = Kind.TRANSFER_ENCODING
EXPECT: Final = Kind.EXPECT
UPGRADE: Final = Kind.UPGRADE
FORWARDED_FOR: Final = Kind.FORWARDED_FOR
TRACE_ID: Final = Kind.TRACE_ID
DROPPED: Final = Kind.DROPPED
USER_AGENT: Final = Kind.USER_AGENT
ODD_NAME: Final = Kind.ODD_NAME
SUSPICIOUS: Final = Kind.SUSPICIOUS
HIGH_VALUE: Final = Kind.HIGH_VALUE
_FLEETING: Final = Kind.FLEETING
_PLAIN: Final = Kind.PLAIN


class Field:
    """A checked `line`. `value` has no white space around it, `lower` is the same in lower case; `tokens` are the members of
    a Connection field in lower case, and `nominated` those of them that name fields to be removed. `stays`: a Connection
    field that says nothing but keep-alive, which is what we would say ourselves."""

    __slots__ = ("kind", "line", "lower", "nominated", "stays", "tokens", "value")

    def __init__(self, kind: Kind, line: bytes, value: bytes, tokens: frozenset[bytes] = NO_TOKENS) -> None:
        self.line = line
        self.kind = kind
        self.value = value
        self.lower = value.lower()
        self.tokens = tokens
        self.nominated = tokens - _OPTIONS - FRAMING_NAMES
        self.stays = tokens == _KEEP_ALIVE


PLAIN: Final = Field(Kind.PLAIN, b"", b"")
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
    """Reads field lines. `special` names, in lower case, the fields that are not plain; with `odd` names and values that
    are unusual are told apart, too. `plain` and `memo` are the mutable state: public because the loops over lines look into
    them before they call `read`."""

    __slots__ = ("_kinds", "_odd", "_special", "memo", "plain")

    def __init__(self, special: dict[bytes, Kind], *, odd: bool = False) -> None:
        self._special = special
        self._odd = odd
        self._kinds: dict[bytes, Kind] = {}  # by the spelling of the name
        self.plain: set[bytes] = set()
        self.memo: dict[bytes, Field] = {}

    def read(self, line: bytes) -> Field | None:
        """The field, or None when the line is malformed."""
        colon = line.find(b":")
        if colon < 0:
            return None
        name = line[:colon]
        kind = self._kinds.get(name)
        if kind is None:
            if _NAME.fullmatch(name) is None:
                return None
            kind = self._kind(name)
        if _VALUE.fullmatch(line, colon + 1) is None:
            if _HIGH_VALUE.fullmatch(line, colon + 1) is None:
                return None
            if self._odd and (kind is _PLAIN or kind is _FLEETING):
                kind = HIGH_VALUE
        if kind is _FLEETING:
            return PLAIN
        if kind is _PLAIN:
            field = PLAIN
        else:
            value = line[colon + 1 :].strip(b" \t")
            if kind is HOST and _HOST.fullmatch(value) is None:
                return None
            field = Field(kind, line, value, connection_tokens(value) if kind is CONNECTION else NO_TOKENS)
        if len(line) <= _MEMO_LINE_BYTES and kind is not HIGH_VALUE and kind is not TRACE_ID:
            self._remember(line, field)
        return field

    def _kind(self, name: bytes) -> Kind:
        lower = name.lower()
        kind = self._special.get(lower)
        if kind is None:
            kind = _FLEETING if lower in _NOT_REMEMBERED else _PLAIN
            if self._odd:
                if _NOT_LETTERS.sub(b"", lower) in _DISGUISES:
                    kind = SUSPICIOUS
                elif _ALB_NAME.fullmatch(name) is None:
                    kind = ODD_NAME
        if len(name) <= 64:
            if len(self._kinds) >= _MEMO_LINES:
                self._kinds.clear()
            self._kinds[name] = kind
        return kind

    def _remember(self, line: bytes, field: Field) -> None:
        if field is PLAIN:
            if len(self.plain) >= _MEMO_LINES:
                self.plain.clear()
            self.plain.add(line)
        else:
            if len(self.memo) >= _MEMO_LINES:
                self.memo.clear()
            self.memo[line] = field


def is_text(line: bytes) -> bool:
    """Whether it has no control bytes but tabs."""
    return _HIGH_VALUE.fullmatch(line) is not None


def is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def connection_tokens(value: bytes) -> frozenset[bytes]:
    """The members of a comma separated list of tokens, in lower case; what is no token names nothing and is left out."""
    members = (member.strip(b" \t").lower() for member in value.split(b","))
    return frozenset(member for member in members if _NAME.fullmatch(member))


def name_of(line: bytes) -> bytes:
    """The name of a well-formed field line, in lower case."""
    return line[: line.index(b":")].lower()


REQUEST_FIELDS = {
    **_HOP_BY_HOP,
    b"host": Kind.HOST,
    b"expect": Kind.EXPECT,
    b"user-agent": Kind.USER_AGENT,
    b"te": Kind.DROPPED,
    b"http2-settings": Kind.DROPPED,
    b"x-forwarded-for": Kind.FORWARDED_FOR,
    b"x-forwarded-proto": Kind.DROPPED,
    b"x-forwarded-port": Kind.DROPPED,
    b"x-amzn-trace-id": Kind.TRACE_ID,
    # What only a load balancer may say of a connection: a client's own word about it never passes.
    **{name.lower().encode(): Kind.DROPPED for name in (*TLS_FIELDS, *CERTIFICATE_FIELDS)},
}
RESPONSE_FIELDS = dict(_HOP_BY_HOP)
