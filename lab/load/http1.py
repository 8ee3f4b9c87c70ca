"""A strict HTTP/1 response parser for one response: bytes in, one `Response` out. No I/O.

Only what the generator counts is kept; bodies are measured and dropped. Framing follows RFC 9112 §6.3 and refuses what is
ambiguous there (both Content-Length and Transfer-Encoding, several lengths, bare line feeds, folded lines), because a
generator that guesses where a response ends would count the next one wrongly.

    HEAD ─▶ LENGTH ──────────────────────────▶ DONE
      ├───▶ CHUNK_SIZE ⇄ CHUNK_DATA             ▲
      │         └──────▶ TRAILERS ──────────────┤
      ├───▶ UNTIL_CLOSE ─(end of stream)────────┤
      └─(204, 304; an interim 1xx starts over)──┘
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

MAX_HEAD = 65_536
"""Bytes; also the limit of a chunk's size line and of one trailer line."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t -~\x80-\xff]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class BadResponse(Exception):  # noqa: N818 - the name says what is the case
    """The other side does not speak the HTTP/1 it should; the connection is of no more use."""


class Stage(Enum):
    HEAD = auto()
    LENGTH = auto()
    CHUNK_SIZE = auto()
    CHUNK_DATA = auto()
    TRAILERS = auto()
    UNTIL_CLOSE = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """`instance` and `zone` are the X-Instance-Id and X-Availability-Zone headers, None when absent."""

    status: int
    instance: str | None
    zone: str | None
    body_bytes: int
    reusable: bool


@dataclass(frozen=True, slots=True)
class Head:
    """A head as far as it matters: `body` is the stage that follows, `length` the octets of a body whose length is told."""

    status: int
    instance: str | None
    zone: str | None
    keep_alive: bool
    body: Stage
    length: int

    def response(self, body_bytes: int, *, reusable: bool) -> Response:
        return Response(self.status, self.instance, self.zone, body_bytes, reusable)


class ResponseParser:
    """Feed it until it returns a response; it is of no use afterwards."""

    __slots__ = ("_body_bytes", "_buffer", "_head", "_remaining", "_stage")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._stage = Stage.HEAD
        self._head: Head | None = None
        self._remaining = 0
        self._body_bytes = 0

    def feed(self, data: bytes) -> Response | None:
        """The response when `data` completes it. Raises BadResponse."""
        self._buffer += data
        while self._stage is not Stage.DONE and self._step():
            pass
        return self._response() if self._stage is Stage.DONE else None

    def end_of_stream(self) -> Response | None:
        """The response when the end of the connection is the end of its body, else None: it was cut off."""
        if self._stage is not Stage.UNTIL_CLOSE:
            return None
        self._stage = Stage.DONE
        return self._response()

    def _response(self) -> Response:
        assert self._head is not None
        # Bytes after the end answer no question we asked; such a connection cannot be trusted with another.
        return self._head.response(self._body_bytes, reusable=self._head.keep_alive and not self._buffer)

    def _step(self) -> bool:
        """Take one element off the buffer; False when more bytes are needed."""
        match self._stage:
            case Stage.HEAD:
                return self._take_head()
            case Stage.LENGTH | Stage.CHUNK_DATA:
                return self._take_body()
            case Stage.CHUNK_SIZE:
                return self._take_chunk_size()
            case Stage.TRAILERS:
                return self._take_trailer()
            case Stage.UNTIL_CLOSE:
                self._body_bytes += len(self._buffer)
                self._buffer.clear()
                return False
            case Stage.DONE:
                raise AssertionError("nothing follows a finished response")

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadResponse(f"no end of the head within {MAX_HEAD} bytes")
            return False
        head = head_of(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        if head.status >= 200:
            self._head, self._stage, self._remaining = head, head.body, head.length
        return True

    def _take_body(self) -> bool:
        taken = min(self._remaining, len(self._buffer))
        del self._buffer[:taken]
        self._remaining -= taken
        self._body_bytes += taken
        if self._remaining:
            return False
        if self._stage is Stage.LENGTH:
            self._stage = Stage.DONE
            return True
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise BadResponse("a chunk does not end where its size says")
        del self._buffer[:2]
        self._stage = Stage.CHUNK_SIZE
        return True

    def _take_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise BadResponse(f"not a chunk size: {line[:80]!r}")
        self._remaining = int(match[1], 16)
        self._stage = Stage.CHUNK_DATA if self._remaining else Stage.TRAILERS
        return True

    def _take_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line:
            _fields([line])
        else:
            self._stage = Stage.DONE
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadResponse(f"no end of the line within {MAX_HEAD} bytes")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


@lru_cache(maxsize=1024)
def head_of(raw: bytes) -> Head:
    """Of a head without its empty line. Remembered: a server says the same, but for its clock, over and over again. Raises
    BadResponse."""
    status_line, *lines = raw.split(b"\r\n")
    match = _STATUS.fullmatch(status_line)
    if match is None:
        raise BadResponse(f"not a status line: {status_line[:80]!r}")
    status, fields, http_1_1 = int(match[2]), _fields(lines), match[1] == b"1"
    if status == 101:
        raise BadResponse("the protocol was switched without being asked to")
    options = [option.strip() for option in fields.get(b"connection", b"").lower().split(b",")]
    keep_alive = b"close" not in options if http_1_1 else b"keep-alive" in options
    body, length = _framing(status, fields, http_1_1=http_1_1)
    instance, zone = (_text(fields, name) for name in (b"x-instance-id", b"x-availability-zone"))
    return Head(status, instance, zone, keep_alive and body is not Stage.UNTIL_CLOSE, body, length)


def _framing(status: int, fields: Mapping[bytes, bytes], *, http_1_1: bool) -> tuple[Stage, int]:
    """Where the body ends."""
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if status < 200 or status in (204, 304):
        return Stage.DONE, 0
    if coding is not None:
        if length is not None or not http_1_1 or coding.lower() != b"chunked":
            raise BadResponse(f"a body in transfer coding {coding!r} whose end is unclear")
        return Stage.CHUNK_SIZE, 0
    if length is None:
        return Stage.UNTIL_CLOSE, 0
    if _LENGTH.fullmatch(length) is None:
        raise BadResponse(f"not a content length: {length!r}")
    return (Stage.LENGTH, int(length)) if int(length) else (Stage.DONE, 0)


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Lower-case names to values. A repeated name keeps the list of its values, so two lengths are not one number."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise BadResponse(f"not a header field: {line[:80]!r}")
        name, value = match[1].lower(), match[2].strip(b" \t")
        fields[name] = fields[name] + b", " + value if name in fields else value
    return fields
