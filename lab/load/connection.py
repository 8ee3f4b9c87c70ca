"""Keep-alive connections to one endpoint. A connection carries one request at a time and tells its outcome to a callback.

An outcome is a `Response`, or the name of what went wrong: `reset` (the other side reset the connection), `closed` (it
ended before the response did) or `bad_response`. Whoever asked may give up first (`abort`); then there is no callback.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from lab.load.http1 import BadResponse, Response, ResponseParser
from lab.load.plan import Endpoint

Outcome = Response | str


class Connection(asyncio.Protocol):
    """idle ─send─▶ busy ─response─▶ idle; lost from either."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None
        self._reply: Callable[[Outcome], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # create_connection gives stream transports only
        self._pool.live.add(self)

    @property
    def usable(self) -> bool:
        """False once the other side has hung up, which the event loop may know before `connection_lost` does."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, reply: Callable[[Outcome], None]) -> None:
        assert self._transport is not None
        assert self._reply is None
        self._parser = ResponseParser()
        self._reply = reply
        self._transport.write(request)

    def abort(self) -> None:
        """Close at once; a request under way gets no callback."""
        self._reply = self._parser = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.abort()  # bytes nobody asked for
            return
        try:
            response = self._parser.feed(data)
        except BadResponse:
            self._finish("bad_response", reusable=False)
            return
        if response is not None:
            self._finish(response, reusable=response.reusable)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        if self._parser is None:
            return
        cut_off: Outcome = "closed" if exc is None else "reset"
        self._finish((self._parser.end_of_stream() if exc is None else None) or cut_off, reusable=False)

    def _finish(self, outcome: Outcome, *, reusable: bool) -> None:
        reply, self._reply, self._parser = self._reply, None, None
        if reusable and self.usable:
            self._pool.idle.append(self)
        elif self._transport is not None:
            self._transport.abort()
        if reply is not None:
            reply(outcome)


class Pool:
    """The connections to one endpoint. `idle` is a stack: the most recently used is the least likely to be stale."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.idle: list[Connection] = []
        self.live: set[Connection] = set()
        self._empty = asyncio.Event()

    def lease(self) -> Connection | None:
        """An idle connection, now the caller's; None when a new one is needed."""
        while self.idle:
            connection = self.idle.pop()
            if connection.usable:
                return connection
        return None

    async def open(self) -> Connection:
        """A new connection, not idle. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self), self.endpoint.host, self.endpoint.port)
        return connection

    def forget(self, connection: Connection) -> None:
        self.live.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if not self.live:
            self._empty.set()

    async def close(self) -> None:
        """Abort every connection and wait until their sockets are closed."""
        for connection in tuple(self.live):
            connection.abort()
        while self.live:
            self._empty.clear()
            await self._empty.wait()
