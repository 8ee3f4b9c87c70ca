"""The speed of lab time, seen and changed while the lab runs.

GET /lab/speed    {"speed": 20.0}, lab seconds in a wall second
PUT /lab/speed    {"speed": 60}: above 0, at most 1000; 1 is AWS's own pace

Lab time goes on from where it is. What is under way keeps its lab times, and comes sooner or later by the wall clock.
"""

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from lab.api.bodies import told
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.pace import FASTEST

log = logging.getLogger("lab.api")


class Wanted(BaseModel):
    speed: float = Field(gt=0, le=FASTEST)


def add_speed(app: FastAPI, world: World, loop: Loop) -> None:
    @app.get("/lab/speed")
    async def look() -> Response:
        return JSONResponse({"speed": world.clock.speed})

    @app.put("/lab/speed")
    async def change(request: Request) -> Response:
        wanted = await told(request, Wanted)
        world.clock.set_speed(wanted.speed)
        log.info("lab time runs at %g times the wall clock from now on", wanted.speed)
        loop.wake()
        return await look()
