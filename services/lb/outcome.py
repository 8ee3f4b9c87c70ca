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
    MALFORMED = "malformed request"
    METHOD_NOT_ALLOWED = "TRACE"
    URI_TOO_LONG = "request line over the limit"
    UNKNOWN_CODING = "unknown transfer coding"
    UNKNOWN_VERSION = "unknown HTTP version"
    TOO_MANY_FORWARDS = "X-Forwarded-For holds more than 30 addresses"
    CLIENT_IDLE = "the client sent nothing within the idle timeout"
    CLIENT_GONE = "the client closed the connection"
    NO_TARGETS = "the target group has no registered targets"
    TARGET_UNREACHABLE = "the target refused the connection or is unreachable"
    TARGET_CLOSED = "the target closed the connection"
    TARGET_MALFORMED = "the target's answer is malformed"
    TARGET_IDLE = "the target did not answer in time"
    TARGET_REMOVED = "the target was removed"
    INTERNAL = "a defect of the load balancer"


@dataclass(frozen=True, slots=True)
class Outcome:
    phase: Phase
    cause: Cause


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` is what the load balancer answers; None when an answer is already under way or nobody is there to read it.
    `metrics` are counted up by one each."""

    status: int | None
    metrics: tuple[str, ...] = ()


_4XX = "HTTPCode_ELB_4XX_Count"
_5XX = "HTTPCode_ELB_5XX_Count"
_CONNECTION_ERROR = "TargetConnectionErrorCount"
_CUT_SHORT = Verdict(None)


def _elb(status: int, *more: str) -> Verdict:
    """An answer of the load balancer's own. 500, 502, 503 and 504 have a metric each besides that of their class."""
    own = (f"HTTPCode_ELB_{status}_Count",) if status in (500, 502, 503, 504) else ()
    return Verdict(status, (_4XX if status < 500 else _5XX, *own, *more))


_CLIENT_CLOSED = Verdict(None, (_4XX,))  # 460: counted, but nobody is there to read it

VERDICTS: dict[Outcome, Verdict] = {
    Outcome(phase, cause): verdict
    for phase, causes in {
        Phase.REQUEST: {
            Cause.FIXED_RESPONSE: Verdict(None, ("HTTP_Fixed_Response_Count",)),
            Cause.MALFORMED: _elb(400),
            Cause.METHOD_NOT_ALLOWED: _elb(405),
            Cause.URI_TOO_LONG: _elb(414),
            Cause.TOO_MANY_FORWARDS: _elb(463),
            Cause.UNKNOWN_CODING: _elb(501),
            Cause.UNKNOWN_VERSION: _elb(505),
            Cause.CLIENT_IDLE: _elb(408),
            Cause.NO_TARGETS: _elb(503),
            Cause.INTERNAL: _elb(500),
        },
        Phase.CONNECT: {
            Cause.MALFORMED: _elb(400),
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_UNREACHABLE: _elb(502, _CONNECTION_ERROR),
            Cause.TARGET_IDLE: _elb(504, _CONNECTION_ERROR),
            Cause.TARGET_REMOVED: _elb(502),
            Cause.INTERNAL: _elb(500),
        },
        Phase.WAIT: {
            Cause.MALFORMED: _elb(400),
            Cause.CLIENT_IDLE: _elb(408),
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_CLOSED: _elb(502),
            Cause.TARGET_MALFORMED: _elb(502),
            Cause.TARGET_IDLE: _elb(504),
            Cause.TARGET_REMOVED: _elb(502),
            Cause.INTERNAL: _elb(500),
        },
        Phase.RESPONSE: {
            Cause.COMPLETE: Verdict(None),
            Cause.MALFORMED: _CUT_SHORT,
            Cause.CLIENT_IDLE: _CUT_SHORT,
            Cause.CLIENT_GONE: _CLIENT_CLOSED,
            Cause.TARGET_CLOSED: _CUT_SHORT,
            Cause.TARGET_MALFORMED: _CUT_SHORT,
            Cause.TARGET_IDLE: _CUT_SHORT,
            Cause.TARGET_REMOVED: _CUT_SHORT,
            Cause.INTERNAL: _CUT_SHORT,
        },
        Phase.TUNNEL: {
            Cause.COMPLETE: Verdict(None),
            Cause.CLIENT_IDLE: _CUT_SHORT,
            Cause.TARGET_REMOVED: _CUT_SHORT,
            Cause.INTERNAL: _CUT_SHORT,
        },
    }.items()
    for cause, verdict in causes.items()
}
