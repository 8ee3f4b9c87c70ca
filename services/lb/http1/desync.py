"""Desync mitigation: how dangerous a request is, and what its class means in each mode (alb:edit-load-balancer-attributes,
alb:load-balancer-access-logs; AWS's engine is github.com/aws/http-desync-guardian, whose documentation explains the reasons).

    class        monitor    defensive                        strictest
    Compliant    allow      allow                            allow
    Acceptable   allow      allow                            block
    Ambiguous    allow      allow, then close both sides     block
    Severe       block (!)  block                            block

Whatever is let through goes on in the one form that was understood: of two framings the one that counts, of two equal lengths
one, a space in a URI as %20. (!) AWS lets Severe requests through in monitor mode; here nothing is forwarded that has no
single meaning, so a Severe request is refused while its head is read, in every mode.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from services.lb.serving.outcome import Cause


class Tier(IntEnum):
    COMPLIANT = 0
    ACCEPTABLE = 1
    AMBIGUOUS = 2
    SEVERE = 3


class Finding(NamedTuple):
    """The worst that was found in a request; `tier` and `reason` are AWS's words in the access log."""

    tier: Tier
    reason: bytes


COMPLIANT: Final = Finding(Tier.COMPLIANT, b"Compliant")

SPACE_IN_URI: Final = Finding(Tier.ACCEPTABLE, b"SpaceInUri")
NON_COMPLIANT_VERSION: Final = Finding(Tier.ACCEPTABLE, b"NonCompliantVersion")
NON_COMPLIANT_HEADER: Final = Finding(Tier.ACCEPTABLE, b"NonCompliantHeader")
GET_HEAD_ZERO_CONTENT_LENGTH: Final = Finding(Tier.ACCEPTABLE, b"GetHeadZeroContentLength")

AMBIGUOUS_URI: Final = Finding(Tier.AMBIGUOUS, b"AmbiguousUri")
EMPTY_HEADER: Final = Finding(Tier.AMBIGUOUS, b"EmptyHeader")
SUSPICIOUS_HEADER: Final = Finding(Tier.AMBIGUOUS, b"SuspiciousHeader")
BOTH_TE_CL_PRESENT: Final = Finding(Tier.AMBIGUOUS, b"BothTeClPresent")
DUPLICATE_CONTENT_LENGTH: Final = Finding(Tier.AMBIGUOUS, b"DuplicateContentLength")
UNDEFINED_CONTENT_LENGTH: Final = Finding(Tier.AMBIGUOUS, b"UndefinedContentLengthSemantics")
UNDEFINED_TRANSFER_ENCODING: Final = Finding(Tier.AMBIGUOUS, b"UndefinedTransferEncodingSemantics")

REFUSED: dict[Cause, Finding] = {
    cause: Finding(Tier.SEVERE, reason)
    for cause, reason in {
        Cause.BAD_METHOD: b"BadMethod",
        Cause.BAD_URI: b"BadUri",
        Cause.BAD_VERSION: b"BadVersion",
        Cause.UNKNOWN_VERSION: b"BadVersion",
        Cause.BAD_HEADER: b"BadHeader",
        Cause.BAD_CONTENT_LENGTH: b"BadContentLength",
        Cause.MULTIPLE_CONTENT_LENGTH: b"MultipleContentLength",
        Cause.BAD_TRANSFER_ENCODING: b"BadTransferEncoding",
        Cause.UNKNOWN_CODING: b"BadTransferEncoding",
        Cause.MULTIPLE_CHUNKED: b"MultipleTransferEncodingChunked",
        Cause.SUSPICIOUS_TE_CL: b"SuspiciousTeClPresent",
    }.items()
}
"""What the head's reader refuses, as AWS classifies it. A cause that is not here has no class (`-` in the log)."""

CLASS_NAMES: Final = (b"Compliant", b"Acceptable", b"Ambiguous", b"Severe")

_STRICTEST: Final = "strictest"
_DEFENSIVE: Final = "defensive"


def is_blocked(tier: Tier, mode: str) -> bool:
    """Whether a request that was read is refused all the same (400)."""
    return mode == _STRICTEST and tier is not Tier.COMPLIANT


def closes(tier: Tier, mode: str) -> bool:
    """Whether both connections end with the answer."""
    return mode == _DEFENSIVE and tier is Tier.AMBIGUOUS


def worse(one: Finding, other: Finding) -> Finding:
    """Of two findings the one that counts; of two of the same class the first."""
    return other if other.tier > one.tier else one
