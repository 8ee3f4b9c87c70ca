"""Where a packet would go, from the documents that packets are handled by: every hop, and the rule that lets it pass or not.

The question goes out by the source's security groups and its subnet's network ACL, along a route, in by the target's ACL and
groups. Security groups are stateful, so an answer needs no rule of theirs; ACLs are not, so the answer, which goes to one of
the ports a client is given (`EPHEMERAL`), is looked at by both again. Codes are those of AWS's Reachability Analyzer
(vpc:reachability/explanation-codes) where it has one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.core.vpc.documents import Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Match
from lab.core.vpc.routers import Leads, Nat, Router, Way

EPHEMERAL = (32768, 60999)
"""The ports from which Linux lets clients ask."""
GROUPS_MISMATCH = "ENI_SG_RULES_MISMATCH"
ACL_RESTRICTION = "SUBNET_ACL_RESTRICTION"
CUT = "CUT_ON_PURPOSE"
NO_ROUTE = "NO_ROUTE_TO_DESTINATION"
NO_EGRESS = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
NO_INGRESS = "IGW_PUBLIC_IP_ASSOCIATION_FOR_INGRESS"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Packet:
    """`port` is the destination's; -1 for protocols without ports."""

    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class Hop:
    """`at` is the id of what decides, `rule` that of the rule by which it does, empty for none. `code` is empty when it
    passes."""

    at: str
    says: str
    rule: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """The hops up to the one that ends it. It passes when none does."""

    hops: tuple[Hop, ...]

    @property
    def passes(self) -> bool:
        return not any(hop.code for hop in self.hops)


@dataclass(frozen=True, slots=True)
class Border:
    """A subnet's, where its network ACL looks."""

    acl: Acl
    subnet_cidr: str
    vpc_cidr: str

    @staticmethod
    def of(end: Interface) -> "Border":
        return Border(end.firewall.acl, end.firewall.subnet_cidr, end.vpc_cidr)

    def encloses(self, address: str) -> bool:
        return IPv4Address(address) in IPv4Network(self.subnet_cidr)


def reach(source: Interface | None, target: Interface | None, packet: Packet, router: Router | None = None) -> Path:
    """The way of a first packet and of its answer. None is somewhere on the internet; `router` is the VPC's, of which only what
    leaves it or comes from outside has need."""
    hops: list[Hop] = []
    for hop in _hops(source, target, packet, router):
        hops.append(hop)
        if hop.code:
            break
    return Path(tuple(hops))


def _hops(source: Interface | None, target: Interface | None, packet: Packet, router: Router | None) -> Iterator[Hop]:
    if source is not None and target is not None and source.address == target.address:
        yield Hop(source.interface_id, f"{source.owner} talks to itself: nothing looks at that")
        return
    for end in (source, target):
        if end is not None and end.fault.partition:
            yield Hop(
                end.interface_id, f"{end.owner} is cut off on purpose: `lab recover network {end.owner}`", code=CUT
            )
    if source is not None and target is not None:
        yield from _inside(source, target, packet)
    elif source is not None:
        yield from _outward(source, packet, router)
    elif target is not None:
        yield from _inward(target, packet, router)


def _inside(source: Interface, target: Interface, packet: Packet) -> Iterator[Hop]:
    near, far = Border.of(source), Border.of(target)
    leaves, enters = not near.encloses(target.address), not far.encloses(source.address)
    yield _groups(source, target, packet, out=True)
    if leaves:
        yield _acl(near, target.address, packet, out=True)
    if source.vpc_id != target.vpc_id:
        yield Hop(source.vpc_id, f"no route leads from {source.vpc_id} to {target.vpc_id}", code=NO_ROUTE)
    yield Hop(source.vpc_id, f"the local route of {source.vpc_cidr} leads to {target.address}", "local")
    if enters:
        yield _acl(far, source.address, packet, out=False)
    yield _groups(target, source, packet, out=False)
    if enters:
        yield _answer(far, source.address, packet, out=True)
    if leaves:
        yield _answer(near, target.address, packet, out=False)


def _outward(source: Interface, packet: Packet, router: Router | None) -> Iterator[Hop]:
    border, there = Border.of(source), source.host
    yield _groups(source, None, packet, out=True)
    yield _acl(border, there, packet, out=True, host=True)
    way, hop = _way(router, source.firewall.subnet_cidr)
    yield hop
    nat = next((one for one in router.nats if one.nat_id == way.target), None) if router and way else None
    if way is not None and way.leads is Leads.NAT:
        yield from _through(nat, way.target, source, packet)
    elif router is not None and way is not None:
        public = router.public.get(source.address)
        yield _translates(way.target, source.address, public, NO_EGRESS)
    yield from _nat_answers(nat, source, packet)
    yield _answer(border, there, packet, out=False, host=True)


def _through(nat: Nat | None, nat_id: str, source: Interface, packet: Packet) -> Iterator[Hop]:
    """Into the NAT gateway's subnet and out of it again, past its network ACL."""
    if nat is None:
        yield Hop(nat_id, f"{nat_id} does not work: its zone is failed, or it is a private one", code=NO_ROUTE)
        return
    border = Border(nat.acl, nat.subnet_cidr, source.vpc_cidr)
    if not border.encloses(source.address):
        yield _acl(border, source.address, packet, out=False)
    if not any(way.leads is Leads.INTERNET and way.destination == EVERYWHERE for way in nat.ways):
        yield Hop(nat_id, f"the subnet of {nat_id} has no route to an internet gateway", code=NO_ROUTE)
    yield _acl(border, source.host, packet, out=True, host=True)
    yield Hop(nat_id, f"{nat_id} translates {source.address} to {nat.public_ip}")


def _nat_answers(nat: Nat | None, source: Interface, packet: Packet) -> Iterator[Hop]:
    if nat is not None:
        border = Border(nat.acl, nat.subnet_cidr, source.vpc_cidr)
        yield _answer(border, source.host, packet, out=False, host=True)
        if not border.encloses(source.address):
            yield _answer(border, source.address, packet, out=True)


def _inward(target: Interface, packet: Packet, router: Router | None) -> Iterator[Hop]:
    """By the target's public address, or a published port, which is the same to all that follows."""
    border, there = Border.of(target), target.host
    way, answer = _way(router, target.firewall.subnet_cidr)
    if router is not None:
        gateway = "the internet gateway" if way is None else way.target
        yield _translates(gateway, target.address, router.public.get(target.address), NO_INGRESS)
    yield _acl(border, there, packet, out=False, host=True)
    yield _groups(target, None, packet, out=False)
    yield _answer(border, there, packet, out=True, host=True)
    if way is None or way.leads is not Leads.INTERNET:
        code = answer.code or NO_ROUTE
        yield Hop(answer.at, f"the answer: {answer.says}", answer.rule, code if router is not None else "")


def _way(router: Router | None, subnet_cidr: str) -> tuple[Way | None, Hop]:
    """The subnet's default route, and what it does to a packet for somewhere on the internet."""
    ways = next((one for one in router.subnets if one.subnet_cidr == subnet_cidr), None) if router else None
    table = "the route table" if ways is None else ways.table_id
    way = next((one for one in ways.ways if one.destination == EVERYWHERE), None) if ways else None
    if way is None:
        return None, Hop(table, f"no route of {table} leads from {subnet_cidr} to the internet", code=NO_ROUTE)
    if way.leads is Leads.NOWHERE:
        text = f"the route to {way.destination} is a black hole: {way.target} has gone"
        return None, Hop(table, text, way.destination, NO_ROUTE)
    return way, Hop(table, f"the route to {way.destination} leads from {subnet_cidr} to {way.target}", way.destination)


def _translates(gateway: str, private: str, public: str | None, code: str) -> Hop:
    if public is None:
        return Hop(gateway, f"{private} has no public address, which {gateway} could translate", code=code)
    return Hop(gateway, f"{gateway} translates between {private} and {public}")


def _answer(end: Border, peer: str, packet: Packet, *, out: bool, host: bool = False) -> Hop:
    """Looked at by the ACL alone, and to every port a client may have asked from: between the bounds of two rules they fare
    alike, so the first stands for all."""
    rules = end.acl.egress if out else end.acl.ingress
    ports = _ports(rules, packet)
    told = [_acl(end, peer, Packet(packet.protocol, port), out=out, host=host) for port in ports]
    worst = next((hop for hop in told if hop.code), told[0])
    return Hop(worst.at, f"the answer: {worst.says}", worst.rule, worst.code)


def _ports(rules: tuple[AclRule, ...], packet: Packet) -> list[int]:
    if packet.port < 0:
        return [-1]
    first, last = EPHEMERAL
    edges = {first, *(rule.match.first for rule in rules), *(rule.match.last + 1 for rule in rules)}
    return sorted(port for port in edges if first <= port <= last)


def _groups(end: Interface, peer: Interface | None, packet: Packet, *, out: bool) -> Hop:
    """The first rule that admits it, of all rules of all groups."""
    rules = end.firewall.egress if out else end.firewall.ingress
    way = f"{'to' if out else 'from'} {'the internet' if peer is None else peer.address}"
    for allow in rules:
        if _covers(allow.match, packet) and _admits(allow, end, peer):
            what = allow.peer_group or allow.cidr
            return Hop(
                allow.group_id, f"{_words(allow.match)} {way} passes: {allow.group_id} allows {what}", allow.rule_id
            )
    groups = ", ".join(sorted({allow.group_id for allow in (*end.firewall.ingress, *end.firewall.egress)}))
    side = "outbound" if out else "inbound"
    text = f"no {side} rule of {end.owner}'s security groups ({groups or 'which have no rules'}) allows {_asked(packet)} {way}"
    return Hop(end.interface_id, text, code=GROUPS_MISMATCH)


def _admits(allow: Allow, end: Interface, peer: Interface | None) -> bool:
    if peer is None:  # the internet: a block inside the VPC does not mean it
        return bool(allow.cidr) and not IPv4Network(allow.cidr).subnet_of(IPv4Network(end.vpc_cidr))
    if allow.peer_group:
        return peer.address in end.firewall.members.get(allow.peer_group, ())
    return IPv4Address(peer.address) in IPv4Network(allow.cidr)


def _acl(end: Border, peer: str, packet: Packet, *, out: bool, host: bool = False) -> Hop:
    """The first rule, by number, that matches."""
    acl = end.acl
    way = f"{'out of' if out else 'into'} {end.subnet_cidr}"
    for rule in acl.egress if out else acl.ingress:
        if host and IPv4Network(rule.cidr).subnet_of(IPv4Network(end.vpc_cidr)):
            continue
        if _covers(rule.match, packet) and IPv4Address(peer) in IPv4Network(rule.cidr):
            name = acl.acl_id or "the VPC's default network ACL"
            verb, code = ("lets", "") if rule.allow else ("does not let", ACL_RESTRICTION)
            return Hop(
                acl.acl_id, f"rule {rule.number} of {name} {verb} {_asked(packet)} {way}", str(rule.number), code
            )
    return Hop(acl.acl_id, f"no rule of {acl.acl_id} lets {_asked(packet)} {way}", "*", ACL_RESTRICTION)


def _covers(match: Match, packet: Packet) -> bool:
    if match.protocol == "-1":
        return True
    if match.protocol != packet.protocol:
        return False
    return packet.protocol not in ("tcp", "udp") or match.first == -1 or match.first <= packet.port <= match.last


def _words(match: Match) -> str:
    """As in "tcp 8000", "tcp 1024-65535", "everything"."""
    if match.protocol == "-1":
        return "everything"
    if match.first == -1:
        return match.protocol
    return f"{match.protocol} {match.first}" + (f"-{match.last}" if match.last != match.first else "")


def _asked(packet: Packet) -> str:
    return packet.protocol if packet.port < 0 else f"{packet.protocol} {packet.port}"


def named(interfaces: Mapping[str, Interface], name: str) -> Interface | None:
    """The interface of a machine, by the machine's id, its own id or its address."""
    found = (one for one in interfaces.values() if name in (one.owner, one.interface_id, one.address))
    return next(found, None)
