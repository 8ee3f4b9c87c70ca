"""Which network interfaces are worth having ready."""

from lab.adapters.store import MemoryStore
from lab.core.ec2.model import NetworkInterface, Subnet, Vpc
from lab.core.vpc.spares import Spare, spares
from tests.core.rows import group


def test_the_next_address_of_each_subnet_of_a_group() -> None:
    store = MemoryStore()
    store.put(Vpc("vpc-1", "10.0.0.0/16"))
    for number, zone in enumerate("ab"):
        store.put(Subnet(f"subnet-{zone}", "vpc-1", f"10.0.{number}.0/28", f"us-east-1{zone}"))
    assert spares(store) == frozenset()
    store.put(group(subnets=(("subnet-a", "us-east-1a"), ("subnet-b", "us-east-1b"), ("subnet-gone", "us-east-1c"))))
    store.put(NetworkInterface("eni-1", "subnet-a", "vpc-1", "10.0.0.4", (), "i-1"))
    assert spares(store) == {
        Spare("vpc-1", "us-east-1a", "10.0.0.5", "10.0.0.2"),
        Spare("vpc-1", "us-east-1b", "10.0.1.4", "10.0.0.2"),
    }
    for number in range(4, 15):
        store.put(NetworkInterface(f"eni-b{number}", "subnet-b", "vpc-1", f"10.0.1.{number}", (), "i-2"))
    assert {one.zone for one in spares(store)} == {"us-east-1a"}
