"""The dashboard's page and its feed.

GET  /lab/ui/{file}     the page's own files; nothing is fetched from elsewhere
WS   /lab/live          init, then a tick a second (lab.api.live.feed)
POST /lab/load          {"rate": 60, "path": "/burn?ms=10"}: requests to every node's first HTTP listener; 0 ends it

The page is the index for browsers (`lab.api.app`). Its files are few and small: they are read once, when the lab starts.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.websockets import WebSocketState

from lab.api.bodies import told
from lab.api.guard import refusal
from lab.api.live.feed import Feed
from lab.core.errors import LabError

ROOT = Path(__file__).resolve().parent.parent / "dashboard"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {
    path.relative_to(ROOT).as_posix(): (path.read_bytes(), TYPES[path.suffix])
    for path in sorted(ROOT.rglob("*"))
    if path.suffix in TYPES
}
HEADERS = {
    # What the page may load and talk to: its own origin and nothing else.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # a page of yesterday's lab would not understand today's
}
POLICY_VIOLATION = 1008


def page(name: str = "index.html") -> Response:
    """One of the page's files. Raises LabError for one that is not there."""
    if name not in FILES:
        raise LabError("NotFound", f"the dashboard has no {name}", status=404)
    body, kind = FILES[name]
    return Response(body, media_type=kind, headers=HEADERS)


class Wanted(BaseModel):
    """`rate` is in requests per second."""

    rate: float
    path: str = "/"


def add_dashboard(app: FastAPI, feed: Feed, nodes: Callable[[], Sequence[str]]) -> None:
    """`nodes` gives the URLs at which this process reaches the load balancer nodes."""

    @app.post("/lab/load")
    async def load(request: Request) -> Response:
        wanted = await told(request, Wanted)
        await feed.load.set(nodes(), wanted.path, wanted.rate)
        return JSONResponse(feed.load.state())

    @app.get("/lab/ui/{name:path}")
    async def file(name: str) -> Response:
        return page(name)

    @app.websocket("/lab/live")
    async def live(socket: WebSocket) -> None:
        # Browsers let any page open a WebSocket to anywhere: the same two checks as for requests.
        why = refusal(socket.headers.get("host"), socket.headers.get("origin"))
        if why is not None:
            await socket.close(POLICY_VIOLATION, why[:120])
            return
        await socket.accept()
        with suppress(WebSocketDisconnect):
            async for message in feed.listen():
                if socket.application_state is not WebSocketState.CONNECTED:
                    return
                await socket.send_json(message)
