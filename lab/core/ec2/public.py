"""Public addresses: the pool the lab has, who has which, and who should have one (vpc:vpc-ip-addressing, ec2:using-instance-
addressing).

An interface has at most one: an elastic address, or, if it asks for one and its owner runs, one of the pool that it loses when
the owner stops. An elastic address takes the place of the other, which goes back; when it is taken away, another comes.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from lab.core.ec2.model import Address, Instance, NetworkInterface
from lab.core.store import Store

POOL = "198.51.100.0/24"
"""What the lab's internet is made of unless it is told otherwise (RFC 5737, TEST-NET-2)."""
FIRST = 4
"""The pool begins here and ends where the last quarter of the block begins, which is for who else is on the internet."""
ELASTIC_ADDRESSES = 5
"""Most of them in a Region (vpc:amazon-vpc-limits)."""
ALIVE = ("pending", "running")


def pool(block: str) -> range:
    """The addresses that may be given out, as numbers."""
    network = IPv4Network(block)
    first = int(network.network_address)
    return range(first + FIRST, first + network.num_addresses * 3 // 4)


def others(block: str) -> str:
    """The last quarter of the block: routers, and clients that play somebody on the internet."""
    return str(list(IPv4Network(block).subnets(prefixlen_diff=2))[3])


def free_public(block: str, taken: Iterable[str]) -> str | None:
    """The lowest free address of the pool, or None when all are taken."""
    used = set(taken)
    dotted = (".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0)) for number in pool(block))
    return next((address for address in dotted if address not in used), None)


def taken(store: Store) -> set[str]:
    held = {row.public_ip for row in store.all(Address)} | {row.public_ip for row in store.all(NetworkInterface)}
    return held - {""}


def public_addresses(store: Store) -> Mapping[str, str]:
    """By network interface, for those that have one."""
    return store.derived(_public_addresses, Address, NetworkInterface)


def _public_addresses(store: Store) -> dict[str, str]:
    found = {row.network_interface_id: row.public_ip for row in store.all(NetworkInterface) if row.public_ip}
    found.update({row.network_interface_id: row.public_ip for row in store.all(Address) if row.network_interface_id})
    return found


def wants(store: Store, interface: NetworkInterface, elastic: frozenset[str]) -> bool:
    """Whether it should have an address of the pool now; `elastic` are the interfaces with an elastic one."""
    owner = store.get(Instance, interface.owner)
    alive = owner is None or owner.state in ALIVE
    return interface.public and alive and interface.network_interface_id not in elastic


def public_dns_name(address: str, region: str) -> str:
    """`ec2-198-51-100-4.compute-1.amazonaws.com`, or with the region elsewhere (vpc:vpc-dns)."""
    zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com"
