"""Asks an ASGI application, in this process: no socket, no thread."""

import asyncio
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code of the error, which has the lab's shape."""
        found = self.json
        assert set(found) == {"error"}
        assert set(found["error"]) == {"code", "message"}
        return str(found["error"]["code"])


class Client:
    """`last` is the newest answer, as far as it has come."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.last: Answer | None = None

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, b"", headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return await self.ask("POST", path, raw, headers)

    async def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """`Host` is 127.0.0.1:4566 unless it is given; one given as "" is left out."""
        named = {key.lower().replace("_", "-"): value for key, value in headers.items()}
        sent = {"host": "127.0.0.1:4566", "content-length": str(len(body)), **named}
        name, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": name, "raw_path": name.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items() if v],
            "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 4566),
        }  # fmt: skip
        answer, parts = Answer(), [body]
        self.last = answer

        async def receive() -> dict[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(), "more_body": False}
            await asyncio.Event().wait()  # the client stays
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {key.decode(): value.decode() for key, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, send)
        return answer
