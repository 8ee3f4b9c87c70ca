"""Load balancers under the loop: rules and zonal shifts reach the document in force, and leave it; targets by address."""

from typing import Any

import pytest

from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import Listener, ListenerRule, LoadBalancer, Registration, TargetGroup
from lab.core.elbv2.rules import FixedResponse
from tests.control.lab import Lab


def balancer(lab: Lab) -> LoadBalancer:
    [found] = lab.store.all(LoadBalancer)
    return found


def document(lab: Lab) -> LoadBalancerConfig:
    found = lab.world.nodes.document(balancer(lab).arn)
    assert found is not None
    return found


def add_rule(lab: Lab, priority: int, *, to: str = "") -> str:
    action: dict[str, Any] = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    made = lab.call("elbv2", "CreateRule", ListenerArn=lab.store.all(Listener)[0].arn, Priority=priority,
                    Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
                    Actions=[{"Type": "forward", "TargetGroupArn": to} if to else action])  # fmt: skip
    return str(made["Rules"][0]["RuleArn"])


async def test_a_rule_reaches_the_nodes_and_leaves_them(lab: Lab) -> None:
    before = document(lab)
    arn = add_rule(lab, 5)
    await lab.run(2)
    [rule, default] = document(lab).listeners[0].rules
    assert (rule.priority, rule.action) == (5, FixedResponse(404))
    assert document(lab).generation == before.generation + 1
    lab.call("elbv2", "DeleteRule", RuleArn=arn)
    await lab.run(2)
    assert document(lab).listeners[0].rules == (default,)
    assert document(lab).content_hash == before.content_hash


async def test_a_zonal_shift_ends_by_itself(lab: Lab) -> None:
    arn = balancer(lab).arn
    shift = {"resourceIdentifier": arn, "awayFrom": "us-east-1a", "expiresIn": "5m", "comment": "drill"}
    lab.call("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=arn,
             Attributes=[{"Key": "zonal_shift.config.enabled", "Value": "true"}])  # fmt: skip
    lab.call("arc-zonal-shift", "StartZonalShift", **shift)
    await lab.run(2)
    assert document(lab).shifted_zone == "us-east-1a"
    generation = document(lab).generation
    await lab.run(290)
    assert (document(lab).shifted_zone, document(lab).generation) == ("us-east-1a", generation)
    await lab.run(10)
    assert (document(lab).shifted_zone, document(lab).generation) == ("", generation + 1)


async def test_a_shift_has_no_effect_once_the_attribute_is_off(lab: Lab) -> None:
    arn = balancer(lab).arn
    for value, zone in (("true", "us-east-1b"), ("false", "")):
        lab.call("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=arn,
                 Attributes=[{"Key": "zonal_shift.config.enabled", "Value": value}])  # fmt: skip
        if zone:
            lab.call("arc-zonal-shift", "StartZonalShift", resourceIdentifier=arn, awayFrom=zone, expiresIn="1h",
                     comment="")  # fmt: skip
        await lab.run(2)
        assert document(lab).shifted_zone == zone


# Targets by address.


@pytest.fixture
def addresses(lab: Lab) -> str:
    """A target group of addresses, not used by any rule yet."""
    [group] = lab.store.all(TargetGroup)
    made = lab.call("elbv2", "CreateTargetGroup", Name="addresses", Protocol="HTTP", Port=9000, TargetType="ip",
                    VpcId=group.vpc_id)  # fmt: skip
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def register(lab: Lab, group: str, *targets: dict[str, Any]) -> None:
    lab.call("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=list(targets))


def states(lab: Lab, group: str) -> dict[str, tuple[str, str]]:
    found = lab.call("elbv2", "DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason", "")) for one in found}


async def test_the_health_of_addresses(lab: Lab, addresses: str) -> None:
    node = balancer(lab).nodes[0]
    lab.call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=addresses,
             Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": "false"}])  # fmt: skip
    away = {"Id": "192.168.9.9", "AvailabilityZone": "us-east-1c"}
    everywhere = {"Id": "192.168.9.8", "AvailabilityZone": "all"}
    register(lab, addresses, away, everywhere, {"Id": node.private_ip_address})
    unused, unusable = ("unused", "Target.NotInUse"), ("unused", "Target.IpUnusable")
    assert states(lab, addresses) == {
        "192.168.9.9": unused,
        "192.168.9.8": unused,
        node.private_ip_address: unusable,
    }
    add_rule(lab, 1, to=addresses)
    await lab.run(20)
    wanted = {"192.168.9.9": unused, "192.168.9.8": ("healthy", ""), node.private_ip_address: unusable}
    assert states(lab, addresses) == wanted
    [group] = [one for one in document(lab).target_groups if one.arn == addresses]
    assert [target.id for target in group.targets] == ["192.168.9.8"]
    # The zone that is said of an address outside the VPC counts with cross-zone load balancing off only.
    lab.call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=addresses,
             Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}])  # fmt: skip
    await lab.run(20)
    assert states(lab, addresses) == {**wanted, "192.168.9.9": ("healthy", "")}


async def test_an_address_stays_until_it_is_deregistered_and_the_delay_has_passed(lab: Lab, addresses: str) -> None:
    target = {"Id": "192.168.9.8", "AvailabilityZone": "all"}
    register(lab, addresses, target)
    add_rule(lab, 1, to=addresses)
    await lab.run(600)
    assert states(lab, addresses) == {"192.168.9.8": ("healthy", "")}
    lab.call("elbv2", "DeregisterTargets", TargetGroupArn=addresses, Targets=[{"Id": "192.168.9.8"}])
    await lab.run(290)
    assert states(lab, addresses) == {"192.168.9.8": ("draining", "Target.DeregistrationInProgress")}
    await lab.run(20)
    assert [row for row in lab.store.all(Registration) if row.target_group_arn == addresses] == []
    register(lab, addresses, target)


async def test_the_balancer_of_a_target_group_may_use_it_in_a_rule_alone(lab: Lab, addresses: str) -> None:
    assert lab.world.balancer_of(addresses) is None
    arn = add_rule(lab, 1, to=addresses)
    assert lab.world.balancer_of(addresses) == balancer(lab)
    lab.call("elbv2", "DeleteRule", RuleArn=arn)
    assert lab.world.balancer_of(addresses) is None
    assert lab.store.all(ListenerRule) == []
