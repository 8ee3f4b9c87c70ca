"""Is this instance well? `/health` looks at nothing but this process; `/health/deep` asks the database.

`/faults` makes it say that it is not (see `faults`).
"""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse

from services.app.database import DatabaseUnavailable, Shop
from services.app.faults import HEALTH, SWITCH, Fault, Faults

DEEP_LIMIT = 1.0
"""Seconds the database has to answer."""


def routes(shop: Shop, faults: Faults, instance_id: str) -> APIRouter:
    router = APIRouter()

    def describe() -> dict[str, object]:
        return {**faults.fault.model_dump(), "instance_id": instance_id}

    @router.get(HEALTH)
    async def health(request: Request) -> JSONResponse:
        await faults.wait(request.receive)
        if faults.fault.health == "fail":
            return JSONResponse({"status": "fail", "error": "a fault was set", "instance_id": instance_id}, 503)
        return JSONResponse({"status": "ok"})

    @router.get("/health/deep")
    async def deep() -> JSONResponse:
        try:
            await shop.ping(DEEP_LIMIT)
        except DatabaseUnavailable as error:
            return JSONResponse({"status": "fail", "error": str(error), "instance_id": instance_id}, 503)
        return JSONResponse({"status": "ok"})

    @router.get(SWITCH)
    async def show() -> dict[str, object]:
        return describe()

    @router.post(SWITCH)
    async def set_fault(to: Fault, instance: Annotated[str, Query()] = "") -> dict[str, object]:
        """Behind a balancer nobody chooses who is asked: `?instance=i-…` is refused by every other one."""
        if instance not in ("", instance_id):
            raise HTTPException(409, f"this is {instance_id}, not {instance}; nothing was changed")
        faults.switch(to)
        return describe()

    @router.delete(SWITCH)
    async def clear() -> dict[str, object]:
        faults.switch(Fault())
        return describe()

    return router
