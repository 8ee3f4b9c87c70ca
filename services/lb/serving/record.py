"""The access log's entry of a finished request, and the connection log's of a client connection
(alb:load-balancer-access-logs, alb:load-balancer-connection-logs). Pure: what is known, in the logs' order.

`error_reason` holds AWS's word only where AWS has one; elsewhere, where a real log has `-`, it names the cause.
"""

from typing import TYPE_CHECKING, Final

from services.lb.http1.desync import CLASS_NAMES, COMPLIANT, REFUSED
from services.lb.logs.entry import NO_RULE, ConnectionEntry, Entry
from services.lb.serving.outcome import Cause, Outcome

if TYPE_CHECKING:
    from services.lb.serving.exchange import Exchange
    from services.lb.serving.peer import Peer

_UNREMARKABLE = (Cause.COMPLETE, Cause.FIXED_RESPONSE, Cause.REDIRECT)
REASONS: Final = {
    cause: b"" if cause in _UNREMARKABLE else cause.name.title().replace("_", "").encode() for cause in Cause
}
_NO_CLASS: Final = (b"", b"")
_new: Final = tuple.__new__


def entry(exchange: "Exchange", outcome: Outcome, now: float) -> Entry:
    request, target, route, peer = exchange.request, exchange.target, exchange.route, exchange.peer
    waited = answered = -1.0
    sent_on = exchange.dispatched
    if sent_on >= 0.0:
        sent_on -= exchange.created
        if exchange.target_status:
            waited = exchange.answered_at - exchange.dispatched
            answered = 0.0
    kind, group = _NO_CLASS
    if request.unusual or outcome.cause is not Cause.COMPLETE:
        kind, group = _classified(exchange, outcome.cause)
    label = arn = redirect_url = new_host = new_target = transform = b""
    if target is not None:
        label, arn = target.label, target.group_arn
    if route is not None:
        if route.redirection is not None:
            redirect_url = exchange.redirect_url
        if route.transforms is not None:
            new_host, new_target, transform = exchange.new_host, exchange.new_target, exchange.transform_status
    # A NamedTuple's own constructor takes three times as long as this.
    return _new(
        Entry,
        (
            exchange.kind,
            exchange.created,
            now,
            peer.label,
            label,
            sent_on,
            waited,
            answered,
            exchange.status,
            exchange.target_status,
            exchange.received_bytes,
            exchange.sent_bytes,
            request.line,
            peer.scheme,
            request.host or b"",
            peer.port,
            request.agent,
            peer.tls_cipher,
            peer.tls_protocol,
            peer.server_name,
            peer.certificate,
            arn,
            exchange.trace,
            NO_RULE if route is None else route.priority,
            exchange.actions,
            redirect_url,
            REASONS[outcome.cause],
            kind,
            group,
            peer.connection_id,
            new_host,
            new_target,
            transform,
        ),
    )


def _classified(exchange: "Exchange", cause: Cause) -> tuple[bytes, bytes]:
    finding = exchange.request.finding
    if finding is COMPLIANT:
        refused = REFUSED.get(cause)
        if refused is None:
            return _NO_CLASS
        finding = refused
    return CLASS_NAMES[finding.tier], finding.reason


def connection_entry(peer: "Peer", now: float) -> ConnectionEntry:
    """Of a connection that has just been made, or whose TLS handshake failed."""
    facts = peer.tls
    client = facts.client if facts is not None else None
    return ConnectionEntry(
        now,
        peer.label,
        peer.port,
        peer.tls_protocol,
        peer.tls_cipher,
        facts.seconds if facts is not None and peer.scheme == b"https" else -1.0,
        client.subject.encode() if client is not None else b"",
        client.validity.encode() if client is not None else b"",
        client.serial.encode() if client is not None else b"",
        facts.verify_status.encode() if facts is not None else b"",
        peer.connection_id,
        facts.key_exchange.encode() if facts is not None else b"",
    )
