"""A network interface's document as rules of nftables. Pure.

    in    from lo, or from another device (a load balancer node's way to the control plane): passes
          from outside of the subnet: the network ACL's rules, by number, the first that matches decides
          of a tracked connection: passes
          a rule of a security group admits it: passes
          else it is lost, without an answer

and likewise out. Connections are tracked by the kernel apart from the rules, so they live on when the table is replaced; the
ACL comes first because it is stateless: it looks at answers, too.

The host's own address on the bridge, from which comes what was sent to a published port, plays the internet: rules for
blocks inside the VPC do not mean it, and nothing can be opened toward it.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from services.net.imds import ADDRESS, PORT

ANYWHERE = "0.0.0.0/0"
_PARTS = 10_000
"""What a probability is counted in."""
RESOLVER = "169.254.169.253"
"""Where the VPC's resolver is, too, from everywhere (vpc:vpc-dns)."""
METADATA = (
    "type nat hook output priority -100; policy accept;",
    f"ip daddr {ADDRESS} tcp dport 80 dnat ip to {ADDRESS}:{PORT}",
)
"""Before the filter: to itself, so over lo, where nothing else looks (vpc:vpc-network-acls: neither ACL nor group can)."""
Rule = Mapping[str, Any]


def ruleset(interface: Mapping[str, Any], device: str) -> str:
    """The whole table, in place of the one before, as one transaction."""
    firewall = interface["firewall"]
    vpc = IPv4Network(interface["vpc_cidr"])
    lines = ["table inet lab", "delete table inet lab", "table inet lab {"]
    for group, members in sorted(firewall["members"].items()):
        elements = f"elements = {{ {', '.join(members)} }};" if members else ""
        lines.append(f"  set {_name(group)} {{ type ipv4_addr; {elements} }}")
    acl = firewall["acl"]
    for way, peer in (("in", "saddr"), ("out", "daddr")):
        side = "ingress" if way == "in" else "egress"
        lines += chain(f"acl_{way}", acl_rules(acl[side], peer))
        lines += chain(f"acl_{way}_host", acl_rules(_beyond(acl[side], vpc), peer))
        lines += chain(f"groups_{way}", _groups(firewall[side], peer))
        lines += chain(f"groups_{way}_host", _groups(_beyond(firewall[side], vpc), peer))
        lines += _hook(way, peer, device, interface)
    if interface["metadata"] is not None:
        lines += chain("metadata", METADATA)
    if interface["resolver"]:
        lines += chain("resolver", _resolver(interface["resolver"]))
    lines.append("}")
    return "\n".join(lines) + "\n"


def _resolver(address: str) -> Iterator[str]:
    yield "type nat hook output priority -100; policy accept;"
    for protocol in ("udp", "tcp"):
        yield f"ip daddr {RESOLVER} {protocol} dport 53 dnat ip to {address}:53"


def _hook(way: str, peer: str, device: str, interface: Rule) -> list[str]:
    subnet, host, fault = interface["firewall"]["subnet_cidr"], interface["host"], interface["fault"]
    hook, iface = ("input", "iifname") if way == "in" else ("output", "oifname")
    # Nothing is on the host's side of the bridge that AWS would have there: connections to it are not begun.
    to_host = f"ip {peer} {host} jump groups_in_host" if way == "in" else f"ip {peer} {host} drop"
    rules = [
        f"type filter hook {hook} priority filter; policy drop;",
        f'{iface} "lo" accept',
        f'{iface} != "{device}" accept',
        *(["drop"] if fault["partition"] else []),
        *(_lost(fault["loss"]) if way == "out" else []),
        *(_names(way, interface["resolver"]) if interface["resolver"] else []),
        f"ip {peer} {host} jump acl_{way}_host",
        f"ip {peer} != {{ {subnet}, {host} }} jump acl_{way}",
        "ct state established,related accept",
        to_host,
        f"ip {peer} != {host} jump groups_{way}",
    ]
    return chain(hook, rules)


def _names(way: str, resolver: str) -> Iterator[str]:
    """Neither groups nor ACLs stand between an instance and its resolver (vpc:vpc-dns)."""
    for protocol in ("udp", "tcp"):
        if way == "out":
            yield f"ip daddr {resolver} {protocol} dport 53 accept"
        else:
            yield f"ip saddr {resolver} {protocol} sport 53 ct state established accept"


def _lost(percent: float) -> Iterator[str]:
    """Of what leaves. Here and not by netem, which not every kernel has."""
    if percent >= 100:
        yield "drop"
    elif percent > 0:
        yield f"numgen random mod {_PARTS} < {round(percent * _PARTS / 100)} drop"


def chain(name: str, rules: Iterable[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]


def acl_rules(rules: Iterable[Rule], peer: str) -> Iterator[str]:
    """`return` goes on to the security groups."""
    for rule in rules:
        words = (_match(rule["match"]), _block(rule["cidr"], peer), "return" if rule["allow"] else "drop")
        yield " ".join(filter(None, words))
    yield "drop"


def _groups(rules: Iterable[Rule], peer: str) -> Iterator[str]:
    for rule in rules:
        source = f"ip {peer} @{_name(rule['peer_group'])}" if rule["peer_group"] else _block(rule["cidr"], peer)
        words = (_match(rule["match"]), source, f'counter accept comment "{rule["rule_id"]}"')
        yield " ".join(filter(None, words))


def _beyond(rules: Iterable[Rule], vpc: IPv4Network) -> list[Rule]:
    """Those that may mean an address outside of the VPC."""
    return [rule for rule in rules if rule["cidr"] and not IPv4Network(rule["cidr"]).subnet_of(vpc)]


def _block(cidr: str, peer: str) -> str:
    return "" if cidr == ANYWHERE else f"ip {peer} {cidr}"


def _match(match: Mapping[str, Any]) -> str:
    protocol, first, last = match["protocol"], match["first"], match["last"]
    if protocol == "-1":
        return ""
    if protocol in ("tcp", "udp"):
        every = (first, last) in ((-1, -1), (0, 65535))
        return f"meta l4proto {protocol}" if every else f"{protocol} dport {first}-{last}"
    if protocol == "icmp":
        kind = f"icmp type {first}" if first >= 0 else "meta l4proto icmp"
        return f"{kind} icmp code {last}" if first >= 0 and last >= 0 else kind
    return f"meta l4proto {protocol}"


def _name(group: str) -> str:
    """A group's set: nftables takes no dashes in names."""
    return group.replace("-", "_")
