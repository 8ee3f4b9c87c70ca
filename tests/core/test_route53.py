"""Answers: zones and names, chains, negative answers, AWS's own names."""

import pytest

from lab.core.route53.names import canonical, of_labels, order, to_labels
from lab.core.route53.view import Place, parse_places, place_of
from tests.core.zones import SOA, Dns


@pytest.fixture
def dns() -> Dns:
    return Dns()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Shop.LAB", "shop.lab."),
        ("shop.lab.", "shop.lab."),
        ("*.shop.lab", "\\052.shop.lab."),
        ("\\052.shop.lab", "\\052.shop.lab."),
        ("a_b-c.lab", "a_b-c.lab."),
        ("a\\056b.lab", "a\\056b.lab."),
    ],
)
def test_a_name_has_one_form(written: str, name: str) -> None:
    assert canonical(written) == name
    assert of_labels(to_labels(name)) == name


@pytest.mark.parametrize(
    "written", ["", ".", "a..b", "x" * 64 + ".lab", ".".join(["x" * 60] * 5), "a b.lab", "é.lab", "\\0.lab"]
)
def test_what_is_no_name_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"Domain|UnsupportedCharacter"):
        canonical(written)


def test_names_are_listed_by_their_labels_from_the_last_on() -> None:
    names = ["b.shop.lab.", "b-c.shop.lab.", "shop.lab.", "a.z.lab.", "a.b.shop.lab."]
    assert sorted(names, key=order) == ["shop.lab.", "b-c.shop.lab.", "b.shop.lab.", "a.b.shop.lab.", "a.z.lab."]


def test_a_record_set_answers_with_all_its_values(dns: Dns) -> None:
    dns.put("www.shop.lab.", "192.0.2.1", "192.0.2.2", ttl=60)
    found = dns.ask("www.shop.lab.")
    [record] = found.records
    assert (found.rcode, record.name, record.type, record.ttl) == ("NOERROR", "www.shop.lab.", "A", 60)
    assert dns.values("www.shop.lab.") == ["192.0.2.1", "192.0.2.2"]
    assert dns.shares("www.shop.lab.") == {
        "192.0.2.1": pytest.approx(0.5, abs=0.1),
        "192.0.2.2": pytest.approx(0.5, abs=0.1),
    }


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("www.shop.lab.", "AAAA", "NOERROR"),
        ("deep.shop.lab.", "A", "NOERROR"),  # nothing itself, something below
        ("no.shop.lab.", "A", "NXDOMAIN"),
        ("no.www.shop.lab.", "A", "NXDOMAIN"),
    ],
)
def test_nothing_to_say_is_told_apart(dns: Dns, name: str, kind: str, rcode: str) -> None:
    dns.put("www.shop.lab.", "192.0.2.1")
    dns.put("very.deep.shop.lab.", "192.0.2.1")
    found = dns.ask(name, kind)
    assert (found.rcode, found.records) == (rcode, ())
    [soa] = found.authority
    assert (soa.name, soa.type, soa.ttl, soa.values) == ("shop.lab.", "SOA", 900, (SOA,))


def test_a_name_of_nobody_is_refused(dns: Dns) -> None:
    assert dns.ask("example.org.").rcode == "REFUSED"


def test_a_wildcard_answers_for_names_that_do_not_exist(dns: Dns) -> None:
    dns.put("\\052.shop.lab.", "192.0.2.9")
    dns.put("a.b.shop.lab.", "192.0.2.1")
    assert dns.ask("any.shop.lab.").records[0].name == "any.shop.lab."
    assert dns.values("two.more.shop.lab.") == ["192.0.2.9"]
    assert dns.values("a.b.shop.lab.") == ["192.0.2.1"]
    assert dns.values("b.shop.lab.") == []  # it exists, with nothing of its own
    assert dns.ask("c.b.shop.lab.").rcode == "NXDOMAIN"  # its nearest ancestor has no wildcard


def test_a_cname_is_followed_across_zones(dns: Dns) -> None:
    dns.zone("Z2", "other.lab.")
    dns.put("www.shop.lab.", "web.other.lab", kind="CNAME")
    dns.put("web.other.lab.", "end.other.lab.", kind="CNAME", zone="Z2")
    dns.put("end.other.lab.", "192.0.2.7", zone="Z2")
    found = dns.ask("www.shop.lab.")
    assert [(one.name, one.type) for one in found.records] == [
        ("www.shop.lab.", "CNAME"), ("web.other.lab.", "CNAME"), ("end.other.lab.", "A"),
    ]  # fmt: skip
    assert [one.type for one in dns.ask("www.shop.lab.", "CNAME").records] == ["CNAME"]


def test_a_cname_to_elsewhere_or_to_nothing(dns: Dns) -> None:
    dns.put("out.shop.lab.", "www.example.org", kind="CNAME")
    dns.put("lost.shop.lab.", "no.shop.lab", kind="CNAME")
    out, lost = dns.ask("out.shop.lab."), dns.ask("lost.shop.lab.")
    assert (out.rcode, len(out.records)) == ("NOERROR", 1)
    assert (lost.rcode, len(lost.records), lost.authority[0].type) == ("NXDOMAIN", 1, "SOA")


def test_a_circle_of_cnames_is_a_failure(dns: Dns) -> None:
    dns.put("a.shop.lab.", "b.shop.lab", kind="CNAME")
    dns.put("b.shop.lab.", "a.shop.lab", kind="CNAME")
    found = dns.ask("a.shop.lab.")
    assert (found.rcode, found.records) == ("SERVFAIL", ())


def test_a_circle_of_aliases_is_a_failure(dns: Dns) -> None:
    dns.alias("a.shop.lab.", "b.shop.lab.", "Z1")
    dns.alias("b.shop.lab.", "a.shop.lab.", "Z1")
    assert dns.ask("a.shop.lab.").rcode == "SERVFAIL"


def test_a_delegation_that_nobody_serves_is_a_failure_and_one_to_a_zone_is_followed(dns: Dns) -> None:
    dns.put("dev.shop.lab.", "ns.example.org.", kind="NS")
    assert dns.ask("www.dev.shop.lab.").rcode == "SERVFAIL"
    assert dns.values("dev.shop.lab.", "NS") == ["ns.example.org."]
    dns.zone("Z2", "dev.shop.lab.")
    dns.put("www.dev.shop.lab.", "192.0.2.5", zone="Z2")
    assert dns.values("www.dev.shop.lab.") == ["192.0.2.5"]


def test_a_private_zone_is_seen_from_its_vpcs(dns: Dns) -> None:
    dns.vpc("vpc-1")
    dns.vpc("vpc-2")
    dns.vpc("vpc-3", names=False)
    dns.zone("Z2", "shop.lab.", "vpc-1", "vpc-3")
    dns.put("www.shop.lab.", "192.0.2.1")
    dns.put("only.shop.lab.", "192.0.2.3")
    dns.put("www.shop.lab.", "10.0.0.1", zone="Z2")
    assert dns.values("www.shop.lab.", vpc="vpc-1") == ["10.0.0.1"]
    assert dns.ask("only.shop.lab.", vpc="vpc-1").rcode == "NXDOMAIN"  # the private zone alone is in charge
    assert dns.values("www.shop.lab.", vpc="vpc-2") == ["192.0.2.1"]
    assert dns.values("www.shop.lab.", vpc="vpc-3") == ["192.0.2.1"]  # without DNS hostnames
    assert dns.values("www.shop.lab.") == ["10.0.0.1"]  # the host sees it


def test_the_names_of_instances(dns: Dns) -> None:
    dns.vpc("vpc-1")
    dns.vpc("vpc-2")
    dns.interface("vpc-1", "10.0.1.5", "198.51.100.4")
    assert dns.values("ip-10-0-1-5.ec2.internal.", vpc="vpc-1") == ["10.0.1.5"]
    assert dns.values("ip-10-0-1-5.ec2.internal.") == ["10.0.1.5"]
    assert dns.ask("ip-10-0-1-5.ec2.internal.", vpc="vpc-2").rcode == "NXDOMAIN"
    assert dns.ask("ip-10-0-1-6.ec2.internal.").rcode == "NXDOMAIN"
    assert dns.ask("ip-10-0-1-5.ec2.internal.", "AAAA").rcode == "NOERROR"
    assert dns.values("5.1.0.10.in-addr.arpa.", "PTR") == ["ip-10-0-1-5.ec2.internal."]
    assert dns.ask("6.1.0.10.in-addr.arpa.", "PTR").rcode == "NXDOMAIN"
    for other in ("8.8.8.8.in-addr.arpa.", "1.0.10.in-addr.arpa.", "300.1.0.10.in-addr.arpa."):
        assert dns.ask(other, "PTR").rcode == "REFUSED"
    assert dns.ask("ip-10-0-1.ec2.internal.").rcode == "NXDOMAIN"
    public = "ec2-198-51-100-4.compute-1.amazonaws.com."
    assert dns.values(public, vpc="vpc-1") == ["10.0.1.5"]
    assert dns.values(public, vpc="vpc-2") == dns.values(public) == ["198.51.100.4"]
    [soa] = dns.ask("ip-10-0-1-6.ec2.internal.").authority
    assert (soa.name, soa.type) == ("ec2.internal.", "SOA")


def test_a_vpc_without_dns_hostnames_has_no_public_names(dns: Dns) -> None:
    dns.vpc("vpc-1", names=False)
    dns.interface("vpc-1", "10.0.1.5", "198.51.100.4")
    assert dns.ask("ec2-198-51-100-4.compute-1.amazonaws.com.").rcode == "NXDOMAIN"


def test_places_are_told_by_the_user() -> None:
    places = parse_places(
        "198.51.100.0/24=EU/DE:eu-central-1,eu-west-1 198.51.100.128/25=NA/US/CA 10.0.0.0/8=:us-west-2"
    )
    assert place_of("198.51.100.1", places, "us-east-1") == Place("EU", "DE", "", ("eu-central-1", "eu-west-1"))
    assert place_of("198.51.100.200", places, "us-east-1") == Place("NA", "US", "CA", ("us-east-1",))
    assert place_of("10.1.2.3", places, "us-east-1") == Place("", "", "", ("us-west-2",))
    assert place_of("127.0.0.1", places, "us-east-1") == Place("", "", "", ("us-east-1",))


@pytest.mark.parametrize("text", ["198.51.100.0/24", "x=EU", "1.2.3.0/24=Europe", "1.2.3.4/24=EU", "1.2.3.0/24=EU:EU"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"198|x=|1[.]2"):
        parse_places(text)
