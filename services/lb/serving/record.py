"""The access log's line of a finished request, and the connection log's entry of a client connection
(alb:load-balancer-access-logs, alb:load-balancer-connection-logs). Pure: what is known, in the logs' order.

Most requests have nothing out of the ordinary: a target answered them, and nothing in them must be escaped. Their line is
joined of pieces that are at hand, some of them made once a connection; it is the same that their entry would become.

`error_reason` holds AWS's word only where AWS has one; elsewhere, where a real log has `-`, it names the cause.
"""

from typing import TYPE_CHECKING, Final

from services.lb.http1.desync import CLASS_NAMES, COMPLIANT, REFUSED
from services.lb.logs.access import FORWARDED, HTTP_1_1, NO_CLASS, AccessLines
from services.lb.logs.entry import NO_RULE, ConnectionEntry, Entry
from services.lb.serving.outcome import Cause, Outcome

if TYPE_CHECKING:
    from services.lb.serving.exchange import Exchange
    from services.lb.serving.peer import Peer

COMPLETE: Final = Cause.COMPLETE
_UNREMARKABLE = (Cause.COMPLETE, Cause.FIXED_RESPONSE, Cause.REDIRECT)
REASONS: Final = {
    cause: b"" if cause in _UNREMARKABLE else cause.name.title().replace("_", "").encode() for cause in Cause
}
_NO_CLASS: Final = (b"", b"")


def access_line(lines: AccessLines, exchange: "Exchange", outcome: Outcome, now: float) -> bytes:
    request, target, route = exchange.request, exchange.target, exchange.route
    if outcome.cause is not COMPLETE or not request.is_ordinary or target is None or route is None:
        return lines.line(entry(exchange, outcome, now))
    peer = exchange.peer
    if request.host is not peer.last_host or request.agent is not peer.last_agent:
        peer.remember(request.host or b"", request.agent, lines)
    dispatched = exchange.dispatched
    return lines.joined(
        exchange.kind, exchange.created, now, peer.label, target.label, dispatched - exchange.created,
        exchange.answered_at - dispatched, 0.0, exchange.status, exchange.target_status, exchange.received_bytes,
        exchange.sent_bytes, request.method.name, peer.origin, request.target, HTTP_1_1, peer.shown_agent,
        target.group_words, exchange.trace, peer.words.names, route.priority, FORWARDED, NO_CLASS, peer.connection_id,
        lines.not_transformed,
    )  # fmt: skip


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
    return Entry(
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
        peer.words.cipher,
        peer.words.protocol,
        peer.words.server_name,
        peer.words.certificate,
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
    )


def _classified(exchange: "Exchange", cause: Cause) -> tuple[bytes, bytes]:
    finding = exchange.request.finding
    if finding is COMPLIANT:
        refused = REFUSED.get(cause)
        if refused is None:
            return _NO_CLASS
        finding = refused
    return CLASS_NAMES[finding.tier], finding.reason


def connection_entry(peer: "Peer", now: float, handshake_seconds: float) -> ConnectionEntry:
    """Of a connection that has just been made, or whose TLS handshake failed. Seconds are -1.0 without a finished one."""
    facts = peer.tls
    client = facts.client if facts is not None else None
    return ConnectionEntry(
        now,
        peer.label,
        peer.port,
        peer.words.protocol,
        peer.words.cipher,
        handshake_seconds,
        client.subject.encode() if client is not None else b"",
        client.validity.encode() if client is not None else b"",
        client.serial.encode() if client is not None else b"",
        facts.verify_status.encode() if facts is not None else b"",
        peer.connection_id,
        facts.key_exchange.encode() if facts is not None else b"",
    )
