"""Ways out of a VPC and into it by the model (vpc:VPC_Internet_Gateway, vpc-nat-gateway)."""

from dataclasses import replace

import pytest

from lab.core.vpc.documents import Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from lab.core.vpc.reach import Packet, Path, reach
from lab.core.vpc.routers import Leads, Nat, Router, Way, Ways

ANY = "0.0.0.0/0"
OUT = (Way(ANY, Leads.INTERNET, "igw-1"),)
THROUGH = (Way(ANY, Leads.NAT, "nat-1"),)
OPEN = Acl("acl-open", (AclRule(100, True, Match(), ANY),), (AclRule(100, True, Match(), ANY),))
GATEWAY = Nat("nat-1", "us-east-1a", "198.51.100.4", "10.0.9.0/24", OPEN, OUT)


def routed(ways: tuple[Way, ...], *nats: Nat, public: str = "") -> Path:
    """From an instance to somewhere on the internet, by these ways of its subnet."""
    firewall = Firewall("10.0.1.0/24", OPEN, egress=(Allow("sgr-out", "sg-app", Match(), ANY),))
    source = Interface("eni-1", "vpc-1", "10.0.0.0/16", "10.0.255.254", "i-1", "10.0.1.4", "ip-10-0-1-4", firewall)
    held = {"10.0.1.4": public} if public else {}
    subnets = (Ways("10.0.1.0/24", "rtb-1", ways),)
    router = Router("vpc-1", "10.0.0.0/16", "10.0.0.3", "10.0.0.1", subnets, nats, held)
    return reach(source, None, Packet("tcp", 443), router)


@pytest.mark.parametrize(
    ("ways", "nats", "public", "code", "says"),
    [
        (THROUGH, (GATEWAY,), "", "", "nat-1 translates 10.0.1.4 to 198.51.100.4"),
        (OUT, (), "198.51.100.9", "", "igw-1 translates between 10.0.1.4 and 198.51.100.9"),
        (OUT, (), "", "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", "10.0.1.4 has no public address"),
        ((), (), "", "NO_ROUTE_TO_DESTINATION", "no route of rtb-1 leads from 10.0.1.0/24 to the internet"),
        (
            (Way(ANY, Leads.NOWHERE, "nat-2"),),
            (),
            "",
            "NO_ROUTE_TO_DESTINATION",
            "is a black hole: nat-2 has gone",
        ),
        (THROUGH, (), "", "NO_ROUTE_TO_DESTINATION", "nat-1 does not work"),
        (THROUGH, (replace(GATEWAY, ways=()),), "", "NO_ROUTE_TO_DESTINATION", "has no route to an internet gateway"),
        (
            THROUGH,
            (replace(GATEWAY, acl=Acl("acl-nat", OPEN.ingress)),),
            "",
            "SUBNET_ACL_RESTRICTION",
            "no rule of acl-nat",
        ),
    ],
)
def test_ways_out(ways: tuple[Way, ...], nats: tuple[Nat, ...], public: str, code: str, says: str) -> None:
    path = routed(ways, *nats, public=public)
    assert path.passes is (code == "")
    assert path.hops[-1].code == code
    assert any(says in hop.says for hop in path.hops), path


def test_the_internet_comes_in_by_a_public_address() -> None:
    firewall = Firewall("10.0.1.0/24", OPEN, ingress=(Allow("sgr-in", "sg-web", Match("tcp", 80, 80), ANY),))
    target = Interface("eni-1", "vpc-1", "10.0.0.0/16", "10.0.255.254", "i-1", "10.0.1.4", "ip-10-0-1-4", firewall)
    router = Router("vpc-1", "10.0.0.0/16", "10.0.0.3", "10.0.0.1", (Ways("10.0.1.0/24", "rtb-1", OUT),))
    hidden = reach(None, target, Packet("tcp", 80), router)
    assert hidden.hops[-1].code == "IGW_PUBLIC_IP_ASSOCIATION_FOR_INGRESS"
    held = replace(router, public={"10.0.1.4": "198.51.100.9"})
    assert reach(None, target, Packet("tcp", 80), held).passes
    one_way = replace(held, subnets=(Ways("10.0.1.0/24", "rtb-1", THROUGH),))
    assert reach(None, target, Packet("tcp", 80), one_way).hops[-1].code == "NO_ROUTE_TO_DESTINATION"
