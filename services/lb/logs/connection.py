"""A connection log entry as ALB's line of 15 fields (alb:load-balancer-connection-logs).

    2026-09-23T07:11:27.691358Z 10.0.0.9 64326 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 0.337 "-" - - Success TID_… secp256r1
    app/web/50dc… 10.0.0.5

Only a client certificate's subject is the client's to choose; it stands within quotes, escaped.
"""

from services.lb.logs.entry import ConnectionEntry
from services.lb.logs.text import Stamps, escaped, seconds, word


class ConnectionLines:
    """For one load balancer on one node. `offset` is what turns monotonic into wall seconds; its owner keeps it right."""

    __slots__ = ("_end", "_stamps", "offset")

    def __init__(self, elb: bytes, node: bytes, offset: float) -> None:
        self.offset = offset
        self._end = b" " + elb + b" " + node + b"\n"
        self._stamps = Stamps()

    def line(self, entry: ConnectionEntry) -> bytes:
        ip, _, client_port = entry.client.rpartition(b":")
        return b'%b %b %b %d %b %b%b "%b" %b %b %b %b %b%b' % (
            self._stamps.micros(entry.at + self.offset),
            ip,
            client_port,
            entry.port,
            word(entry.tls_protocol),
            word(entry.tls_cipher),
            b" -" if entry.handshake_seconds < 0 else seconds(entry.handshake_seconds),
            escaped(entry.subject) or b"-",
            word(entry.validity),
            word(entry.serial_number),
            word(entry.verify_status),
            word(entry.connection_id),
            word(entry.key_exchange),
            self._end,
        )
