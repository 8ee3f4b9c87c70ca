"""The control plane's HTTP application.

GET  /                                    the dashboard for browsers, for others where things are
GET  /lab/ui/{file}, WS /lab/live         the dashboard's files and its feed (dashboard.py)
GET, PUT /lab/class                       what the projector of a class shows (classroom.py)
GET, PUT /lab/speed                       how fast lab time runs (speed.py)
GET  /lab/health                          alive
GET  /lab/status                          the whole lab as one document (status.py)
GET  /lab/events                          the same as server-sent events, once a second
GET  /lab/decisions                       why groups have the capacity they have (decisions.py)
GET  /lab/ca                              the certificate authority, and what it is limited to
GET  /metrics                             the whole lab for Prometheus (metrics.py)
GET  /lab/metrics/targets                 where nodes serve their own, for Prometheus's service discovery
POST /lab/aws/{service}/{operation}       an AWS action, JSON in and out, shapes as botocore's
POST /lab/instances/{id}/kill             SIGKILL, as a crash
POST /lab/instances/{id}/fault            what the sample application does wrong (faults.py)
POST /lab/zones/{zone}/fail               fail an availability zone: its machines die, none is launched in it
POST /lab/zones/{zone}/recover            end that
GET  /lab/reach, POST /lab/network/…      where a packet would go, and faults on its way (network.py)
POST /lab/vpcs/{id}/dns-query             what the resolver of a VPC answers (dns.py)
GET  /lab/machines/{id}/logs              what a machine wrote
GET  /lab/nodes/{id}/config               a node's document, by long-poll (token)
POST /lab/nodes/{id}/report               a node's report (token)
PUT  /lab/nodes/{id}/logs/{bucket}/{key}  a finished log file of a node (token)
POST /, /service/…, and any other path    AWS's own protocols (wire); S3 (s3.py) where a request is signed for it
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from lab.actions.buckets import log_root
from lab.api import metrics
from lab.api.bodies import invalid
from lab.api.classroom import add_classroom
from lab.api.dashboard import add_dashboard, page
from lab.api.decisions import decisions
from lab.api.dns import Reply, add_dns
from lab.api.encoding import unpacked
from lab.api.faults import add_faults
from lab.api.guard import refusal
from lab.api.live.feed import Feed
from lab.api.network import add_network
from lab.api.s3 import S3, is_meant
from lab.api.speed import add_speed
from lab.api.status import status
from lab.api.wire.endpoint import answer
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.acm import PERMITTED_NAMES, PERMITTED_NETWORKS
from lab.core.buckets import RESERVED
from lab.core.elbv2 import config as node_config
from lab.core.elbv2 import report as node_report
from lab.core.elbv2.attributes import LOGS
from lab.core.elbv2.model import Listener, LoadBalancer, Node
from lab.core.errors import LabError, Refused, Unavailable
from lab.core.machines import published_port
from lab.core.prometheus import CONTENT_TYPE, ProcessUse, exposition, process_families
from lab.core.rds.model import DBInstance

LONGEST_WAIT = 30.0
MAX_BODY = 2 * 1024 * 1024
MAX_OBJECT = 17 * 1024 * 1024
"""Objects and log files have at most 16 MB; SDKs wrap them in a little more."""
FOR_PROMETHEUS = frozenset({"/metrics", "/lab/metrics/targets"})
NODE_HOSTS = frozenset({"control"})
"""The name under which nodes in containers, resolvers, and a Prometheus beside them, reach the control plane."""
FROM_CONTAINERS = ("/lab/nodes/", "/lab/vpcs/")

AwsCall = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def create_app(
    world: World, loop: Loop, call: AwsCall, compute: str, own_use: Callable[[], ProcessUse | None], dns: Reply
) -> FastAPI:
    """`call` runs any action of the lab, CloudFormation's included; `compute` names the adapter for people; `own_use` is what
    this process has used, None where nobody can tell; `dns` answers as a VPC's resolver."""
    feed = Feed(world, loop, compute)

    @contextlib.asynccontextmanager
    async def feeding(_: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(feed.run(), name="feed")
        yield
        looking.cancel()
        await feed.load.close()

    app = FastAPI(title="asg-lab", docs_url=None, redoc_url=None, openapi_url=None, lifespan=feeding)
    add_network(app, world, loop)
    add_dns(app, world, dns)
    add_classroom(app)
    add_speed(app, world, loop)
    add_dashboard(app, feed, lambda: urls_for_load(world, compute))
    add_faults(app, world, lambda: urls_for_load(world, compute))
    s3 = S3(world.buckets, world.account.region, world.account.account_id)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        path = request.url.path
        nodes = NODE_HOSTS if path.startswith(FROM_CONTAINERS) or path in FOR_PROMETHEUS else frozenset()
        why = refusal(request.headers.get("host"), request.headers.get("origin"), nodes)
        if why is not None:
            return _error("AccessDenied", why, 403)
        length = request.headers.get("content-length", "0")
        limit = MAX_OBJECT if request.method == "PUT" else MAX_BODY
        if not length.isdecimal() or int(length) > limit:
            return _error("RequestEntityTooLarge", f"a request body has at most {limit} bytes", 413)
        return await go_on(request)

    @app.exception_handler(LabError)
    async def on_lab_error(_: Request, error: LabError) -> Response:
        return _error(error.code, error.message, error.status)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        return _error("ValidationError", invalid(error.errors()), 400)

    @app.exception_handler(Refused)
    async def on_refused(_: Request, error: Refused) -> Response:
        return _error("InvalidRequest", str(error), 409)

    @app.exception_handler(Unavailable)
    async def on_unavailable(_: Request, error: Unavailable) -> Response:
        return _error("ServiceUnavailable", str(error), 503)

    @app.get("/")
    async def index(request: Request) -> Response:
        if _is_s3(request):
            return await aws_s3(request)
        if "text/html" in request.headers.get("accept", ""):
            return page()
        links = {"status": "/lab/status", "events": "/lab/events", "metrics": "/metrics"}
        urls = [
            url for row in status(world, loop, compute)["load_balancers"] for n in row["nodes"] for url in n["urls"]
        ]
        return JSONResponse({"lab": "asg-lab", **links, "load_balancer": urls})

    @app.get("/metrics")
    async def prometheus() -> Response:
        use = own_use()
        own = [] if use is None else process_families(use)
        return Response(exposition([*metrics.families(world, loop, compute), *own]), media_type=CONTENT_TYPE)

    @app.get("/lab/metrics/targets")
    async def metrics_targets() -> Response:
        return JSONResponse(metrics.targets(world))

    @app.get("/lab/health")
    async def health() -> Response:
        return JSONResponse({"ok": True})

    @app.get("/lab/status")
    async def whole_status() -> Response:
        return JSONResponse(status(world, loop, compute))

    @app.get("/lab/decisions")
    async def why(group: str = "", last: int = 100) -> Response:
        return JSONResponse(decisions(world.store, group, max(1, min(last, 1000))))

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
        asked = await _body(request)
        found = await world.consoles.reading(lambda: call(service, operation, asked), world.compute.logs)
        loop.wake()
        return Response(json.dumps(found, default=_plain), media_type="application/json")

    async def wire(request: Request) -> Response:
        body = unpacked(await request.body(), request.headers.get("content-encoding", ""), MAX_BODY)
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        number = world.new_id("uuid")
        reply = await world.consoles.reading(
            lambda: answer(call, path, request.headers, body, number, request.method, query), world.compute.logs
        )
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

    @app.post("/lab/zones/{zone}/fail")
    async def fail_zone(zone: str) -> Response:
        name = _zone(world, zone)
        await world.compute.fail_zone(name)
        return _zones_changed(name)

    @app.post("/lab/zones/{zone}/recover")
    async def recover_zone(zone: str) -> Response:
        name = _zone(world, zone)
        await world.compute.recover_zone(name)
        return _zones_changed(name)

    def _zones_changed(name: str) -> Response:
        loop.ask_for_zones()
        return JSONResponse({"zone": name})

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

    @app.put("/lab/nodes/{node_id}/logs/{bucket}/{key:path}")
    async def take_log(node_id: str, bucket: str, key: str, request: Request) -> Response:
        balancer, _ = _authorized(world, node_id, request)
        if not _logs_to(balancer, bucket, key, world.account.account_id):
            raise LabError("AccessDenied", f"the load balancer does not log to {bucket}/{key}", status=403)
        body = await _limited(request, MAX_OBJECT)
        await asyncio.to_thread(world.buckets.put, bucket, key, body)
        return Response(status_code=204)

    async def aws_s3(request: Request) -> Response:
        body = await _limited(request, MAX_OBJECT)
        path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
        reply = await asyncio.to_thread(
            s3.answer, request.method, path, query, request.headers, body, world.new_id("uuid")
        )
        return Response(reply.body, reply.status, dict(reply.headers))

    # Last, as it takes every path that is not above: S3's buckets and AWS's services of the REST protocol share no prefix.
    @app.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def elsewhere(request: Request) -> Response:
        if _is_s3(request):
            return await aws_s3(request)
        if request.url.path.split("/")[1] in RESERVED:
            return _error("NotFound", f"the lab has no {request.method} {request.url.path}", 404)
        return await wire(request)

    return app


def urls_for_load(world: World, compute: str) -> list[str]:
    """A URL for each node of the first load balancer that listens for HTTP. Containers go by their names on the control
    network; processes are where everybody finds them."""
    for balancer in world.store.all(LoadBalancer):
        ports = [
            row.port
            for row in world.store.all(Listener)
            if row.load_balancer_arn == balancer.arn and row.protocol == "HTTP"
        ]
        if ports:
            port = min(ports)
            return [
                f"http://{node.node_id}:{port}"
                if compute == "docker"
                else f"http://127.0.0.1:{published_port(balancer, index, port, world.site)}"
                for index, node in enumerate(balancer.nodes)
            ]
    return []


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


async def _limited(request: Request, limit: int) -> bytes:
    """The body. Also one without a Content-Length is no longer than the limit."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise LabError("EntityTooLarge", f"the body has more than {limit} bytes", status=413)
    return bytes(body)


def _is_s3(request: Request) -> bool:
    return is_meant(request.scope["path"], request.headers, request.scope["query_string"].decode("latin-1"))


def _logs_to(balancer: LoadBalancer, bucket: str, key: str, account_id: str) -> bool:
    """Whether the load balancer's attributes name the bucket and the prefix. A log that was switched off meanwhile may still
    deliver what it had."""
    known = balancer.attributes
    return any(
        known.get(f"{log}.s3.bucket") == bucket
        and key.startswith(log_root(known.get(f"{log}.s3.prefix", ""), account_id))
        for log in LOGS
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _machine_id(world: World, name: str) -> str:
    """Databases go by their identifier; everything else by its id."""
    database = world.store.get(DBInstance, name)
    return name if database is None else database.machine_id


def _zone(world: World, name: str) -> str:
    """The availability zone of a name, which may be its end: `a`, `1a`, `us-east-1a`."""
    for zone in world.account.zones:
        if zone.endswith(name):
            return zone
    raise LabError("InvalidParameterValue", f"There is no zone '{name}'; there are {', '.join(world.account.zones)}")


def _authorized(world: World, node_id: str, request: Request) -> tuple[LoadBalancer, Node]:
    """The node, if the request shows its token. An unknown node and a wrong token get the same answer."""
    shown = request.headers.get("authorization", "").encode()
    for balancer in world.store.all(LoadBalancer):
        for node in balancer.nodes:
            if node.node_id == node_id and secrets.compare_digest(shown, f"Bearer {node.token}".encode()):
                return balancer, node
    raise LabError("AccessDenied", "a node must show its token to read its configuration or to report", status=403)
