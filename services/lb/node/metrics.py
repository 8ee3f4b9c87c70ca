"""A node's own metrics for Prometheus: `GET /metrics` on a port beside the listeners', which is never published.

It is served by the supervisor, so it answers while workers hang or die. There is nothing secret in it, and nothing can be
changed through it; still it asks who calls: a web page can make a browser call any address, but not by a name of ours
(DNS rebinding). One request a connection, few at a time, each within seconds.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Mapping

from lab.core.elbv2.exposition import Told, name_of, node_families
from lab.core.elbv2.report import NodeReport
from lab.core.prometheus import CONTENT_TYPE, ProcessUse, counter, exposition, gauge, process_families
from services.lb.http1.request_head import parse_request
from services.lb.serving.outcome import Cause

PATH = b"/metrics"
Uses = Mapping[int, ProcessUse]
"""What workers have used, by their numbers."""
_MOST = 16
_SECONDS = 5.0
_HEAD_BYTES = 16 * 1024

_log = logging.getLogger("lb")


class MetricsServer:
    """`text` is what is answered; `names` are those that the node may be called by, besides addresses and localhost."""

    def __init__(self, text: Callable[[], str], names: Callable[[], frozenset[str]]) -> None:
        self._text = text
        self._names = names
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listens; the port, 0 when it cannot be bound. The node goes on without."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_HEAD_BYTES)
        except OSError as error:
            _log.error("metrics cannot be served on %s:%d: %s", host, port, error)
            return 0
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if len(self._open) <= _MOST:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    async with asyncio.timeout(_SECONDS):
                        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                        writer.write(self._answer(head))
                        await writer.drain()
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, head: bytes) -> bytes:
        request = parse_request(head)
        if isinstance(request, Cause):
            return _response("400 Bad Request", "bad request\n")
        if not self._is_ours(request.host):
            return _response("403 Forbidden", "call this node by its address\n")
        if request.target.partition(b"?")[0] != PATH:
            return _response("404 Not Found", "there is /metrics\n")
        if not (request.method.is_get or request.method.is_head):
            return _response("405 Method Not Allowed", "GET it\n", "Allow: GET, HEAD\r\n")
        return _response("200 OK", self._text(), f"Content-Type: {CONTENT_TYPE}\r\n", head_only=request.method.is_head)

    def _is_ours(self, host: bytes | None) -> bool:
        name = (host or b"").decode("latin-1")
        if name.rpartition(":")[2].isdecimal():
            name = name.rpartition(":")[0]
        if name == "localhost" or name in self._names():
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def node_text(short_name: str, report: NodeReport, own: ProcessUse | None, workers: Uses) -> str:
    """What a node tells of itself. `short_name` is its load balancer's, as the document has it; empty before one has come."""
    told = [Told(name_of(short_name), report)] if short_name else []
    cpu = [({"worker": str(number)}, use.cpu) for number, use in workers.items()]
    memory = [({"worker": str(number)}, use.resident) for number, use in workers.items()]
    return exposition(
        [
            *node_families(told),
            counter("asg_lab_lb_worker_cpu_seconds_total", "CPU time of the worker, the data plane of one core.", cpu),
            gauge("asg_lab_lb_worker_resident_memory_bytes", "Memory of the worker that is in RAM.", memory),
            *([] if own is None else process_families(own)),
        ]
    )


def _response(
    status: str, text: str, fields: str = "Content-Type: text/plain\r\n", *, head_only: bool = False
) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if head_only else body)
