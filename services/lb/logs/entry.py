"""What there is to say of a request, a connection or a health check, in the order of its log's line.

Times are monotonic seconds. Empty bytes mean that there is nothing to say, and become `-` in the line.
"""

from typing import NamedTuple

DEFAULT_RULE = 0
RULE_ERROR = -1
NO_RULE = -2
"""`priority` of a request for which no rule was looked for: `-` in the log."""


class Entry(NamedTuple):
    """A finished request (alb:load-balancer-access-logs). `kind` is http, https, h2, ws or wss; `client` and `target` are
    `ip:port`; the three times are seconds, -1.0 where AWS's rules say so; `target_status` 0 is none; `request` is the
    request line as it came, empty when none could be read; `host` is the Host as understood; `port` the listener's;
    `certificate_arn` may be `session-reused`; `actions` is a comma list; `connection_id` is `TID_` and 32 hex digits."""

    kind: bytes
    created: float
    ended: float
    client: bytes
    target: bytes
    request_seconds: float
    target_seconds: float
    response_seconds: float
    elb_status: int
    target_status: int
    received: int
    sent: int
    request: bytes
    scheme: bytes
    host: bytes
    port: int
    agent: bytes
    tls_cipher: bytes
    tls_protocol: bytes
    sni: bytes
    certificate_arn: bytes
    group_arn: bytes
    trace_id: bytes
    priority: int
    actions: bytes
    redirect_url: bytes
    error_reason: bytes
    classification: bytes
    classification_reason: bytes
    connection_id: bytes
    transformed_host: bytes
    transformed_uri: bytes
    transform_status: bytes


class ConnectionEntry(NamedTuple):
    """A client connection that was established, or whose TLS handshake failed (alb:load-balancer-connection-logs).

    `client` is `ip:port`, `port` the listener's. `handshake_seconds` is -1.0 without a finished handshake. `validity` is
    `NotBefore=…Z;NotAfter=…Z`; `verify_status` is `Success`, `Failed:CODE`, or empty without TLS; `key_exchange` is the
    group or curve.
    """

    at: float
    client: bytes
    port: int
    tls_protocol: bytes
    tls_cipher: bytes
    handshake_seconds: float
    subject: bytes
    validity: bytes
    serial_number: bytes
    verify_status: bytes
    connection_id: bytes
    key_exchange: bytes


class HealthEntry(NamedTuple):
    """A health check that ended (alb:load-balancer-health-check-logs). `kind` is http or https; `target` is `ip:port`;
    `group` is the target group's `targetgroup/NAME/ID`; `status_code` 0 is none; `reason` is AWS's code (TimedOut,
    ConnectionReset, ResponseCodeMismatch, InternalError …), empty for a check that passed."""

    kind: bytes
    at: float
    latency_seconds: float
    target: bytes
    group: bytes
    passed: bool
    status_code: int
    reason: bytes
