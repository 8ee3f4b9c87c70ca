"""Health checks over HTTPS (alb:target-group-health-checks): any certificate will do, no TLS at all will not."""

import asyncio
import ssl
from pathlib import Path

import pytest

from lab.core.elbv2.config import HealthCheck, Target
from lab.core.elbv2.health import FAILED, TIMED_OUT, CheckResult, Matcher
from services.lb.node.health import check, host_field
from tests.lb.certificates import make
from tests.lb.world import ok, read_message

OLD = make("somebody.example", days=(-30, -10))


def server_context(folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    file = folder / "server.pem"
    file.write_text(OLD.key + OLD.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.minimum_version = context.maximum_version = version
    return context


async def checked(port: int, timeout: float = 5.0) -> CheckResult:  # noqa: ASYNC109 - it is the check's own
    settings = HealthCheck(protocol="HTTPS", timeout=timeout)
    target = Target("i-1", 443, "a", "127.0.0.1", port)
    return await check(target, settings, Matcher("200"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("status", [b"200 OK", b"503 Service Unavailable"])
async def test_the_answer_decides(tmp_path: Path, version: ssl.TLSVersion, status: bytes) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_message(reader)).head)
        writer.write(ok(status=status))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(tmp_path, version)) as server:
        port = server.sockets[0].getsockname()[1]
        result = await checked(port)
    assert result.passed is (status == b"200 OK")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in heads[0]


async def test_a_target_without_tls_fails() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(ok())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        assert await checked(server.sockets[0].getsockname()[1]) == FAILED


async def test_a_handshake_that_never_ends_times_out() -> None:
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        assert await checked(server.sockets[0].getsockname()[1], timeout=0.1) == TIMED_OUT
        await left.wait()


@pytest.mark.parametrize(
    ("port", "protocol", "field"),
    [(443, "HTTPS", "10.0.0.1"), (8443, "HTTPS", "10.0.0.1:8443"), (443, "HTTP", "10.0.0.1:443")],
)
def test_the_host_field(port: int, protocol: str, field: str) -> None:
    assert host_field("10.0.0.1", port, protocol) == field
