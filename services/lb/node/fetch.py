"""A small HTTP client on asyncio streams, for the control side: configuration, reports, health checks.

One request per connection; no redirects. Heads and chunks are read by the same strict code as the data plane's.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

from services.lb.http1.chunked import ChunkedBody
from services.lb.http1.framing import CHUNKED, LENGTH, NO_BODY, RESPONSE_HEAD_BYTES, UNTIL_CLOSE
from services.lb.http1.response_head import Response, parse_response

_BODY_BYTES = 64 * 1024 * 1024


class BadAnswer(Exception):  # noqa: N818 - the name says what came
    """What came is not an HTTP answer, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


async def fetch(
    host: str,
    port: int,
    method: str,
    path: str,
    *,
    fields: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
    content_type: str = "application/json",
    seconds: float,
    head_only: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """The answer; with `head_only` its body is not waited for. `tls` makes it HTTPS; no server name is sent. Raises OSError
    (TimeoutError and ssl.SSLError are some, too) or BadAnswer."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "Connection: close"]
    if body is not None:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(
            host, port, limit=RESPONSE_HEAD_BYTES, ssl=tls, server_hostname=None if tls is None else ""
        )
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
            return await _read_answer(reader, head_only)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader, head_only: bool) -> Answer:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise BadAnswer("no complete answer") from error
        response = parse_response(head[:-4], to_head=False)
        if response is None:
            raise BadAnswer("a malformed answer")
        if response.status >= 200:
            return Answer(response.status, b"" if head_only else await _read_body(reader, response))


async def _read_body(reader: asyncio.StreamReader, response: Response) -> bytes:
    chunked = ChunkedBody(decode=True) if response.framing is CHUNKED else None
    body = bytearray()
    while not (
        response.framing is NO_BODY
        or (chunked is not None and chunked.done)
        or (response.framing is LENGTH and len(body) >= response.length)
    ):
        data = await reader.read(65536)
        if not data:
            if response.framing is UNTIL_CLOSE:
                break
            raise BadAnswer("the answer's body is cut short")
        piece = data if chunked is None else chunked.feed(data)
        if piece is None or len(body) + len(piece) > _BODY_BYTES:
            raise BadAnswer("the answer's body is malformed or too large")
        body += piece
    return bytes(body)
