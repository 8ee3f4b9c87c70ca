"""Faults of the sample application, on one instance: its health check, or all it answers, fails, hangs or gets slow.

POST /lab/instances/{id}/fault    {"health": "hang", "scope": "health", "delay_ms": 0, "grow_ms": 0}; "ok" ends it

The application has the switch (services/app/faults.py), and is asked as everybody asks it: through the load balancer, until the
request comes to the instance that is meant. Others refuse it.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from lab.api.bodies import told
from lab.control.world import World
from lab.core.ec2.model import Instance
from lab.core.errors import LabError

TRIES = 60
"""Requests, over all nodes: with round robin the right instance comes within as many as there are."""
TIMEOUT = 5.0
TAKEN, ANOTHERS = 200, 409


class Fault(BaseModel):
    health: Literal["ok", "fail", "hang", "slow"]
    scope: Literal["health", "all"] = "health"
    delay_ms: int = Field(0, ge=0, le=60_000)
    grow_ms: int = Field(0, ge=0, le=60_000)


def add_faults(app: FastAPI, world: World, nodes: Callable[[], Sequence[str]]) -> None:
    """`nodes` gives the URLs at which this process reaches the load balancer nodes."""

    @app.post("/lab/instances/{instance_id}/fault")
    async def fault(instance_id: str, request: Request) -> Response:
        wanted = await told(request, Fault)
        if world.store.get(Instance, instance_id) is None:
            raise LabError("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
        body = json.dumps(wanted.model_dump()).encode()
        for number in range(TRIES):
            urls = nodes()
            if not urls:
                break
            url = f"{urls[number % len(urls)]}/faults?instance={instance_id}"
            status = await asyncio.to_thread(_ask, url, body)
            if status == TAKEN:
                return JSONResponse({"instance": instance_id, **wanted.model_dump()})
            if status not in (0, ANOTHERS):
                break
        raise LabError(
            "InvalidRequest",
            f"{instance_id} could not be told: it must run the sample application and get requests from the load balancer",
            status=409,
        )


def _ask(url: str, body: bytes) -> int:
    """The status of the answer, 0 for none."""
    question = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(question, timeout=TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
