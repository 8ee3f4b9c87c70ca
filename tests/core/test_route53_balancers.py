"""The names of load balancers and databases, which zones are withdrawn, and what an alias makes of targets' health."""

from dataclasses import replace

import pytest

from lab.core.arc_zonal_shift import ZonalShift
from lab.core.elbv2.model import HOSTED_ZONE
from lab.core.rds.model import DBInstance
from tests.core.rows import TG, A, B, balancer, forward, instance, listener, registration, target_group
from tests.core.zones import NOW, Dns

NAME = "Web-1.us-east-1.elb.amazonaws.com"
WEB = f"{NAME.lower()}."
BOTH = ["10.0.0.4", "10.0.1.4"]
COUNT, PERCENTAGE = (
    f"target_group_health.dns_failover.minimum_healthy_targets.{unit}" for unit in ("count", "percentage")
)
OFF = {"load_balancing.cross_zone.enabled": "false"}


def site(targets: dict[str, str], **attributes: str) -> Dns:
    """Two nodes, and targets by name with their zones; one whose name begins with `s` is sick."""
    dns = Dns()
    dns.store.put(balancer(dns_name=NAME))
    dns.store.put(listener())
    dns.store.put(target_group(attributes=attributes))
    for name, zone in targets.items():
        dns.store.put(instance(name, availability_zone=zone))
        dns.store.put(registration(name))
        if name.startswith("s"):
            dns.sick.add(registration(name).key)
    return dns


def test_a_balancers_name_has_an_address_a_zone() -> None:
    dns = site({"1": A})
    found = dns.ask(WEB)
    assert (found.records[0].ttl, sorted(found.records[0].values)) == (60, BOTH)
    assert dns.shares(WEB) == {one: pytest.approx(0.5, abs=0.1) for one in BOTH}
    assert dns.ask(WEB, "AAAA").rcode == "NOERROR"
    assert dns.ask("no-1.us-east-1.elb.amazonaws.com.").rcode == "NXDOMAIN"


@pytest.mark.parametrize(("scheme", "first"), [("internet-facing", "198.51.100.4"), ("internal", "10.0.0.4")])
def test_one_that_faces_the_internet_has_its_public_addresses(scheme: str, first: str) -> None:
    dns = Dns()
    row = balancer(scheme=scheme)
    dns.interface("vpc-1", "10.0.0.4", "198.51.100.4")
    node = replace(row.nodes[0], network_interface_id="eni-vpc-1-10.0.0.4")
    dns.store.put(replace(row, nodes=(node, row.nodes[1])))
    assert dns.values(WEB) == sorted([first, "10.0.1.4"])


@pytest.mark.parametrize(
    ("targets", "attributes", "addresses"),
    [
        ({"1": A, "s2": B}, OFF, ["10.0.0.4"]),
        ({"1": A, "s2": B}, {}, BOTH),  # the targets of all zones count for each
        ({"1": A}, OFF, ["10.0.0.4"]),  # nobody there is as bad as nobody well
        ({"s1": A, "s2": B}, OFF, BOTH),  # when all have failed, all are given
        ({}, OFF, BOTH),
        ({"1": A, "2": B, "3": B}, {**OFF, COUNT: "2"}, ["10.0.1.4"]),
        ({"1": A, "s2": A, "3": B}, {**OFF, PERCENTAGE: "60"}, ["10.0.1.4"]),
        ({"1": A, "s2": B}, {**OFF, COUNT: "off"}, BOTH),
        ({"1": A, "s2": B}, {**OFF, COUNT: "off", PERCENTAGE: "1"}, ["10.0.0.4"]),
    ],
)
def test_a_zone_that_has_failed_is_withdrawn(
    targets: dict[str, str], attributes: dict[str, str], addresses: list[str]
) -> None:
    assert site(targets, **attributes).values(WEB) == addresses


def test_a_node_that_is_dead_or_whose_zone_is_shifted_away_from_is_withdrawn() -> None:
    dns = site({"1": A, "2": B})
    dns.dead.add("lb-0")
    assert dns.values(WEB) == ["10.0.1.4"]
    dns.dead.add("lb-1")
    assert dns.values(WEB) == BOTH
    dns.dead.clear()
    dns.store.put(balancer(dns_name=NAME, attributes={"zonal_shift.config.enabled": "true"}))
    dns.store.put(ZonalShift("shift", "arn:lb", B, B, NOW - 1, NOW + 1, "drill"))
    assert dns.values(WEB) == ["10.0.0.4"]


def test_an_alias_is_the_balancer_with_or_without_its_prefix() -> None:
    dns = site({"1": A})
    dns.alias("shop.lab.", WEB, HOSTED_ZONE)
    dns.alias("www.shop.lab.", f"dualstack.{WEB}", HOSTED_ZONE)
    dns.alias("www.shop.lab.", f"dualstack.{WEB}", HOSTED_ZONE, kind="AAAA")
    dns.alias("old.shop.lab.", f"old.{WEB}", HOSTED_ZONE)
    [record] = dns.ask("shop.lab.").records
    assert (record.name, record.ttl, sorted(record.values)) == ("shop.lab.", 60, BOTH)
    assert dns.values("www.shop.lab.") == BOTH
    assert dns.values("www.shop.lab.", "AAAA") == dns.values("old.shop.lab.") == []


@pytest.mark.parametrize(
    ("targets", "groups", "healthy"),
    [
        ({"1": A}, [(TG, 1)], True),
        ({"1": A, "s2": B}, [(TG, 1)], True),
        ({"s1": A}, [(TG, 1)], False),
        ({}, [(TG, 1)], False),
        ({"1": A}, [(TG, 1), ("arn:empty", 1)], False),  # every target group must have one
    ],
)
def test_an_alias_fails_over_by_its_balancers_targets(
    targets: dict[str, str], groups: list[tuple[str, int]], healthy: bool
) -> None:
    dns = site(targets)
    if len(groups) > 1:
        dns.store.put(target_group(arn="arn:empty"))
        dns.store.put(replace(listener(), default_actions=(forward(*groups),)))
    dns.alias("shop.lab.", WEB, HOSTED_ZONE, set_identifier="a", failover="PRIMARY")
    dns.put("shop.lab.", "192.0.2.9", set_identifier="b", failover="SECONDARY")
    assert dns.values("shop.lab.") == (BOTH if healthy else ["192.0.2.9"])


def test_a_databases_name() -> None:
    dns = Dns()
    name = "shop.c1.us-east-1.rds.amazonaws.com"
    row = DBInstance("shop", "db.t4g.micro", "postgres", "17", "shop", "shop", "x", 5432, "g", (), A, "vpc-1", "subnet-1",
                     "eni-1", "10.0.20.4", name, NOW, "available")  # fmt: skip
    dns.store.put(row)
    [record] = dns.ask(f"{name}.").records
    assert (record.ttl, record.values) == (5, ["10.0.20.4"])
