"""Drills: make this instance behave badly until that is taken back, so that a balancer can be watched noticing.

    ok ─▶ as ever     fail ─▶ 503 (500 elsewhere)     slow ─▶ after delay_ms     hang ─▶ no answer until the fault changes

A fault is of `/health` only, or of everything but `/faults`. With `grow_ms` a slow instance gets slower each second: a leak.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SWITCH = "/faults"
HEALTH = "/health"
OWN = (SWITCH, HEALTH)
"""Paths that deal with faults themselves."""

Health = Literal["ok", "fail", "hang", "slow"]


class Fault(BaseModel):
    """`delay_ms` and `grow_ms` (added to it each second) count for `slow` only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    health: Health = "ok"
    scope: Literal["health", "all"] = "health"
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    grow_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


class Faults:
    """The fault in force: one per process, gone with it."""

    def __init__(self, fault: Fault, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.fault = fault
        self._monotonic = monotonic
        self._since = monotonic()
        self._changed = asyncio.Event()

    def switch(self, to: Fault) -> None:
        self.fault, self._since = to, self._monotonic()
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def delay(self) -> float:
        """Seconds that a slow answer takes now."""
        return (self.fault.delay_ms + self.fault.grow_ms * (self._monotonic() - self._since)) / 1000

    async def wait(self, receive: Receive) -> None:
        """As long as the fault makes an answer wait, the client does, and the fault does not change."""
        match self.fault.health:
            case "hang":
                await _first(self._changed.wait(), _hung_up(receive))
            case "slow":
                await _first(self._changed.wait(), asyncio.sleep(self.delay))


class Faulty:
    """Wraps the application in a fault of everything."""

    def __init__(self, app: ASGIApp, faults: Faults, instance_id: str) -> None:
        self._app = app
        self._faults = faults
        self._instance_id = instance_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.fault
        if scope["type"] != "http" or scope["path"] in OWN or fault.scope != "all":
            await self._app(scope, receive, send)
            return
        await self._faults.wait(receive)
        if fault.health not in ("fail", "hang"):
            await self._app(scope, receive, send)
            return
        answer = JSONResponse({"error": "a fault was set", "instance_id": self._instance_id}, 500)
        await answer(scope, receive, send)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these; the others are cancelled, also when the waiting itself is."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _hung_up(receive: Receive) -> None:
    """Until the client closes the connection: nobody waits for an answer that nobody would read."""
    while (await receive())["type"] != "http.disconnect":
        pass
