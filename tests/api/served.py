"""The application on a port of its own, for clients that want a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import uvicorn
from botocore.config import Config

from lab.adapters.own_process import own_use
from lab.api.app import create_app
from lab.main import vpc_reply
from tests.control.lab import Lab
from tests.eventually import eventually


@asynccontextmanager
async def serving(lab: Lab, port: int = 0) -> AsyncIterator[int]:
    """Gives the port on 127.0.0.1, a free one unless it is given."""
    app = create_app(lab.world, lab.loop, lab.stacks.call, "simulated", own_use, vpc_reply(lab.world))
    config = uvicorn.Config(app, port=port, ws="websockets-sansio", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())  # `serve` would take the signals of the test's process
    await eventually(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


def boto_client(port: int, service: str = "s3") -> Any:
    """boto3's: nothing but the endpoint is special."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="lab",
        aws_secret_access_key="lab",
        config=Config(retries={"total_max_attempts": 1}),
    )
