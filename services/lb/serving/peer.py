"""What is known of a client connection, and the same for all its requests: who it is, how it came, what targets are told."""

from typing import TYPE_CHECKING, Final

from services.lb.logs.access import AccessLines, name_words, tls_words
from services.lb.tls.facts import TlsFacts, request_fields

if TYPE_CHECKING:
    from services.lb.serving.front import Front

_NO_TLS: Final = tls_words(b"", b"")
_NO_NAMES: Final = name_words(b"", b"")


class Peer:
    """`address` and `number` are the client's own end, `port` the listener's, which may differ from the one the socket is
    bound to. `fields` is what the listener's writer puts into every head; `connection_id` is for the logs, as are the pieces
    of a line that most of its requests share (services.lb.logs.access)."""

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
        self.tls_words = _NO_TLS
        self.name_words = _NO_NAMES
        self.last_host = b""
        self.last_agent = b""
        self.origin = b""
        self.shown_agent = b""

    def secured(self, facts: TlsFacts) -> None:
        """A TLS handshake is over, done or failed."""
        self.tls = facts
        self.tls_cipher = facts.cipher.encode()
        self.tls_protocol = facts.protocol.encode()
        self.server_name = facts.server_name.encode("ascii", "replace")
        self.certificate = b"session-reused" if facts.resumed else facts.certificate_arn.encode()
        self.tls_words = tls_words(self.tls_cipher, self.tls_protocol)
        self.name_words = name_words(self.server_name, self.certificate)

    def remember(self, host: bytes, agent: bytes, lines: AccessLines) -> None:
        """What the last request said, and how a line shows it."""
        self.last_host = host
        self.last_agent = agent
        self.origin = lines.origin(self.scheme, host, self.port)
        self.shown_agent = lines.agent(agent)

    def enter(self, front: "Front") -> None:
        """From now on heads are written as `front` says: another configuration has come."""
        self.front = front
        lines = b""
        if self.tls is not None:
            lines = request_fields(self.tls, front.renamed, tls_headers=front.tls_headers)
        self.fields = front.writer.client_fields(self.address, self.number, self.scheme, lines)
