"""Private addresses of subnets (vpc:subnet-sizing)."""

import pytest

from lab.core.ec2.addresses import available_count, free_address, private_dns_name, usable, vpc_gateway

VPC = "10.0.0.0/16"


def test_the_first_four_and_the_last_are_reserved() -> None:
    addresses = list(usable("10.0.1.0/28", VPC))
    assert (addresses[0], addresses[-1], len(addresses)) == ("10.0.1.4", "10.0.1.14", 11)


def test_the_gateway_of_the_vpc_is_kept() -> None:
    assert vpc_gateway(VPC) == "10.0.255.254"
    assert "10.0.255.254" not in set(usable("10.0.255.0/24", VPC))
    assert list(usable("10.0.0.0/28", "10.0.0.0/28"))[-1] == "10.0.0.13"


def test_the_lowest_free_address_is_given() -> None:
    assert free_address("10.0.1.0/28", VPC, []) == "10.0.1.4"
    assert free_address("10.0.1.0/28", VPC, ["10.0.1.4", "10.0.1.6"]) == "10.0.1.5"


def test_a_full_subnet_has_none() -> None:
    assert free_address("10.0.1.0/28", VPC, usable("10.0.1.0/28", VPC)) is None


@pytest.mark.parametrize(
    ("subnet", "taken", "count"),
    [
        ("10.0.1.0/24", [], 251),
        ("10.0.1.0/28", [], 11),
        ("10.0.1.0/28", ["10.0.1.4", "10.0.1.4", "10.0.2.4"], 10),
        ("10.0.255.0/24", [], 250),
        (VPC, [], 65530),
    ],
)
def test_how_many_are_left(subnet: str, taken: list[str], count: int) -> None:
    assert available_count(subnet, VPC, taken) == count


@pytest.mark.parametrize("subnet", ["10.0.1.0/28", "10.0.255.240/28", "10.0.255.0/24"])
def test_the_count_is_the_number_of_usable_addresses(subnet: str) -> None:
    assert available_count(subnet, VPC, []) == len(list(usable(subnet, VPC)))


@pytest.mark.parametrize(
    ("region", "name"),
    [("us-east-1", "ip-10-0-1-4.ec2.internal"), ("eu-west-1", "ip-10-0-1-4.eu-west-1.compute.internal")],
)
def test_private_dns_names(region: str, name: str) -> None:
    assert private_dns_name("10.0.1.4", region) == name
