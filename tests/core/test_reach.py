"""Where packets go by the model: the three tiers of the default stack, ACLs, faults, the internet."""

from dataclasses import replace

import pytest

from lab.core.vpc.documents import Fault, Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from lab.core.vpc.reach import ACL_RESTRICTION, CUT, GROUPS_MISMATCH, NO_ROUTE, Packet, reach

ANY = "0.0.0.0/0"
OPEN = Acl("acl-open", (AclRule(100, True, Match(), ANY),), (AclRule(100, True, Match(), ANY),))
OUT = (Allow("sgr-out", "sg-all", Match(), ANY),)
APP, SQL = Packet("tcp", 8000), Packet("tcp", 5432)


def interface(
    owner: str, address: str, *ingress: Allow, members: dict[str, tuple[str, ...]] | None = None
) -> Interface:
    subnet = address.rsplit(".", 1)[0] + ".0/24"
    firewall = Firewall(subnet, OPEN, ingress, OUT, members or {})
    return Interface(f"eni-{owner}", "vpc-1", "10.0.0.0/16", "10.0.255.254", owner, address, "", firewall)


LB = interface("lb-1", "10.0.0.4", Allow("sgr-web", "sg-lb", Match("tcp", 80, 80), ANY))
I1 = interface(
    "i-1", "10.0.10.4", Allow("sgr-app", "sg-app", Match("tcp", 8000, 8000), peer_group="sg-lb"),
    members={"sg-lb": ("10.0.0.4",)},
)  # fmt: skip
DB = interface(
    "db-1", "10.0.20.4", Allow("sgr-sql", "sg-db", Match("tcp", 5432, 5432), peer_group="sg-app"),
    members={"sg-app": ("10.0.10.4",)},
)  # fmt: skip


def acl(end: Interface, ingress: tuple[AclRule, ...], egress: tuple[AclRule, ...]) -> Interface:
    return replace(end, firewall=replace(end.firewall, acl=Acl("acl-own", ingress, egress)))


@pytest.mark.parametrize(
    ("source", "target", "packet", "code"),
    [
        (None, LB, Packet("tcp", 80), ""),
        (None, LB, Packet("tcp", 22), GROUPS_MISMATCH),
        (None, I1, APP, GROUPS_MISMATCH),
        (LB, I1, APP, ""),
        (LB, I1, Packet("udp", 8000), GROUPS_MISMATCH),
        (I1, DB, SQL, ""),
        (LB, DB, SQL, GROUPS_MISMATCH),
        (I1, LB, Packet("tcp", 80), ""),
        (I1, I1, APP, ""),
        (replace(LB, vpc_id="vpc-2"), I1, APP, NO_ROUTE),
    ],
)
def test_the_tiers(source: Interface | None, target: Interface, packet: Packet, code: str) -> None:
    path = reach(source, target, packet)
    assert (path.passes, path.hops[-1].code) == (code == "", code)


def test_every_hop_names_what_decided() -> None:
    hops = reach(LB, I1, APP).hops
    assert [hop.rule for hop in hops] == ["sgr-out", "100", "local", "100", "sgr-app", "100", "100"]
    assert [hop.at for hop in hops[:2]] == ["sg-all", "acl-open"]
    assert hops[4].says == "tcp 8000 from 10.0.0.4 passes: sg-app allows sg-lb"


def test_what_is_missing_is_said() -> None:
    says = reach(LB, DB, SQL).hops[-1].says
    assert says == "no inbound rule of db-1's security groups (sg-all, sg-db) allows tcp 5432 from 10.0.0.4"


def test_within_a_subnet_no_acl_is_asked() -> None:
    peer = interface("i-2", "10.0.10.5", Allow("sgr", "sg", Match(), ANY))
    closed = acl(peer, (), ())
    assert reach(I1, closed, APP).passes
    assert not reach(LB, closed, APP).passes


WEB = AclRule(100, True, Match("tcp", 8000, 8000), ANY)


@pytest.mark.parametrize(
    ("ingress", "egress", "passes"),
    [
        ((WEB,), (AclRule(100, True, Match("tcp", 1024, 65535), ANY),), True),
        ((WEB,), (AclRule(100, True, Match("tcp", 1024, 40000), ANY),), False),  # not every answer finds its way
        ((WEB,), (), False),
        ((), (WEB,), False),
        ((AclRule(50, False, Match(), "10.0.0.0/24"), WEB), (AclRule(100, True, Match(), ANY),), False),
        ((WEB, AclRule(150, False, Match(), "10.0.0.0/24")), (AclRule(100, True, Match(), ANY),), True),
    ],
)
def test_acls_see_the_question_and_the_answer(
    ingress: tuple[AclRule, ...], egress: tuple[AclRule, ...], passes: bool
) -> None:
    path = reach(LB, acl(I1, ingress, egress), APP)
    assert path.passes is passes
    assert passes or path.hops[-1].code == ACL_RESTRICTION


def test_a_block_of_the_vpc_does_not_mean_the_internet() -> None:
    inside = interface(
        "i-3", "10.0.0.9", Allow("sgr", "sg", Match(), "10.0.0.0/8"), Allow("sgr", "sg", Match(), "10.0.0.0/24")
    )
    assert reach(None, inside, APP).passes  # 10.0.0.0/8 is more than the VPC
    narrow = interface("i-3", "10.0.0.9", Allow("sgr", "sg", Match(), "10.0.0.0/16"))
    assert not reach(None, narrow, APP).passes


def test_who_is_cut_off_is_told_first() -> None:
    assert reach(LB, replace(I1, fault=Fault(partition=True)), APP).hops[0].code == CUT
    assert reach(LB, replace(I1, fault=Fault(loss=50)), APP).passes
