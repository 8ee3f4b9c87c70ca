"""What a VPC's router is told (vpc:VPC_Route_Tables, VPC_Internet_Gateway, vpc-nat-gateway)."""

from dataclasses import replace

from lab.adapters.store import MemoryStore
from lab.core.ec2.model import (
    Address,
    Association,
    InternetGateway,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTable,
    Subnet,
    Vpc,
)
from lab.core.ec2.public import free_public, others, pool
from lab.core.vpc.routers import Leads, Way, routers, standing

ANY = "0.0.0.0/0"


def world() -> MemoryStore:
    """A public subnet with a NAT gateway, a private one behind it, and one with the main table."""
    store = MemoryStore()
    store.put(Vpc("vpc-1", "10.0.0.0/16"))
    store.put(InternetGateway("igw-1", "vpc-1"))
    for number, name in enumerate(("public", "private", "isolated")):
        store.put(Subnet(f"subnet-{name}", "vpc-1", f"10.0.{number}.0/24", f"us-east-1{'ab'[number % 2]}"))
    local = Route("10.0.0.0/16", "local", "CreateRouteTable")
    store.put(RouteTable("rtb-main", "vpc-1", (local,), (Association("a", main=True),)))
    out = (local, Route(ANY, "igw-1"))
    store.put(RouteTable("rtb-public", "vpc-1", out, (Association("b", "subnet-public"),)))
    through = (local, Route(ANY, "nat-1"), Route("10.9.0.0/16", "nat-gone"), Route("10.0.0.0/8", "igw-1"))
    store.put(RouteTable("rtb-private", "vpc-1", through, (Association("c", "subnet-private"),)))
    store.put(NetworkInterface("eni-nat", "subnet-public", "vpc-1", "10.0.0.4", (), "nat-1"))
    store.put(NetworkInterface("eni-web", "subnet-public", "vpc-1", "10.0.0.5", (), "i-1", public_ip="198.51.100.9"))
    store.put(NetworkInterface("eni-app", "subnet-private", "vpc-1", "10.0.1.4", (), "i-2"))
    store.put(Address("eipalloc-1", "198.51.100.4", "eipassoc-1", "eni-nat"))
    nat = NatGateway("nat-1", "subnet-public", "vpc-1", "eni-nat", "10.0.0.4", "available", 0.0, 0.0)
    store.put(replace(nat, allocation_id="eipalloc-1", public_ip="198.51.100.4"))
    return store


def test_each_subnet_has_its_tables_ways_the_longest_prefix_first() -> None:
    subnets = {ways.subnet_cidr: ways for ways in routers(world())["vpc-1"].subnets}
    assert subnets["10.0.0.0/24"].ways == (Way(ANY, Leads.INTERNET, "igw-1"),)
    assert subnets["10.0.1.0/24"].ways == (
        Way("10.9.0.0/16", Leads.NOWHERE, "nat-gone"),
        Way("10.0.0.0/8", Leads.INTERNET, "igw-1"),
        Way(ANY, Leads.NAT, "nat-1"),
    )
    assert (subnets["10.0.2.0/24"].table_id, subnets["10.0.2.0/24"].ways) == ("rtb-main", ())


def test_nat_gateways_have_their_address_for_others() -> None:
    router = routers(world())["vpc-1"]
    assert router.public == {"10.0.0.5": "198.51.100.9"}
    [nat] = router.nats
    assert (nat.public_ip, nat.ways) == ("198.51.100.4", (Way(ANY, Leads.INTERNET, "igw-1"),))


def test_one_that_has_gone_or_whose_zone_failed_is_none() -> None:
    store = world()
    assert standing(routers(store)["vpc-1"], frozenset({"us-east-1a"})).nats == ()
    assert standing(routers(store)["vpc-1"], frozenset({"us-east-1b"})).nats != ()
    row = store.get(NatGateway, "nat-1")
    assert row is not None
    store.put(replace(row, state="deleted"))
    router = routers(store)["vpc-1"]
    assert router.nats == ()
    assert Way(ANY, Leads.NOWHERE, "nat-1") in router.subnets[1].ways


def test_a_detached_gateway_leads_nowhere() -> None:
    store = world()
    store.put(InternetGateway("igw-1"))
    assert {way.leads for ways in routers(store)["vpc-1"].subnets for way in ways.ways} == {Leads.NOWHERE, Leads.NAT}


def test_the_pool_and_the_others_share_a_block() -> None:
    assert (pool("198.51.100.0/24")[0] & 255, pool("198.51.100.0/24")[-1] & 255) == (4, 191)
    assert others("198.51.100.0/24") == "198.51.100.192/26"
    taken = [f"198.51.100.{number}" for number in range(4, 191)]
    assert free_public("198.51.100.0/24", taken) == "198.51.100.191"
    assert free_public("198.51.100.0/24", [*taken, "198.51.100.191"]) is None
