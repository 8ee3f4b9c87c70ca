"""Where frames of HTTP/2 begin (RFC 9113 section 4.1), for two things that the package `h2` cannot do. Pure.

It ends a connection at the peer's GOAWAY, though that leaves the streams there are in peace: so a GOAWAY is taken out here.
And it keeps a frame that is too large until it is whole: here its head is enough to refuse it.
"""

import struct
from typing import Final

FRAME_BYTES: Final = 16_384
PREFACE_BYTES: Final = 24
_HEAD_BYTES: Final = 9
_HEADS: Final = (1, 9)
"""HEADERS and CONTINUATION."""
_END_HEADERS: Final = 4
_GOAWAY: Final = 7
_GOAWAY_BYTES: Final = 8
_PAYLOAD: Final = struct.Struct(">II")


class FrameFilter:
    """What comes on one connection. `passes` is how many bytes go on unread first. `goaway` is the code of the newest
    GOAWAY, -1: none, and `newest` the last stream it leaves in peace; `too_large`: a frame is, and nothing more
    should be fed."""

    __slots__ = ("_carry", "_in_head", "_rest", "goaway", "newest", "too_large")

    def __init__(self, passes: int) -> None:
        self._rest = passes  # of the frame that has begun
        self._carry = b""  # of a frame that is not let through yet: a head, or a GOAWAY
        self._in_head = False  # CONTINUATION must follow
        self.goaway = -1
        self.newest = 0
        self.too_large = False

    @property
    def whole(self) -> bool:
        """Whether nothing that has begun is still to be completed."""
        return not (self._rest or self._carry or self._in_head)

    def feed(self, data: bytes) -> bytes:
        """What to go on with."""
        if self._carry:
            data = self._carry + data
            self._carry = b""
        at, start, end = self._rest, 0, len(data)
        pieces: list[bytes] = []
        while at + _HEAD_BYTES <= end:
            length = int.from_bytes(data[at : at + 3])
            if length > FRAME_BYTES:
                self.too_large = True
                return b""
            after = at + _HEAD_BYTES + length
            if data[at + 3] == _GOAWAY and length >= _GOAWAY_BYTES and not any(data[at + 5 : at + 9]):
                if after > end:
                    break
                self.newest, self.goaway = _PAYLOAD.unpack_from(data, at + _HEAD_BYTES)
                pieces.append(data[start:at])
                start = after
            else:
                self._in_head = data[at + 3] in _HEADS and not data[at + 4] & _END_HEADERS
            at = after
        if at >= end:
            self._rest = at - end
            pieces.append(data[start:])
        else:
            self._rest = 0
            pieces.append(data[start:at])
            self._carry = data[at:]
        return b"".join(pieces)


def goaway(newest: int, code: int) -> bytes:
    """The frame: streams after `newest` have not been served."""
    return _GOAWAY_BYTES.to_bytes(3) + bytes((_GOAWAY, 0, 0, 0, 0, 0)) + _PAYLOAD.pack(newest, code)
