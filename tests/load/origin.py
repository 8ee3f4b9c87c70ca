"""A tiny HTTP origin for one test: a function from request to response bytes, and what it saw."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    number: int
    line: str
    head: str
    body: bytes


Handler = Callable[[Request], Awaitable[bytes | None]]
"""The response; None resets the connection instead."""


@dataclass
class Origin:
    port: int = 0
    connections: int = 0
    open: int = 0
    requests: list[Request] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def response(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


def always(answer: bytes | None) -> Handler:
    async def handler(_: Request) -> bytes | None:
        return answer

    return handler


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Origin]:
    origin = Origin()
    busy: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((line[15:] for line in head.split("\r\n") if line.lower().startswith("content-length:")), "0")
            request = Request(len(origin.requests), head.split("\r\n")[0], head, await reader.readexactly(int(length)))
            origin.requests.append(request)
            origin.lines[request.line] += 1
            answer = await handler(request)
            if answer is None:
                writer.transport.abort()
                return
            writer.write(answer)
            if b"Connection: close" in answer:
                return

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        origin.connections += 1
        origin.open += 1
        try:
            await converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            origin.open -= 1
            busy.discard(task)
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    try:
        yield origin
    finally:
        server.close()
        for task in tuple(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        await server.wait_closed()


async def refused_url() -> str:
    """The URL of a port that nobody listens on."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}/"
