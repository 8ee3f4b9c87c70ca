"""The application as a whole: routes, the one place where errors become JSON, and the headers on every answer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.app import health, page, products, schema, work
from services.app.database import DatabaseUnavailable, Shop
from services.app.faults import Fault, Faults, Faulty
from services.app.settings import Machine, Settings

log = logging.getLogger(__name__)


class Named:
    """Puts the instance's name on every answer, errors included, and counts requests; wraps the whole application."""

    def __init__(self, app: ASGIApp, machine: Machine) -> None:
        self._app = app
        self._headers = [
            (b"x-instance-id", machine.instance_id.encode("latin-1")),
            (b"x-availability-zone", machine.availability_zone.encode("latin-1")),
        ]
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.requests += 1

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        await self._app(scope, receive, named)


def create_app(
    machine: Machine,
    settings: Settings,
    *,
    steps: Sequence[schema.Migration] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Named:
    """The ASGI application of one instance. `steps` are the migrations to apply (default: those in the package)."""
    started = monotonic()
    shop = Shop(settings, schema.load() if steps is None else steps)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await shop.close()

    # No docs pages: they load scripts from elsewhere.
    app = FastAPI(title="Shop", docs_url=None, redoc_url=None, lifespan=lifespan)
    faults = Faults(Fault(health="fail" if settings.unwell else "ok"), monotonic)
    named = Named(Faulty(app, faults, machine.instance_id), machine)
    _json_errors(app, machine.instance_id)

    @app.get("/", response_model=None)
    async def home(request: Request) -> Response:
        facts = {
            "instance_id": machine.instance_id,
            "availability_zone": machine.availability_zone,
            "private_ip": machine.private_ip,
            "launch_template_version": machine.launch_template_version,
            "app_version": settings.app_version,
            "uptime": round(monotonic() - started, 1),
            "requests": named.requests,
        }
        headers = {"Vary": "Accept", "Cache-Control": "no-store"}
        if "text/html" in request.headers.get("accept", "").lower():
            return HTMLResponse(page.render(facts), headers=headers)
        return JSONResponse(facts, headers=headers)

    @app.get("/burn")
    async def burn(ms: Annotated[int, Query(ge=0, le=10_000)]) -> dict[str, Any]:
        used = await work.burn(ms / 1000)
        return {"cpu_ms": round(used * 1000, 1), "served_by": machine.instance_id}

    @app.get("/sleep")
    async def sleep(ms: Annotated[int, Query(ge=0, le=60_000)]) -> dict[str, Any]:
        await asyncio.sleep(ms / 1000)
        return {"slept_ms": ms, "served_by": machine.instance_id}

    app.include_router(health.routes(shop, faults, machine.instance_id))
    app.include_router(products.routes(shop, machine.instance_id))
    return named


def _json_errors(app: FastAPI, instance_id: str) -> None:
    """Every error is `{"error": sentence, "instance_id": …}`; a client never sees a traceback."""

    def answer(status: int, error: str, headers: dict[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"error": error, "instance_id": instance_id}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(_sentence(problem) for problem in error.errors()))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(DatabaseUnavailable)
    async def away(_: Request, error: DatabaseUnavailable) -> JSONResponse:
        return answer(503, str(error))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s: %r", request.method, request.url.path, error)
        return answer(500, "internal error")


def _sentence(problem: dict[str, Any]) -> str:
    """`body.price_cents: Input should be greater than or equal to 0`."""
    return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
