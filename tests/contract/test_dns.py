"""The DNS server over real sockets, asked by dnspython as `dig` would; what the lab answers is made up here."""

import asyncio
import random
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from lab.adapters.dns.messages import OUR_SIZE, UDP_SIZE, reply
from lab.adapters.dns.server import DnsServer
from lab.core.errors import Refused
from lab.core.route53.answer import Answer, Record

HOST = "127.0.0.1"
SOA = Record("shop.lab.", "SOA", 900, ["ns-1.lab. host\\056master.lab. 1 7200 900 1209600 86400"])
VALUES = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1"],
    "CAA": ['0 issue "ca.example"'],
    "CNAME": ["\\052.shop.lab"],
    "MX": ["10 mail.shop.lab"],
    "NS": ["ns-1.lab."],
    "PTR": ["www.shop.lab."],
    "SOA": list(SOA.values),
    "SRV": ["1 2 443 www.shop.lab"],
    "TXT": ['"a \\"b\\" \\101" "é;"', '"x"'],
    "SPF": ['"v=spf1 -all"'],
}


def ask(name: str, kind: str, client: str) -> Answer:
    match name.partition(".")[0]:
        case "www":
            return Answer("NOERROR", (Record(name, kind, 60, VALUES[kind]),))
        case "no":
            return Answer("NXDOMAIN", (), (SOA,))
        case "many":
            return Answer("NOERROR", (Record(name, "A", 60, [f"10.0.{number}.{number}" for number in range(200)]),))
        case "client":
            return Answer("NOERROR", (Record(name, "A", 60, [client]),))
        case "broken":
            raise RuntimeError(name)
    return Answer("REFUSED")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[DnsServer]:
    server = DnsServer(ask)
    await server.start(HOST, 0)
    yield server
    await server.close()


def query(name: str, kind: str = "A", **more: object) -> dns.message.QueryMessage:
    return dns.message.make_query(name, kind, **more)  # type: ignore[arg-type]


async def dig(server: DnsServer, question: dns.message.Message, *, tcp: bool = False) -> dns.message.Message:
    if tcp:
        return await dns.asyncquery.tcp(question, HOST, 5, server.port)
    return await dns.asyncquery.udp(question, HOST, 5, server.port)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("kind", VALUES)
async def test_every_type_arrives(server: DnsServer, kind: str, tcp: bool) -> None:
    found = await dig(server, query("WWW.Shop.Lab.", kind), tcp=tcp)
    assert found.rcode() == dns.rcode.NOERROR
    assert found.flags & (dns.flags.QR | dns.flags.RA | dns.flags.RD) == dns.flags.QR | dns.flags.RA | dns.flags.RD
    [rrset] = found.answer
    assert (rrset.ttl, rrset.rdtype, len(rrset)) == (60, dns.rdatatype.from_text(kind), len(VALUES[kind]))


async def test_octets_that_are_written_as_escapes(server: DnsServer) -> None:
    [text] = (await dig(server, query("www.shop.lab", "TXT"))).answer
    assert {one.strings for one in text} == {(b'a "b" A', "é;".encode()), (b"x",)}
    [cname] = (await dig(server, query("www.shop.lab", "CNAME"))).answer
    assert cname[0].target.labels == (b"*", b"shop", b"lab", b"")
    [soa] = (await dig(server, query("no.shop.lab"))).authority
    assert soa[0].rname.labels == (b"host.master", b"lab", b"")


@pytest.mark.parametrize(
    ("name", "rcode"), [("no.shop.lab", "NXDOMAIN"), ("x.org", "REFUSED"), ("broken.lab", "SERVFAIL")]
)
async def test_response_codes(server: DnsServer, name: str, rcode: str) -> None:
    found = await dig(server, query(name))
    assert (dns.rcode.to_text(found.rcode()), found.answer) == (rcode, [])
    assert [rrset.ttl for rrset in found.authority] == ([900] if rcode == "NXDOMAIN" else [])


async def test_what_is_too_long_is_cut_and_comes_whole_by_tcp(server: DnsServer) -> None:
    for question, room in ((query("many.lab"), UDP_SIZE), (query("many.lab", use_edns=0, payload=4096), OUR_SIZE)):
        cut = await dig(server, question)
        assert cut.flags & dns.flags.TC
        assert len(cut.to_wire()) <= room
    whole = await dig(server, query("many.lab"), tcp=True)
    assert (not whole.flags & dns.flags.TC, len(whole.answer[0])) == (True, 200)


async def test_a_client_may_say_where_it_is(server: DnsServer) -> None:
    assert (await dig(server, query("client.lab"))).answer[0][0].address == HOST
    subnet = dns.edns.ECSOption("203.0.113.0", 24)
    found = await dig(server, query("client.lab", use_edns=0, options=[subnet]))
    assert found.answer[0][0].address == "203.0.113.0"
    [told] = found.options
    assert isinstance(told, dns.edns.ECSOption)
    assert (told.address, told.srclen, told.scopelen) == ("203.0.113.0", 24, 24)
    six = dns.edns.ECSOption("2001:db8::", 56)
    assert (await dig(server, query("client.lab", use_edns=0, options=[six]))).answer[0][0].address == HOST


async def test_queries_that_the_server_has_no_answer_to(server: DnsServer) -> None:
    chaos = query("www.shop.lab", rdclass=dns.rdataclass.CH)
    update = dns.message.Message()
    update.set_opcode(dns.opcode.STATUS)
    newer = query("www.shop.lab", use_edns=1)
    none = dns.message.QueryMessage()
    for question, rcode in ((chaos, "REFUSED"), (update, "NOTIMP"), (newer, "BADVERS"), (none, "FORMERR")):
        assert dns.rcode.to_text((await dig(server, question)).rcode()) == rcode
    transfer = reply(query("shop.lab", "AXFR").to_wire(), ask, HOST, udp=False)
    assert transfer is not None
    assert dns.message.from_wire(transfer).rcode() == dns.rcode.REFUSED


@given(st.binary(max_size=80))
def test_garbage_gets_a_form_error_or_silence(data: bytes) -> None:
    check_garbage(data)


def test_spoilt_queries_get_an_answer_or_silence() -> None:
    chance = random.Random(1)
    whole = query("www.shop.lab", use_edns=0, options=[dns.edns.ECSOption("203.0.113.0", 24)]).to_wire()
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        check_garbage(bytes(data[: chance.randint(0, len(data))]))


def check_garbage(data: bytes) -> None:
    answered = reply(data, lambda *_: Answer("REFUSED"), HOST, udp=True)
    if answered is not None:
        assert answered[:2] == data[:2]
        assert answered[2] & 0x80
    else:
        assert len(data) < 12 or data[2] & 0x80


async def test_a_connection_serves_many_queries_and_may_be_slow(server: DnsServer) -> None:
    reader, writer = await asyncio.open_connection(HOST, server.port)
    wire = query("www.shop.lab").to_wire()
    framed = len(wire).to_bytes(2, "big") + wire
    for piece in (framed[:1], framed[1:20], framed[20:] + framed):
        writer.write(piece)
        await writer.drain()
    for _ in range(2):
        length = int.from_bytes(await reader.readexactly(2), "big")
        assert dns.message.from_wire(await reader.readexactly(length)).rcode() == dns.rcode.NOERROR
    writer.write(b"\x00\x03abc")  # no message at all
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_connection_that_is_one_too_many_is_closed() -> None:
    server = DnsServer(ask, connections=1)
    await server.start(HOST, 0)
    one_reader, one = await asyncio.open_connection(HOST, server.port)
    wire = query("www.shop.lab").to_wire()
    one.write(len(wire).to_bytes(2, "big") + wire)
    await one_reader.readexactly(2)  # the first is served
    two_reader, two = await asyncio.open_connection(HOST, server.port)
    assert await two_reader.read() == b""
    for writer in (one, two):
        writer.close()
    await server.close()


async def test_a_port_that_is_taken_is_said(server: DnsServer) -> None:
    with pytest.raises(Refused, match=f"port {server.port} on 127.0.0.1 cannot be used for DNS"):
        await DnsServer(ask).start(HOST, server.port)
    assert (await dig(server, query("www.shop.lab"))).rcode() == dns.rcode.NOERROR
