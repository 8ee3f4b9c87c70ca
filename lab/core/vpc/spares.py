"""Network interfaces that are worth having ready: for the addresses that the next instances of each group will get. Pure.

An interface on Docker is a container, and takes about as long to start as the machine itself. One that waits at the address
makes a launch cost one container and not two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.ec2.addresses import private_host_name, usable
from lab.core.ec2.model import NetworkInterface, Subnet, Vpc
from lab.core.store import Store
from lab.core.vpc.resolver import resolver_address

EACH = 1
"""Ready in each subnet of a group: a group launches into its subnets in turn."""
KINDS = (AutoScalingGroup, NetworkInterface, Subnet, Vpc)


@dataclass(frozen=True, slots=True)
class Spare:
    vpc_id: str
    zone: str
    address: str
    resolver: str = ""

    @property
    def hostname(self) -> str:
        return private_host_name(self.address)


def spares(store: Store) -> frozenset[Spare]:
    """By the rule that gives addresses: the lowest free ones (`lab.core.ec2.addresses`)."""
    return store.derived(_spares, *KINDS)


def _spares(store: Store) -> frozenset[Spare]:
    subnets = {subnet_id for group in store.all(AutoScalingGroup) for subnet_id, _ in group.subnets}
    return frozenset(one for subnet_id in subnets for one in _of(store, subnet_id))


def _of(store: Store, subnet_id: str) -> Iterator[Spare]:
    subnet = store.get(Subnet, subnet_id)
    vpc = None if subnet is None else store.get(Vpc, subnet.vpc_id)
    if subnet is None or vpc is None or vpc.deleting:
        return
    taken = {row.private_ip_address for row in store.where(NetworkInterface, "subnet_id", subnet_id)}
    free = (address for address in usable(subnet.cidr_block, vpc.cidr_block) if address not in taken)
    for address in islice(free, EACH):
        yield Spare(vpc.vpc_id, subnet.availability_zone, address, resolver_address(vpc))
