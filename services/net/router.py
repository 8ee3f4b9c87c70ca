"""A VPC router's document as rules of nftables. Pure.

    from the VPC    the routes of the sender's subnet, the longest prefix first, decide where a packet goes:
                    to the internet gateway, if the sender has a public address, which it is translated to (1:1);
                    to a NAT gateway, past the network ACL of its subnet, translated to its address; into a black hole;
                    or nowhere: that is told to the sender at once
    to the VPC      what is sent to a public address, translated; answers, as long as what translated the question is there

Where a packet goes is written on it as a mark when it comes in (INTERNET, or the NAT gateway's public address as a number),
before its destination may be translated, and on its connection, so that answers of a gateway that has gone go nowhere. Nothing
gets to the address that this machine has on the internet's bridge unless it asked.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any

from services.net.ruleset import acl_rules, chain

INTERNET = 1
Part = Mapping[str, Any]


def router_ruleset(router: Part, *, vpc_device: str, inet_device: str, host: str) -> str:
    """The whole table, in place of the one before, as one transaction. `host` is this machine's address on the internet's
    bridge."""
    lines = ["table inet router", "delete table inet router", "table inet router {"]
    lines += _maps(router["public"])
    for number, subnet in enumerate(router["subnets"]):
        lines += chain(f"ways_{number}", _ways(subnet, router))
    for nat in router["nats"]:
        lines += chain(f"to_{_name(nat)}", _onward(nat))
        for side, peer in (("ingress", "saddr"), ("egress", "daddr")):
            lines += chain(f"{side}_{_name(nat)}", acl_rules(nat["acl"][side], peer))
        lines += chain(f"through_{_name(nat)}", _through(nat))
    lines += chain("routes", _routes(router, vpc_device))
    lines += chain("to_private", ("type nat hook prerouting priority dstnat;", "dnat ip to ip daddr map @private"))
    lines += chain("forward", _forward(router, vpc_device, inet_device, host))
    lines += chain("to_public", _translated(router))
    lines += chain("input", _input(vpc_device))
    return "\n".join([*lines, "}"]) + "\n"


def _maps(public: Mapping[str, str]) -> Iterator[str]:
    pairs = sorted(public.items())
    yield f"  set has_public {{ type ipv4_addr; {_elements(private for private, _ in pairs)} }}"
    yield f"  map private {{ type ipv4_addr : ipv4_addr; {_elements(f'{to} : {private}' for private, to in pairs)} }}"
    yield f"  map public {{ type ipv4_addr : ipv4_addr; {_elements(f'{private} : {to}' for private, to in pairs)} }}"


def _elements(items: Iterator[str]) -> str:
    text = ", ".join(items)
    return f"elements = {{ {text} }};" if text else ""


def _routes(router: Part, vpc_device: str) -> Iterator[str]:
    yield "type filter hook prerouting priority mangle;"
    for number, subnet in enumerate(router["subnets"]):
        yield (
            f'iifname "{vpc_device}" ip saddr {subnet["subnet_cidr"]} ip daddr != {router["vpc_cidr"]} goto ways_{number}'
        )


def _ways(subnet: Part, router: Part) -> Iterator[str]:
    names = {nat["nat_id"]: _name(nat) for nat in router["nats"]}
    for way in subnet["ways"]:
        if way["leads"] == "internet":
            verdict = f"meta mark set {INTERNET} accept"
        else:
            verdict = f"goto to_{names[way['target']]}" if way["target"] in names else "drop"
        yield f"ip daddr {way['destination']} {verdict}"


def _onward(nat: Part) -> Iterator[str]:
    """From the NAT gateway on, by the routes of its own subnet."""
    for way in nat["ways"]:
        verdict = f"meta mark set {_mark(nat)} accept" if way["leads"] == "internet" else "drop"
        yield f"ip daddr {way['destination']} {verdict}"
    yield "drop"


def _forward(router: Part, vpc_device: str, inet_device: str, host: str) -> Iterator[str]:
    yield "type filter hook forward priority filter; policy drop;"
    yield f"ip daddr {host} ct state new drop"
    yield f'iifname "{vpc_device}" ip saddr != {router["vpc_cidr"]} drop'
    yield "ct state related accept"
    yield f'iifname "{vpc_device}" meta mark 0 reject with icmp net-unreachable'
    yield f"meta mark {INTERNET} ip saddr @has_public ct mark set {INTERNET} accept"
    for nat in router["nats"]:
        yield f"meta mark {_mark(nat)} ct mark set {_mark(nat)} jump through_{_name(nat)}"
        yield f'iifname "{inet_device}" ct direction reply ct mark {_mark(nat)} jump through_{_name(nat)}'
    yield f'iifname "{inet_device}" ct direction reply ct mark {INTERNET} ip daddr @has_public accept'
    yield f'iifname "{inet_device}" ct status dnat ip daddr @has_public accept'


def _through(nat: Part) -> Iterator[str]:
    """Into the gateway's subnet and out of it again: its network ACL looks at what crosses the boundary."""
    within = nat["subnet_cidr"]
    yield f"ip saddr != {within} jump ingress_{_name(nat)}"
    yield f"ip daddr != {within} jump egress_{_name(nat)}"
    yield "accept"


def _translated(router: Part) -> Iterator[str]:
    yield "type nat hook postrouting priority srcnat;"
    yield f"meta mark {INTERNET} snat ip to ip saddr map @public"
    for nat in router["nats"]:
        yield f"meta mark {_mark(nat)} snat ip to {nat['public_ip']}"


def _input(vpc_device: str) -> Iterator[str]:
    yield "type filter hook input priority filter; policy drop;"
    yield 'iifname "lo" accept'
    yield "ct state established,related accept"
    yield f'iifname "{vpc_device}" icmp type echo-request accept'


def _mark(nat: Part) -> int:
    return int(IPv4Address(nat["public_ip"]))


def _name(nat: Part) -> str:
    return str(nat["nat_id"]).replace("-", "_")
