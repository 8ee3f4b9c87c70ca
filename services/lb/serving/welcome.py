"""A client connection that has just been accepted: who is to own it. Plain ones speak HTTP/1.1 at once; those of an HTTPS
listener shake hands first, and what was agreed there decides the protocol."""

from socket import SocketType

from services.lb.serving.downstream import Client
from services.lb.serving.greeting import Greeting
from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ
from services.lb.tls.endpoint import TlsEndpoint, accept_tls


def welcome(sock: SocketType, plane: Plane, peer: Peer) -> None:
    """Takes `sock` over, which does not block."""
    front = plane.secure.get(peer.port)
    if front is None:
        plane.record_connection(peer)
        Client(Endpoint(sock, plane.selector, READ), plane, peer)
        return
    try:
        link = accept_tls(sock, plane.selector, front)
    except OSError:
        return  # the client has left
    Greeting(link, plane, peer, _secured, _refused)


def _secured(link: TlsEndpoint, plane: Plane, peer: Peer) -> None:
    peer.secured(link.facts)
    plane.record_connection(peer, link.handshake_seconds)
    if link.facts.alpn == "h2":
        from services.lb.http2.connection import H2Connection  # needs the library h2, which a node may be without

        H2Connection(link, plane, peer)
        return
    client = Client(link, plane, peer)
    client.kind = b"https"


def _refused(link: TlsEndpoint, plane: Plane, peer: Peer) -> None:
    peer.secured(link.facts)
    plane.record_connection(peer)
