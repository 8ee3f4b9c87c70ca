"""A reverse proxy as one writes it with aiohttp: its server in front, its client behind. A program of its own.

Its only argument is JSON: `port`, `tls_port`, `certificate` (PEM with the key), `access_log`, `origins` ("host:port"),
`group` (an ARN for the log).
"""

import asyncio
import contextlib
import itertools
import json
import signal
import ssl
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from yarl import URL

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_LOG_BUFFER = 64 * 1024


class Proxy:
    def __init__(self, session: ClientSession, origins: list[str], log: BinaryIO, group: str) -> None:
        self._session = session
        self._origins = itertools.cycle(origins)
        self._log = log
        self._group = group

    async def handle(self, request: web.Request) -> web.StreamResponse:
        created, start = datetime.now(UTC), time.monotonic()
        origin = next(self._origins)
        trace = f"Root=1-{uuid.uuid4().hex}"
        headers = request.headers.copy()
        for name in _HOP_BY_HOP:
            headers.popall(name, None)
        headers["X-Forwarded-For"] = ", ".join((*headers.getall("X-Forwarded-For", ()), request.remote or ""))
        headers["X-Forwarded-Proto"] = request.scheme
        headers["X-Forwarded-Port"] = str(request.transport.get_extra_info("sockname")[1]) if request.transport else ""
        headers["X-Amzn-Trace-Id"] = trace
        async with self._session.request(
            request.method,
            URL(f"http://{origin}{request.raw_path}", encoded=True),
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            sent = 0
            async for piece in answer.content.iter_any():
                sent += len(piece)
                await response.write(piece)
            await response.write_eof()
        self._record(request, answer.status, origin, trace, created, time.monotonic() - start, sent)
        return response

    def _record(
        self,
        request: web.Request,
        status: int,
        origin: str,
        trace: str,
        created: datetime,
        seconds: float,
        sent: int,
    ) -> None:
        """The fields of an ALB's line."""
        transport = request.transport
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        cipher, protocol = (tls.cipher()[0], tls.version()) if tls is not None else ("-", "-")
        client = transport.get_extra_info("peername") if transport is not None else ("-", "-")
        now = datetime.now(UTC).isoformat()
        self._log.write(
            f"{request.scheme} {now} app/bench/1 {client[0]}:{client[1]} {origin} 0.000 {seconds:.3f} 0.000 "
            f"{status} {status} {request.content_length or 0} {sent} "
            f'"{request.method} {request.scheme}://{request.host}{request.raw_path} HTTP/1.1" '
            f'"{request.headers.get("User-Agent", "-")}" {cipher} {protocol} {self._group} "{trace}" "-" "-" 0 '
            f'{created.isoformat()} "forward" "-" "-" "{origin}" "{status}" "-" "-" TID_{id(transport):032x} '
            f'"-" "-" "-" 127.0.0.1\n'.encode()
        )


async def serve(settings: dict[str, Any], log: BinaryIO) -> None:
    """Until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"])
    async with ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
    ) as session:
        proxy = Proxy(session, settings["origins"], log, settings["group"])
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", settings["port"], backlog=4096).start()
        await web.TCPSite(runner, "127.0.0.1", settings["tls_port"], ssl_context=context, backlog=4096).start()
        await stopped.wait()
        await runner.cleanup()


def main() -> None:
    settings = json.loads(sys.argv[1])
    loop_factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        loop_factory = uvloop.new_event_loop
    # Opened for appending: whoever measures empties it from time to time.
    with (
        Path(settings["access_log"]).open("ab", buffering=_LOG_BUFFER) as log,
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        runner.run(serve(settings, log))


if __name__ == "__main__":
    main()
