"""TLS endpoints in a selector, with clients around them: everything real but HTTP.

`in_tls_world` turns `async def test_x(world)` into a test that runs on both selectors.
"""

import asyncio
import inspect
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lab.core.elbv2.config import Certificate, MutualAuthentication, Tls
from services.lb.node.messages import NOTHING
from services.lb.routing.table import compile_table
from services.lb.serving.greeting import Greeting
from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.sockets.endpoint import Owner
from services.lb.sockets.selector import PlainSelector, ServingSelector, serving_selector
from services.lb.tls.contexts import TlsFront
from services.lb.tls.endpoint import TlsEndpoint, accept_tls
from tests.eventually import eventually
from tests.lb.certificates import make, trusting
from tests.pem import Pair

POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
PLAIN_SERVER = make("shop.example", names=("shop.example",))


def tls(*pairs: Pair, policy: str = POLICY, mutual: MutualAuthentication | None = None) -> Tls:
    """The listener's part of a document; the ARNs are arn:0, arn:1, …"""
    chosen = pairs or (PLAIN_SERVER,)
    certificates = tuple(Certificate(f"arn:{index}", pair.chain, pair.key) for index, pair in enumerate(chosen))
    return Tls(policy, certificates, mutual)


class Echo(Owner):
    """Sends back what comes, under back-pressure. With `mute` it only keeps it."""

    def __init__(self, link: TlsEndpoint, *, mute: bool = False) -> None:
        self.link = link
        link.owner = self
        self.mute = mute
        self.got = bytearray()
        self.established = 0
        self.ends = 0
        self.aborted = False
        self.most_pending = 0

    def received(self, data: bytes) -> None:
        self.got += data
        if not self.mute:
            self.link.send(data)
            self.most_pending = max(self.most_pending, len(self.link.pending))
            if self.link.pending:
                self.link.pause()

    def drained(self) -> None:
        if not self.established:
            self.established = 1
        self.link.resume()

    def ended(self) -> None:
        self.ends += 1
        self.link.close()

    def abort(self) -> None:
        self.aborted = True
        self.link.close()


class TlsWorld:
    """`front` is the listener's. What became of connections: `served`, and `failed` (the links, with failure and facts)."""

    def __init__(self, selector: ServingSelector) -> None:
        self.selector = selector
        table, _ = compile_table(NOTHING, None, "a", selector.now, os.urandom)
        self.plane = Plane(selector, table, time.time, os.urandom)
        self.front = TlsFront(tls(), http2=True)
        self.served: list[Echo] = []
        self.peers: list[Peer] = []
        self.failed: list[TlsEndpoint] = []
        self.refused = 0
        self.mute = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # so that senders are soon held up
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listening, self._accept)
        self._writers: list[asyncio.StreamWriter] = []

    def _accept(self) -> None:
        sock, address = self._listening.accept()
        sock.setblocking(False)
        try:
            link = accept_tls(sock, self.selector, self.front)
        except OSError:
            self.refused += 1
            return
        peer = Peer(address[0], address[1], 443, b"TID_1")
        Greeting(link, self.plane, peer, self._done, lambda link, _, __: self.failed.append(link))

    def _done(self, link: TlsEndpoint, _: Plane, peer: Peer) -> None:
        self.served.append(Echo(link, mute=self.mute))
        self.peers.append(peer)

    async def client(
        self, context: ssl.SSLContext | None = None, name: str = "shop.example"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context or trusting(), server_hostname=name, limit=1 << 20
        )
        self._writers.append(writer)
        return reader, writer

    async def plain(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def facts_of(self, context: ssl.SSLContext | None = None, name: str = "shop.example") -> TlsEndpoint:
        """One more handshake and a word; the server's end of it."""
        before = len(self.served)
        reader, writer = await self.client(context, name)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await eventually(lambda: len(self.served) > before)
        return self.served[before].link

    async def failure(self, context: ssl.SSLContext | None = None, name: str = "shop.example") -> TlsEndpoint:
        """One more handshake, which the server does not let pass: its end of it."""
        before = len(self.failed)
        try:
            reader, writer = await self.client(context, name)
            writer.write(b"hello")
            assert await reader.read() == b""
        except OSError:
            pass  # an alert of TLS 1.2, or one that came later
        await eventually(lambda: len(self.failed) > before)
        return self.failed[before]

    async def plain_rest(self, data: bytes) -> bytes:
        """What the server says to `data` without TLS, until it closes; a reset counts as an end."""
        reader, writer = await self.plain()
        writer.write(data)
        return await rest(reader)

    def raw(self) -> socket.socket:
        """A blocking TCP connection, for clients that do as they like."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    async def close(self) -> None:
        self._loop.remove_reader(self._listening)
        self._listening.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        for echo in self.served:
            echo.link.close()
        for client in list(self.plane.clients):
            client.abort()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes; a reset counts as an end."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


KINDS = pytest.mark.parametrize("kind", [serving_selector, PlainSelector], ids=["native", "plain"])


def in_tls_world(body: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    def test(kind: Callable[[Callable[[], float]], ServingSelector], **arguments: Any) -> None:
        selector = kind(time.monotonic)

        async def run() -> None:
            async with asyncio.timeout(30):
                world = TlsWorld(selector)
                try:
                    await body(world, **arguments)
                finally:
                    await world.close()

        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            runner.run(run())

    test.__name__ = body.__name__
    test.__doc__ = body.__doc__
    asked = [one for name, one in inspect.signature(body).parameters.items() if name != "world"]
    # pytest asks the signature which fixtures and parameters a test wants.
    vars(test)["__signature__"] = inspect.Signature(
        [*asked, inspect.Parameter("kind", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    )
    decorated: Callable[..., None] = KINDS(test)
    return decorated
