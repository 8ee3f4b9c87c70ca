"""`python -m services.net.resolver`: a VPC's resolver, at the address two above its block's (vpc:vpc-dns).

It knows no names: each query goes to the control plane, as DNS over HTTPS does (RFC 8484) but inside the lab, and the reply
comes back. While the control plane is away, what was asked before is answered as it was then (RFC 8767), the rest is
SERVFAIL.

    RESOLVER_ADDRESS  where to listen, UDP and TCP port 53
    RESOLVER_URL      what to POST queries to: ?client=ADDRESS and, where the reply is to fit a datagram, &udp=1
"""

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import urlsplit

PORT = 53
PATIENCE = 1.5
"""Seconds the control plane has: stub resolvers ask again after five."""
AWAY = 2.0
"""Seconds for which nobody is asked again who was not there, as long as there is something to answer."""
IDLE = 10.0
AT_ONCE = 64
KEPT = 10_000
"""Replies that are kept for when the control plane is away."""
HEADER = 12
QUERY_UDP = 512
TRUNCATED, SERVFAIL = 0x02, 2

Forward = Callable[[bytes, str, bool], Awaitable[bytes]]
"""A query, its client and whether it came by UDP → the reply, empty for silence. Raises OSError when nobody can be asked."""


def question_of(message: bytes) -> bytes:
    """The octets of the only question; empty when there is none, or it cannot be read."""
    if len(message) < HEADER or message[4:6] != b"\0\1":
        return b""
    end = HEADER
    while end < len(message) and message[end] != 0:
        if message[end] > 63:  # no name begins with a pointer
            return b""
        end += message[end] + 1
    return message[HEADER : end + 5] if end + 5 <= len(message) else b""


def again(kept: bytes, query: bytes, question: bytes) -> bytes:
    """A reply that was given before, as one to this query: its number, its letters' case, and whether recursion is wanted."""
    flags = bytes([(kept[2] & 0xFE) | (query[2] & 1), kept[3]])
    body = question + kept[HEADER + len(question) :]
    reply = query[:2] + flags + kept[4:HEADER] + body
    if len(reply) > QUERY_UDP and query[10:12] == b"\0\0":  # who tells of no size takes no more
        return cut(reply, question)
    return reply


def cut(reply: bytes, question: bytes) -> bytes:
    return reply[:2] + bytes([reply[2] | TRUNCATED, reply[3]]) + b"\0\1" + bytes(6) + question


def failed(query: bytes, question: bytes) -> bytes:
    flags = bytes([0x80 | query[2] & 0x79, 0x80 | SERVFAIL])
    return query[:2] + flags + (b"\0\1" if question else b"\0\0") + bytes(6) + question


class Resolver:
    """Answers by `forward`, or by what it answered before."""

    def __init__(self, forward: Forward, kept: int = KEPT) -> None:
        self._forward = forward
        self._most = kept
        self._kept: OrderedDict[tuple[bytes, bool], bytes] = OrderedDict()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._away_until = 0.0

    async def answer(self, query: bytes, client: str, *, udp: bool) -> bytes:
        """Empty for silence."""
        question = question_of(query)
        key = (question.lower(), udp)
        kept = self._kept.get(key)
        now = asyncio.get_running_loop().time
        if kept is not None and now() < self._away_until:
            return again(kept, query, question)
        try:
            async with self._turns, asyncio.timeout(PATIENCE):
                reply = await self._forward(query, client, udp)
        except (OSError, EOFError, ValueError, TimeoutError):
            self._away_until = now() + AWAY
            if kept is not None:
                return again(kept, query, question)
            return failed(query, question) if len(query) >= HEADER else b""
        self._away_until = 0.0
        if question and question_of(reply).lower() == key[0] and reply[3] & 0x0F != SERVFAIL:
            self._kept[key] = reply
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return reply


def forward_to(url: str) -> Forward:
    """By a request of its own each time: they are few, and a connection that is kept is one that can have died."""
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or 80

    async def forward(query: bytes, client: str, udp: bool) -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            target = f"{parts.path}?client={client}{'&udp=1' if udp else ''}"
            writer.write(
                f"POST {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/dns-message\r\n"
                f"Content-Length: {len(query)}\r\nConnection: close\r\n\r\n".encode()
                + query
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if head.split(" ", 2)[1] == "204":
                return b""
            if head.split(" ", 2)[1] != "200":
                raise OSError(f"the control plane answers {head.splitlines()[0]}")
            length = int(head.partition("\r\ncontent-length:")[2].partition("\r\n")[0])
            return await reader.readexactly(length)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    return forward


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._running: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.create_task(self._answer(data, addr))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = await self._resolver.answer(data, addr[0], udp=True)
        if reply:
            self._transport.sendto(reply, addr)


async def serve(resolver: Resolver, address: str, port: int) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")[0]
        with contextlib.suppress(OSError, EOFError, TimeoutError), contextlib.closing(writer):
            while True:
                async with asyncio.timeout(IDLE):
                    query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                reply = await resolver.answer(query, client, udp=False)
                if not reply:
                    break
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()

    server = await asyncio.start_server(connection, address, port)
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(resolver), (address, server.sockets[0].getsockname()[1])
    )
    return datagrams, server


async def main() -> None:
    await serve(Resolver(forward_to(os.environ["RESOLVER_URL"])), os.environ["RESOLVER_ADDRESS"], PORT)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
