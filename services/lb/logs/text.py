"""Bytes of a log line: times, and values that a client chose.

A quoted field may hold anything a client sent. What could end the field or the line (a quote, control bytes), the
backslash, and whatever is not ASCII become `\\xHH`, as observed in ALB's own logs (`\\x22` for a quote), so that no request can
forge a field or a line, and the value can be read back.
"""

import time
from typing import Final

PLAIN: Final = bytes(sorted({*range(0x20, 0x7F)} - set(b'"\\')))
"""The bytes that stand for themselves within quotes."""
_ESCAPED: Final = tuple(bytes((byte,)) if byte in PLAIN else b"\\x%02X" % byte for byte in range(256))
_REMEMBERED: Final = 64

MILLIS: Final = tuple(b"%03d" % number for number in range(1000))
SECONDS: Final = tuple(b" %d.%03d" % divmod(number, 1000) for number in range(1001))


def escaped(value: bytes) -> bytes:
    """`value` as it may stand within quotes."""
    if not value.translate(None, PLAIN):
        return value
    return b"".join([_ESCAPED[byte] for byte in value])


def word(value: bytes) -> bytes:
    """`value` as a field that may hold no space, `-` when there is nothing."""
    return escaped(value).replace(b" ", b"\\x20") or b"-"


def cut(value: bytes, size: int) -> bytes:
    """The first `size` bytes of an escaped value, less an escape that would be cut in two."""
    if len(value) <= size:
        return value
    start = value.rfind(b"\\", max(0, size - 3), size)
    return value[: size if start < 0 else start]


def seconds(value: float) -> bytes:
    """A space and three decimals; ` -1` for anything below 0, as AWS has it."""
    if value < 0.0:
        return b" -1"
    return b" %d.%03d" % divmod(int(value * 1e3 + 0.5), 1000)


class Stamps:
    """`2018-07-02T22:23:00.` for a second of wall time, remembered: most lines are of the same few seconds."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def prefix(self, second: int) -> bytes:
        known = self._known.get(second)
        if known is not None:
            return known
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        made = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)).encode()
        self._known[second] = made
        return made

    def millis(self, wall: float) -> bytes:
        """`2018-07-02T22:23:00.186`"""
        second = int(wall)
        return self.prefix(second) + MILLIS[int((wall - second) * 1e3)]

    def micros(self, wall: float) -> bytes:
        """`2018-07-02T22:23:00.186641Z`"""
        second = int(wall)
        micro = int((wall - second) * 1e6)
        return self.prefix(second) + MILLIS[micro // 1000] + MILLIS[micro % 1000] + b"Z"
