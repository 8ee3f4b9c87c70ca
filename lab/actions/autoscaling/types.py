"""What there is, and how much of it there may be: the descriptions that do not depend on any group."""

from lab.actions.autoscaling.groups import GROUPS
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.termination import POLICIES

LAUNCH_CONFIGURATIONS = 200
NOTIFICATION_TYPES = (
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
    "autoscaling:TEST_NOTIFICATION",
)
"""asg:ec2-auto-scaling-sns-notifications. The lab sends none."""


@reads()
def describe_account_limits(context: Context, request: Request) -> Response:
    return {
        "MaxNumberOfAutoScalingGroups": GROUPS,
        "MaxNumberOfLaunchConfigurations": LAUNCH_CONFIGURATIONS,
        "NumberOfAutoScalingGroups": len(context.store.all(AutoScalingGroup)),
        "NumberOfLaunchConfigurations": 0,
    }


@reads()
def describe_termination_policy_types(context: Context, request: Request) -> Response:
    return {"TerminationPolicyTypes": sorted(POLICIES)}


@reads()
def describe_auto_scaling_notification_types(context: Context, request: Request) -> Response:
    return {"AutoScalingNotificationTypes": list(NOTIFICATION_TYPES)}
