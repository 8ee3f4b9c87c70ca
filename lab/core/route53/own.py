"""The names AWS itself keeps: of instances, load balancers and databases (vpc:vpc-dns; aws-facts §1.1, §7.2, §8).

| name | type | answer |
|---|---|---|
| `ip-10-0-1-5.ec2.internal` | A | the interface's private address |
| `5.1.0.10.in-addr.arpa`, of private addresses | PTR | the name above |
| `ec2-198-51-100-4.compute-1.amazonaws.com` | A | inside the VPC the private address, elsewhere the public one |
| `NAME-DIGITS.us-east-1.elb.amazonaws.com` | A | the load balancer's nodes |
| `ID.HASH.us-east-1.rds.amazonaws.com` | A | the database's private address |
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address

from lab.core.ec2.addresses import private_dns_name
from lab.core.ec2.model import NetworkInterface, Vpc
from lab.core.ec2.public import public_addresses, public_dns_name
from lab.core.rds.model import DBInstance
from lab.core.route53 import balancers
from lab.core.route53.names import is_under
from lab.core.route53.policy import shuffled
from lab.core.route53.view import Source, View

INSTANCE_TTL = 60
DATABASE_TTL = 5
"""Seconds, as live names show; AWS publishes neither."""
_REVERSE = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.")
_FORWARD = re.compile(r"(?:ip|ec2)-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\..*")

Found = tuple[str, int, Sequence[str]]
"""The type of what a name has, its time to live in seconds, and the values."""


def apex(name: str, region: str) -> str | None:
    """The zone of AWS's that the name is in."""
    inside, outside = (
        text.partition(".")[2] + "."
        for text in (private_dns_name("0.0.0.0", region), public_dns_name("0.0.0.0", region))
    )
    zones = (inside, outside, f"{region}.elb.amazonaws.com.", f"{region}.rds.amazonaws.com.")
    reverse = _reversed(name)
    if reverse is not None and reverse.is_private:
        return "in-addr.arpa."
    return next((zone for zone in zones if is_under(name, zone)), None)


def find(view: View, name: str, source: Source) -> Found | None:
    """What there is under one of AWS's names; None when there is nobody of that name."""
    balancer = balancers.balancer_named(view.store, name)
    if balancer is not None:
        return ("A", balancers.TTL, shuffled(balancers.addresses(view, balancer), view.draw))
    databases = view.store.where(DBInstance, "dns_name", name.removesuffix("."))
    if databases:
        return ("A", DATABASE_TTL, [databases[0].private_ip_address])
    return _reverse(view, name, source) or _instance(view, name, source)


def _reverse(view: View, name: str, source: Source) -> Found | None:
    address = _reversed(name)
    if address is None or _interface(view, str(address), source) is None:
        return None
    return ("PTR", INSTANCE_TTL, [f"{private_dns_name(str(address), view.region)}."])


def _reversed(name: str) -> IPv4Address | None:
    """The address that a name of in-addr.arpa stands for."""
    found = _REVERSE.fullmatch(name)
    try:
        return None if found is None else IPv4Address(".".join(reversed(found.groups())))
    except AddressValueError:
        return None


def _instance(view: View, name: str, source: Source) -> Found | None:
    found = _FORWARD.fullmatch(name)
    if found is None:
        return None
    address = ".".join(found.groups())
    if name == f"{private_dns_name(address, view.region)}.":
        return None if _interface(view, address, source) is None else ("A", INSTANCE_TTL, [address])
    if name == f"{public_dns_name(address, view.region)}.":
        return _public(view, address, source)
    return None


def _public(view: View, address: str, source: Source) -> Found | None:
    holder = next((key for key, public in public_addresses(view.store).items() if public == address), None)
    interface = None if holder is None else view.store.get(NetworkInterface, holder)
    vpc = None if interface is None else view.store.get(Vpc, interface.vpc_id)
    if interface is None or vpc is None or not vpc.enable_dns_hostnames:
        return None
    inside = source.vpc_id == vpc.vpc_id
    return ("A", INSTANCE_TTL, [interface.private_ip_address if inside else address])


def _interface(view: View, address: str, source: Source) -> NetworkInterface | None:
    rows = view.store.where(NetworkInterface, "private_ip_address", address)
    return next((row for row in rows if source.vpc_id in ("", row.vpc_id)), None)
