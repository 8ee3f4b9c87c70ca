"""What a group can be told, what is shown of it, and the requests that change single members (aws-facts §3.1–§3.7)."""

from typing import Any

import pytest

from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from tests.actions.conftest import Site

ASG = {"AutoScalingGroupName": "web"}


def described(site: Site) -> dict[str, Any]:
    [group] = site.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return dict(group)


def join(site: Site, name: str = "", **more: Any) -> str:
    """A member of the group: the site's instance, or another one."""
    instance_id = name or site.instance
    values = {"state": "InService", "in_service_at": site.aws.now, **more}
    site.aws.store.put(
        Member(instance_id, "web", "us-east-1a", site.template, 1, site.aws.now, f"launch-{name}", **values)
    )
    site.aws.store.put(Activity(f"launch-{name}", "web", "Launching", "c", site.aws.now, "Successful", 100, "{}", 1.0))
    return instance_id


@pytest.mark.parametrize(
    "settings",
    [
        {"MaxInstanceLifetime": 86400},
        {"InstanceMaintenancePolicy": {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120}},
        {"AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-only"}},
        {"InstanceLifecyclePolicy": {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}},
        {"DeletionProtection": "prevent-force-deletion"},
        {"DefaultInstanceWarmup": 0},
        {"TerminationPolicies": ["AllocationStrategy", "OldestLaunchConfiguration", "NewestInstance", "Default"]},
    ],
)
def test_settings_are_kept_and_shown(site: Site, settings: dict[str, Any]) -> None:
    site.aws("autoscaling", "UpdateAutoScalingGroup", **ASG, **settings)
    assert {name: described(site)[name] for name in settings} == settings


@pytest.mark.parametrize(
    ("member", "given", "cleared"),
    [
        ("MaxInstanceLifetime", 86400, 0),
        ("DefaultInstanceWarmup", 60, -1),
        ("InstanceMaintenancePolicy", {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 110},
         {"MinHealthyPercentage": -1, "MaxHealthyPercentage": -1}),
    ],
)  # fmt: skip
def test_settings_are_taken_away(site: Site, member: str, given: Any, cleared: Any) -> None:
    site.aws("autoscaling", "UpdateAutoScalingGroup", **ASG, **{member: given})
    assert member in described(site)
    site.aws("autoscaling", "UpdateAutoScalingGroup", **ASG, **{member: cleared})
    assert member not in described(site)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"MaxInstanceLifetime": 3600}, "ValidationError"),
        ({"DefaultInstanceWarmup": 3601}, "ValidationError"),
        ({"InstanceMaintenancePolicy": {"MinHealthyPercentage": 90}}, "ValidationError"),
        ({"InstanceMaintenancePolicy": {"MinHealthyPercentage": 50, "MaxHealthyPercentage": 200}}, "ValidationError"),
        ({"InstanceMaintenancePolicy": {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 99}}, "ValidationError"),
        ({"AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "reservations-then-balanced"}},
         "UnsupportedOperation"),
        ({"TerminationPolicies": ["arn:aws:lambda:us-east-1:123456789012:function:choose"]}, "UnsupportedOperation"),
        ({"TerminationPolicies": ["Default", "NewestInstance"]}, "ValidationError"),
        ({"HealthCheckType": "EBS"}, "ValidationError"),
        ({"MixedInstancesPolicy": {}}, "UnsupportedOperation"),
        ({"AvailabilityZoneImpairmentPolicy": {"ZonalShiftEnabled": True}}, "UnsupportedOperation"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(site: Site, settings: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("autoscaling", "UpdateAutoScalingGroup", **ASG, **settings) == code


@pytest.mark.parametrize(
    ("protection", "force", "refused"),
    [
        ("none", True, False),
        ("prevent-force-deletion", True, True),
        ("prevent-force-deletion", False, False),
        ("prevent-all-deletion", False, True),
    ],
)
def test_deletion_protection(site: Site, protection: str, force: bool, refused: bool) -> None:
    site.aws("autoscaling", "UpdateAutoScalingGroup", **ASG, DeletionProtection=protection)
    if refused:
        code = site.aws.refusal("autoscaling", "DeleteAutoScalingGroup", **ASG, ForceDelete=force)
        assert code == "ValidationError"
    else:
        site.aws("autoscaling", "DeleteAutoScalingGroup", **ASG, ForceDelete=force)
        assert site.aws.store.all(AutoScalingGroup) == []


def test_a_group_is_created_with_hooks_and_traffic_sources(site: Site) -> None:
    hooks = [{"LifecycleHookName": "install", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
              "HeartbeatTimeout": 60, "DefaultResult": "CONTINUE", "NotificationMetadata": "x"}]  # fmt: skip
    site.aws.group(site.template, site.a, name="other", LifecycleHookSpecificationList=hooks,
                   TrafficSources=[{"Identifier": site.target_group, "Type": "elbv2"}])  # fmt: skip
    [hook] = site.aws("autoscaling", "DescribeLifecycleHooks", AutoScalingGroupName="other")["LifecycleHooks"]
    assert hook == {**hooks[0], "AutoScalingGroupName": "other", "GlobalTimeout": 6000}
    [source] = site.aws("autoscaling", "DescribeTrafficSources", AutoScalingGroupName="other")["TrafficSources"]
    assert (source["Identifier"], source["State"]) == (site.target_group, "Adding")


def put_hook(site: Site, **members: Any) -> None:
    site.aws("autoscaling", "PutLifecycleHook", LifecycleHookName="hook", **ASG, **members)


def test_a_hook_has_awss_defaults_and_keeps_what_an_update_leaves_out(site: Site) -> None:
    put_hook(site, LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING")
    put_hook(site, NotificationMetadata="logs")
    put_hook(site, HeartbeatTimeout=7200)
    [hook] = site.aws("autoscaling", "DescribeLifecycleHooks", **ASG, LifecycleHookNames=["hook"])["LifecycleHooks"]
    assert hook == {
        "LifecycleHookName": "hook",
        "AutoScalingGroupName": "web",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": 7200,
        "GlobalTimeout": 172800,
        "DefaultResult": "ABANDON",
        "NotificationMetadata": "logs",
    }
    site.aws("autoscaling", "DeleteLifecycleHook", LifecycleHookName="hook", **ASG)
    assert site.aws("autoscaling", "DescribeLifecycleHooks", **ASG)["LifecycleHooks"] == []


LAUNCHING = {"LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
HOOK = {**ASG, "LifecycleHookName": "hook"}
COMPLETE = {**HOOK, "LifecycleActionResult": "CONTINUE"}


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("PutLifecycleHook", HOOK, "ValidationError"),
        ("PutLifecycleHook", {**HOOK, "LifecycleTransition": "launching"}, "ValidationError"),
        ("PutLifecycleHook", {**HOOK, **LAUNCHING, "HeartbeatTimeout": 29}, "ValidationError"),
        ("PutLifecycleHook", {**HOOK, **LAUNCHING, "HeartbeatTimeout": 7201}, "ValidationError"),
        ("PutLifecycleHook", {**HOOK, **LAUNCHING, "DefaultResult": "RETRY"}, "ValidationError"),
        ("PutLifecycleHook", {**HOOK, **LAUNCHING, "NotificationTargetARN": "arn:aws:sns:us-east-1:1:t"},
         "UnsupportedOperation"),
        ("PutLifecycleHook", {**HOOK, **LAUNCHING, "RoleARN": "arn:aws:iam::1:role/x"}, "UnsupportedOperation"),
        ("DeleteLifecycleHook", HOOK, "ValidationError"),
        ("CompleteLifecycleAction", COMPLETE, "ValidationError"),
        ("CompleteLifecycleAction", {**COMPLETE, "InstanceId": "<instance>"}, "ValidationError"),
        ("CompleteLifecycleAction", {**COMPLETE, "InstanceId": "<instance>", "LifecycleActionResult": "OK"},
         "ValidationError"),
        ("RecordLifecycleActionHeartbeat", {**HOOK, "LifecycleActionToken": "0" * 36}, "ValidationError"),
        ("SuspendProcesses", {**ASG, "ScalingProcesses": ["Sleep"]}, "ValidationError"),
        ("EnterStandby", {**ASG, "InstanceIds": ["i-0"], "ShouldDecrementDesiredCapacity": True}, "ValidationError"),
        ("EnterStandby", {**ASG, "InstanceIds": ["i-0"] * 0, "ShouldDecrementDesiredCapacity": True}, "ValidationError"),
        ("ExitStandby", {**ASG, "InstanceIds": ["<instance>"]}, "ValidationError"),
        ("DetachInstances", {**ASG, "InstanceIds": ["i-0"], "ShouldDecrementDesiredCapacity": False}, "ValidationError"),
        ("AttachInstances", {**ASG, "InstanceIds": ["i-0"]}, "ValidationError"),
        ("SetInstanceProtection", {**ASG, "InstanceIds": ["i-0"], "ProtectedFromScaleIn": True}, "ValidationError"),
        ("AttachTrafficSources", {**ASG, "TrafficSources": [{"Identifier": "x", "Type": "vpc-lattice"}]},
         "UnsupportedOperation"),
        ("AttachLoadBalancerTargetGroups", {**ASG, "TargetGroupARNs": ["<target_group>"] * 11}, "ValidationError"),
        ("DescribeAutoScalingGroups", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "ValidationError"),
        ("DescribeAutoScalingGroups", {"NextToken": "x"}, "InvalidNextToken"),
        ("DescribeAutoScalingGroups", {"MaxRecords": 101}, "ValidationError"),
        ("DescribeAutoScalingInstances", {"MaxRecords": 51}, "ValidationError"),
    ],
)  # fmt: skip
def test_requests_that_are_refused(site: Site, operation: str, members: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("autoscaling", operation, **site.filled(members)) == code


def test_the_sizes_of_a_group_bound_standby_detaching_and_attaching(site: Site) -> None:
    name = join(site)
    site.aws("autoscaling", "UpdateAutoScalingGroup", **ASG, MinSize=1, MaxSize=1)
    more = {"InstanceIds": [name], "ShouldDecrementDesiredCapacity": True}
    for operation in ("EnterStandby", "DetachInstances"):
        assert site.aws.refusal("autoscaling", operation, **ASG, **more) == "ValidationError"
    site.aws.store.delete(Member, name)
    assert site.aws.refusal("autoscaling", "AttachInstances", **ASG, InstanceIds=[name]) == "ValidationError"


@pytest.mark.parametrize("state", ["stopped", "pending"])
def test_only_running_instances_are_attached(site: Site, state: str) -> None:
    name = site.aws.instance(site.template, site.a, state)
    assert site.aws.refusal("autoscaling", "AttachInstances", **ASG, InstanceIds=[name]) == "ValidationError"


def test_an_instance_is_of_one_group(site: Site) -> None:
    name = join(site)
    assert site.aws.refusal("autoscaling", "AttachInstances", **ASG, InstanceIds=[name]) == "ValidationError"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("Pending", None), ("Pending:Wait", None), ("InService", None), ("Standby", None), ("EnteringStandby", None),
        ("Terminating:Retained", None),
        ("Terminating", "ScalingActivityInProgress"), ("Terminating:Wait", "ScalingActivityInProgress"),
        ("Detaching", "ScalingActivityInProgress"),
    ],
)  # fmt: skip
def test_a_member_can_be_terminated_in_every_state_but_on_its_way_out(site: Site, state: str, code: str | None) -> None:
    name = join(site, state=state)
    request: dict[str, Any] = {"InstanceId": name, "ShouldDecrementDesiredCapacity": False}
    if code is not None:
        assert site.aws.refusal("autoscaling", "TerminateInstanceInAutoScalingGroup", **request) == code
        return
    site.aws("autoscaling", "TerminateInstanceInAutoScalingGroup", **request)
    [member] = site.aws.store.all(Member)
    assert member.state == ("Terminating:Proceed" if state == "Terminating:Retained" else "Terminating")
    assert member.replaced is (state not in ("Pending", "Pending:Wait", "InService")), "no successor for what is none"


def test_several_are_terminated_at_once(site: Site) -> None:
    names = [join(site), join(site, "i-other")]
    site.aws("autoscaling", "SetDesiredCapacity", **ASG, DesiredCapacity=2)
    done = site.aws("autoscaling", "TerminateInstanceInAutoScalingGroup", **ASG, InstanceIds=names,
                    ShouldDecrementDesiredCapacity=True)["Activities"]  # fmt: skip
    assert [activity["Cause"].rpartition(", ")[2] for activity in done] == [
        "shrinking the capacity from 2 to 1.",
        "shrinking the capacity from 1 to 0.",
    ]
    assert described(site)["DesiredCapacity"] == 0


def test_processes_are_suspended_and_resumed(site: Site) -> None:
    site.aws("autoscaling", "SuspendProcesses", **ASG, ScalingProcesses=["Launch", "AZRebalance"])
    assert described(site)["SuspendedProcesses"] == [
        {"ProcessName": name, "SuspensionReason": "User suspended at 2023-11-14T22:13:20Z"}
        for name in ("Launch", "AZRebalance")
    ]
    site.aws("autoscaling", "SuspendProcesses", **ASG)
    types = site.aws("autoscaling", "DescribeScalingProcessTypes")["Processes"]
    assert len(described(site)["SuspendedProcesses"]) == len(types) == 9
    site.aws("autoscaling", "ResumeProcesses", **ASG, ScalingProcesses=["Launch"])
    assert len(described(site)["SuspendedProcesses"]) == 8
    site.aws("autoscaling", "ResumeProcesses", **ASG)
    assert described(site)["SuspendedProcesses"] == []


def test_groups_are_found_by_their_tags_and_come_in_pages(site: Site) -> None:
    for number in range(3):
        tags = [{"Key": "tier", "Value": f"t{number}"}, {"Key": f"only{number}"}]
        site.aws.group(site.template, site.a, name=f"g{number}", Tags=tags)

    def names(*filters: tuple[str, str], **members: Any) -> list[str]:
        asked = [{"Name": name, "Values": [value]} for name, value in filters]
        answer = site.aws("autoscaling", "DescribeAutoScalingGroups", Filters=asked, **members)
        return [group["AutoScalingGroupName"] for group in answer["AutoScalingGroups"]]

    assert names(("tag-key", "tier")) == ["g0", "g1", "g2"]
    assert names(("tag:tier", "t1")) == ["g1"]
    assert names(("tag-value", "t2"), ("tag-key", "only2")) == ["g2"]
    assert names(("tag-value", "t2"), ("tag-key", "only1")) == []
    first = site.aws("autoscaling", "DescribeAutoScalingGroups", MaxRecords=3)
    rest = site.aws("autoscaling", "DescribeAutoScalingGroups", MaxRecords=3, NextToken=first["NextToken"])
    assert (len(first["AutoScalingGroups"]), len(rest["AutoScalingGroups"])) == (3, 1)
    assert "NextToken" not in rest
    values = [{"Name": "value", "Values": ["t0"]}]
    assert [tag["ResourceId"] for tag in site.aws("autoscaling", "DescribeTags", Filters=values)["Tags"]] == ["g0"]


def test_instances_can_be_left_out_of_descriptions(site: Site) -> None:
    join(site)
    assert len(described(site)["Instances"]) == 1
    [group] = site.aws("autoscaling", "DescribeAutoScalingGroups", IncludeInstances=False)["AutoScalingGroups"]
    assert "Instances" not in group


def test_the_limits_of_the_account(site: Site) -> None:
    assert site.aws("autoscaling", "DescribeAccountLimits") == {
        "MaxNumberOfAutoScalingGroups": 5000,
        "MaxNumberOfLaunchConfigurations": 200,
        "NumberOfAutoScalingGroups": 1,
        "NumberOfLaunchConfigurations": 0,
    }


def test_a_hook_too_many(site: Site) -> None:
    for number in range(50):
        site.aws("autoscaling", "PutLifecycleHook", LifecycleHookName=f"h{number}", **ASG, **LAUNCHING)
    assert site.aws.refusal("autoscaling", "PutLifecycleHook", **HOOK, **LAUNCHING) == "LimitExceeded"


def test_instances_are_run_from_a_template_or_without(site: Site) -> None:
    from_template = site.aws("ec2", "RunInstances", MinCount=2, MaxCount=2, SubnetId=site.a,
                             LaunchTemplate={"LaunchTemplateId": site.template}, InstanceType="t3.nano")  # fmt: skip
    assert [one["InstanceType"] for one in from_template["Instances"]] == ["t3.nano", "t3.nano"]
    tags = {tag["Key"] for tag in from_template["Instances"][0]["Tags"]}
    assert "aws:ec2launchtemplate:id" in tags
    alone = site.aws("ec2", "RunInstances", MinCount=1, MaxCount=1, SubnetId=site.a, ImageId="ami-00000000000000a99",
                     InstanceType="t3.micro")  # fmt: skip
    assert alone["Instances"][0]["Tags"] == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"MinCount": 1, "MaxCount": 1}, "VPCIdNotSpecified"),
        ({"MinCount": 2, "MaxCount": 1, "SubnetId": "<a>"}, "InvalidParameterValue"),
        ({"MinCount": 1, "MaxCount": 1, "SubnetId": "<a>"}, "InvalidAMIID.NotFound"),
        ({"MinCount": 1, "MaxCount": 1, "SubnetId": "subnet-0", "LaunchTemplate": {"LaunchTemplateId": "<template>"}},
         "InvalidSubnetID.NotFound"),
    ],
)  # fmt: skip
def test_instances_that_cannot_be_run(site: Site, members: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("ec2", "RunInstances", **site.filled(members)) == code
