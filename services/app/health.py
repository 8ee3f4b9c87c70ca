"""Is this instance well? And drills: make it say it is not.

`/health` looks at nothing but this process; `/health/deep` asks the database. A fault changes how `/health` of this
instance behaves until it is taken back, so that a balancer can be watched noticing:

    ok ─▶ 200     fail ─▶ 503     slow ─▶ 200 after delay_ms     hang ─▶ no answer until the fault changes
"""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.app.database import DatabaseUnavailable, Shop

DEEP_LIMIT = 1.0
"""Seconds the database has to answer."""


class Fault(BaseModel):
    """`delay_ms` counts for `slow` only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    health: Literal["ok", "fail", "hang", "slow"] = "ok"
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these; the others are cancelled, also when the waiting itself is."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _hung_up(request: Request) -> None:
    """Until the client closes the connection: nobody waits for an answer that nobody would read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def routes(shop: Shop, instance_id: str) -> APIRouter:
    """The fault in force lives here: one per process, gone with it."""
    router = APIRouter()
    fault = Fault()
    changed = asyncio.Event()

    def describe() -> dict[str, object]:
        return {**fault.model_dump(), "instance_id": instance_id}

    def switch(to: Fault) -> dict[str, object]:
        nonlocal fault, changed
        fault = to
        changed.set()
        changed = asyncio.Event()
        return describe()

    @router.get("/health")
    async def health(request: Request) -> JSONResponse:
        if fault.health == "hang":
            await _first(changed.wait(), _hung_up(request))
        elif fault.health == "slow":
            await _first(asyncio.sleep(fault.delay_ms / 1000), changed.wait())
        if fault.health == "fail":
            return JSONResponse({"status": "fail", "error": "a fault was set", "instance_id": instance_id}, 503)
        return JSONResponse({"status": "ok"})

    @router.get("/health/deep")
    async def deep() -> JSONResponse:
        try:
            await shop.ping(DEEP_LIMIT)
        except DatabaseUnavailable as error:
            return JSONResponse({"status": "fail", "error": str(error), "instance_id": instance_id}, 503)
        return JSONResponse({"status": "ok"})

    @router.get("/faults")
    async def show() -> dict[str, object]:
        return describe()

    @router.post("/faults")
    async def set_fault(to: Fault) -> dict[str, object]:
        return switch(to)

    @router.delete("/faults")
    async def clear() -> dict[str, object]:
        return switch(Fault())

    return router
