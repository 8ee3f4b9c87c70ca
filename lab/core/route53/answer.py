"""What a VPC's resolver answers to a question (r53:resolver; vpc:vpc-dns).

1. A private zone that the source sees, the one with the longest name, is alone in charge of the names in it.
2. Then AWS's own names (`own`).
3. Then public zones.
4. Anything else is somebody else's: REFUSED. The lab does not ask the internet.

A CNAME is followed for as long as it leads to a name of these. SERVFAIL is the answer to what a resolver cannot follow: CNAMEs
or aliases in a circle, and a name that is delegated to name servers that nobody runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lab.core.route53 import own
from lab.core.route53.model import HostedZone
from lab.core.route53.names import canonical
from lab.core.route53.sets import TooDeep, say
from lab.core.route53.view import Source, View
from lab.core.route53.zones import Sets, delegation, owner, table, zone_for

LONGEST_CHAIN = 12
_OWN_SOA = "ns0.{} hostmaster.amazon.com. 2012103100 3600 3600 3600 60"


@dataclass(frozen=True, slots=True)
class Record:
    """One name's records of one type. `ttl` is in seconds."""

    name: str
    type: str
    ttl: int
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`rcode` is NOERROR, NXDOMAIN, SERVFAIL or REFUSED; `authority` holds the SOA record of a negative answer."""

    rcode: str
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()


Ask = Callable[[str, str, str], Answer]
"""Answers a canonical name and a type for a client's IPv4 address."""


def answer(view: View, name: str, kind: str, source: Source) -> Answer:
    """`name` is canonical; `kind` is a type of record by its name."""
    chain: tuple[Record, ...] = ()
    for _ in range(LONGEST_CHAIN):
        found = _one(view, name, kind, source)
        if found is None:
            return Answer("NOERROR" if chain else "REFUSED", chain)
        chain += found.records
        last = found.records[-1] if found.records else None
        if last is None or last.type != "CNAME" or kind == "CNAME":
            return replace(found, records=() if found.rcode == "SERVFAIL" else chain)
        name = canonical(last.values[0])
    return Answer("SERVFAIL")


def _one(view: View, name: str, kind: str, source: Source) -> Answer | None:
    """One link of the chain; None when the name is not the lab's."""
    private = zone_for(view.store, name, source, private=True)
    if private is not None:
        return in_zone(view, private, name, kind, source)
    apex = own.apex(name, view.region)
    if apex is not None:
        return _own(view, apex, name, kind, source)
    public = zone_for(view.store, name, source, private=False)
    return None if public is None else in_zone(view, public, name, kind, source)


def _own(view: View, apex: str, name: str, kind: str, source: Source) -> Answer:
    found = own.find(view, name, source)
    negative = (Record(apex, "SOA", own.INSTANCE_TTL, [_OWN_SOA.format(apex)]),)
    if found is None:
        return Answer("NOERROR" if name == apex else "NXDOMAIN", (), negative)
    if found[0] != kind:
        return Answer("NOERROR", (), negative)
    return Answer("NOERROR", (Record(name, *found),))


def in_zone(view: View, zone: HostedZone, name: str, kind: str, source: Source) -> Answer:
    """What the zone itself says of a name in it; a CNAME is not followed."""
    known = table(view.store, zone.zone_id)
    cut = delegation(known, name, zone.name)
    if cut is not None and not (cut == name and kind in ("NS", "DS")):
        return Answer("SERVFAIL")
    found = owner(known, name)
    negative = _negative(known.sets.get(zone.name, {}).get("SOA", ()), zone.name)
    if found is None:
        return Answer("NXDOMAIN", (), negative)
    types = known.sets.get(found, {})
    asked = kind if kind in types or "CNAME" not in types else "CNAME"
    try:
        said = say(view, types.get(asked, ()), source)
    except TooDeep:
        return Answer("SERVFAIL")
    return Answer("NOERROR", (), negative) if said is None else Answer("NOERROR", (Record(name, asked, *said),))


def _negative(soa: Sets, apex: str) -> tuple[Record, ...]:
    """Cached for as long as the shorter of the SOA record's own time to live and its last number says (RFC 2308)."""
    if not soa or not soa[0].values:
        return ()
    shortest = min(soa[0].ttl or 0, int(soa[0].values[0].split()[-1]))
    return (Record(apex, "SOA", shortest, soa[0].values),)
