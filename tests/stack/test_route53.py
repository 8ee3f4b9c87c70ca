"""Hosted zones, record sets and health checks of templates, over the actions themselves."""

from typing import Any

import pytest

from lab.core.errors import LabError
from lab.core.route53.model import HealthCheck, HostedZone, ResourceRecordSet
from lab.stack.check import problems_of
from lab.stack.resolve import Setting, properties, scope_of
from lab.stack.resources import TYPES
from lab.stack.resources.base import DONE, Work
from lab.stack.template import load
from tests.stack.fakes import ZONES
from tests.stack.test_elbv2 import Site

ZONE, CHECK, SET, GROUP = (
    f"AWS::Route53::{name}" for name in ("HostedZone", "HealthCheck", "RecordSet", "RecordSetGroup")
)
TCP = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}


@pytest.fixture
def site() -> Site:
    return Site()


def records(site: Site) -> dict[tuple[str, str, str], Any]:
    """Beside the NS and SOA of the apex: values, or the alias's target."""
    rows = [row for row in site.aws.store.all(ResourceRecordSet) if row.type not in ("NS", "SOA")]
    return {(row.name, row.type, row.set_identifier): row.alias.dns_name if row.alias else row.values for row in rows}


def delete(site: Site, kind: str, physical_id: str, **properties: Any) -> None:
    assert TYPES[kind].delete(Work(site.call, properties, "web", physical_id)) == DONE


def test_a_zone_is_made_changed_and_deleted(site: Site) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    old = {"Name": "shop.lab", "HostedZoneConfig": {"Comment": "old"}, "HostedZoneTags": tags}
    zone = site.create(ZONE, **old)
    assert site.read(ZONE, zone, "Id") == zone
    assert len(site.read(ZONE, zone, "NameServers")) == 4
    site.update(ZONE, zone, old, {"Name": "shop.lab", "HostedZoneTags": [{"Key": "b", "Value": "2"}]})
    [row] = site.aws.store.all(HostedZone)
    assert (row.comment, row.tags) == ("", {"b": "2"})
    site.delete(ZONE, zone)
    site.delete(ZONE, zone)  # gone already


def test_a_private_zone_has_its_vpcs(site: Site) -> None:
    others = [site.aws.vpc(f"10.{number}.0.0/16") for number in (8, 9)]
    a, b, c = ({"VPCId": vpc, "VPCRegion": "us-east-1"} for vpc in (site.vpc, *others))
    zone = site.create(ZONE, Name="corp", VPCs=[a, b])
    site.update(ZONE, zone, {"Name": "corp", "VPCs": [a, b]}, {"Name": "corp", "VPCs": [c]})
    [row] = site.aws.store.all(HostedZone)
    assert row.vpc_ids == (others[1],)
    assert site.read(ZONE, zone, "NameServers") == []


def test_a_record_set_is_made_changed_and_deleted(site: Site) -> None:
    zone = site.create(ZONE, Name="shop.lab")
    old = {"HostedZoneId": zone, "Name": "www.shop.lab", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    assert site.create(SET, **old) == "www.shop.lab"
    assert records(site) == {("www.shop.lab.", "A", ""): ("192.0.2.1",)}
    with pytest.raises(LabError, match="already exists"):
        site.create(SET, **old)
    new = {**old, "ResourceRecords": ["192.0.2.2"]}
    site.update(SET, "www.shop.lab", old, new)
    assert records(site) == {("www.shop.lab.", "A", ""): ("192.0.2.2",)}
    cname = {**old, "Type": "CNAME", "ResourceRecords": ["a.lab"]}
    site.update(SET, "www.shop.lab", new, cname)
    assert records(site) == {("www.shop.lab.", "CNAME", ""): ("a.lab",)}
    delete(site, SET, "www.shop.lab", **cname)
    delete(site, SET, "www.shop.lab", **cname)  # gone already
    assert records(site) == {}
    site.delete(ZONE, zone)
    delete(site, SET, "www.shop.lab", **cname)  # with its zone


def test_a_zone_goes_by_its_name_where_there_is_one_of_it(site: Site) -> None:
    given = {
        "HostedZoneName": "Shop.lab.",
        "Name": "*.shop.lab.",
        "Type": "TXT",
        "TTL": "60",
        "ResourceRecords": ['"x"'],
    }
    with pytest.raises(LabError, match="There are 0 hosted zones"):
        site.create(SET, **given)
    site.create(ZONE, Name="shop.lab")
    site.create(SET, **given)
    assert records(site) == {("\\052.shop.lab.", "TXT", ""): ('"x"',)}
    delete(site, SET, "*.shop.lab.", **given)
    assert records(site) == {}


def test_a_group_changes_as_one(site: Site) -> None:
    zone = site.create(ZONE, Name="shop.lab")
    balancer = site.balancer()
    [found] = site.call("elbv2", "DescribeLoadBalancers", {})["LoadBalancers"]
    assert found["LoadBalancerArn"] == balancer
    alias = {"HostedZoneId": found["CanonicalHostedZoneId"], "DNSName": found["DNSName"]}

    def weighted(name: str, weight: int) -> dict[str, Any]:
        common = {"Name": "w.shop.lab.", "Type": "A", "TTL": "60", "ResourceRecords": [f"192.0.2.{weight}"]}
        return {**common, "SetIdentifier": name, "Weight": weight}

    apex = {"Name": "shop.lab.", "Type": "A", "AliasTarget": alias, "MultiValueAnswer": False}
    old = {"HostedZoneId": zone, "RecordSets": [weighted("a", 1), weighted("b", 2), apex]}
    name = site.create(GROUP, **old)
    assert records(site)[("shop.lab.", "A", "")] == f"{found['DNSName']}."
    new = {"HostedZoneId": zone, "RecordSets": [weighted("b", 3), weighted("c", 4)]}
    site.update(GROUP, name, old, new)
    assert records(site) == {("w.shop.lab.", "A", "b"): ("192.0.2.3",), ("w.shop.lab.", "A", "c"): ("192.0.2.4",)}
    delete(site, GROUP, name, **new)
    assert records(site) == {}


def test_a_health_check_is_made_changed_and_deleted(site: Site) -> None:
    old = {"HealthCheckConfig": {**TCP, "FailureThreshold": 5, "FullyQualifiedDomainName": "a.lab"},
           "HealthCheckTags": [{"Key": "a", "Value": "1"}]}  # fmt: skip
    check = site.create(CHECK, **old)
    assert site.read(CHECK, check, "HealthCheckId") == check
    site.update(CHECK, check, old, {"HealthCheckConfig": {**TCP, "Port": 81}})
    [row] = site.aws.store.all(HealthCheck)
    config = {name: row.config.get(name) for name in ("Port", "FailureThreshold", "FullyQualifiedDomainName")}
    assert config == {"Port": 81, "FailureThreshold": 3, "FullyQualifiedDomainName": None}
    assert (row.tags, row.version) == ({}, 2)
    with pytest.raises(LabError, match="Type of a health check cannot be changed"):
        site.update(CHECK, check, {"HealthCheckConfig": TCP}, {"HealthCheckConfig": {**TCP, "Type": "HTTP"}})
    site.delete(CHECK, check)
    site.delete(CHECK, check)


def test_a_time_to_live_is_a_number(site: Site) -> None:
    zone = site.create(ZONE, Name="shop.lab")
    with pytest.raises(LabError, match="TTL must be a number of seconds, not 'soon'"):
        site.create(SET, HostedZoneId=zone, Name="a.shop.lab", Type="A", TTL="soon", ResourceRecords=["192.0.2.1"])


def test_a_stacks_tags_reach_zones_and_checks() -> None:
    """Whose property for tags has a name of its own."""
    template, _ = load(TEMPLATE.format(zone="HostedZoneId: Z1,", type="TCP"))
    scope = scope_of(template, Setting("us-east-1", "1", ZONES), {}, lambda _: None, lambda *_: None)
    for name, member in (("Zone", "HostedZoneTags"), ("Check", "HealthCheckTags")):
        found = properties(template.resources[name], scope, {"team": "web"})
        assert found[member] == [{"Key": "team", "Value": "web"}]


TEMPLATE = """
Resources:
  Zone:
    Type: AWS::Route53::HostedZone
    Properties: {{ Name: shop.lab }}
  Www:
    Type: AWS::Route53::RecordSet
    Properties: {{ {zone} Name: www.shop.lab, Type: A, TTL: 60, ResourceRecords: [192.0.2.1] }}
  Check:
    Type: AWS::Route53::HealthCheck
    Properties: {{ HealthCheckConfig: {{ Type: {type}, Port: 80, IPAddress: 192.0.2.1 }} }}
"""


@pytest.mark.parametrize(
    ("zone", "kind", "said"),
    [
        ("HostedZoneId: !Ref Zone,", "TCP", None),
        ("HostedZoneName: shop.lab.,", "TCP", None),
        ("", "TCP", "one of HostedZoneId and HostedZoneName is required"),
        ("HostedZoneId: !Ref Zone,", "RECOVERY_CONTROL", "the lab does not support Type RECOVERY_CONTROL yet"),
        ("HostedZoneId: !Ref Zone,", "PING", "PING is not a valid value"),
    ],
)
def test_a_template_is_checked(zone: str, kind: str, said: str | None) -> None:
    body = TEMPLATE.format(zone=zone, type=kind)
    found = [str(problem) for problem in problems_of(body, {}, Setting("us-east-1", "1", ZONES))]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]
