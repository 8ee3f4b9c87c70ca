"""What is known of a client connection, and the same for all its requests: who it is, how it came, what targets are told."""

from typing import TYPE_CHECKING, Final

from services.lb.logs.access import AccessLines, name_words, tls_words
from services.lb.tls.facts import TlsFacts, request_fields

if TYPE_CHECKING:
    from services.lb.serving.front import Front


class TlsWords:
    """What logs show of a TLS connection. Most handshakes are alike, and a connection that idles should hold little: these are
    shared. `tls` and `names` are pieces of a line of the access log."""

    __slots__ = ("certificate", "cipher", "names", "protocol", "server_name", "tls")

    def __init__(self, cipher: str, protocol: str, server_name: str, certificate: str) -> None:
        """`certificate` is its ARN, or `session-reused`."""
        self.cipher = cipher.encode()
        self.protocol = protocol.encode()
        self.server_name = server_name.encode("ascii", "replace")
        self.certificate = certificate.encode()
        self.tls = tls_words(self.cipher, self.protocol)
        self.names = name_words(self.server_name, self.certificate)


_PLAIN: Final = TlsWords("", "", "", "")
_KNOWN: Final = 256
_known: Final[dict[tuple[str, str, str, str], TlsWords]] = {}


def _words_of(facts: TlsFacts) -> TlsWords:
    key = (
        facts.cipher,
        facts.protocol,
        facts.server_name,
        "session-reused" if facts.resumed else facts.certificate_arn,
    )
    words = _known.get(key)
    if words is None:
        if len(_known) >= _KNOWN:
            _known.clear()
        _known[key] = words = TlsWords(*key)
    return words


_addresses: Final[dict[str, bytes]] = {}


def _address(address: str) -> bytes:
    known = _addresses.get(address)
    if known is None:
        if len(_addresses) >= _KNOWN:
            _addresses.clear()
        _addresses[address] = known = address.encode("ascii")
    return known


class Peer:
    """`address` is the client's, `label` that and its own port; `port` is the listener's, which may differ from the one the
    socket is bound to. `fields` is what the listener's writer puts into every head; `connection_id` is for the logs, as are
    the pieces of a line that most of its requests share (services.lb.logs.access)."""

    __slots__ = (
        "address", "connection_id", "fields", "front", "label", "last_agent", "last_host", "origin", "port", "scheme",
        "shown_agent", "tls", "words",
    )  # fmt: skip

    def __init__(self, address: str, number: int, port: int, connection_id: bytes) -> None:
        self.address = _address(address)
        self.port = port
        self.connection_id = connection_id
        self.scheme = b"http"
        self.label = b"%b:%d" % (self.address, number)
        self.front: Front | None = None
        self.fields = b""
        self.tls: TlsFacts | None = None
        self.words = _PLAIN
        self.last_host = b""
        self.last_agent = b""
        self.origin = b""
        self.shown_agent = b""

    def secured(self, facts: TlsFacts) -> None:
        """A TLS handshake is over, done or failed."""
        self.tls = facts
        self.words = _words_of(facts)

    def remember(self, host: bytes, agent: bytes, lines: AccessLines) -> None:
        """What the last request said, and how a line shows it."""
        self.last_host = host
        self.last_agent = agent
        self.origin = lines.origin(self.scheme, host, self.port)
        self.shown_agent = lines.agent(agent, self.words.tls)

    def enter(self, front: "Front") -> None:
        """From now on heads are written as `front` says: another configuration has come."""
        self.front = front
        lines = b""
        if self.tls is not None:
            lines = request_fields(self.tls, front.renamed, tls_headers=front.tls_headers)
        port = self.label[len(self.address) + 1 :]
        self.fields = front.writer.client_fields(self.address, port, self.scheme, lines)
