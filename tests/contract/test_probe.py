"""Health checks' tries over real sockets: what passes, what fails and in which words."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from lab.adapters.authority import Authority
from lab.adapters.clock import wall_time
from lab.adapters.probe import LONGEST_HEAD, SocketProber
from lab.core.route53.probe import Outcome, Probe
from tests.eventually import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@dataclass
class Endpoint:
    """Answers every connection with the same octets; `heads` are the requests it got."""

    reply: bytes
    closes: bool = True
    heads: list[bytes] = field(default_factory=list)
    port: int = 0
    busy: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy += 1
        with contextlib.suppress(OSError, EOFError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.reply)
            await writer.drain()
            if not self.closes:
                await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.busy -= 1


@asynccontextmanager
async def serving(endpoint: Endpoint, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    async with await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, ssl=tls) as server:
        endpoint.port = server.sockets[0].getsockname()[1]
        yield endpoint
        await eventually(lambda: endpoint.busy == 0)


async def ask(endpoint: Endpoint, protocol: str = "HTTP", **more: str) -> Outcome:
    return await SocketProber().probe(
        Probe("check-1", protocol, "127.0.0.1", endpoint.port, name="www.shop.lab", **more)
    )


@pytest.mark.parametrize(
    ("reply", "search", "passed", "report"),
    [
        (OK, "", True, "Success: HTTP Status Code 200, OK"),
        (b"HTTP/1.0 302 Moved\r\n\r\n", "", True, "Success: HTTP Status Code 302, Found"),
        (b"HTTP/1.1 503 Nope\r\n\r\n", "", False, "Failure: HTTP Status Code 503, Service Unavailable"),
        (b"HTTP/1.1 799 x\r\n\r\n", "", False, "Failure: HTTP Status Code 799, unknown"),
        (OK, "ell", True, "Success: HTTP Status Code 200, OK"),
        (OK, "bye", False, "the response has not the string"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5118 + b"hello", "hello", False, "the response has not the string"),
        (b"SSH-2.0-x\r\n\r\n", "", False, "Failure: The response could not be read"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "", False, "Failure: The response could not be read"),
        (b"", "", False, "Failure: The response could not be read"),
        (
            b"HTTP/1.1 200 OK\r\nA: " + b"x" * LONGEST_HEAD + b"\r\n\r\n",
            "",
            False,
            "Failure: The response could not be read",
        ),
    ],
)
async def test_http(reply: bytes, search: str, passed: bool, report: str) -> None:
    async with serving(Endpoint(reply)) as endpoint:
        found = await ask(endpoint, path="/ok", search=search)
    assert (found.passed, report in found.report) == (passed, True), found
    [head] = endpoint.heads
    assert head.startswith(
        b"GET /ok HTTP/1.1\r\nHost: www.shop.lab\r\nUser-Agent: Amazon-Route53-Health-Check-Service (ref check-1;"
    )


async def test_an_endpoint_that_says_nothing_is_waited_for_no_longer_than_aws_does() -> None:
    async with serving(Endpoint(b"", closes=False)) as endpoint:
        assert await ask(endpoint) == Outcome(False, "Failure: Response timed out")


@pytest.mark.parametrize("protocol", ["HTTP", "TCP"])
async def test_where_nobody_listens(protocol: str) -> None:
    async with serving(Endpoint(OK)) as endpoint:
        pass
    found = await ask(endpoint, protocol)
    assert not found.passed
    assert found.report.startswith("Failure: The connection could not be made")


async def test_tcp_asks_nothing() -> None:
    async with serving(Endpoint(OK)) as endpoint:
        assert (await ask(endpoint, "TCP")).passed
    assert endpoint.heads == []


@pytest.mark.parametrize("server_name", ["", "www.shop.lab"])
async def test_https_takes_any_certificate_and_names_the_server_where_asked(
    server_name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    material = Authority(None, wall_time).issue(["other.lab.local"], "EC_prime256v1")
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_text(material.body + material.private_key)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _, name, __: seen.append(name)
    async with serving(Endpoint(OK), context) as endpoint:
        assert (await ask(endpoint, "HTTPS", server_name=server_name)).passed
        assert not (await ask(endpoint, "HTTP")).passed
    assert seen == [server_name or None]
