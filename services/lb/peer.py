"""What is known of a client connection, and the same for all its requests: who it is, how it came, what targets are told."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.lb.forwarding import HeadWriter


class Peer:
    """`address` and `number` are the client's own end, `port` the listener's, which may differ from the one the socket is
    bound to. `fields` is what `writer` puts into every head. `tls_fields` are lines about its TLS, each ending in CRLF."""

    __slots__ = ("address", "fields", "label", "number", "port", "scheme", "tls_fields", "writer")

    def __init__(self, address: str, number: int, port: int) -> None:
        self.address = address.encode("ascii")
        self.number = number
        self.port = port
        self.scheme = b"http"
        self.label = b"%b:%d" % (self.address, number)
        self.tls_fields = b""
        self.writer: HeadWriter | None = None
        self.fields = b""

    def write_with(self, writer: "HeadWriter") -> None:
        """From now on heads are written by this one: another configuration has come."""
        self.writer = writer
        self.fields = writer.client_fields(self.address, self.number, self.scheme, self.tls_fields)
