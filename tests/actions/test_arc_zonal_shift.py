"""Zonal shifts: started, changed, cancelled, over by themselves. The site's load balancer has one away from us-east-1b."""

from typing import Any

import pytest

from lab.core.arc_zonal_shift import ZonalShift
from lab.core.times import moment
from tests.actions.conftest import Site


def ask(site: Site, operation: str, **members: Any) -> dict[str, Any]:
    return site.aws("arc-zonal-shift", operation, **members)


def refusal(site: Site, operation: str, **members: Any) -> str:
    return site.aws.refusal("arc-zonal-shift", operation, **members)


def start(site: Site, **members: str) -> dict[str, str]:
    return {"resourceIdentifier": site.balancer, "awayFrom": "use1-az1", "expiresIn": "1h", "comment": "c", **members}


def statuses(site: Site, **filters: str) -> list[str]:
    return [shift["status"] for shift in ask(site, "ListZonalShifts", **filters)["items"]]


def test_a_shift_is_active_until_its_time_has_come(site: Site) -> None:
    begun = site.aws.now
    site.aws.now += 7199
    assert statuses(site) == statuses(site, status="ACTIVE") == ["ACTIVE"]
    managed = ask(site, "GetManagedResource", resourceIdentifier=site.balancer)
    assert managed["appliedWeights"] == {"us-east-1a": 1.0, "us-east-1b": 0.0}
    [shift] = managed["zonalShifts"]
    assert (shift["awayFrom"], shift["expiryTime"]) == ("use1-az2", moment(begun + 7200))
    site.aws.now += 1
    assert statuses(site) == ["EXPIRED"]
    assert statuses(site, status="ACTIVE") == []
    managed = ask(site, "GetManagedResource", resourceIdentifier=site.balancer)
    assert (managed["appliedWeights"], managed["zonalShifts"]) == ({"us-east-1a": 1.0, "us-east-1b": 1.0}, [])
    ask(site, "StartZonalShift", **start(site))
    assert statuses(site) == ["ACTIVE", "EXPIRED"]


def test_a_shift_is_prolonged_from_now(site: Site) -> None:
    site.aws.now += 7000
    told = ask(site, "UpdateZonalShift", zonalShiftId=site.shift, expiresIn="72h")
    assert (told["expiryTime"], told["comment"]) == (moment(site.aws.now + 72 * 3600), "drill")
    told = ask(site, "UpdateZonalShift", zonalShiftId=site.shift, comment="longer")
    assert (told["comment"], told["status"]) == ("longer", "ACTIVE")


def test_a_shift_is_cancelled(site: Site) -> None:
    assert ask(site, "CancelZonalShift", zonalShiftId=site.shift)["status"] == "CANCELED"
    assert refusal(site, "CancelZonalShift", zonalShiftId=site.shift) == "ConflictException"
    assert refusal(site, "UpdateZonalShift", zonalShiftId=site.shift, expiresIn="1h") == "ConflictException"


def test_resources_are_the_load_balancers_that_are_enabled(site: Site) -> None:
    other = site.aws.load_balancer(site.a, site.b, name="other")
    [managed] = ask(site, "ListManagedResources")["items"]
    assert (managed["arn"], managed["availabilityZones"]) == (site.balancer, ["us-east-1a", "us-east-1b"])
    assert refusal(site, "GetManagedResource", resourceIdentifier=other) == "ResourceNotFoundException"
    site.aws.set("LoadBalancer", site.balancer, {"zonal_shift.config.enabled": "false"})
    assert ask(site, "ListManagedResources")["items"] == []


def test_shifts_go_with_their_load_balancer(site: Site) -> None:
    site.aws("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer)
    assert site.aws.store.all(ZonalShift) == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "ConflictException"),  # there is one already
        ({"resourceIdentifier": "arn:none"}, "ResourceNotFoundException"),
        ({"awayFrom": "us-east-1c"}, "ValidationException"),
        ({"awayFrom": "use1-az9"}, "ValidationException"),
    ],
)
def test_a_shift_that_cannot_start(site: Site, members: dict[str, str], code: str) -> None:
    assert refusal(site, "StartZonalShift", **start(site, **members)) == code


@pytest.mark.parametrize("expires_in", ["1s", "0m", "4321m", "73h", "1d", "h", "1.5h", "-1h", "²h"])
def test_an_expiry_is_from_a_minute_to_three_days(site: Site, expires_in: str) -> None:
    ask(site, "CancelZonalShift", zonalShiftId=site.shift)
    assert refusal(site, "StartZonalShift", **start(site, expiresIn=expires_in)) in (
        "ValidationException",
        "ValidationError",  # by its length
    )


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("UpdateZonalShift", {"zonalShiftId": "nothing"}, "ResourceNotFoundException"),
        ("CancelZonalShift", {"zonalShiftId": "nothing"}, "ResourceNotFoundException"),
        ("ListZonalShifts", {"status": "LATE"}, "ValidationException"),
        ("UpdateZonalShift", {"zonalShiftId": "<shift>", "comment": "x" * 129}, "ValidationException"),
    ],
)
def test_codes(site: Site, operation: str, members: dict[str, str], code: str) -> None:
    asked = {name: site.shift if text == "<shift>" else text for name, text in members.items()}
    assert refusal(site, operation, **asked) == code
