"""An origin that keeps every byte it gets, and answers each request that its reader sees with that request's own target."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from tests.lb.hostile.readers import READERS, End, Seen

NAIVE = READERS["naive"]


def answer(request: Seen) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Target: %b\r\nContent-Length: 0\r\n\r\n" % tag(request.target).hex().encode()


def tag(target: bytes) -> bytes:
    """What an answer tells of the target: enough to know it by, and never over the limit of a response's head."""
    return target[:100]


@dataclass
class Recorder:
    """`connections` are what came on each, in the order they were opened; `seen` are the requests in the order they were
    answered. The reader is the naive one: who smuggles past the balancer finds the most willing victim here."""

    connections: list[bytearray] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    open: int = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """`serve`, for a server that does not mind its connections."""
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self.serve(reader, writer)
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = bytearray()
        self.connections.append(raw)
        self.open += 1
        read = 0
        try:
            while data := await reader.read(65536):
                raw += data
                reading = NAIVE(bytes(raw[read:]))
                read += reading.length
                for request in reading.requests:
                    self.seen.append(request)
                    writer.write(answer(request))
                await writer.drain()
                if reading.end is End.BROKEN:
                    break
        finally:
            self.open -= 1
