"""The DNS server of the control plane: UDP and TCP on one port (RFC 1035, 7766). What is answered, `messages` says."""

import asyncio
import contextlib
from typing import cast

from lab.adapters.dns.messages import reply
from lab.core.errors import Refused
from lab.core.route53.answer import Ask

IDLE = 10.0
"""Wall seconds for which a TCP connection may say nothing."""
CONNECTIONS = 100
"""Of TCP, at a time; further ones are closed at once."""


class DnsServer:
    """`port` is the one it listens on, 0 before `start`. `connections` bounds those of TCP."""

    def __init__(self, ask: Ask, connections: int = CONNECTIONS) -> None:
        self._ask = ask
        self._connections = connections
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen on an IPv4 address; port 0 takes any that is free. Raises Refused when another program has the port."""
        try:
            self._tcp = await asyncio.start_server(self._serve, host, port)
            self.port = self._tcp.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._ask), (host, self.port))
        except OSError as error:
            await self.close()
            raise Refused(f"port {port} on {host} cannot be used for DNS ({error.strerror or error})") from error

    async def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
            for writer in self._serving.values():
                writer.transport.abort()
            await asyncio.gather(*self._serving)
            await self._tcp.wait_closed()
        self._udp = self._tcp = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) >= self._connections:
            writer.transport.abort()
            return
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving[task] = writer
        client = writer.get_extra_info("peername")[0]
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                while (answered := await self._next(reader, client)) is not None:
                    writer.write(len(answered).to_bytes(2, "big") + answered)
                    await writer.drain()
        finally:
            del self._serving[task]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _next(self, reader: asyncio.StreamReader, client: str) -> bytes | None:
        """The reply to the next query of a connection; None when the connection is to be closed."""
        async with asyncio.timeout(IDLE):
            length = int.from_bytes(await reader.readexactly(2), "big")
            query = await reader.readexactly(length)
        return reply(query, self._ask, client, udp=False)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answered = reply(data, self._ask, addr[0], udp=True)
        if answered is not None:
            self._transport.sendto(answered, addr)
