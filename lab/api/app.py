"""The control plane's HTTP application.

GET  /                                    where things are
GET  /lab/health                          alive
GET  /lab/status                          the whole lab as one document (status.py)
GET  /lab/events                          the same as server-sent events, once a second
GET  /lab/ca                              the certificate authority, and what it is limited to
POST /lab/aws/{service}/{operation}       an AWS action, JSON in and out, shapes as botocore's
POST /lab/instances/{id}/kill             SIGKILL, as a crash
GET  /lab/machines/{id}/logs              what a machine wrote
GET  /lab/nodes/{id}/config               a node's document, by long-poll (token)
POST /lab/nodes/{id}/report               a node's report (token)
POST /, /service/…, and any other path    AWS's own protocols (wire)
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from lab.api.guard import refusal
from lab.api.status import status
from lab.api.wire.endpoint import answer
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.acm import PERMITTED_NAMES, PERMITTED_NETWORKS
from lab.core.elbv2 import config as node_config
from lab.core.elbv2 import report as node_report
from lab.core.elbv2.model import LoadBalancer, Node
from lab.core.errors import LabError, Refused, Unavailable
from lab.core.rds.model import DBInstance

LONGEST_WAIT = 30.0
MAX_BODY = 2 * 1024 * 1024
NODE_HOSTS = frozenset({"control"})
"""The name under which nodes in containers reach the control plane."""

AwsCall = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def create_app(world: World, loop: Loop, call: AwsCall, compute: str) -> FastAPI:
    """`call` runs any action of the lab, CloudFormation's included; `compute` names the adapter for people."""
    app = FastAPI(title="asg-lab", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        nodes = NODE_HOSTS if request.url.path.startswith("/lab/nodes/") else frozenset()
        why = refusal(request.headers.get("host"), request.headers.get("origin"), nodes)
        if why is not None:
            return _error("AccessDenied", why, 403)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return _error("RequestEntityTooLarge", f"a request body has at most {MAX_BODY} bytes", 413)
        return await go_on(request)

    @app.exception_handler(LabError)
    async def on_lab_error(_: Request, error: LabError) -> Response:
        return _error(error.code, error.message, error.status)

    @app.exception_handler(Refused)
    async def on_refused(_: Request, error: Refused) -> Response:
        return _error("InvalidRequest", str(error), 409)

    @app.exception_handler(Unavailable)
    async def on_unavailable(_: Request, error: Unavailable) -> Response:
        return _error("ServiceUnavailable", str(error), 503)

    @app.get("/")
    async def index() -> Response:
        links = {"status": "/lab/status", "events": "/lab/events"}
        urls = [
            url for row in status(world, loop, compute)["load_balancers"] for n in row["nodes"] for url in n["urls"]
        ]
        return JSONResponse({"lab": "asg-lab", **links, "load_balancer": urls})

    @app.get("/lab/health")
    async def health() -> Response:
        return JSONResponse({"ok": True})

    @app.get("/lab/status")
    async def whole_status() -> Response:
        return JSONResponse(status(world, loop, compute))

    @app.get("/lab/events")
    async def events() -> Response:
        async def stream() -> AsyncIterator[str]:
            while True:
                yield f"data: {json.dumps(status(world, loop, compute))}\n\n"
                await asyncio.sleep(1.0)

        return StreamingResponse(stream(), media_type="text/event-stream")

    @app.get("/lab/ca")
    async def certificate_authority() -> Response:
        limits = {"names": PERMITTED_NAMES, "networks": PERMITTED_NETWORKS}
        return JSONResponse({**asdict(world.certificates.authority()), **limits})

    @app.post("/lab/aws/{service}/{operation}")
    async def aws(service: str, operation: str, request: Request) -> Response:
        found = call(service, operation, await _body(request))
        loop.wake()
        return Response(json.dumps(found, default=_plain), media_type="application/json")

    async def wire(request: Request) -> Response:
        body = await request.body()
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        reply = answer(call, path, request.headers, body, world.new_id("uuid"), request.method, query)
        loop.wake()
        return Response(reply.body, reply.status, dict(reply.headers))

    @app.post("/")
    @app.post("/service/{rest:path}")
    async def aws_wire(request: Request) -> Response:
        return await wire(request)

    @app.post("/lab/instances/{instance_id}/kill")
    async def kill(instance_id: str) -> Response:
        await world.compute.kill(_machine_id(world, instance_id))
        loop.wake()
        return JSONResponse({"killed": instance_id})

    @app.get("/lab/machines/{machine_id}/logs")
    async def logs(machine_id: str, tail: int = 100) -> Response:
        return PlainTextResponse(await world.compute.logs(_machine_id(world, machine_id), max(1, min(tail, 10000))))

    @app.get("/lab/nodes/{node_id}/config")
    async def read_config(node_id: str, request: Request, have: int = 0, wait: float = 0.0) -> Response:
        balancer, _ = _authorized(world, node_id, request)
        document = await world.nodes.newer(balancer.arn, have, max(0.0, min(wait, LONGEST_WAIT)))
        return Response(status_code=304) if document is None else JSONResponse(node_config.to_json(document))

    @app.post("/lab/nodes/{node_id}/report")
    async def take_report(node_id: str, request: Request) -> Response:
        _authorized(world, node_id, request)
        try:
            report = node_report.from_json(await _body(request))
        except ValueError as error:
            raise LabError("InvalidReport", str(error)) from error
        if report.node_id != node_id:
            raise LabError("InvalidReport", f"the report is of node {report.node_id}, not {node_id}")
        loop.hear(report)
        return Response(status_code=204)

    # Last, as it takes every path that is not above: AWS's services of the REST protocol share no prefix.
    @app.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def aws_rest(request: Request) -> Response:
        return await wire(request)

    return app


def _error(code: str, message: str, status_code: int) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise LabError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise LabError("SerializationException", "the body must be a JSON object")
    return body


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _machine_id(world: World, name: str) -> str:
    """Databases go by their identifier; everything else by its id."""
    database = world.store.get(DBInstance, name)
    return name if database is None else database.machine_id


def _authorized(world: World, node_id: str, request: Request) -> tuple[LoadBalancer, Node]:
    """The node, if the request shows its token. An unknown node and a wrong token get the same answer."""
    shown = request.headers.get("authorization", "").encode()
    for balancer in world.store.all(LoadBalancer):
        for node in balancer.nodes:
            if node.node_id == node_id and secrets.compare_digest(shown, f"Bearer {node.token}".encode()):
                return balancer, node
    raise LabError("AccessDenied", "a node must show its token to read its configuration or to report", status=403)
