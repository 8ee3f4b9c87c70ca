"""Groups, their instances and policies."""

from typing import Any

import pytest

from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.elbv2.model import Registration
from tests.actions.conftest import Site


def described(site: Site) -> dict[str, Any]:
    [group] = site.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return dict(group)


def cause(site: Site) -> str:
    return site.aws.store.all(AutoScalingGroup)[0].capacity_cause.partition("Z ")[2]


def join(site: Site, **more: Any) -> Member:
    """The site's instance as a member in service."""
    values = {"state": "InService", "in_service_at": site.aws.now, **more}
    member = Member(site.instance, "web", "us-east-1a", site.template, 1, site.aws.now, "launch", **values)
    site.aws.store.put(member)
    site.aws.store.put(Activity("launch", "web", "Launching", "c", site.aws.now, "Successful", 100, "{}", site.aws.now))
    return member


def test_defaults_are_awss(site: Site) -> None:
    group = described(site)
    assert (group["DesiredCapacity"], group["DefaultCooldown"], group["HealthCheckType"]) == (0, 300, "EC2")
    assert (group["HealthCheckGracePeriod"], group["TerminationPolicies"]) == (0, ["Default"])
    assert group["AvailabilityZones"] == ["us-east-1a", "us-east-1b"]
    assert group["VPCZoneIdentifier"] == f"{site.a},{site.b}"
    assert group["LaunchTemplate"]["Version"] == "$Default"


@pytest.mark.parametrize(
    ("operation", "members", "wanted", "sentence"),
    [
        ("SetDesiredCapacity", {"DesiredCapacity": 2}, 2,
         "a user request explicitly set group desired capacity changing the desired capacity from 0 to 2."),
        ("SetDesiredCapacity", {"DesiredCapacity": 0}, 0, ""),
        ("UpdateAutoScalingGroup", {"MinSize": 3}, 3,
         "a user request update of AutoScalingGroup constraints to min: 3, max: 4, desired: 3 "
         "changing the desired capacity from 0 to 3."),
        ("UpdateAutoScalingGroup", {"MaxSize": 9, "DesiredCapacity": 7}, 7,
         "a user request update of AutoScalingGroup constraints to min: 0, max: 9, desired: 7 "
         "changing the desired capacity from 0 to 7."),
        ("UpdateAutoScalingGroup", {"MaxSize": 9}, 0, ""),
    ],
)  # fmt: skip
def test_the_desired_capacity_and_its_reason(
    site: Site, operation: str, members: dict[str, Any], wanted: int, sentence: str
) -> None:
    site.aws("autoscaling", operation, AutoScalingGroupName="web", **members)
    assert described(site)["DesiredCapacity"] == wanted
    assert cause(site) == sentence


def test_a_lower_maximum_lowers_the_desired_capacity(site: Site) -> None:
    site.aws("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=4)
    site.aws("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web", MaxSize=1)
    assert described(site)["DesiredCapacity"] == 1


def test_unknown_names_are_left_out_of_descriptions(site: Site) -> None:
    answer = site.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["none"])
    assert answer["AutoScalingGroups"] == []


def test_a_policy_comes_with_two_alarms_and_takes_them_along(site: Site) -> None:
    [policy] = site.aws("autoscaling", "DescribePolicies")["ScalingPolicies"]
    alarms = {alarm["AlarmName"] for alarm in policy["Alarms"]}
    assert {row.name for row in site.aws.store.all(MetricAlarm)} == alarms
    assert len(alarms) == 2
    site.aws("autoscaling", "DeletePolicy", AutoScalingGroupName="web", PolicyName="cpu")
    assert site.aws.store.all(MetricAlarm) == []


def test_putting_a_policy_again_replaces_its_alarms_and_keeps_its_arn(site: Site) -> None:
    before = {row.name for row in site.aws.store.all(MetricAlarm)}
    assert site.aws.policy(EstimatedInstanceWarmup=60) == site.policy
    after = {row.name for row in site.aws.store.all(MetricAlarm)}
    assert len(after) == 2
    assert not before & after
    assert [row.estimated_instance_warmup for row in site.aws.store.all(ScalingPolicy)] == [60.0]


def test_an_empty_group_is_deleted_at_once_with_its_policies(site: Site) -> None:
    site.aws("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web")
    for kind in (AutoScalingGroup, ScalingPolicy, MetricAlarm):
        assert site.aws.store.all(kind) == []


def test_a_group_with_instances_needs_force(site: Site) -> None:
    join(site, protected=True)
    assert site.aws.refusal("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web") == "ResourceInUse"
    site.aws("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web", ForceDelete=True)
    group = described(site)
    assert (group["Status"], group["DesiredCapacity"], group["MaxSize"]) == ("Delete in progress", 0, 0)


def test_a_user_terminates_an_instance(site: Site) -> None:
    join(site)
    site.aws("elbv2", "RegisterTargets", TargetGroupArn=site.target_group, Targets=[{"Id": site.instance}])
    site.aws("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=1)
    answer = site.aws("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=site.instance,
                      ShouldDecrementDesiredCapacity=True)["Activity"]  # fmt: skip
    assert answer["StatusCode"] == "WaitingForELBConnectionDraining"
    assert answer["Cause"].endswith("shrinking the capacity from 1 to 0.")
    [member] = site.aws.store.all(Member)
    assert (member.state, member.replaced) == ("Terminating", True)
    assert all(row.deregistered_at == site.aws.now for row in site.aws.store.all(Registration))
    assert described(site)["DesiredCapacity"] == 0


def test_not_below_the_minimum(site: Site) -> None:
    join(site)
    site.aws("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web", MinSize=1)
    code = site.aws.refusal("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=site.instance,
                            ShouldDecrementDesiredCapacity=True)  # fmt: skip
    assert code == "ValidationError"


@pytest.mark.parametrize(
    ("age", "respect", "health"),
    [(0, True, "Healthy"), (0, False, "Unhealthy"), (301, True, "Unhealthy")],
)
def test_set_instance_health_respects_the_grace_period(site: Site, age: float, respect: bool, health: str) -> None:
    site.aws("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web", HealthCheckGracePeriod=300)
    join(site)
    site.aws.now += age
    site.aws("autoscaling", "SetInstanceHealth", InstanceId=site.instance, HealthStatus="Unhealthy",
             ShouldRespectGracePeriod=respect)  # fmt: skip
    [shown] = site.aws("autoscaling", "DescribeAutoScalingInstances")["AutoScalingInstances"]
    assert shown["HealthStatus"] == health.upper()
    assert described(site)["Instances"][0]["HealthStatus"] == health


def test_activities_in_progress_come_first_then_the_newest(site: Site) -> None:
    for name, start, end in (("old", 1.0, 2.0), ("busy", 0.0, None), ("new", 5.0, 6.0)):
        site.aws.store.put(Activity(name, "web", "d", "c", start, "Successful", 100, "{}", end))
    found = site.aws("autoscaling", "DescribeScalingActivities", AutoScalingGroupName="web", MaxRecords=2)["Activities"]
    assert [row["ActivityId"] for row in found] == ["busy", "new"]


def test_activities_outlive_their_group(site: Site) -> None:
    site.aws.store.put(Activity("a", "web", "d", "c", 0.0, "Successful", 100, "{}", 1.0))
    site.aws("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web")
    [found] = site.aws("autoscaling", "DescribeScalingActivities")["Activities"]
    assert found["AutoScalingGroupState"] == "Deleted"


def test_tags(site: Site) -> None:
    tag = {
        "ResourceId": "web",
        "ResourceType": "auto-scaling-group",
        "Key": "a",
        "Value": "1",
        "PropagateAtLaunch": True,
    }
    site.aws("autoscaling", "CreateOrUpdateTags", Tags=[tag])
    site.aws("autoscaling", "CreateOrUpdateTags", Tags=[{**tag, "Value": "2"}])
    assert described(site)["Tags"] == [{**tag, "Value": "2"}]
    site.aws("autoscaling", "DeleteTags", Tags=[tag])
    assert described(site)["Tags"] == []


def test_target_groups_are_attached_and_detached(site: Site) -> None:
    other = site.aws.target_group(site.vpc, "other")
    for _ in range(2):
        site.aws("autoscaling", "AttachLoadBalancerTargetGroups", AutoScalingGroupName="web", TargetGroupARNs=[other])
    assert described(site)["TargetGroupARNs"] == [site.target_group, other]
    site.aws("autoscaling", "DetachLoadBalancerTargetGroups", AutoScalingGroupName="web", TargetGroupARNs=[other])
    assert described(site)["TargetGroupARNs"] == [site.target_group]
