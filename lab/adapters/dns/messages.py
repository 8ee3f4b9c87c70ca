"""One DNS message in, one out (RFC 1035, 2308, 6891, 7871). No socket and no clock: whoever has a query's octets may serve it.

| the query | the reply |
|---|---|
| shorter than a header, or itself a reply | none |
| not readable, or not of one question | FORMERR |
| another operation than QUERY | NOTIMP |
| another class than IN, a zone transfer | REFUSED |
| EDNS of a version above 0 | BADVERS |
| any other | what `ask` answers; SERVFAIL when it fails |

A reply that is longer than the client takes is cut to its head, with the bit that says so.
"""

import logging

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.core.route53.answer import Ask, Record
from lab.core.route53.names import canonical, of_labels, to_labels
from lab.core.route53.values import strings

log = logging.getLogger("lab.dns")

HEADER = 12
UDP_SIZE = 512
"""What a client without EDNS takes."""
OUR_SIZE = 1232
"""Octets of a UDP message that need no fragments on any usual network (DNS flag day 2020)."""
LARGEST = 65535
_TRANSFERS = ("AXFR", "IXFR")
_NAMES = {"CNAME": (0,), "NS": (0,), "PTR": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1)}
"""Which fields of a value are names, by type."""


def reply(wire: bytes, ask: Ask, client: str, *, udp: bool) -> bytes | None:
    """The octets to send back to the client at an IPv4 address, or None for silence. Never raises."""
    if len(wire) < HEADER or wire[2] & 0x80:
        return None
    try:
        query = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return _bare(wire, dns.rcode.FORMERR)
    response = dns.message.make_response(query, recursion_available=True, our_payload=OUR_SIZE)
    try:
        _fill(response, query, ask, client)
    except Exception:
        log.exception("a DNS query could not be answered")
        response = dns.message.make_response(query, recursion_available=True, our_payload=OUR_SIZE)
        response.set_rcode(dns.rcode.SERVFAIL)
    return _octets(response, _room(query) if udp else LARGEST)


def _fill(response: dns.message.Message, query: dns.message.Message, ask: Ask, client: str) -> None:
    refusal = _refusal(query)
    if refusal is not None:
        response.set_rcode(refusal)
        return
    [question] = query.question
    subnet = _client_subnet(query)
    if subnet is not None:
        client = subnet.address
        told = dns.edns.ECSOption(subnet.address, subnet.srclen, subnet.srclen)
        response.use_edns(payload=OUR_SIZE, options=[told])
    found = ask(of_labels(question.name.labels[:-1]), dns.rdatatype.to_text(question.rdtype), client)
    response.set_rcode(dns.rcode.from_text(found.rcode))
    response.answer = [_rrset(record) for record in found.records]
    response.authority = [_rrset(record) for record in found.authority]


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if query.edns > 0:
        return dns.rcode.BADVERS
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    kind = query.question[0]
    if kind.rdclass != dns.rdataclass.IN or dns.rdatatype.to_text(kind.rdtype) in _TRANSFERS:
        return dns.rcode.REFUSED
    return None


def _client_subnet(query: dns.message.Message) -> dns.edns.ECSOption | None:
    """The network that the query says its client is in (`dig +subnet`), IPv4 only."""
    found = (option for option in query.options if isinstance(option, dns.edns.ECSOption) and option.family == 1)
    return next(found, None)


def _room(query: dns.message.Message) -> int:
    return min(max(query.payload, UDP_SIZE), OUR_SIZE) if query.edns >= 0 else UDP_SIZE


def _octets(response: dns.message.Message, room: int) -> bytes:
    return response.to_wire(max_size=room, prefer_truncation=True)


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """A header alone, in reply to what cannot be read beyond its own."""
    response = dns.message.Message(id=int.from_bytes(wire[:2], "big"))
    response.flags = dns.flags.QR
    response.set_rcode(rcode)
    return response.to_wire()


def _rrset(record: Record) -> dns.rrset.RRset:
    rdatas = [_rdata(record.type, value) for value in record.values]
    return dns.rrset.from_rdata_list(_name(record.name), record.ttl, rdatas)


def _rdata(kind: str, value: str) -> dns.rdata.Rdata:
    """Of a value in AWS's form, whose escapes are octal where those of master files are decimal."""
    if kind in ("TXT", "SPF"):
        value = " ".join(f'"{_decimal(text)}"' for text in strings(value))
    fields = value.split()
    for index in _NAMES.get(kind, ()):
        fields[index] = _name(canonical(fields[index])).to_text()
    text = " ".join(fields) if kind in _NAMES else value
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)


def _decimal(text: bytes) -> str:
    return "".join(f"\\{octet:03d}" for octet in text)


def _name(canonical_name: str) -> dns.name.Name:
    return dns.name.Name([*to_labels(canonical_name), b""])
