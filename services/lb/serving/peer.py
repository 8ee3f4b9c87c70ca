"""What is known of a client connection, and the same for all its requests: who it is, how it came, what targets are told."""

from typing import TYPE_CHECKING

from services.lb.tls.facts import TlsFacts, request_fields

if TYPE_CHECKING:
    from services.lb.serving.front import Front


class Peer:
    """`address` and `number` are the client's own end, `port` the listener's, which may differ from the one the socket is
    bound to. `fields` is what the listener's writer puts into every head; `connection_id` is for the logs."""

    def __init__(self, address: str, number: int, port: int, connection_id: bytes) -> None:
        self.address = address.encode("ascii")
        self.number = number
        self.port = port
        self.connection_id = connection_id
        self.scheme = b"http"
        self.label = b"%b:%d" % (self.address, number)
        self.front: Front | None = None
        self.fields = b""
        self.tls: TlsFacts | None = None
        self.tls_cipher = b""
        self.tls_protocol = b""
        self.server_name = b""
        self.certificate = b""

    def secured(self, facts: TlsFacts) -> None:
        """A TLS handshake is over, done or failed."""
        self.tls = facts
        self.tls_cipher = facts.cipher.encode()
        self.tls_protocol = facts.protocol.encode()
        self.server_name = facts.server_name.encode("ascii", "replace")
        self.certificate = b"session-reused" if facts.resumed else facts.certificate_arn.encode()

    def enter(self, front: "Front") -> None:
        """From now on heads are written as `front` says: another configuration has come."""
        self.front = front
        lines = b""
        if self.tls is not None:
            lines = request_fields(self.tls, front.renamed, tls_headers=front.tls_headers)
        self.fields = front.writer.client_fields(self.address, self.number, self.scheme, lines)
