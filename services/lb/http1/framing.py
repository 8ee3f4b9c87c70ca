"""What both kinds of message heads of HTTP/1.1 share (RFC 9112): where a body ends, AWS's size limits, fields by name."""

from enum import IntEnum
from typing import Final

from services.lb.http1.fields import name_of

REQUEST_LINE_BYTES: Final = 16 * 1024
FIELD_BYTES: Final = 16 * 1024
REQUEST_HEAD_BYTES: Final = 64 * 1024
RESPONSE_HEAD_BYTES: Final = 32 * 1024
"""alb:load-balancer-limits"""
LENGTH_DIGITS: Final = 18


class Framing(IntEnum):
    """Where a body ends."""

    NONE = 0
    LENGTH = 1
    CHUNKED = 2
    UNTIL_CLOSE = 3


NO_BODY: Final = Framing.NONE
LENGTH: Final = Framing.LENGTH
CHUNKED: Final = Framing.CHUNKED
UNTIL_CLOSE: Final = Framing.UNTIL_CLOSE


def drop_named(lines: list[bytes], names: frozenset[bytes]) -> None:
    """Removes the fields of these names (lower case), in place; `lines` may begin with a start line."""
    if names:
        lines[:] = [line for line in lines if line.partition(b":")[0].lower() not in names]


def without(head: bytes, name: bytes) -> bytes:
    """A head without its fields of that name (lower case)."""
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(line for line in lines if name_of(line) != name)])
