"""Clients of HTTP/2 around a world's node: over TLS, or straight into its connections where TLS would only be in the way.

The client's side is the package `h2` with its checks of what we send on, and of what the test sends off.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection as Protocol
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from services.lb.http2.connection import H2Connection
from services.lb.http2.frames import FrameFilter
from services.lb.serving.peer import Peer
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ
from tests.lb.certificates import trusting
from tests.lb.tls_world import tls
from tests.lb.world import Origin, World

Fields = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """What came on a stream. `reset` is the code of a RST_STREAM."""

    fields: Fields = field(default_factory=list)
    interim: list[Fields] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.get(":status")[0])

    def get(self, name: str) -> list[bytes]:
        return [value for found, value in self.fields if found == name.encode()]


def head(method: str = "GET", path: str = "/", **fields: str) -> Fields:
    """A field list; underscores in names stand for hyphens."""
    pseudo = {":method": method, ":scheme": "https", ":authority": "a.example", ":path": path}
    more = {name.replace("_", "-"): value for name, value in fields.items()}
    return [(name.encode(), value.encode()) for name, value in {**pseudo, **more}.items()]


class H2Client:
    """With `takes` False what comes is not acknowledged: the windows run out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.takes = True
        self.answers: dict[int, Answer] = {}
        self.frames = FrameFilter(0)  # h2 would hear nothing after a GOAWAY
        self.closed = False
        self.protocol = Protocol(
            H2Configuration(
                client_side=True,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )

    @property
    def goaway(self) -> int:
        """The code of the node's; -1: it sent none."""
        return self.frames.goaway

    def begin(self) -> None:
        self.protocol.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.protocol.data_to_send())

    def request(self, fields: Fields, body: bytes | None = None, *, end: bool = True) -> int:
        """Sends as much of a body as the windows let; the stream."""
        number = self.protocol.get_next_available_stream_id()
        self.answers[number] = Answer()
        self.protocol.send_headers(number, fields, end_stream=end and body is None)
        if body is not None:
            self.data(number, body, end=end)
        self.flush()
        return number

    def data(self, number: int, body: bytes, *, end: bool = False) -> None:
        pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
        for piece in pieces:
            self.protocol.send_data(number, piece, end_stream=end and piece is pieces[-1])
        self.flush()

    async def upload(self, number: int, body: bytes) -> None:
        """Sends all of `body` as the windows let it, and ends the stream."""
        at = 0
        while at < len(body):
            room = min(self.protocol.local_flow_control_window(number), 16384)
            if room <= 0:
                await self.turn()
                continue
            self.data(number, body[at : at + room], end=at + room >= len(body))
            at += room

    def reset(self, number: int) -> None:
        self.protocol.reset_stream(number, 8)
        self.flush()

    async def turn(self) -> None:
        """Reads once."""
        try:
            data = await self.reader.read(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.protocol.receive_data(self.frames.feed(data)):
            self._note(event)
        assert not self.frames.too_large
        with contextlib.suppress(ConnectionError):
            self.flush()

    def _note(self, event: Event) -> None:
        if isinstance(event, InformationalResponseReceived):
            self.answers[event.stream_id].interim.append(list(event.headers))
        elif isinstance(event, ResponseReceived):
            self.answers[event.stream_id].fields = list(event.headers)
        elif isinstance(event, DataReceived):
            self.answers[event.stream_id].body += event.data
            if self.takes:
                self.protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.answers[event.stream_id].ended = True
        elif isinstance(event, StreamReset):
            self.answers[event.stream_id].reset = int(event.error_code)

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            assert not self.closed, "the node has closed"
            await self.turn()

    async def answer(self, number: int) -> Answer:
        one = self.answers[number]
        await self.until(lambda: one.ended or one.reset is not None)
        return one

    async def ask(self, fields: Fields | None = None, body: bytes | None = None) -> Answer:
        return await self.answer(self.request(fields or head(), body))

    async def end(self) -> None:
        """Reads until the node closes, and closes."""
        while not self.closed:
            await self.turn()
        self.writer.close()


class Served(H2Client):
    """With `served`, the node's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: H2Connection) -> None:
        super().__init__(reader, writer)
        self.served = served


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">BHBBI", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


async def told(client: H2Client) -> int:
    """The code of the GOAWAY that ends the connection."""
    await client.end()
    return client.goaway


async def connect(world: World, *, buffers: int = 0) -> Served:
    """`buffers`: bytes of the kernel on both sides, where they matter."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if buffers:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        near = socket.create_connection(listening.getsockname())
        far, address = listening.accept()
    far.setblocking(False)
    plane = world.node.plane
    peer = Peer(address[0], address[1], 80, b"TID_1")
    peer.scheme = b"https"
    served = H2Connection(Endpoint(far, plane.selector, READ), plane, peer)
    reader, writer = await asyncio.open_connection(sock=near)
    world.keep(writer)
    client = Served(reader, writer, served)
    client.begin()
    return client


async def waiting(world: World) -> tuple[Origin, Served]:
    """A target that answers when it is released, and a client."""
    origin = await world.origin()
    origin.held = asyncio.Event()
    await world.run()
    return origin, await connect(world)


async def connect_tls(world: World) -> H2Client:
    """To the world's listener on HTTPS (`secure`)."""
    context = trusting()
    context.set_alpn_protocols(["h2"])
    port = world.node.listeners[81].bind_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="shop.example")
    world.keep(writer)
    client = H2Client(reader, writer)
    client.begin()
    return client


async def secure(world: World, **changes: Any) -> None:
    """Puts the world's document in force with its only listener on HTTPS."""
    await world.run()
    document = world.config(*map(world.target, world.origins), **changes)
    [listener] = document.listeners
    listener = replace(listener, protocol="HTTPS", port=81, tls=tls())
    assert world.node.offer(replace(document, listeners=(listener,))), world.node.report().rejected_why
