"""Private addresses: which a subnet has, and which are taken (vpc:subnet-sizing).

AWS keeps the first four addresses and the last of every subnet. The lab keeps one more: the last usable address of the
VPC, which is the host's own on the VPC's bridge (`vpc_gateway`).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

RESERVED_PER_SUBNET = 5


def vpc_gateway(cidr_block: str) -> str:
    """The host's address on the bridge of the VPC: the last but one of the block."""
    return str(IPv4Network(cidr_block)[-2])


def usable(subnet: str, vpc: str) -> Iterable[str]:
    """The addresses of the subnet that may be given to a network interface, lowest first."""
    network, kept = IPv4Network(subnet), int(IPv4Address(vpc_gateway(vpc)))
    first = int(network.network_address)
    numbers = range(first + 4, first + network.num_addresses - 1)
    return (_dotted(number) for number in numbers if number != kept)


def _dotted(number: int) -> str:
    """What `IPv4Address` would say, at a tenth of its cost: a subnet may have thousands of addresses to pass over."""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def free_address(subnet: str, vpc: str, taken: Iterable[str]) -> str | None:
    """The lowest free address of the subnet, or None when all are taken."""
    used = set(taken)
    return next((address for address in usable(subnet, vpc) if address not in used), None)


def available_count(subnet: str, vpc: str, taken: Iterable[str]) -> int:
    """AvailableIpAddressCount of the subnet."""
    network = IPv4Network(subnet)
    kept = IPv4Address(vpc_gateway(vpc)) in network
    used = sum(1 for address in set(taken) if IPv4Address(address) in network)
    return (
        network.num_addresses - RESERVED_PER_SUBNET - int(kept and network[-2] == IPv4Address(vpc_gateway(vpc))) - used
    )


def private_dns_name(address: str, region: str) -> str:
    """`ip-10-0-0-4.ec2.internal`, or with the region elsewhere (ec2:ec2-instance-naming)."""
    host = private_host_name(address)
    return f"{host}.ec2.internal" if region == "us-east-1" else f"{host}.{region}.compute.internal"


def private_host_name(address: str) -> str:
    """What an instance calls itself (ec2:ec2-instance-naming, IP name)."""
    return "ip-" + address.replace(".", "-")
