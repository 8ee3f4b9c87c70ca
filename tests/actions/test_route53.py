"""Route 53: hosted zones, batches of changes, listings and their pages, tags."""

from typing import Any

import pytest

from lab.actions.route53.common import CHANGES_KEPT
from lab.core.elbv2.model import HOSTED_ZONE
from lab.core.errors import LabError
from lab.core.route53.model import Change, ResourceRecordSet
from lab.core.route53.view import parse_places
from tests.actions.aws import Aws, record
from tests.actions.conftest import Site

ADDRESS = "192.0.2.1"
VPC = {"VPCRegion": "us-east-1", "VPCId": "<vpc>"}


def listed(aws: Aws, zone: str, **members: Any) -> list[tuple[str, str]]:
    found = aws("route53", "ListResourceRecordSets", HostedZoneId=zone, **members)["ResourceRecordSets"]
    return [(one["Name"], one["Type"]) for one in found]


def batch_error(aws: Aws, zone: str, *changes: tuple[str, dict[str, Any]]) -> str:
    """The message of the batch's refusal, which must have changed nothing."""
    before = aws.rows()
    told = [{"Action": action, "ResourceRecordSet": one} for action, one in changes]
    with pytest.raises(LabError) as caught:
        aws("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": told})
    assert caught.value.code == "InvalidChangeBatch"
    assert aws.rows() == before
    return caught.value.message


def test_a_public_zone_begins_with_name_servers(aws: Aws) -> None:
    made = aws("route53", "CreateHostedZone", Name="Shop.Lab", CallerReference="1", HostedZoneConfig={"Comment": "c"})
    zone = made["HostedZone"]
    assert (zone["Name"], zone["Config"], zone["ResourceRecordSetCount"]) == (
        "shop.lab.", {"PrivateZone": False, "Comment": "c"}, 2,
    )  # fmt: skip
    assert made["ChangeInfo"]["Status"] == "PENDING"
    assert aws("route53", "GetChange", Id=made["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    servers = made["DelegationSet"]["NameServers"]
    assert len(set(servers)) == 4
    soa, ns = (
        aws(
            "route53",
            "ListResourceRecordSets",
            HostedZoneId=zone["Id"],
            StartRecordName="shop.lab",
            StartRecordType=kind,
        )["ResourceRecordSets"][0]
        for kind in ("SOA", "NS")
    )
    assert [one["Value"] for one in ns["ResourceRecords"]] == [f"{server}." for server in servers]
    assert soa["ResourceRecords"][0]["Value"] == f"{servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    assert (ns["TTL"], soa["TTL"]) == (172800, 900)
    assert aws("route53", "GetHostedZone", Id=zone["Id"])["DelegationSet"]["NameServers"] == servers


def test_a_private_zone_has_vpcs(site: Site) -> None:
    aws, other = site.aws, site.aws.vpc("10.9.0.0/16")
    zone = aws.zone("corp", site.vpc)
    aws("route53", "AssociateVPCWithHostedZone", HostedZoneId=zone, VPC={"VPCRegion": "us-east-1", "VPCId": other})
    found = aws("route53", "GetHostedZone", Id=zone)
    assert [one["VPCId"] for one in found["VPCs"]] == [site.vpc, other]
    assert "DelegationSet" not in found
    aws(
        "route53", "DisassociateVPCFromHostedZone", HostedZoneId=zone, VPC={"VPCRegion": "us-east-1", "VPCId": site.vpc}
    )
    assert [one["VPCId"] for one in aws("route53", "GetHostedZone", Id=zone)["VPCs"]] == [other]
    summaries = aws("route53", "ListHostedZonesByVPC", VPCId=other, VPCRegion="us-east-1")["HostedZoneSummaries"]
    assert [(one["HostedZoneId"], one["Owner"]["OwningAccount"]) for one in summaries] == [(zone, "123456789012")]
    assert aws("route53", "ListHostedZonesByVPC", VPCId=site.vpc, VPCRegion="us-east-1")["HostedZoneSummaries"] == []
    assert aws("route53", "GetHostedZoneCount")["HostedZoneCount"] == 2
    private = aws("route53", "ListHostedZones", HostedZoneType="PrivateHostedZone")["HostedZones"]
    assert [one["Name"] for one in private] == ["corp."]


def test_zones_are_listed_in_pages(aws: Aws) -> None:
    ids = [aws.zone(name) for name in ("b.lab", "a.z", "a.lab", "b.lab.")[:3]]
    first = aws("route53", "ListHostedZones", MaxItems="2")
    assert (first["IsTruncated"], first["NextMarker"]) == (True, ids[2])
    last = aws("route53", "ListHostedZones", MaxItems="2", Marker=first["NextMarker"])
    assert [one["Name"] for page in (first, last) for one in page["HostedZones"]] == ["b.lab.", "a.z.", "a.lab."]
    assert last["IsTruncated"] is False
    by_name = aws("route53", "ListHostedZonesByName", MaxItems="2")
    assert [one["Name"] for one in by_name["HostedZones"]] == ["a.lab.", "b.lab."]
    assert (by_name["NextDNSName"], by_name["NextHostedZoneId"]) == ("a.z.", ids[1])
    assert [one["Name"] for one in aws("route53", "ListHostedZonesByName", DNSName="b.lab")["HostedZones"]] == [
        "b.lab.",
        "a.z.",
    ]


def test_a_zone_goes_when_it_is_empty(site: Site) -> None:
    aws = site.aws
    assert aws.refusal("route53", "DeleteHostedZone", Id=site.zone) == "HostedZoneNotEmpty"
    aws.records(site.zone, record("www.shop.lab", ADDRESS), action="DELETE")
    aws("route53", "DeleteHostedZone", Id=f"/hostedzone/{site.zone}")
    assert aws.store.all(ResourceRecordSet) == []
    assert aws.refusal("route53", "GetHostedZone", Id=site.zone) == "NoSuchHostedZone"


def test_a_comment_is_changed(site: Site) -> None:
    made = site.aws("route53", "UpdateHostedZoneComment", Id=site.zone, Comment="new")
    assert made["HostedZone"]["Config"]["Comment"] == "new"


def test_changes_are_forgotten_after_a_day(site: Site) -> None:
    old = site.aws.store.all(Change)
    site.aws.now += CHANGES_KEPT + 1
    site.aws.records(site.zone, record("a.shop.lab", ADDRESS))
    assert not set(old) & set(site.aws.store.all(Change))
    assert site.aws.refusal("route53", "GetChange", Id=old[0].change_id) == "NoSuchChange"


def test_a_batch_sees_its_own_changes(site: Site) -> None:
    www = record("www.shop.lab", ADDRESS)
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": www},
        {"Action": "CREATE", "ResourceRecordSet": record("www.shop.lab", "web.shop.lab", kind="CNAME")},
        {"Action": "UPSERT", "ResourceRecordSet": record("web.shop.lab", ADDRESS, "192.0.2.2")},
    ]
    site.aws("route53", "ChangeResourceRecordSets", HostedZoneId=site.zone, ChangeBatch={"Changes": changes})
    assert listed(site.aws, site.zone)[2:] == [("web.shop.lab.", "A"), ("www.shop.lab.", "CNAME")]


def test_records_are_shown_as_they_were_given(site: Site) -> None:
    aws = site.aws
    [balancer] = aws("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
    alias = {
        "HostedZoneId": HOSTED_ZONE,
        "DNSName": f"dualstack.{balancer['DNSName']}.".lower(),
        "EvaluateTargetHealth": True,
    }
    sets = [
        record("shop.lab.", AliasTarget=alias),
        record("\\052.shop.lab.", ADDRESS, HealthCheckId=site.check, SetIdentifier="a", Weight=0),
        record("a.shop.lab.", ADDRESS, SetIdentifier="e", Region="eu-west-1"),
        record("b.shop.lab.", ADDRESS, SetIdentifier="e", GeoLocation={"CountryCode": "US", "SubdivisionCode": "CA"}),
        record("c.shop.lab.", ADDRESS, SetIdentifier="e", Failover="PRIMARY"),
        record("d.shop.lab.", ADDRESS, SetIdentifier="e", MultiValueAnswer=True),
        record("e.shop.lab.", '"a" "b"', kind="TXT"),
        record("f.shop.lab.", '0 issue "ca.example"', kind="CAA"),
        record("g.shop.lab.", "1 2 3 a.lab", kind="SRV"),
        record("h.shop.lab.", "10 mail.lab.", kind="MX"),
        record("i.shop.lab.", "2001:db8::1", kind="AAAA"),
    ]
    aws.records(site.zone, *sets)
    found = aws("route53", "ListResourceRecordSets", HostedZoneId=site.zone)["ResourceRecordSets"]
    by_name = {one["Name"]: one for one in found if one["Type"] not in ("NS", "SOA")}
    assert [by_name[one["Name"]] for one in sets] == sets
    aws.records(site.zone, *sets, action="DELETE")  # which asks for the same again


def test_records_are_listed_in_pages(site: Site) -> None:
    aws = site.aws
    weights = [record("w.shop.lab", ADDRESS, SetIdentifier=name, Weight=1) for name in ("a", "b")]
    aws.records(site.zone, *weights, record("a.b.shop.lab", ADDRESS))
    page = aws("route53", "ListResourceRecordSets", HostedZoneId=site.zone, MaxItems="4")
    assert [one["Name"] for one in page["ResourceRecordSets"]] == ["shop.lab."] * 2 + ["a.b.shop.lab.", "w.shop.lab."]
    following = [page[f"NextRecord{name}"] for name in ("Name", "Type", "Identifier")]
    assert following == ["w.shop.lab.", "A", "b"]
    start = dict(zip(("StartRecordName", "StartRecordType", "StartRecordIdentifier"), following, strict=True))
    assert listed(aws, site.zone, **start) == [("w.shop.lab.", "A"), ("www.shop.lab.", "A")]


WWW, NEW = record("www.shop.lab", ADDRESS), record("new.shop.lab", ADDRESS)
OTHER_ZONE = {"HostedZoneId": "ZNONE", "DNSName": "x.shop.lab", "EvaluateTargetHealth": False}
A_WEIGHT = record("w.shop.lab", ADDRESS, SetIdentifier="a", Weight=1)


@pytest.mark.parametrize(
    ("action", "one", "said"),
    [
        ("CREATE", WWW, "Tried to create resource record set [name='www.shop.lab.', type='A'] but it already exists"),
        ("DELETE", NEW, "Tried to delete resource record set [name='new.shop.lab.', type='A'] but it was not found"),
        ("DELETE", record("www.shop.lab", "192.0.2.9"),
         "Tried to delete resource record set [name='www.shop.lab.', type='A'] but the values provided do not match the "
         "current values"),
        ("DELETE", {**WWW, "TTL": 5}, "do not match the current values"),
        ("CREATE", record("www.other.lab", ADDRESS), "RRSet with DNS name www.other.lab. is not permitted in zone shop.lab."),
        ("CREATE", record("shop.lab", "a.lab", kind="CNAME"),
         "RRSet of type CNAME with DNS name shop.lab. is not permitted at apex in zone shop.lab."),
        ("CREATE", record("www.shop.lab", "a.lab", kind="CNAME"),
         "RRSet of type CNAME with DNS name www.shop.lab. is not permitted as it conflicts with other records with the same "
         "DNS name in zone shop.lab."),
        ("CREATE", record("a.shop.lab", "ten"),
         "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered "
         "with 'ten''"),
        ("CREATE", record("a.shop.lab", "1.2.3.4, 1.2.3.5"), "ARRDATANotSingleField (Value contains spaces)"),
        ("CREATE", record("c.shop.lab", ADDRESS),
         "RRSet of type A with DNS name c.shop.lab. is not permitted because a conflicting RRSet of type CNAME with the same "
         "DNS name already exists in zone shop.lab."),
        ("CREATE", record("a.shop.lab", "text", kind="TXT"), "Value should be enclosed in quotation marks"),
        ("CREATE", record("a.shop.lab", f'"{"x" * 256}"', kind="TXT"), "CharacterStringTooLong (Value is too long)"),
        ("CREATE", record("a.shop.lab", "10.0.0.1", kind="AAAA"), "Value is not a valid IPv6 address"),
        ("CREATE", record("a.shop.lab", "a..b", kind="CNAME"), "Domain label is empty"),
        ("CREATE", record("a.shop.lab", "mail.lab", kind="MX"), "Value is not of the form PRIORITY NAME"),
        ("CREATE", record("a.shop.lab", "1 2 66000 a.lab", kind="SRV"), "PRIORITY WEIGHT PORT NAME"),
        ("CREATE", record("a.shop.lab", "0 tag x", kind="CAA"), "FLAGS TAG"),
        ("CREATE", record("a.shop.lab", '256 issue "a"', kind="CAA"), "FLAGS TAG"),
        ("CREATE", record("a.shop.lab", "fe80::1%eth0", kind="AAAA"), "Value is not a valid IPv6 address"),
        ("CREATE", record("a.shop.lab", "", kind="MX"), "Value is not of the form PRIORITY NAME"),
        ("UPSERT", record("shop.lab", "a b 1 2 3 4", kind="SOA"), "NAMESERVER HOSTMASTER"),
        ("CREATE", record("a.shop.lab", "ns.lab a.lab 1 2 3 4 5", kind="SOA"), "below the apex"),
        ("CREATE", record("a.shop.lab", "a.lab", "b.lab", kind="CNAME"), "at most 1"),
        ("CREATE", record("a.shop.lab", ADDRESS, ADDRESS), "has a value twice"),
        ("CREATE", record("a b.shop.lab", ADDRESS), "UnsupportedCharacter"),
        ("CREATE", record("*.shop.lab", "ns.lab", kind="NS"), "is a wildcard"),
        ("UPSERT", record("shop.lab", "ns.lab", kind="NS", SetIdentifier="a", Weight=1), "at the apex"),
        ("CREATE", record("a.shop.lab", AliasTarget={**OTHER_ZONE, "HostedZoneId": HOSTED_ZONE}),
         "Tried to create an alias that targets x.shop.lab., type A in zone Z35SXDOTRQ7X7K, but that target was not found"),
        ("CREATE", record("a.shop.lab", AliasTarget=OTHER_ZONE), "of the same zone only"),
        ("CREATE", record("a.shop.lab", AliasTarget={**OTHER_ZONE, "HostedZoneId": "<zone>"}), "that target was not found"),
        ("CREATE", record("a.shop.lab", AliasTarget={**OTHER_ZONE, "HostedZoneId": "<zone>", "DNSName": "x.lab"}),
         "the alias target name does not lie within the target zone"),
        ("CREATE", record("x.shop.lab", AliasTarget={**OTHER_ZONE, "HostedZoneId": "<zone>"}), "own name"),
        ("CREATE", record("www.shop.lab", ADDRESS, SetIdentifier="a", Weight=1),
         "RRSet with DNS name www.shop.lab., type A, SetIdentifier a cannot be created as a non-weighted set exists with the "
         "same name and type"),
        ("CREATE", record("w.shop.lab", ADDRESS),
         "RRSet with DNS name w.shop.lab., type A cannot be created as other RRSets exist with the same name and type"),
        ("CREATE", record("w.shop.lab", ADDRESS, SetIdentifier="b", MultiValueAnswer=True),
         "because a non multivalue answer rrset exists with the same name and type"),
        ("CREATE", {**A_WEIGHT, "SetIdentifier": "b", "TTL": 5}, "as weighted sets must contain the same TTL."),
        ("CREATE", record("l.shop.lab", ADDRESS, SetIdentifier="b", Region="eu-west-1"),
         "RRSet with DNS name l.shop.lab., type A, SetIdentifier b, and Region Name=eu-west-1 cannot be created because a "
         "latency RRSet with the same name, type and region already exists"),
        ("CREATE", record("f.shop.lab", ADDRESS, SetIdentifier="b", Failover="PRIMARY"), "a failover RRSet with the same name"),
        ("CREATE", record("m.shop.lab", "a.lab", kind="CNAME", SetIdentifier="b", MultiValueAnswer=True), "multivalue"),
        ("DELETE", "soa", "A HostedZone must contain exactly one SOA record."),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be(site: Site, action: str, one: Any, said: str) -> None:
    site.aws.records(
        site.zone,
        A_WEIGHT,
        record("f.shop.lab", ADDRESS, SetIdentifier="a", Failover="PRIMARY"),
        record("l.shop.lab", ADDRESS, SetIdentifier="a", Region="eu-west-1"),
        record("c.shop.lab", "a.lab", kind="CNAME"),
    )
    if one == "soa":
        rows = site.aws("route53", "ListResourceRecordSets", HostedZoneId=site.zone)["ResourceRecordSets"]
        one = next(row for row in rows if row["Type"] == "SOA")
    message = batch_error(site.aws, site.zone, (action, site.filled(one)))
    assert said in message
    assert message.startswith("[")
    assert message.endswith("]")


def test_a_batch_says_all_that_is_against_it_and_does_nothing(site: Site) -> None:
    message = batch_error(
        site.aws, site.zone, ("CREATE", NEW), ("CREATE", WWW), ("DELETE", record("no.shop.lab", ADDRESS))
    )
    assert message == (
        "[Tried to create resource record set [name='www.shop.lab.', type='A'] but it already exists, "
        "Tried to delete resource record set [name='no.shop.lab.', type='A'] but it was not found]"
    )


def test_a_batch_has_at_most_a_thousand_changes(site: Site) -> None:
    assert batch_error(site.aws, site.zone, *[("CREATE", NEW)] * 1001) == "[Number of changes limit of 1000 exceeded.]"


def test_weighted_sets_change_their_time_to_live_together(site: Site) -> None:
    both = [{**A_WEIGHT, "SetIdentifier": name} for name in ("a", "b")]
    site.aws.records(site.zone, *both)
    site.aws.records(site.zone, *({**one, "TTL": 5} for one in both), action="UPSERT")
    found = site.aws("route53", "ListResourceRecordSets", HostedZoneId=site.zone, StartRecordName="w.shop.lab")
    assert [one["TTL"] for one in found["ResourceRecordSets"][:2]] == [5, 5]


def test_a_name_has_at_most_a_hundred_sets(site: Site) -> None:
    sets = [record("w.shop.lab", ADDRESS, SetIdentifier=f"s{number}", Weight=1) for number in range(101)]
    site.aws.records(site.zone, *sets[:100])
    assert "which is the most" in batch_error(site.aws, site.zone, ("CREATE", sets[100]))


BATCH = "ChangeResourceRecordSets"


def change(one: dict[str, Any], action: str = "CREATE") -> dict[str, Any]:
    return {"HostedZoneId": "<zone>", "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": one}]}}


ERRORS: list[tuple[str, dict[str, Any], str]] = [
    ("CreateHostedZone", {"Name": "a..b", "CallerReference": "x"}, "InvalidDomainName"),
    ("CreateHostedZone", {"Name": "a.b", "CallerReference": "shop.lab ()"}, "HostedZoneAlreadyExists"),
    ("CreateHostedZone", {"Name": "a.b", "CallerReference": "x", "VPC": {**VPC, "VPCId": "vpc-0"}}, "InvalidVPCId"),
    ("CreateHostedZone", {"Name": "a.b", "CallerReference": "x", "VPC": {**VPC, "VPCRegion": "eu-west-1"}}, "InvalidVPCId"),
    ("CreateHostedZone", {"Name": "a.b", "CallerReference": "x", "HostedZoneConfig": {"PrivateZone": True}}, "InvalidInput"),
    ("CreateHostedZone", {"Name": "a.b", "CallerReference": "x", "DelegationSetId": "N1"}, "UnsupportedOperation"),
    ("CreateHostedZone", {"Name": "a.b"}, "InvalidInput"),
    ("AssociateVPCWithHostedZone", {"HostedZoneId": "<zone>", "VPC": VPC}, "PublicZoneVPCAssociation"),
    ("DisassociateVPCFromHostedZone", {"HostedZoneId": "<zone>", "VPC": VPC}, "VPCAssociationNotFound"),
    ("ListHostedZonesByVPC", {"VPCId": "vpc-0", "VPCRegion": "us-east-1"}, "InvalidVPCId"),
    ("ListHostedZonesByVPC", {"VPCId": "<vpc>", "VPCRegion": "us-east-1", "NextToken": "x"}, "InvalidInput"),
    ("TestDNSAnswer", {"HostedZoneId": "<zone>", "RecordName": "a.b", "RecordType": "A"}, "InvalidInput"),
    ("TestDNSAnswer", {"HostedZoneId": "<zone>", "RecordName": "a..b", "RecordType": "A"}, "InvalidInput"),
    ("TestDNSAnswer", {"HostedZoneId": "<zone>", "RecordName": "shop.lab", "RecordType": "X"}, "InvalidInput"),
    ("TestDNSAnswer", {"HostedZoneId": "<zone>", "RecordName": "shop.lab", "RecordType": "A", "ResolverIP": "x"},
     "InvalidInput"),
    ("TestDNSAnswer",
     {"HostedZoneId": "<zone>", "RecordName": "shop.lab", "RecordType": "A", "EDNS0ClientSubnetMask": "24"}, "InvalidInput"),
    ("GetHostedZone", {"Id": "Z0"}, "NoSuchHostedZone"),
    ("GetChange", {"Id": "C0"}, "NoSuchChange"),
    ("ListHostedZones", {"MaxItems": "many"}, "InvalidInput"),
    ("ListHostedZones", {"Marker": "Z0"}, "InvalidInput"),
    ("ListHostedZones", {"HostedZoneType": "Public"}, "InvalidInput"),
    ("ListHostedZonesByName", {"DNSName": "a..b"}, "InvalidDomainName"),
    ("ListResourceRecordSets", {"HostedZoneId": "<zone>", "StartRecordType": "A"}, "InvalidInput"),
    ("ListResourceRecordSets", {"HostedZoneId": "<zone>", "StartRecordName": "a..b"}, "InvalidInput"),
    ("ListResourceRecordSets", {"HostedZoneId": "<zone>", "StartRecordName": "a", "StartRecordType": "X"}, "InvalidInput"),
    (BATCH, {**change(NEW), "HostedZoneId": "Z0"}, "NoSuchHostedZone"),
    (BATCH, {"HostedZoneId": "<zone>", "ChangeBatch": {"Changes": []}}, "InvalidInput"),
    (BATCH, change(NEW, "REPLACE"), "InvalidInput"),
    (BATCH, change({"Name": "a.shop.lab", "Type": "A"}), "InvalidInput"),
    (BATCH, change({"Name": "a.shop.lab", "Type": "A", "TTL": 5}), "InvalidInput"),
    (BATCH, change({**NEW, "AliasTarget": OTHER_ZONE}), "InvalidInput"),
    (BATCH, change({**NEW, "Type": "XX"}), "InvalidInput"),
    (BATCH, change({**NEW, "Type": "NAPTR"}), "UnsupportedOperation"),
    (BATCH, change({**NEW, "TTL": -1}), "InvalidInput"),
    (BATCH, change({**NEW, "Weight": 1}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a"}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "Weight": 256}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "Weight": 1, "Region": "eu-west-1"}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "Failover": "THIRD"}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "MultiValueAnswer": False}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "Region": "mars"}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoLocation": {"CountryCode": "usa"}}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoLocation": {"CountryCode": "US", "SubdivisionCode": "a/"}}),
     "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoLocation": {}}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoLocation": {"ContinentCode": "XX"}}), "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoLocation": {"CountryCode": "DE", "SubdivisionCode": "BY"}}),
     "InvalidInput"),
    (BATCH, change({**NEW, "SetIdentifier": "a", "GeoProximityLocation": {"Bias": 5}}), "UnsupportedOperation"),
    (BATCH, change({**NEW, "HealthCheckId": "none"}), "NoSuchHealthCheck"),
    ("ChangeTagsForResource", {"ResourceType": "vpc", "ResourceId": "<vpc>"}, "InvalidInput"),
    ("ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": "Z0"}, "NoSuchHostedZone"),
    ("ChangeTagsForResource", {"ResourceType": "healthcheck", "ResourceId": "<check>", "AddTags": [{"Key": "x" * 200}]},
     "InvalidInput"),
    ("ListTagsForResource", {"ResourceType": "healthcheck", "ResourceId": "none"}, "NoSuchHealthCheck"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "members", "code"), ERRORS)
def test_errors(site: Site, operation: str, members: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("route53", operation, **site.filled(members)) == code


def test_a_vpc_sees_one_zone_of_a_name(site: Site) -> None:
    zone = site.aws.zone("corp", site.vpc)
    private = {"HostedZoneId": zone, "RecordName": "corp", "RecordType": "NS"}
    assert site.aws.refusal("route53", "TestDNSAnswer", **private) == "InvalidInput"
    more = {"Name": "corp", "CallerReference": "y", "VPC": {"VPCRegion": "us-east-1", "VPCId": site.vpc}}
    assert site.aws.refusal("route53", "CreateHostedZone", **more) == "ConflictingDomainExists"
    assert (
        site.aws.refusal("route53", "DisassociateVPCFromHostedZone", HostedZoneId=zone, VPC=more["VPC"])
        == "LastVPCAssociation"
    )


def test_an_answer_is_tested_from_anywhere(site: Site) -> None:
    aws = site.aws
    aws.places = parse_places("203.0.113.0/24=EU/DE")
    aws.records(
        site.zone,
        record("g.shop.lab", "192.0.2.8", SetIdentifier="eu", GeoLocation={"ContinentCode": "EU"}),
        record("g.shop.lab", "192.0.2.9", SetIdentifier="other", GeoLocation={"CountryCode": "*"}),
        record("c.shop.lab", "g.shop.lab", kind="CNAME"),
    )

    def test(name: str, **more: str) -> tuple[str, list[str]]:
        found = aws("route53", "TestDNSAnswer", HostedZoneId=site.zone, RecordName=name, RecordType="A", **more)
        return found["ResponseCode"], found["RecordData"]

    assert test("g.shop.lab") == ("NOERROR", ["192.0.2.9"])
    assert test("g.shop.lab", ResolverIP="203.0.113.7") == ("NOERROR", ["192.0.2.8"])
    assert test("g.shop.lab", ResolverIP="203.0.113.7", EDNS0ClientSubnetIP="10.0.0.1") == ("NOERROR", ["192.0.2.9"])
    assert test("c.shop.lab") == ("NOERROR", ["g.shop.lab"])
    assert test("no.shop.lab") == ("NXDOMAIN", [])


@pytest.mark.parametrize(("kind", "of"), [("hostedzone", "zone"), ("healthcheck", "check")])
def test_tags(site: Site, kind: str, of: str) -> None:
    resource = {"ResourceType": kind, "ResourceId": getattr(site, of)}
    site.aws(
        "route53", "ChangeTagsForResource", **resource, AddTags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    site.aws("route53", "ChangeTagsForResource", **resource, AddTags=[{"Key": "a", "Value": "3"}], RemoveTagKeys=["b"])
    found = site.aws("route53", "ListTagsForResource", **resource)["ResourceTagSet"]
    assert (found["ResourceId"], found["Tags"]) == (resource["ResourceId"], [{"Key": "a", "Value": "3"}])
