"""Load balancers, listeners, target groups, targets."""

import pytest

from lab.core.ec2.model import NetworkInterface
from lab.core.elbv2.model import Listener, LoadBalancer, Registration
from lab.core.elbv2.target_health import Health
from tests.actions.aws import forward
from tests.actions.conftest import Site


def test_a_load_balancer_has_a_node_in_each_subnet(site: Site) -> None:
    [balancer] = site.aws.store.all(LoadBalancer)
    assert [node.subnet_id for node in balancer.nodes] == [site.a, site.b]
    owners = {row.owner for row in site.aws.store.all(NetworkInterface)}
    assert {node.node_id for node in balancer.nodes} <= owners
    assert balancer.state == "provisioning"
    assert len({node.token for node in balancer.nodes}) == 2


def test_creating_again_with_the_same_settings_answers_with_what_is_there(site: Site) -> None:
    assert site.aws.load_balancer(site.a, site.b) == site.balancer
    assert site.aws.target_group(site.vpc) == site.target_group
    assert site.aws.listener(site.balancer, site.target_group) == site.listener


def test_a_load_balancer_has_a_key_of_its_own_for_cookies(site: Site) -> None:
    site.aws.load_balancer(site.a, site.b, name="second")
    keys = {row.cookie_key for row in site.aws.store.all(LoadBalancer)}
    assert len(keys) == 2
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


def test_a_load_balancer_has_fifty_listeners(site: Site) -> None:
    for port in range(81, 129):  # beside the two that the site has
        site.aws.listener(site.balancer, site.target_group, port)
    code = site.aws.refusal("elbv2", "CreateListener", LoadBalancerArn=site.balancer, Protocol="HTTP", Port=130,
                            DefaultActions=[forward(site.target_group)])  # fmt: skip
    assert code == "TooManyListeners"


def test_load_balancers_take_the_lowest_free_slot(site: Site) -> None:
    second = site.aws.load_balancer(site.a, site.b, name="second")
    site.aws("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer)
    site.aws.load_balancer(site.a, site.b, name="third")
    assert {row.name: row.slot for row in site.aws.store.all(LoadBalancer)} == {"second": 1, "third": 0}
    assert second


def test_deleting_a_load_balancer_takes_its_listeners_and_interfaces(site: Site) -> None:
    before = len(site.aws.store.all(NetworkInterface))
    site.aws("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer)
    assert site.aws.store.all(Listener) == []
    assert len(site.aws.store.all(NetworkInterface)) == before - 2
    site.aws("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer)  # succeeds when there is none
    site.aws("elbv2", "DeleteTargetGroup", TargetGroupArn=site.target_group)


def test_deletion_protection(site: Site) -> None:
    site.aws("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=site.balancer,
             Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}])  # fmt: skip
    assert site.aws.refusal("elbv2", "DeleteLoadBalancer", LoadBalancerArn=site.balancer) == "OperationNotPermitted"


def test_set_subnets_keeps_the_nodes_that_stay(site: Site) -> None:
    third = site.aws.subnet(site.vpc, 3, "c")
    before = site.aws.store.all(LoadBalancer)[0].nodes
    site.aws("elbv2", "SetSubnets", LoadBalancerArn=site.balancer, Subnets=[site.a, third])
    after = site.aws.store.all(LoadBalancer)[0].nodes
    assert after[0] == before[0]
    assert after[1].availability_zone == "us-east-1c"
    assert before[1].network_interface_id not in {
        row.network_interface_id for row in site.aws.store.all(NetworkInterface)
    }


def test_a_target_group_of_one_load_balancer_is_not_given_to_another(site: Site) -> None:
    other = site.aws.load_balancer(site.a, site.b, name="other")
    code = site.aws.refusal("elbv2", "CreateListener", LoadBalancerArn=other, Protocol="HTTP", Port=80,
                            DefaultActions=[{"Type": "forward", "TargetGroupArn": site.target_group}])  # fmt: skip
    assert code == "TargetGroupAssociationLimit"


def test_health_check_defaults_are_awss(site: Site) -> None:
    """aws-facts §2.1"""
    [group] = site.aws("elbv2", "DescribeTargetGroups")["TargetGroups"]
    assert {key: group[key] for key in group if key.startswith(("Health", "Unhealthy", "Matcher"))} == {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
    }
    assert group["LoadBalancerArns"] == [site.balancer]


def test_modify_target_group_changes_what_is_named(site: Site) -> None:
    site.aws("elbv2", "ModifyTargetGroup", TargetGroupArn=site.target_group, HealthCheckPath="/up")
    [group] = site.aws("elbv2", "DescribeTargetGroups")["TargetGroups"]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/up", 30)


@pytest.mark.parametrize("again", [False, True])
def test_targets_are_registered_drained_and_registered_again(site: Site, again: bool) -> None:
    target = {"TargetGroupArn": site.target_group, "Targets": [{"Id": site.instance}]}
    site.aws("elbv2", "RegisterTargets", **target)
    site.aws.now += 10
    site.aws("elbv2", "RegisterTargets", **target)
    [row] = site.aws.store.all(Registration)
    assert (row.port, row.registered_at, row.deregistered_at) == (8000, site.aws.now - 10, None)
    site.aws("elbv2", "DeregisterTargets", **target)
    if again:
        site.aws("elbv2", "RegisterTargets", **target)
    [row] = site.aws.store.all(Registration)
    assert row.deregistered_at == (None if again else site.aws.now)


def test_a_stopped_instance_is_no_target(site: Site) -> None:
    site.aws.stop(site.instance)
    code = site.aws.refusal(
        "elbv2", "RegisterTargets", TargetGroupArn=site.target_group, Targets=[{"Id": site.instance}]
    )
    assert code == "InvalidTarget"


def test_target_health(site: Site) -> None:
    site.aws("elbv2", "RegisterTargets", TargetGroupArn=site.target_group, Targets=[{"Id": site.instance}])
    site.aws.target = Health("unhealthy", "Target.Timeout", "Request timed out")
    asked = [{"Id": site.instance}, {"Id": "i-unknown"}]
    known, unknown = site.aws("elbv2", "DescribeTargetHealth", TargetGroupArn=site.target_group, Targets=asked)[
        "TargetHealthDescriptions"
    ]
    assert known["TargetHealth"] == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }
    assert unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"
    site.aws.target = Health("healthy")
    [known] = site.aws("elbv2", "DescribeTargetHealth", TargetGroupArn=site.target_group)["TargetHealthDescriptions"]
    assert known["TargetHealth"] == {"State": "healthy"}


def test_tags(site: Site) -> None:
    for arn in (site.balancer, site.target_group, site.listener):
        site.aws("elbv2", "AddTags", ResourceArns=[arn], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        site.aws("elbv2", "RemoveTags", ResourceArns=[arn], TagKeys=["a"])
        [found] = site.aws("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"]
        assert found == {"ResourceArn": arn, "Tags": [{"Key": "b", "Value": "2"}]}
