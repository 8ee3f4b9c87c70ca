"""Two ways to talk to the application: its ASGI callable in this process, and `python -m services.app` on a port."""

import asyncio
import base64
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.app.schema import Migration
from services.app.settings import Database, Machine, Settings
from services.app.web import Named, create_app
from tests.eventually import eventually

MACHINE = Machine("i-0123", "eu-west-1a", "10.0.1.5", "3", "127.0.0.1", 0, "/nowhere", "")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls the ASGI application as a server would. A cancelled call is a client that hung up."""

    def __init__(self, app: Named) -> None:
        self._app = app

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, headers=headers)

    async def post(self, path: str, value: Any) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return await self.call("POST", path, body, {"content-type": "application/json"})

    async def delete(self, path: str) -> Answer:
        return await self.call("DELETE", path)

    async def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            if not incoming:
                await asyncio.Event().wait()
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))


@asynccontextmanager
async def running(
    settings: Settings | Database | None = None, machine: Machine = MACHINE, steps: list[Migration] | None = None
) -> AsyncIterator[Client]:
    """The application of one instance, from lifespan startup to shutdown."""
    if not isinstance(settings, Settings):
        settings = Settings(app_version="1.2", database=settings) if settings is not None else Settings()
    app = create_app(machine, settings, steps=steps)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    try:
        yield Client(app)
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
        await lifespan


@dataclass(frozen=True)
class Served:
    """The application as a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def request(self, method: str, path: str, timeout: float = 10.0) -> Answer:
        """Raises OSError while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    async def ask(self, path: str) -> Answer | str:
        """The answer to a GET, or what went wrong."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            return await asyncio.to_thread(self.request, "GET", path)
        except OSError as error:
            return repr(error)

    async def up(self) -> None:
        await eventually(lambda: self.ask("/health"), lambda answer: isinstance(answer, Answer))


@contextmanager
def served(root: Path, instance_id: str, user_data: str = "", metadata: str = "") -> Iterator[Served]:
    """Start `python -m services.app`; killed at the end if it still runs. Not waited for: see `Served.up`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "LAB_INSTANCE_ID": instance_id,
        "LAB_AVAILABILITY_ZONE": "eu-west-1b",
        "LAB_PRIVATE_IP": "10.0.2.7",
        "LAB_LAUNCH_TEMPLATE_VERSION": "4",
        "LAB_USER_DATA": base64.b64encode(user_data.encode()).decode(),
        "LAB_METADATA": metadata,
        "LAB_BIND": "127.0.0.1",
        "LAB_PORT_8000": str(port),
        "LAB_ROOT": str(root),
    }
    log = root.parent / f"{instance_id}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.app"], env=environment, stdout=output, stderr=output
        )
    try:
        yield Served(process, port, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def cloud_config(database: Database, version: str = "1.2") -> str:
    """The user data that a launch template of the lab carries."""
    return f"""#cloud-config
write_files:
  - path: /etc/shop/app.env
    permissions: '0600'
    content: |
      DATABASE_HOST={database.host}
      DATABASE_PORT={database.port}
      DATABASE_NAME={database.name}
      DATABASE_USER={database.user}
      DATABASE_PASSWORD='{database.password}'
      APP_VERSION={version}
"""
