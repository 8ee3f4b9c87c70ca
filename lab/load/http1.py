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
from dataclasses import dataclass
from enum import Enum, auto

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


class ResponseParser:
    """Feed it until it returns a response; it is of no use afterwards."""

    __slots__ = ("_body_bytes", "_buffer", "_head", "_keep_alive", "_remaining", "_stage", "_status")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._stage = Stage.HEAD
        self._head: dict[bytes, bytes] = {}
        self._status = 0
        self._keep_alive = False
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
        # Bytes after the end answer no question we asked; such a connection cannot be trusted with another.
        reusable = self._keep_alive and not self._buffer
        return Response(
            self._status, self._text(b"x-instance-id"), self._text(b"x-availability-zone"), self._body_bytes, reusable
        )

    def _text(self, name: bytes) -> str | None:
        value = self._head.get(name)
        return None if value is None else value.decode("latin-1")

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
        status_line, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        match = _STATUS.fullmatch(status_line)
        if match is None:
            raise BadResponse(f"not a status line: {status_line[:80]!r}")
        self._status = int(match[2])
        self._head = _fields(lines)
        if self._status == 101:
            raise BadResponse("the protocol was switched without being asked to")
        if self._status < 200:
            return True
        self._frame(http_1_1=match[1] == b"1")
        return True

    def _frame(self, *, http_1_1: bool) -> None:
        """Decide where the body ends."""
        options = [option.strip() for option in self._head.get(b"connection", b"").lower().split(b",")]
        self._keep_alive = b"close" not in options if http_1_1 else b"keep-alive" in options
        coding = self._head.get(b"transfer-encoding")
        length = self._head.get(b"content-length")
        if self._status in (204, 304):
            self._stage = Stage.DONE
        elif coding is not None:
            if length is not None or not http_1_1 or coding.lower() != b"chunked":
                raise BadResponse(f"a body in transfer coding {coding!r} whose end is unclear")
            self._stage = Stage.CHUNK_SIZE
        elif length is not None:
            if _LENGTH.fullmatch(length) is None:
                raise BadResponse(f"not a content length: {length!r}")
            self._remaining = int(length)
            self._stage = Stage.LENGTH if self._remaining else Stage.DONE
        else:
            self._keep_alive = False
            self._stage = Stage.UNTIL_CLOSE

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
