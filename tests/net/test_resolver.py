"""A VPC's resolver: it passes queries on, and while nobody can be asked answers as before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.net.resolver import Resolver, again, failed, forward_to, question_of, serve
from tests.eventually import eventually


def query(name: str, kind: str = "A", number: int = 7, *, edns: bool = False) -> bytes:
    message = dns.message.make_query(name, kind, use_edns=0 if edns else -1)
    message.id = number
    return message.to_wire()


def reply_to(wire: bytes, *addresses: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(wire), recursion_available=True)
    message.set_rcode(rcode)
    if addresses:
        message.answer = [dns.rrset.from_text(message.question[0].name, 60, "IN", "A", *addresses)]
    return message.to_wire()


@dataclass
class Control:
    """The control plane: what it was asked, and whether it is away."""

    addresses: tuple[str, ...] = ("10.0.0.9",)
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    away: bool = False
    tried: int = 0
    asked: list[tuple[str, bool]] = field(default_factory=list)

    async def __call__(self, wire: bytes, client: str, udp: bool) -> bytes:
        self.tried += 1
        if self.away:
            raise ConnectionRefusedError
        self.asked.append((client, udp))
        return reply_to(wire, *self.addresses, rcode=self.rcode)


async def ask(resolver: Resolver, wire: bytes) -> dns.message.Message:
    return dns.message.from_wire(await resolver.answer(wire, "10.0.0.4", udp=True))


def addresses(message: dns.message.Message) -> list[str]:
    return [rdata.to_text() for rrset in message.answer for rdata in rrset]


async def test_a_query_is_passed_on_each_time_with_its_client() -> None:
    control = Control()
    resolver = Resolver(control)
    assert addresses(await ask(resolver, query("a.internal"))) == ["10.0.0.9"]
    control.addresses = ("10.0.0.10",)
    assert addresses(await ask(resolver, query("a.internal"))) == ["10.0.0.10"]
    assert control.asked == [("10.0.0.4", True)] * 2


async def test_what_was_answered_last_is_answered_while_nobody_can_be_asked() -> None:
    control = Control()
    resolver = Resolver(control)
    await ask(resolver, query("a.internal"))
    control.addresses = ("10.0.0.11",)
    await ask(resolver, query("a.internal"))
    control.away = True
    wire = query("A.inTERnal", number=4711)
    found = await ask(resolver, wire)
    assert (found.id, addresses(found)) == (4711, ["10.0.0.11"])
    assert str(found.question[0].name) == "A.inTERnal."  # as the one who asks wrote it
    for other in (query("b.internal"), query("a.internal", "AAAA")):
        unknown = await ask(resolver, other)
        assert unknown.rcode() is dns.rcode.SERVFAIL
        assert unknown.question == dns.message.from_wire(other).question
    tried = control.tried
    for _ in range(5):  # who was not there a moment ago is not waited for at each query
        assert addresses(await ask(resolver, wire)) == ["10.0.0.11"]
    assert control.tried == tried
    control.away = False
    assert addresses(await ask(resolver, query("c.internal"))) == ["10.0.0.11"]
    await ask(resolver, wire)
    assert control.tried == tried + 2


async def test_that_there_is_no_such_name_is_kept_and_a_failure_is_not() -> None:
    control = Control(addresses=(), rcode=dns.rcode.NXDOMAIN)
    resolver = Resolver(control)
    await ask(resolver, query("none.internal"))
    control.rcode = dns.rcode.SERVFAIL
    await ask(resolver, query("ill.internal"))
    control.rcode, control.addresses = dns.rcode.NOERROR, ("10.0.0.9",)
    await ask(resolver, query("ill.internal"))
    control.rcode = dns.rcode.SERVFAIL
    await ask(resolver, query("ill.internal"))
    control.away = True
    assert (await ask(resolver, query("none.internal"))).rcode() is dns.rcode.NXDOMAIN
    assert addresses(await ask(resolver, query("ill.internal"))) == ["10.0.0.9"]


async def test_only_so_many_are_kept_and_the_oldest_go() -> None:
    control = Control()
    resolver = Resolver(control, kept=2)
    for name in ("a", "b", "a", "c"):
        await ask(resolver, query(name))
    control.away = True
    codes = [(await ask(resolver, query(name))).rcode() for name in ("a", "b", "c")]
    assert codes == [dns.rcode.NOERROR, dns.rcode.SERVFAIL, dns.rcode.NOERROR]


async def test_a_reply_to_another_question_is_not_kept() -> None:
    async def astray(wire: bytes, client: str, udp: bool) -> bytes:
        return reply_to(query("other.internal"), "10.0.0.1")

    resolver = Resolver(astray)
    await resolver.answer(query("a.internal"), "10.0.0.4", udp=True)
    assert resolver._kept == {}


async def test_who_takes_no_long_reply_hears_that_there_is_more() -> None:
    control = Control(addresses=tuple(f"10.0.1.{number}" for number in range(60)))
    resolver = Resolver(control)
    await resolver.answer(query("many.internal", edns=True), "10.0.0.4", udp=True)
    control.away = True
    found = await ask(resolver, query("many.internal"))
    assert found.flags & dns.flags.TC
    assert addresses(found) == []
    assert len(addresses(await ask(resolver, query("many.internal", edns=True)))) == 60


@given(st.binary(max_size=80))
def test_any_octets_have_a_question_or_none(message: bytes) -> None:
    question = question_of(message)
    assert question == b"" or question in message
    if len(message) >= 12:
        assert failed(message, question)[:2] == message[:2]


@pytest.mark.parametrize(
    "wire", [b"", b"\0" * 11, b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", b"\0\1\1\0\0\2" + bytes(6)]
)
def test_what_is_no_question(wire: bytes) -> None:
    assert question_of(wire) == b""


def test_again_keeps_what_the_query_did_not_say() -> None:
    wire = query("a.internal")
    assert again(reply_to(wire, "10.0.0.1"), wire, question_of(wire)) == reply_to(wire, "10.0.0.1")


@contextlib.asynccontextmanager
async def http(answers: list[bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers each request by the next of these; its URL, and the requests it got."""
    seen: list[bytes] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        seen.append(head + await reader.readexactly(length))
        writer.write(answers[len(seen) - 1])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/lab/vpcs/vpc-1/dns-query", seen
    server.close()
    await eventually(alone)


def alone() -> bool:
    """Whether no connection is served any more."""
    return len(asyncio.all_tasks()) == 1


async def test_the_control_plane_is_asked_by_http() -> None:
    wire = query("a.internal")
    found = reply_to(wire, "10.0.0.1")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found)
    bad = [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b""]
    async with http([head + found, *bad]) as (url, seen):
        forward = forward_to(url)
        assert await forward(wire, "10.0.0.4", True) == found
        assert await forward(wire, "10.0.0.4", False) == b""
        for _ in bad[1:]:
            with pytest.raises((OSError, ValueError, EOFError)):
                await forward(wire, "10.0.0.4", False)
    assert seen[0].startswith(b"POST /lab/vpcs/vpc-1/dns-query?client=10.0.0.4&udp=1 HTTP/1.1\r\n")
    assert seen[0].endswith(wire)
    assert seen[1].startswith(b"POST /lab/vpcs/vpc-1/dns-query?client=10.0.0.4 HTTP/1.1\r\n")


async def test_it_serves_datagrams_and_connections() -> None:
    control = Control()
    datagrams, server = await serve(Resolver(control), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = query("a.internal")
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            got.set_result(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port))
    transport.sendto(wire)
    assert await asyncio.wait_for(got, 5) == reply_to(wire, "10.0.0.9")
    transport.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        assert await reader.readexactly(length) == reply_to(wire, "10.0.0.9")
    writer.close()
    await writer.wait_closed()
    datagrams.close()
    server.close()
    await eventually(alone)
    assert control.asked == [("127.0.0.1", True), ("127.0.0.1", False), ("127.0.0.1", False)]
