"""How a request ends: the one table from (phase, cause) to the status a client sees and the metrics that count it.

Every request ends in exactly one `Outcome`. A pair that is not in the table cannot happen; looking it up raises. Nothing
here does I/O or knows a connection. Statuses and metric names are AWS's (alb:load-balancer-troubleshooting,
alb:load-balancer-cloudwatch-metrics).
"""

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """How far a request had come when it ended."""

    REQUEST = "reading the request"
    CONNECT = "connecting to the target"
    WAIT = "waiting for the target's answer"
    RESPONSE = "relaying the answer"
    TUNNEL = "tunnelling after an upgrade"


class Cause(Enum):
    """Why it ended there."""

    COMPLETE = "complete"
    FIXED_RESPONSE = "the listener answers itself"
    REDIRECT = "the rule redirects"
    REDIRECT_TOO_LONG = "the redirect's Location is over the limit"
    REWRITE_FAILED = "the rule's transform failed"
    BAD_REQUEST = "malformed request line"
    BAD_METHOD = "malformed method"
    BAD_URI = "malformed request target"
    BAD_VERSION = "malformed HTTP version"
    BAD_HEADER = "malformed header field"
    BAD_HOST = "missing, repeated or malformed Host"
    BAD_CONTENT_LENGTH = "Content-Length is not a number"
    MULTIPLE_CONTENT_LENGTH = "several Content-Length fields that differ"
    BAD_TRANSFER_ENCODING = "malformed Transfer-Encoding"
    MULTIPLE_CHUNKED = "Transfer-Encoding chunked more than once"
    SUSPICIOUS_TE_CL = "a disguised Transfer-Encoding beside Content-Length"
    HEAD_TOO_LARGE = "header fields over the limit"
    DESYNC = "blocked by the desync mitigation mode"
    BAD_BODY = "malformed chunked body"
    BODY_CUT_SHORT = "the client closed before it had sent the whole body"
    METHOD_NOT_ALLOWED = "TRACE or CONNECT"
    URI_TOO_LONG = "request line over the limit"
    UNKNOWN_CODING = "unknown transfer coding"
    UNKNOWN_VERSION = "unknown HTTP version"
    TOO_MANY_FORWARDS = "X-Forwarded-For holds more than 30 addresses"
    CLIENT_IDLE = "the client sent nothing within the idle timeout"
    CLIENT_GONE = "the client closed the connection"
    NO_TARGETS = "the target group has no registered targets"
    TARGET_UNREACHABLE = "the target refused the connection or is unreachable"
    TARGET_TLS_FAILED = "the TLS handshake with the target failed"
    TARGET_CLOSED = "the target closed the connection"
    TARGET_MALFORMED = "the target's answer is malformed"
    TARGET_IDLE = "the target did not answer in time"
    TARGET_REMOVED = "the target was removed"
    INCOMPATIBLE_PROTOCOL = "gRPC to a target group of HTTP/1.1"
    OVERLOADED = "the load balancer holds as many bytes as it may"
    INTERNAL = "a defect of the load balancer"


@dataclass(frozen=True, slots=True)
class Outcome:
    phase: Phase
    cause: Cause


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` is what the load balancer answers; None when an answer is already under way or nobody is there to read it.
    `metrics` are counted up by one each. `logged` is the status in the access log where no answer has one."""

    status: int | None
    metrics: tuple[str, ...] = ()
    logged: int = 0


_4XX = "HTTPCode_ELB_4XX_Count"
_5XX = "HTTPCode_ELB_5XX_Count"
_CONNECTION_ERROR = "TargetConnectionErrorCount"
_CUT_SHORT = Verdict(None)


def _elb(status: int, *more: str) -> Verdict:
    """An answer of the load balancer's own. 500, 502, 503 and 504 have a metric each besides that of their class."""
    own = (f"HTTPCode_ELB_{status}_Count",) if status in (500, 502, 503, 504) else ()
    return Verdict(status, (_4XX if status < 500 else _5XX, *own, *more))


_CLIENT_CLOSED = Verdict(None, (_4XX,), 460)  # nobody is there to read it

BAD_HEADS = (
    Cause.BAD_REQUEST,
    Cause.BAD_METHOD,
    Cause.BAD_URI,
    Cause.BAD_VERSION,
    Cause.BAD_HEADER,
    Cause.BAD_HOST,
    Cause.BAD_CONTENT_LENGTH,
    Cause.MULTIPLE_CONTENT_LENGTH,
    Cause.BAD_TRANSFER_ENCODING,
    Cause.MULTIPLE_CHUNKED,
    Cause.SUSPICIOUS_TE_CL,
    Cause.HEAD_TOO_LARGE,
)
"""Why a head is refused with 400."""

VERDICTS: dict[Outcome, Verdict] = {
    Outcome(phase, cause): verdict
    for phase, causes in {
        Phase.REQUEST: {
            Cause.FIXED_RESPONSE: Verdict(None, ("HTTP_Fixed_Response_Count",)),
            Cause.REDIRECT: Verdict(None, ("HTTP_Redirect_Count", "HTTPCode_ELB_3XX_Count")),
            Cause.REDIRECT_TOO_LONG: _elb(507, "HTTP_Redirect_Url_Limit_Exceeded_Count"),
            Cause.REWRITE_FAILED: _elb(500),
            **dict.fromkeys(BAD_HEADS, _elb(400)),
            Cause.DESYNC: _elb(400),
            Cause.BAD_BODY: _elb(400),
            Cause.BODY_CUT_SHORT: _elb(400),
            Cause.METHOD_NOT_ALLOWED: _elb(405),
            Cause.URI_TOO_LONG: _elb(414),
            Cause.TOO_MANY_FORWARDS: _elb(463),
            Cause.INCOMPATIBLE_PROTOCOL: _elb(464),
            Cause.UNKNOWN_CODING: _elb(501),
            Cause.UNKNOWN_VERSION: _elb(505),
            Cause.CLIENT_IDLE: _elb(408),
            Cause.NO_TARGETS: _elb(503),
            Cause.OVERLOADED: _elb(503),
            Cause.INTERNAL: _elb(500),
        },
        Phase.CONNECT: {
            Cause.BAD_BODY: _elb(400),
            Cause.BODY_CUT_SHORT: _elb(400),
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_UNREACHABLE: _elb(502, _CONNECTION_ERROR),
            Cause.TARGET_TLS_FAILED: _elb(502, "TargetTLSNegotiationErrorCount"),
            Cause.TARGET_IDLE: _elb(504, _CONNECTION_ERROR),
            Cause.TARGET_REMOVED: _elb(502),
            Cause.OVERLOADED: _elb(503),
            Cause.INTERNAL: _elb(500),
        },
        Phase.WAIT: {
            Cause.BAD_BODY: _elb(400),
            Cause.BODY_CUT_SHORT: _elb(400),
            Cause.CLIENT_IDLE: _elb(408),
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_CLOSED: _elb(502),
            Cause.TARGET_MALFORMED: _elb(502),
            Cause.TARGET_IDLE: _elb(504),
            Cause.TARGET_REMOVED: _elb(502),
            Cause.OVERLOADED: _elb(503),
            Cause.INTERNAL: _elb(500),
        },
        Phase.RESPONSE: {
            Cause.COMPLETE: Verdict(None),
            Cause.BAD_BODY: _CUT_SHORT,
            Cause.BODY_CUT_SHORT: _CUT_SHORT,
            Cause.CLIENT_IDLE: _CUT_SHORT,
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_CLOSED: _CUT_SHORT,
            Cause.TARGET_MALFORMED: _CUT_SHORT,
            Cause.TARGET_IDLE: _CUT_SHORT,
            Cause.TARGET_REMOVED: _CUT_SHORT,
            Cause.OVERLOADED: _CUT_SHORT,
            Cause.INTERNAL: _CUT_SHORT,
        },
        Phase.TUNNEL: {
            Cause.COMPLETE: Verdict(None),
            Cause.CLIENT_IDLE: _CUT_SHORT,
            Cause.TARGET_REMOVED: _CUT_SHORT,
            Cause.OVERLOADED: _CUT_SHORT,
            Cause.INTERNAL: _CUT_SHORT,
        },
    }.items()
    for cause, verdict in causes.items()
}
