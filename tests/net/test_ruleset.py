"""The text of rules, of an interface's document. That the kernel keeps them is the affair of tests/contract/test_packets.py."""

from dataclasses import asdict, replace

import pytest

from lab.core.vpc.documents import Fault, Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from services.net.ruleset import ruleset

FIREWALL = Firewall(
    subnet_cidr="10.0.1.0/24",
    acl=Acl("acl-1", (AclRule(100, True, Match(), "0.0.0.0/0"),), (AclRule(100, True, Match(), "0.0.0.0/0"),)),
    ingress=(
        Allow("sgr-1", "sg-app", Match("tcp", 8000, 8000), peer_group="sg-lb"),
        Allow("sgr-2", "sg-app", Match("tcp", 22, 22), "10.0.0.0/24"),
    ),
    egress=(Allow("sgr-3", "sg-app", Match(), "0.0.0.0/0"),),
    members={"sg-lb": ("10.0.0.4", "10.0.0.5")},
)
INTERFACE = Interface("eni-1", "vpc-1", "10.0.0.0/16", "10.0.255.254", "i-1", "10.0.1.4", "ip-10-0-1-4", FIREWALL)


def chains(interface: Interface) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in ruleset(asdict(interface), "eth0").splitlines():
        if line.startswith("  chain "):
            found[line.split()[1]] = rules = []
        elif line.startswith("    "):
            rules.append(line.strip())
    return found


def test_the_table_is_replaced_in_one_transaction_and_nothing_else_is_touched() -> None:
    lines = ruleset(asdict(INTERFACE), "eth0").splitlines()
    assert lines[:3] == ["table inet lab", "delete table inet lab", "table inet lab {"]
    assert lines[3] == "  set sg_lb { type ipv4_addr; elements = { 10.0.0.4, 10.0.0.5 }; }"
    assert lines[-1] == "}"


def test_groups_allow_by_member_and_by_block() -> None:
    assert chains(INTERFACE)["groups_in"] == [
        'tcp dport 8000-8000 ip saddr @sg_lb counter accept comment "sgr-1"',
        'tcp dport 22-22 ip saddr 10.0.0.0/24 counter accept comment "sgr-2"',
    ]
    assert chains(INTERFACE)["groups_out"] == ['counter accept comment "sgr-3"']


def test_a_block_of_the_vpc_does_not_mean_the_host() -> None:
    assert chains(INTERFACE)["groups_in_host"] == []
    open_to_all = replace(FIREWALL, ingress=(Allow("sgr-9", "sg", Match("tcp", 80, 80), "0.0.0.0/0"),))
    rules = chains(replace(INTERFACE, firewall=open_to_all))
    assert rules["groups_in_host"] == rules["groups_in"] == ['tcp dport 80-80 counter accept comment "sgr-9"']


def test_the_order_is_acl_then_tracking_then_groups() -> None:
    assert chains(INTERFACE)["input"] == [
        "type filter hook input priority filter; policy drop;",
        'iifname "lo" accept',
        'iifname != "eth0" accept',
        "ip saddr 10.0.255.254 jump acl_in_host",
        "ip saddr != { 10.0.1.0/24, 10.0.255.254 } jump acl_in",
        "ct state established,related accept",
        "ip saddr 10.0.255.254 jump groups_in_host",
        "ip saddr != 10.0.255.254 jump groups_in",
    ]


def test_an_acl_goes_on_by_returning_and_ends_by_denying() -> None:
    acl = Acl(
        "acl", (AclRule(90, False, Match(), "10.0.9.0/24"), AclRule(100, True, Match("tcp", 80, 80), "0.0.0.0/0"))
    )
    rules = chains(replace(INTERFACE, firewall=replace(FIREWALL, acl=acl)))
    assert rules["acl_in"] == ["ip saddr 10.0.9.0/24 drop", "tcp dport 80-80 return", "drop"]
    assert rules["acl_out"] == ["drop"]


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (Match("tcp", 0, 65535), "meta l4proto tcp"),
        (Match("udp", 53, 53), "udp dport 53-53"),
        (Match("icmp", -1, -1), "meta l4proto icmp"),
        (Match("icmp", 8, -1), "icmp type 8"),
        (Match("icmp", 3, 4), "icmp type 3 icmp code 4"),
        (Match("47"), "meta l4proto 47"),
    ],
)
def test_protocols(match: Match, words: str) -> None:
    firewall = replace(FIREWALL, ingress=(Allow("sgr-1", "sg", match, "0.0.0.0/0"),))
    assert chains(replace(INTERFACE, firewall=firewall))["groups_in"] == [f'{words} counter accept comment "sgr-1"']


def test_faults() -> None:
    cut = chains(replace(INTERFACE, fault=Fault(partition=True)))
    assert cut["input"][3] == cut["output"][3] == "drop"
    lossy = chains(replace(INTERFACE, fault=Fault(loss=2.5)))
    assert lossy["output"][3] == "numgen random mod 10000 < 250 drop"
    assert "drop" not in lossy["input"]
    assert chains(replace(INTERFACE, fault=Fault(loss=100)))["output"][3] == "drop"


def test_nothing_but_a_cut_stands_between_an_interface_and_its_resolver() -> None:
    rules = chains(replace(INTERFACE, resolver="10.0.0.2", fault=Fault(partition=True)))
    asking = [rules["output"].index(f"ip daddr 10.0.0.2 {protocol} dport 53 accept") for protocol in ("udp", "tcp")]
    assert rules["output"].index("drop") < min(asking)
    assert max(asking) < min(number for number, rule in enumerate(rules["output"]) if "jump" in rule)
    assert "ip saddr 10.0.0.2 udp sport 53 ct state established accept" in rules["input"]
    assert "ip daddr 169.254.169.253 udp dport 53 dnat ip to 10.0.0.2:53" in rules["resolver"]
    assert "resolver" not in chains(INTERFACE)
