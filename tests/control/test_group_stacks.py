"""A group's newer properties and its hooks by CloudFormation: made, changed in place, taken back, deleted."""

import json
from typing import Any

import pytest

from lab.core.autoscaling.hooks import LifecycleHook
from lab.core.autoscaling.model import AutoScalingGroup, InstanceMaintenancePolicy, Member
from lab.stack.model import Stack
from tests.control.lab import Lab

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
OWN = {"LifecycleHookName": "own", "LifecycleTransition": TERMINATING, "HeartbeatTimeout": 60}
SETTINGS: dict[str, Any] = {
    "MaxInstanceLifetime": 86400,
    "InstanceMaintenancePolicy": {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120},
    "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-only"},
    "InstanceLifecyclePolicy": {"RetentionTriggers": {"TerminateHookAbandon": "retain"}},
    "DeletionProtection": "prevent-force-deletion",
    "LifecycleHookSpecificationList": [OWN],
}


def template(lab: Lab, settings: dict[str, Any], hook: dict[str, Any] | None) -> str:
    """A group of its own, in the subnets of the web stack's."""
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": 1,
            "MaxSize": 2,
            "LaunchTemplate": {
                "LaunchTemplateId": lab.store.all(AutoScalingGroup)[0].launch_template_id,
                "Version": "1",
            },
            "VPCZoneIdentifier": [subnet for subnet, _ in lab.store.all(AutoScalingGroup)[0].subnets],
            **settings,
        },
    }
    resources = {"Group": group}
    if hook is not None:
        properties = {"AutoScalingGroupName": {"Ref": "Group"}, **hook}
        resources["Hook"] = {"Type": "AWS::AutoScaling::LifecycleHook", "Properties": properties}
    return json.dumps({"Resources": resources})


async def stack_is(lab: Lab, status: str) -> None:
    await lab.until(lambda: {stack.name: stack.status for stack in lab.store.all(Stack)}.get("more") == status, 900)


def made(lab: Lab) -> AutoScalingGroup:
    return lab.store.all(AutoScalingGroup)[1]


async def test_a_group_with_everything_and_back(lab: Lab) -> None:
    hook = {"LifecycleTransition": LAUNCHING, "DefaultResult": "CONTINUE", "HeartbeatTimeout": 30}
    lab.deploy("more", template(lab, SETTINGS, hook), {})
    await stack_is(lab, "CREATE_COMPLETE")
    group = made(lab)
    assert (group.max_instance_lifetime, group.capacity_distribution) == (86400.0, "balanced-only")
    assert (group.retains_abandoned, group.deletion_protection) == (True, "prevent-force-deletion")
    assert group.instance_maintenance_policy == InstanceMaintenancePolicy(90, 120)
    own, other = group.lifecycle_hooks
    assert own == LifecycleHook("own", TERMINATING, 60.0)
    assert (other.transition, other.default_result, other.heartbeat_timeout) == (LAUNCHING, "CONTINUE", 30.0)

    body = template(lab, {}, {"LifecycleTransition": LAUNCHING})
    lab.call("cloudformation", "UpdateStack", StackName="more", TemplateBody=body)
    await stack_is(lab, "UPDATE_COMPLETE")
    group = made(lab)
    assert (group.max_instance_lifetime, group.capacity_distribution) == (None, "balanced-best-effort")
    assert (group.retains_abandoned, group.deletion_protection) == (False, "none")
    assert group.instance_maintenance_policy is None
    [hook_left] = group.lifecycle_hooks
    assert (hook_left.default_result, hook_left.heartbeat_timeout) == ("ABANDON", 3600.0)

    lab.call("cloudformation", "DeleteStack", StackName="more")
    await lab.until(lambda: len(lab.store.all(AutoScalingGroup)) == 1, 900)


@pytest.mark.parametrize("way", ["protected", "standby", "terminate suspended"])
async def test_a_stack_takes_along_what_scaling_in_would_leave(lab: Lab, way: str) -> None:
    lab.deploy("more", template(lab, {}, None), {})
    await stack_is(lab, "CREATE_COMPLETE")
    group = made(lab)
    [name] = [row.instance_id for row in lab.store.all(Member) if row.group == group.name]
    which = {"AutoScalingGroupName": group.name, "InstanceIds": [name]}
    if way == "protected":
        lab.call("autoscaling", "SetInstanceProtection", **which, ProtectedFromScaleIn=True)
    elif way == "standby":
        lab.call("autoscaling", "EnterStandby", **which, ShouldDecrementDesiredCapacity=False)
    else:
        lab.call("autoscaling", "SuspendProcesses", AutoScalingGroupName=group.name, ScalingProcesses=["Terminate"])
    await lab.run(30)
    lab.call("cloudformation", "DeleteStack", StackName="more")
    await lab.until(lambda: len(lab.store.all(AutoScalingGroup)) == 1, 900)
    await lab.until(lambda: lab.state(name) == "terminated", 60)
