"""What a health check tries, and where an address of the lab is dialled."""

from dataclasses import replace
from typing import Any

import pytest

from lab.adapters.store import MemoryStore
from lab.core.machines import Site
from lab.core.rds.model import DBInstance
from lab.core.route53.model import HealthCheck
from lab.core.route53.probe import Probe, door, probe_of
from tests.core.rows import NOW, A, balancer, instance
from tests.core.zones import Dns

DOOR = ("127.0.0.1", 8080)
SITE = Site("http://control", {80: 8080})


@pytest.mark.parametrize(
    ("config", "probe"),
    [
        ({"Type": "TCP", "Port": 22}, Probe("x", "TCP", *DOOR, name="192.0.2.1:22")),
        ({"Type": "HTTP", "Port": 80}, Probe("x", "HTTP", *DOOR, name="192.0.2.1")),
        ({"Type": "HTTP", "Port": 81, "ResourcePath": "ok?a=b"},
         Probe("x", "HTTP", *DOOR, name="192.0.2.1:81", path="/ok?a=b")),
        ({"Type": "HTTPS", "Port": 80}, Probe("x", "HTTPS", *DOOR, name="192.0.2.1:80")),
        ({"Type": "HTTPS", "Port": 443, "FullyQualifiedDomainName": "a.lab", "EnableSNI": True},
         Probe("x", "HTTPS", *DOOR, name="a.lab", server_name="a.lab")),
        ({"Type": "HTTP_STR_MATCH", "Port": 80, "SearchString": "ok"},
         Probe("x", "HTTP", *DOOR, name="192.0.2.1", search="ok")),
    ],
)  # fmt: skip
def test_a_probe(config: dict[str, Any], probe: Probe) -> None:
    assert probe_of(HealthCheck("x", "x", {"EnableSNI": False, **config}), "192.0.2.1", DOOR) == probe


@pytest.mark.parametrize(
    ("address", "port", "by_name", "where"),
    [
        ("10.0.1.4", 80, False, ("127.0.0.1", 8081)),
        ("10.0.1.4", 80, True, ("lb-1", 80)),
        ("198.51.100.4", 80, False, ("127.0.0.1", 8080)),
        ("10.0.10.4", 8000, False, ("127.0.0.1", 41000)),
        ("10.0.10.4", 9000, False, ("10.0.10.4", 9000)),
        ("10.0.20.4", 5432, False, ("127.0.0.1", 42000)),
        ("192.0.2.1", 80, False, ("192.0.2.1", 80)),
    ],
)
def test_a_door(address: str, port: int, by_name: bool, where: tuple[str, int]) -> None:
    dns = Dns()
    dns.interface("vpc-1", "10.0.0.4", "198.51.100.4")
    row = balancer()
    node = replace(row.nodes[0], network_interface_id="eni-vpc-1-10.0.0.4")
    dns.store.put(replace(row, nodes=(node, row.nodes[1])))
    dns.store.put(instance("1", endpoints={"8000": "127.0.0.1:41000"}))
    dns.store.put(database())
    assert door(dns.store, replace(SITE, nodes_by_name=by_name), address, port) == where


def test_a_database_that_has_not_run_is_where_it_will_be() -> None:
    store = MemoryStore()
    store.put(replace(database(), endpoint_address="", endpoint_port=0))
    assert door(store, SITE, "10.0.20.4", 5432) == ("10.0.20.4", 5432)


def database() -> DBInstance:
    return DBInstance("shop", "db.t4g.micro", "postgres", "17", "shop", "shop", "x", 5432, "g", (), A, "vpc-1", "subnet-1",
                      "eni-1", "10.0.20.4", "shop.rds", NOW, "available", "", "127.0.0.1", 42000)  # fmt: skip
