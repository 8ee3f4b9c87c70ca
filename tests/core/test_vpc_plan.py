"""What interfaces are told, of rows (vpc:security-group-rules, vpc:vpc-network-acls)."""

import pytest

from lab.adapters.store import MemoryStore
from lab.core.ec2.model import (
    NetworkAcl,
    NetworkAclEntry,
    NetworkFault,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)
from lab.core.vpc.documents import Fault
from lab.core.vpc.firewall import AclRule, Allow, Match
from lab.core.vpc.plan import EVERYTHING, interfaces

WEB = SecurityGroupRule("sgr-web", False, "tcp", 80, 80, cidr_ipv4="0.0.0.0/0")
APP = SecurityGroupRule("sgr-app", False, "tcp", 8000, 8000, referenced_group_id="sg-lb")
OUT = SecurityGroupRule("sgr-out", True, "-1", -1, -1, cidr_ipv4="0.0.0.0/0")


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put(Vpc("vpc-1", "10.0.0.0/16"))
    store.put(Subnet("subnet-a", "vpc-1", "10.0.1.0/24", "us-east-1a"))
    store.put(Subnet("subnet-b", "vpc-1", "10.0.2.0/24", "us-east-1b"))
    store.put(SecurityGroup("sg-lb", "lb", "", "vpc-1", (WEB, OUT)))
    store.put(SecurityGroup("sg-app", "app", "", "vpc-1", (APP, OUT)))
    for number, (subnet, group, owner) in enumerate(
        (("subnet-a", "sg-lb", "lb-1"), ("subnet-b", "sg-lb", "lb-2"), ("subnet-a", "sg-app", "i-1"))
    ):
        address = f"10.0.{1 if subnet == 'subnet-a' else 2}.{10 - number}"
        store.put(NetworkInterface(f"eni-{number}", subnet, "vpc-1", address, (group,), owner))
    return store


def test_an_interface_has_the_rules_of_its_groups_and_the_members_they_name(store: MemoryStore) -> None:
    app = interfaces(store)["i-1"]
    assert (app.interface_id, app.address, app.hostname) == ("eni-2", "10.0.1.8", "ip-10-0-1-8")
    assert (app.vpc_cidr, app.host) == ("10.0.0.0/16", "10.0.255.254")
    assert app.firewall.ingress == (Allow("sgr-app", "sg-app", Match("tcp", 8000, 8000), peer_group="sg-lb"),)
    assert app.firewall.egress == (Allow("sgr-out", "sg-app", Match(), "0.0.0.0/0"),)
    assert app.firewall.members == {"sg-lb": ("10.0.1.10", "10.0.2.9")}
    assert interfaces(store)["lb-1"].firewall.members == {}


def test_only_who_refers_to_a_group_hears_of_its_members(store: MemoryStore) -> None:
    before = interfaces(store)
    store.delete(NetworkInterface, "eni-1")
    after = interfaces(store)
    assert after["i-1"].firewall.members == {"sg-lb": ("10.0.1.10",)}
    assert after["lb-1"] == before["lb-1"]


def test_rules_of_several_groups_are_united(store: MemoryStore) -> None:
    store.put(NetworkInterface("eni-9", "subnet-a", "vpc-1", "10.0.1.77", ("sg-lb", "sg-app", "sg-gone"), "i-9"))
    ingress = interfaces(store)["i-9"].firewall.ingress
    assert [allow.rule_id for allow in ingress] == ["sgr-web", "sgr-app"]


def test_the_acl_is_the_subnets_else_the_vpcs_default_else_everything(store: MemoryStore) -> None:
    assert interfaces(store)["i-1"].firewall.acl == EVERYTHING
    entries = (
        NetworkAclEntry(32767, False, "-1", "deny", "0.0.0.0/0"),
        NetworkAclEntry(200, False, "6", "allow", "0.0.0.0/0", 80, 80),
        NetworkAclEntry(100, False, "-1", "deny", "10.0.9.0/24"),
        NetworkAclEntry(100, True, "17", "allow", "0.0.0.0/0", 53, 53),
    )
    store.put(NetworkAcl("acl-default", "vpc-1", True, ()))
    store.put(NetworkAcl("acl-own", "vpc-1", False, entries, {"subnet-a": "aclassoc-1"}))
    acl = interfaces(store)["i-1"].firewall.acl
    assert acl.acl_id == "acl-own"
    assert acl.ingress == (
        AclRule(100, False, Match(), "10.0.9.0/24"),
        AclRule(200, True, Match("tcp", 80, 80), "0.0.0.0/0"),
    )
    assert acl.egress == (AclRule(100, True, Match("udp", 53, 53), "0.0.0.0/0"),)
    assert interfaces(store)["lb-2"].firewall.acl.acl_id == "acl-default"


def test_faults_are_told(store: MemoryStore) -> None:
    store.put(NetworkFault("eni-2", loss=20.0))
    assert interfaces(store)["i-1"].fault == Fault(loss=20.0)
    assert interfaces(store)["lb-1"].fault == Fault()
