"""The chunked transfer coding (RFC 9112 section 7.1), read strictly and written anew.

What is forwarded is not what came but what was understood: size lines lose their extensions and trailers are dropped, so
the next reader cannot see another framing than this one did. A size is hexadecimal digits only: no sign, no `0x`, no
underscore, no leading white space. Pure: bytes in, bytes out.

    SIZE ──size line──▶ DATA ──all bytes──▶ DATA_END ──CRLF──▶ SIZE
      └──"0"──▶ TRAILER ──field line──▶ TRAILER
                   └──empty line──▶ DONE
"""

import re
from enum import IntEnum

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
_LINE_BYTES = 4096
_TRAILER_BYTES = 16384


class _State(IntEnum):
    SIZE = 0
    DATA = 1
    DATA_END = 2
    TRAILER = 3
    DONE = 4


_SIZE, _DATA, _DATA_END, _TRAILER, _DONE = _State


class ChunkedBody:
    """One body. With `decode` the output is the payload alone, for a peer that knows no chunks (HTTP/1.0)."""

    __slots__ = ("_carry", "_decode", "_remaining", "_state", "_trailer_bytes", "rest")

    def __init__(self, *, decode: bool = False) -> None:
        self._decode = decode
        self._state = _SIZE
        self._remaining = 0
        self._trailer_bytes = 0
        self._carry = b""  # an unfinished line, at most _LINE_BYTES
        self.rest = b""
        """The bytes after the end of the body; set when `done`."""

    @property
    def done(self) -> bool:
        return self._state == _DONE

    def feed(self, data: bytes) -> bytes | None:
        """What to forward for `data`, possibly nothing; None when the framing is broken."""
        if self._carry:
            data = self._carry + data
            self._carry = b""
        out: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            if self._state == _DATA:
                piece = data[at : at + self._remaining]
                out.append(piece)
                at += len(piece)
                self._remaining -= len(piece)
                if self._remaining == 0:
                    self._state = _DATA_END
                continue
            if self._state == _DONE:
                self.rest = data[at:]
                break
            newline = data.find(b"\n", at)
            if newline < 0:
                self._carry = data[at:]
                if len(self._carry) > _LINE_BYTES or not self._may_begin(self._carry):
                    return None
                break
            if newline - at > _LINE_BYTES or newline == at or data[newline - 1] != 13:
                return None
            if not self._line(data[at : newline - 1], out):
                return None
            at = newline + 1
        return b"".join(out)

    def _may_begin(self, unfinished: bytes) -> bool:
        """Whether an unfinished line can still become a good one, so that a broken one is not waited for."""
        if self._state == _DATA_END:
            return unfinished == b"\r"
        if self._state == _SIZE:
            return unfinished[0] in b"0123456789abcdefABCDEF"
        return True

    def _line(self, line: bytes, out: list[bytes]) -> bool:
        """Takes a whole line, without its CRLF. False when it is not one that may stand here."""
        if self._state == _DATA_END:
            self._state = _SIZE
            if not self._decode:
                out.append(b"\r\n")
            return not line
        if self._state == _SIZE:
            match = _SIZE_LINE.fullmatch(line)
            if match is None:
                return False
            self._remaining = int(match[1], 16)
            if self._remaining == 0:
                self._state = _TRAILER
                return True
            self._state = _DATA
            if not self._decode:
                out.append(match[1] + b"\r\n")
            return True
        if line:
            self._trailer_bytes += len(line) + 2
            return self._trailer_bytes <= _TRAILER_BYTES and _TRAILER_LINE.fullmatch(line) is not None
        self._state = _DONE
        if not self._decode:
            out.append(b"0\r\n\r\n")
        return True
