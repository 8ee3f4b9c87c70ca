"""A node's own /metrics: who may ask, what is told, and that a node goes on whatever becomes of it."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from services.lb.node.metrics import MetricsServer
from tests.eventually import eventually
from tests.lb.nodes import document, free_port, origin, running
from tests.lb.world import Message, read_message
from tests.prometheus import read, value


async def ask(port: int, request: str) -> Message:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode())
        return await read_message(reader, no_body=request.startswith("HEAD"))
    finally:
        writer.close()


async def scrape(port: int) -> Message:
    return await ask(port, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")


async def test_a_node_tells_of_itself(tmp_path: Path) -> None:
    port = free_port()
    async with (
        origin() as target,
        running(tmp_path, document(target.port), environment={"LB_METRICS": str(port)}) as node,
    ):
        for _ in range(5):
            assert (await node.ask()).status == 200

        async def told() -> bool:
            found = read((await scrape(port)).body.decode())
            return value(found, "asg_lab_lb_requests_total", source="target", code="2xx") == 5

        await eventually(told)
        answer = await scrape(port)
        assert answer.field("content-type") == [b"text/plain; version=0.0.4; charset=utf-8"]
        found = read(answer.body.decode())
        where = {"load_balancer": "lb", "zone": "a"}
        assert value(found, "asg_lab_lb_target_response_time_seconds_count", **where, target_group="arn:g") == 5
        assert value(found, "asg_lab_lb_target_healthy", target=f"i-{target.port}:80") == 1
        assert value(found, "asg_lab_lb_worker_resident_memory_bytes", worker="0") > 1_000_000
        assert value(found, "process_open_fds") > 3
        # The supervisor answers also while its worker does not.
        pid = await node.worker()
        os.kill(pid, signal.SIGSTOP)
        assert (await scrape(port)).status == 200
        os.kill(pid, signal.SIGCONT)


async def test_a_port_that_is_taken_does_not_keep_a_node_from_serving(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {"LB_METRICS": str(taken.getsockname()[1])}
        async with (
            origin() as target,
            running(tmp_path, document(target.port), environment=environment) as node,
        ):
            assert (await node.ask()).status == 200
            assert node.said("metrics cannot be served")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /metrics HTTP/1.1\r\nHost: 10.0.1.4:9901\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: [::1]:9901\r\n\r\n", 200),
        ("GET /metrics?name=a HTTP/1.1\r\nHost: node-1:9901\r\n\r\n", 200),
        ("HEAD /metrics HTTP/1.1\r\nHost: node-1\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example:9901\r\n\r\n", 403),
        ("GET /metrics HTTP/1.0\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", 405),
        ("GET /metrics\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ],
)
async def test_who_may_ask_for_what(request_: str, status: int) -> None:
    server = MetricsServer(lambda: "# nothing\n", lambda: frozenset({"node-1"}))
    port = await server.start("127.0.0.1", 0)
    assert (await ask(port, request_)).status == status
    await server.stop()


async def test_a_flood_is_bounded_and_who_dawdles_is_let_go_at_the_end() -> None:
    server = MetricsServer(lambda: "# nothing\n", lambda: frozenset())
    port = await server.start("127.0.0.1", 0)
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
    await eventually(lambda: len(server._open) == 16)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""  # over the limit
    writer.close()
    _, first = slow[0]
    first.close()
    await eventually(lambda: len(server._open) == 15)
    assert (await scrape(port)).status == 200
    await server.stop()
    for reader, writer in slow[1:]:
        assert await reader.read() == b""
        writer.close()
