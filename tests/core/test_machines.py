"""Rows → specifications of machines: ports by zone and slot, and a hash that changes when it must and only then."""

from dataclasses import replace

import pytest

from lab.core.compute import MachineSpec, Role
from lab.core.ec2.model import Vpc
from lab.core.machines import Site, database_spec, instance_spec, network, node_spec, published_port
from lab.core.rds.model import DBInstance
from tests.core.rows import NOW, A, B, balancer, instance, listener, node

SITE = Site("http://127.0.0.1:4566", {80: 8080, 443: 8443})
THREE = (node(0), node(1, B), node(2, "us-east-1c"))


def spec(index: int = 0, slot: int = 0, ports: tuple[int, ...] = (80,), site: Site = SITE) -> MachineSpec:
    owner = balancer(slot=slot, nodes=THREE)
    return node_spec(owner, owner.nodes[index], [listener(port) for port in ports], site)


@pytest.mark.parametrize(
    ("listener_port", "slot", "index", "published"),
    [
        (80, 0, 0, 8080),
        (80, 0, 1, 8081),
        (80, 0, 2, 8082),
        (80, 1, 0, 8090),
        (80, 1, 1, 8091),
        (443, 0, 0, 8443),
        (443, 0, 1, 8444),
        (443, 2, 2, 8465),
        (81, 0, 1, 8082),
        (9000, 0, 0, 9000),
        (9000, 2, 1, 9021),
    ],
)
def test_published_ports(listener_port: int, slot: int, index: int, published: int) -> None:
    assert published_port(balancer(slot=slot, nodes=THREE), index, listener_port, SITE) == published


def test_the_well_known_ports_are_there_before_any_listener() -> None:
    assert numbers(spec(ports=())) == [(80, 8080), (443, 8443), (9901, None)]


def test_metrics_give_way_to_a_listener() -> None:
    made = spec(ports=(80, 9901))
    assert numbers(made) == [(80, 8080), (443, 8443), (9901, 9901), (9902, None)]
    assert made.environment["LB_METRICS"] == "{port:9902}"


def numbers(made: MachineSpec) -> list[tuple[int, int | None]]:
    return [(port.number, port.published) for port in made.ports]


def test_a_node_is_told_what_it_needs() -> None:
    made = spec(1)
    assert (made.id, made.role, made.zone, made.control) == ("lb-1", Role.NODE, B, True)
    assert made.environment == {
        "LB_NODE_ID": "lb-1",
        "LB_ZONE": B,
        "LB_CONTROL_URL": "http://127.0.0.1:4566",
        "LB_NODE_TOKEN": "token-1",
        "LB_BIND": "{bind}",
        "LB_ADDRESS": "10.0.1.4",
        "LB_PORTS": "80={port:80},443={port:443}",
        "LB_DATA": "{data}",
        "LB_WORKERS": "1",
        "LB_METRICS": "{port:9901}",
    }


def test_no_two_nodes_publish_the_same_port() -> None:
    """As many load balancers as there may be, three zones each."""
    published = [
        port.published
        for slot in range(50)
        for index in (0, 1, 2)
        for port in spec(index, slot).ports
        if port.published is not None
    ]
    assert len(published) == len(set(published))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (spec(), True),
        (spec(ports=()), True),  # a first listener on a well-known port costs no new node
        (spec(ports=(80, 443)), True),
        (spec(ports=(80, 9000)), False),
        (spec(site=Site("http://127.0.0.1:9999", {80: 8080, 443: 8443})), False),
        (spec(site=Site("http://127.0.0.1:4566", {80: 9080, 443: 8443})), False),
        (spec(site=Site("http://127.0.0.1:4566", {80: 8080, 443: 9443})), False),
        (spec(1), False),
    ],
)
def test_a_nodes_hash_changes_when_it_must(other: MachineSpec, same: bool) -> None:
    assert (other.template_hash == spec().template_hash) is same


def test_an_instance_is_told_who_it_is() -> None:
    made = instance_spec(instance("1", user_data="aGk=", launch_template_version=4), "web", metadata=False)
    assert (made.id, made.role, made.image, made.vcpus, made.group) == ("i-1", Role.INSTANCE, "app", 0.5, "web")
    assert made.environment["LAB_USER_DATA"] == "aGk="
    assert made.environment["LAB_LAUNCH_TEMPLATE_VERSION"] == "4"
    told = instance_spec(instance("1", user_data="aGk="), "web", metadata=True).environment
    assert told == {"LAB_METADATA": "http://169.254.169.254/latest/"}  # the rest it hears there
    assert [(port.number, port.published) for port in made.ports] == [(8000, None)]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"state": "running", "since": NOW + 9}, True),
        ({"endpoints": {"8000": "127.0.0.1:1"}}, True),
        ({"tags": {"a": "b"}}, True),
        ({"user_data": "aGk="}, False),
        ({"instance_type": "t3.small"}, False),
    ],
)
def test_an_instances_hash_is_of_what_cannot_change(change: dict[str, object], same: bool) -> None:
    before = instance_spec(instance("1", state="pending"), "web", metadata=False)
    assert (instance_spec(instance("1", **change), "web", metadata=False).template_hash == before.template_hash) is same


DATABASE = DBInstance(
    "shop-db", "db.t4g.micro", "postgres", "17", "shop", "shop", "secret123", 5432, "db", ("sg-1",), A, "vpc-1", "subnet-1",
    "eni-7", "10.0.20.4", "shop-db.x.us-east-1.rds.amazonaws.com", NOW, "creating",
)  # fmt: skip


def test_a_database() -> None:
    made = database_spec(DATABASE)
    assert (made.id, made.role, made.image, made.group) == ("db-7", Role.DATABASE, "postgres", "shop-db")
    assert made.hostnames == (DATABASE.dns_name,)
    assert made.data_path is not None
    assert database_spec(replace(DATABASE, status="available")).template_hash == made.template_hash


def test_a_network_has_the_hosts_own_address() -> None:
    assert network(Vpc("vpc-1", "10.0.0.0/16")).gateway == "10.0.255.254"
