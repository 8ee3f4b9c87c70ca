"""Targets by instance and by address, and what DescribeTargetHealth tells of them."""

from typing import Any

import pytest

from lab.core.elbv2.model import Registration
from lab.core.elbv2.target_health import Health
from tests.actions.conftest import Site


@pytest.fixture
def addresses(site: Site) -> str:
    """A target group of addresses."""
    return site.aws.target_group(site.vpc, "addresses", TargetType="ip", Protocol="HTTPS", HealthCheckProtocol="HTTPS")


def register(site: Site, group: str, **target: Any) -> None:
    site.aws("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[target])


def rows(site: Site) -> list[tuple[str, int, str]]:
    return [(row.target_id, row.port, row.availability_zone) for row in site.aws.store.all(Registration)]


def health(site: Site, group: str, **more: Any) -> list[dict[str, Any]]:
    found = site.aws("elbv2", "DescribeTargetHealth", TargetGroupArn=group, **more)["TargetHealthDescriptions"]
    return list(found)


def test_a_target_group_of_addresses(site: Site, addresses: str) -> None:
    [group] = site.aws("elbv2", "DescribeTargetGroups", TargetGroupArns=[addresses])["TargetGroups"]
    assert (group["TargetType"], group["Protocol"], group["HealthCheckProtocol"]) == ("ip", "HTTPS", "HTTPS")


@pytest.mark.parametrize(
    ("target", "row"),
    [
        ({"Id": "10.0.1.9"}, ("10.0.1.9", 8000, "us-east-1a")),
        ({"Id": "10.0.2.9", "Port": 9}, ("10.0.2.9", 9, "us-east-1b")),
        ({"Id": "10.0.2.9", "AvailabilityZone": "us-east-1b"}, ("10.0.2.9", 8000, "us-east-1b")),
        ({"Id": "10.0.2.9", "AvailabilityZone": "all"}, ("10.0.2.9", 8000, "all")),
        ({"Id": "192.168.7.7", "AvailabilityZone": "all"}, ("192.168.7.7", 8000, "all")),
        ({"Id": "100.64.0.1", "AvailabilityZone": "us-east-1c"}, ("100.64.0.1", 8000, "us-east-1c")),
    ],
)
def test_an_address_is_registered_with_its_zone(
    site: Site, addresses: str, target: dict[str, Any], row: tuple[str, int, str]
) -> None:
    register(site, addresses, **target)
    assert rows(site) == [row]
    [found] = health(site, addresses)
    assert found["Target"] == {"Id": row[0], "Port": row[1], "AvailabilityZone": row[2]}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"Id": "i-0"}, "InvalidTarget"),
        ({"Id": "10.0.1.300"}, "InvalidTarget"),
        ({"Id": "::1"}, "InvalidTarget"),
        ({"Id": "127.0.0.1", "AvailabilityZone": "all"}, "InvalidTarget"),
        ({"Id": "8.8.8.8", "AvailabilityZone": "all"}, "InvalidTarget"),
        ({"Id": "192.168.1.1"}, "ValidationError"),
        ({"Id": "10.0.77.1"}, "ValidationError"),  # of the VPC, but of no subnet
        ({"Id": "10.0.1.9", "AvailabilityZone": "us-east-1b"}, "InvalidTarget"),
        ({"Id": "10.0.1.9", "AvailabilityZone": "mars"}, "ValidationError"),
        ({"Id": "10.0.1.9", "Port": 0}, "ValidationError"),
    ],
)
def test_addresses_that_cannot_be_targets(site: Site, addresses: str, target: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("elbv2", "RegisterTargets", TargetGroupArn=addresses, Targets=[target]) == code


def test_an_instance_has_its_own_zone(site: Site) -> None:
    target = {"Id": site.instance, "AvailabilityZone": "us-east-1a"}
    assert site.aws.refusal("elbv2", "RegisterTargets", TargetGroupArn=site.target_group, Targets=[target]) == (
        "ValidationError"
    )


def test_an_address_is_free_again_when_it_has_drained(site: Site, addresses: str) -> None:
    register(site, addresses, Id="10.0.1.9")
    site.aws("elbv2", "DeregisterTargets", TargetGroupArn=addresses, Targets=[{"Id": "10.0.1.9"}])
    again = {"TargetGroupArn": addresses, "Targets": [{"Id": "10.0.1.9"}]}
    assert site.aws.refusal("elbv2", "RegisterTargets", **again) == "InvalidTarget"


def test_an_address_gets_another_zone(site: Site, addresses: str) -> None:
    register(site, addresses, Id="192.168.1.1", AvailabilityZone="all")
    site.aws.now += 5
    register(site, addresses, Id="192.168.1.1", AvailabilityZone="us-east-1a")
    [row] = site.aws.store.all(Registration)
    assert (row.availability_zone, row.registered_at) == ("us-east-1a", site.aws.now - 5)


def test_a_target_with_several_ports(site: Site) -> None:
    for port in (1000, 2000, 3000):
        register(site, site.target_group, Id=site.instance, Port=port)
    site.aws("elbv2", "DeregisterTargets", TargetGroupArn=site.target_group,
             Targets=[{"Id": site.instance, "Port": 2000}])  # fmt: skip
    draining = {row.port: row.deregistered_at is not None for row in site.aws.store.all(Registration)}
    assert draining == {1000: False, 2000: True, 3000: False}
    asked = [{"Id": site.instance, "Port": 3000}, {"Id": site.instance, "Port": 4000}]
    known, unknown = health(site, site.target_group, Targets=asked)
    assert (known["Target"]["Port"], known["HealthCheckPort"]) == (3000, "3000")
    assert unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_a_target_group_has_a_thousand_targets(site: Site) -> None:
    targets = [{"Id": site.instance, "Port": port} for port in range(1, 1002)]
    asked = {"TargetGroupArn": site.target_group, "Targets": targets}
    assert site.aws.refusal("elbv2", "RegisterTargets", **asked) == "TooManyTargets"
    site.aws("elbv2", "RegisterTargets", TargetGroupArn=site.target_group, Targets=targets[:1000])


def test_an_auto_scaling_group_takes_no_target_group_of_addresses(site: Site, addresses: str) -> None:
    code = site.aws.refusal("autoscaling", "AttachLoadBalancerTargetGroups", AutoScalingGroupName=site.group,
                            TargetGroupARNs=[addresses])  # fmt: skip
    assert code == "ValidationError"


@pytest.mark.parametrize("include", [None, ["AnomalyDetection"], ["All"]])
def test_anomalies_are_told_when_asked_for(site: Site, include: list[str] | None) -> None:
    register(site, site.target_group, Id=site.instance)
    site.aws.target = Health("healthy", anomalous=True, mitigated=False)
    [found] = health(site, site.target_group, **({} if include is None else {"Include": include}))
    wanted = None if include is None else {"Result": "anomalous", "MitigationInEffect": "no"}
    assert found.get("AnomalyDetection") == wanted


@pytest.mark.parametrize(
    ("zone", "cross_zone", "state"),
    [
        ("use1-az1", "true", "zonal_shift_active"),
        ("us-east-1a", "use_load_balancer_configuration", "zonal_shift_active"),
        ("us-east-1a", "false", "zonal_shift_delegated_to_dns"),
        ("us-east-1b", "true", "no_override"),
    ],
)
def test_a_zonal_shift_overrides_the_targets_of_its_zone(site: Site, zone: str, cross_zone: str, state: str) -> None:
    register(site, site.target_group, Id=site.instance)
    site.aws.set("TargetGroup", site.target_group, {"load_balancing.cross_zone.enabled": cross_zone})
    site.aws("arc-zonal-shift", "CancelZonalShift", zonalShiftId=site.shift)
    site.aws("arc-zonal-shift", "StartZonalShift", resourceIdentifier=site.balancer, awayFrom=zone, expiresIn="1m",
             comment="")  # fmt: skip
    [found] = health(site, site.target_group)
    assert found["AdministrativeOverride"]["State"] == state
    site.aws.now += 60
    [found] = health(site, site.target_group)
    assert found["AdministrativeOverride"] == {
        "State": "no_override",
        "Reason": "AdministrativeOverride.NoOverride",
        "Description": "No override is currently active on target",
    }
