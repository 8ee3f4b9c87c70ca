"""What a row of the corpus is: bytes, what a client of the node gets for them, and AWS's desync class of it.

The class is that of http-desync-guardian, the engine an ALB runs, and where AWS's documentation says otherwise, that
(alb:load-balancer-access-logs, alb:edit-load-balancer-attributes). It is about the first head alone: the worst thing found
in it makes it, of equals the first. `answers` are the node's in the default mode, defensive; it may be stricter than the class
asks for.
"""

from dataclasses import dataclass
from enum import IntEnum

import pytest
from _pytest.mark.structures import ParameterSet


class Tier(IntEnum):
    """Ordered: the worst thing found in a head is the head's."""

    COMPLIANT = 0
    ACCEPTABLE = 1
    AMBIGUOUS = 2
    SEVERE = 3


BLOCKED_FROM = {"monitor": None, "defensive": Tier.SEVERE, "strictest": Tier.ACCEPTABLE}
"""The tier from which on a mode blocks, with 400 and an end to the connection. None: it blocks nothing."""


@dataclass(frozen=True, slots=True)
class Desync:
    tier: Tier
    reason: str

    def blocked(self, mode: str) -> bool:
        limit = BLOCKED_FROM[mode]
        return limit is not None and self.tier >= limit

    def parts(self, mode: str) -> bool:
        """Let through, but both connections end with the answer."""
        return mode == "defensive" and self.tier is Tier.AMBIGUOUS


@dataclass(frozen=True, slots=True)
class Case:
    """`answers` are the final statuses a client gets, in order. `stays`: afterwards the connection takes another request.
    `unfinished`: bytes are missing, so that the node can only wait; the client then ends its side."""

    name: str
    data: bytes
    answers: tuple[int, ...]
    desync: Desync
    stays: bool
    unfinished: bool

    def __str__(self) -> str:
        return self.name


def case(
    name: str,
    data: bytes,
    *answers: int,
    desync: Desync | None = None,
    closes: bool | None = None,
    unfinished: bool = False,
) -> Case:
    """The connection stays when the last answer is a target's and the class does not end it, unless `closes` says otherwise."""
    found = desync or COMPLIANT
    if closes is None:
        closes = unfinished or not answers or answers[-1] != 200 or found.parts("defensive")
    return Case(name, data, answers, found, not closes, unfinished)


def head(first: str | bytes, *fields: str | bytes) -> bytes:
    """A whole head; `fields` as they stand on the wire, text in Latin-1."""
    lines = [line if isinstance(line, bytes) else line.encode("latin-1") for line in (first, *fields)]
    return b"\r\n".join((*lines, b"", b""))


GET = "GET /a HTTP/1.1"
POST = "POST /a HTTP/1.1"
HOST = "Host: a.example"
CHUNKED = "Transfer-Encoding: chunked"
EMPTY = b"0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"
"""What an attacker hides. Where it stands as a request of its own, in the open, it is served like any other."""


def _tier(tier: Tier, *reasons: str) -> tuple[Desync, ...]:
    return tuple(Desync(tier, reason) for reason in reasons)


COMPLIANT = Desync(Tier.COMPLIANT, "Compliant")
ZERO_LENGTH_GET, ODD_FIELD, ODD_VERSION, SPACE_IN_URI, BARE_LF = _tier(
    Tier.ACCEPTABLE,
    "GetHeadZeroContentLength",
    "NonCompliantHeader",
    "NonCompliantVersion",
    "SpaceInUri",
    "NonCrLfLineTermination",
)
ODD_URI, BOTH, SAME_LENGTHS, EMPTY_NAME, LOOKALIKE, GET_LENGTH, UNDEFINED_TE, FOLDED, NO_COLON, NO_URI = _tier(
    Tier.AMBIGUOUS,
    "AmbiguousUri",
    "BothTeClPresent",
    "DuplicateContentLength",
    "EmptyHeader",
    "SuspiciousHeader",
    "UndefinedContentLengthSemantics",
    "UndefinedTransferEncodingSemantics",
    "MultilineHeader",
    "MissingHeaderColon",
    "MissingUri",
)
BAD_LENGTH, BAD_FIELD, BAD_CODING, BAD_URI, BAD_METHOD, BAD_VERSION, LENGTHS, CHUNKED_TWICE, DISGUISED = _tier(
    Tier.SEVERE,
    "BadContentLength",
    "BadHeader",
    "BadTransferEncoding",
    "BadUri",
    "BadMethod",
    "BadVersion",
    "MultipleContentLength",
    "MultipleTransferEncodingChunked",
    "SuspiciousTeClPresent",
)


def rows(table: tuple[Case, ...]) -> list[ParameterSet]:
    """The table as parameters of a test, by name."""
    return [pytest.param(row, id=row.name) for row in table]
