"""A router's document as rules; that they do what they say is held by packets in tests/contract/test_router.py."""

from dataclasses import asdict, replace

from lab.core.vpc.firewall import Acl, AclRule, Match
from lab.core.vpc.routers import Leads, Nat, Router, Way, Ways
from services.net.router import router_ruleset

ANY = "0.0.0.0/0"
OUT = (Way(ANY, Leads.INTERNET, "igw-1"),)
OPEN = Acl("acl-1", (AclRule(100, True, Match(), ANY),), (AclRule(100, True, Match("tcp", 80, 80), ANY),))
NAT = Nat("nat-1", "us-east-1a", "198.51.100.4", "10.0.0.0/24", OPEN, OUT)
ROUTER = Router(
    "vpc-1",
    "10.0.0.0/16",
    "10.0.0.3",
    "10.0.0.1",
    (
        Ways("10.0.0.0/24", "rtb-1", OUT),
        Ways("10.0.1.0/24", "rtb-2", (Way("10.9.0.0/16", Leads.NOWHERE, "igw-2"), Way(ANY, Leads.NAT, "nat-1"))),
    ),
    (NAT,),
    {"10.0.0.5": "198.51.100.9"},
)
MARK = 198 << 24 | 51 << 16 | 100 << 8 | 4


def chains(router: Router) -> dict[str, list[str]]:
    text = router_ruleset(asdict(router), vpc_device="eth0", inet_device="eth1", host="198.51.100.254")
    assert text.startswith("table inet router\ndelete table inet router\ntable inet router {")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("  chain "):
            found[line.split()[1]] = rules = []
        elif line.startswith("    "):
            rules.append(line.strip())
    return found


def test_a_packet_is_marked_with_where_it_goes() -> None:
    found = chains(ROUTER)
    assert found["ways_0"] == [f"ip daddr {ANY} meta mark set 1 accept"]
    assert found["ways_1"] == ["ip daddr 10.9.0.0/16 drop", f"ip daddr {ANY} goto to_nat_1"]
    assert found["to_nat_1"] == [f"ip daddr {ANY} meta mark set {MARK} accept", "drop"]
    assert found["to_public"][1:] == [
        "meta mark 1 snat ip to ip saddr map @public",
        f"meta mark {MARK} snat ip to 198.51.100.4",
    ]


def test_a_nat_gateway_that_is_not_there_drops() -> None:
    found = chains(replace(ROUTER, nats=()))
    assert found["ways_1"] == ["ip daddr 10.9.0.0/16 drop", f"ip daddr {ANY} drop"]
    assert not any("nat_1" in rule for rules in found.values() for rule in rules)


def test_what_passes_a_nat_gateway_passes_the_acl_of_its_subnet_twice() -> None:
    assert chains(ROUTER)["through_nat_1"] == [
        "ip saddr != 10.0.0.0/24 jump ingress_nat_1",
        "ip daddr != 10.0.0.0/24 jump egress_nat_1",
        "accept",
    ]
    assert chains(ROUTER)["egress_nat_1"] == ["tcp dport 80-80 return", "drop"]


def test_nothing_begins_with_this_machine() -> None:
    assert chains(ROUTER)["forward"][1] == "ip daddr 198.51.100.254 ct state new drop"
