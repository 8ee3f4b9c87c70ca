"""What both kinds of message heads of HTTP/1.1 share (RFC 9112): where a body ends, AWS's size limits, fields by name."""

import re
from enum import IntEnum
from typing import Final

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


def fields_named(name: bytes) -> re.Pattern[bytes]:
    """Matches the fields of that name in a head without bare CR, each with the CRLF before it."""
    return re.compile(rb"\r\n" + re.escape(name) + rb":[^\r]*", re.IGNORECASE)
