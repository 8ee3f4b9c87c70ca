"""Routing policies, and health checks that pull answers."""

from typing import Any

import pytest

from lab.core.route53.checks import Tally, is_healthy, of_alarm, verdict
from lab.core.route53.model import GeoLocation, HealthCheck
from lab.core.route53.view import Place
from tests.core.alarm_rows import metric_alarm
from tests.core.zones import Dns

NAME = "www.shop.lab."


@pytest.fixture
def dns() -> Dns:
    dns = Dns()
    dns.check("good", healthy=True)
    dns.check("bad", healthy=False)
    return dns


def weighted(dns: Dns, **weights: tuple[int, str]) -> None:
    """By the last number of the address: weight and health check."""
    for name, (weight, check) in weights.items():
        dns.put(NAME, f"192.0.2.{name[1:]}", set_identifier=name, weight=weight, health_check_id=check)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({"n1": (3, ""), "n2": (1, "")}, {"1": 0.75, "2": 0.25}),
        ({"n1": (3, "bad"), "n2": (1, "good")}, {"2": 1.0}),
        ({"n1": (3, ""), "n2": (0, "")}, {"1": 1.0}),
        ({"n1": (3, "bad"), "n2": (0, "good")}, {"2": 1.0}),  # a weight of 0 is the last resort
        ({"n1": (0, ""), "n2": (0, "")}, {"1": 0.5, "2": 0.5}),
        ({"n1": (0, "bad"), "n2": (0, "good")}, {"2": 1.0}),
        ({"n1": (3, "bad"), "n2": (1, "bad")}, {"1": 0.75, "2": 0.25}),  # all unhealthy: all healthy
        ({"n1": (3, "bad"), "n2": (0, "bad")}, {"1": 1.0}),
        ({"n1": (1, "gone"), "n2": (1, "")}, {"1": 0.5, "2": 0.5}),  # a check that is not there says nothing
    ],
)
def test_weights(dns: Dns, weights: Any, shares: dict[str, float]) -> None:
    weighted(dns, **weights)
    expected = {f"192.0.2.{name}": pytest.approx(share, abs=0.08) for name, share in shares.items()}
    assert dns.shares(NAME, 600) == expected


@pytest.mark.parametrize(
    ("primary", "secondary", "wins"),
    [
        ("good", "good", "1"),
        ("good", "bad", "1"),
        ("bad", "good", "2"),
        ("bad", "", "2"),
        ("bad", "bad", "1"),
        ("", "", "1"),
    ],
)
def test_failover(dns: Dns, primary: str, secondary: str, wins: str) -> None:
    dns.put(NAME, "192.0.2.2", set_identifier="b", failover="SECONDARY", health_check_id=secondary)
    dns.put(NAME, "192.0.2.1", set_identifier="a", failover="PRIMARY", health_check_id=primary)
    assert dns.values(NAME) == [f"192.0.2.{wins}"]


@pytest.mark.parametrize(
    ("near", "sick", "wins"),
    [
        (("eu-west-1", "us-east-1"), (), "eu-west-1"),
        (("us-east-1", "eu-west-1"), (), "us-east-1"),
        (("eu-west-1", "us-east-1"), ("eu-west-1",), "us-east-1"),
        (("eu-west-1", "us-east-1"), ("eu-west-1", "us-east-1"), "eu-west-1"),
        (("ap-south-1",), (), "eu-west-1"),
    ],
)
def test_latency(dns: Dns, near: tuple[str, ...], sick: tuple[str, ...], wins: str) -> None:
    addresses = {"us-east-1": "192.0.2.1", "eu-west-1": "192.0.2.2"}
    for region, address in addresses.items():
        dns.put(NAME, address, set_identifier=region, region=region, health_check_id="bad" if region in sick else "")
    dns.place = Place(regions=near)
    assert dns.values(NAME) == [addresses[wins]]


LOCATIONS = {
    "default": GeoLocation(country="*"),
    "eu": GeoLocation(continent="EU"),
    "us": GeoLocation(country="US"),
    "ca": GeoLocation(country="US", subdivision="CA"),
}


@pytest.mark.parametrize(
    ("place", "without", "sick", "wins"),
    [
        (Place("NA", "US", "CA"), (), (), "ca"),
        (Place("NA", "US", "NY"), (), (), "us"),
        (Place("EU", "DE"), (), (), "eu"),
        (Place("AS", "JP"), (), (), "default"),
        (Place(), (), (), "default"),
        (Place("NA", "US", "CA"), (), ("ca",), "us"),
        (Place("NA", "US", "CA"), (), ("ca", "us"), "default"),
        (Place("NA", "US", "CA"), (), ("ca", "us", "default"), "ca"),
        (Place("AS", "JP"), ("default",), (), ""),
    ],
)
def test_geolocation(dns: Dns, place: Place, without: tuple[str, ...], sick: tuple[str, ...], wins: str) -> None:
    for number, (name, location) in enumerate(LOCATIONS.items()):
        if name not in without:
            check = "bad" if name in sick else ""
            dns.put(NAME, f"192.0.2.{number}", set_identifier=name, geo_location=location, health_check_id=check)
    dns.place = place
    assert dns.ask(NAME).rcode == "NOERROR"
    assert dns.values(NAME) == ([f"192.0.2.{list(LOCATIONS).index(wins)}"] if wins else [])


@pytest.mark.parametrize(("sick", "count"), [(0, 8), (8, 2), (10, 8)])
def test_multivalue(dns: Dns, sick: int, count: int) -> None:
    for number in range(10):
        check = "bad" if number < sick else "good"
        dns.put(
            NAME,
            f"192.0.2.{number}",
            set_identifier=f"n{number}",
            multi_value=True,
            health_check_id=check,
            ttl=60 + number,
        )
    found = dns.values(NAME)
    assert len(set(found)) == count
    assert sick == 10 or all(int(value.split(".")[-1]) >= sick for value in found)


def test_an_alias_answers_for_its_target(dns: Dns) -> None:
    dns.put("a.shop.lab.", "192.0.2.1", ttl=77)
    dns.put("a.shop.lab.", "2001:db8::1", kind="AAAA")
    dns.alias("shop.lab.", "a.shop.lab.", "Z1")
    [record] = dns.ask("shop.lab.").records
    assert (record.name, record.type, record.ttl, record.values) == ("shop.lab.", "A", 77, ["192.0.2.1"])
    assert dns.ask("shop.lab.", "AAAA").rcode == "NOERROR"  # an alias is of one type
    assert dns.values("shop.lab.", "AAAA") == []


@pytest.mark.parametrize(("evaluate", "wins"), [(True, "192.0.2.9"), (False, "192.0.2.1")])
def test_an_aliass_target_is_evaluated_where_it_says_so(dns: Dns, evaluate: bool, wins: str) -> None:
    dns.put("a.shop.lab.", "192.0.2.1", set_identifier="1", weight=1, health_check_id="bad")
    dns.put("a.shop.lab.", "192.0.2.2", set_identifier="2", weight=0, health_check_id="bad")
    dns.put(NAME, "192.0.2.9", set_identifier="b", failover="SECONDARY")
    dns.alias(NAME, "a.shop.lab.", "Z1", evaluate=evaluate, set_identifier="a", failover="PRIMARY")
    assert dns.values(NAME) == [wins]


def test_aliases_in_circles_are_unhealthy_and_are_looked_at_once(dns: Dns) -> None:
    """Two names of a hundred aliases to each other: ten thousand ways, and each is followed again."""
    for here, there in (("a", "b"), ("b", "a")):
        for number in range(100):
            dns.alias(f"{here}.shop.lab.", f"{there}.shop.lab.", "Z1", set_identifier=f"s{number}", weight=1)
    dns.alias(NAME, "a.shop.lab.", "Z1", set_identifier="a", failover="PRIMARY")
    dns.put(NAME, "192.0.2.9", set_identifier="b", failover="SECONDARY")
    assert dns.values(NAME) == ["192.0.2.9"]


# Health checks themselves.


@pytest.mark.parametrize(
    ("healthy", "config", "result"),
    [
        (None, {}, True),
        (True, {}, True),
        (False, {}, False),
        (None, {"Inverted": True}, False),
        (False, {"Inverted": True}, True),
        (False, {"Disabled": True}, True),
        (False, {"Disabled": True, "Inverted": True}, False),
    ],
)
def test_what_counts_as_healthy(dns: Dns, healthy: bool | None, config: dict[str, Any], result: bool) -> None:
    check = dns.store.get(HealthCheck, dns.check("x", healthy, **config))
    assert check is not None
    assert is_healthy(dns.store, check) is result


@pytest.mark.parametrize(("threshold", "result"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_a_calculated_check_counts_its_children(dns: Dns, threshold: int, result: bool) -> None:
    dns.check("inner", Type="CALCULATED", ChildHealthChecks=["good"], HealthThreshold=1)
    dns.check("sum", Type="CALCULATED", ChildHealthChecks=["good", "bad", "inner", "gone"], HealthThreshold=threshold)
    check = dns.store.get(HealthCheck, "sum")
    assert check is not None
    assert is_healthy(dns.store, check) is result


def test_children_that_many_share_are_looked_at_once(dns: Dns) -> None:
    """Twenty generations of ten, each the child of all above it."""
    children = ["good"]
    for generation in range(20):
        children = [
            dns.check(f"g{generation}-{number}", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=1)
            for number in range(10)
        ]
    check = dns.store.get(HealthCheck, children[0])
    assert check is not None
    assert is_healthy(dns.store, check) is True


def test_calculated_checks_in_a_circle_come_to_an_end(dns: Dns) -> None:
    dns.check("ring", Type="CALCULATED", ChildHealthChecks=["ring"], HealthThreshold=1)
    ring = dns.store.get(HealthCheck, "ring")
    assert ring is not None
    assert is_healthy(dns.store, ring) is False


@pytest.mark.parametrize(
    ("state", "insufficient", "known", "result"),
    [
        ("OK", "Unhealthy", None, True),
        ("ALARM", "Healthy", None, False),
        ("INSUFFICIENT_DATA", "Healthy", False, True),
        ("INSUFFICIENT_DATA", "Unhealthy", True, False),
        ("INSUFFICIENT_DATA", "LastKnownStatus", False, False),
        ("INSUFFICIENT_DATA", "LastKnownStatus", None, None),
        ("", "Unhealthy", True, False),
    ],
)
def test_an_alarms_word(state: str, insufficient: str, known: bool | None, result: bool | None) -> None:
    config = {"Type": "CLOUDWATCH_METRIC", "InsufficientDataHealthStatus": insufficient}
    alarm = metric_alarm(state=state) if state else None
    assert of_alarm(HealthCheck("x", "x", config, healthy=known), alarm) is result


def test_a_check_turns_after_so_many_tries_in_a_row() -> None:
    check = HealthCheck("x", "x", {"Type": "TCP", "FailureThreshold": 3}, healthy=True)
    tally = Tally(passed=True, in_a_row=9, next_at=0.0)
    said = []
    for passed in (False, False, True, False, False, False):
        tally = tally.counting(passed, 0.0)
        said.append(verdict(check, tally))
    assert said == [True, True, True, True, True, False]


def test_a_new_check_is_settled_by_its_first_success_but_by_no_single_failure() -> None:
    check = HealthCheck("x", "x", {"Type": "TCP", "FailureThreshold": 3})
    assert verdict(check, Tally(passed=True, in_a_row=1, next_at=0.0)) is True
    assert verdict(check, Tally(passed=False, in_a_row=2, next_at=0.0)) is None
    assert verdict(check, Tally(passed=False, in_a_row=3, next_at=0.0)) is False
