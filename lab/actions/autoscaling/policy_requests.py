"""What PutScalingPolicy is told, by policy type: which members belong to which, and who reads them. Messages are AWS's
(github.com/badmintoncryer/cdk-preflight lists them as AWS answers)."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.actions.autoscaling.predictive_requests import predictive
from lab.actions.autoscaling.step_requests import simple, step
from lab.actions.autoscaling.target_tracking_requests import target_tracking
from lab.actions.context import Context, Request
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import PREDICTIVE, SIMPLE, STEP, TARGET_TRACKING
from lab.core.errors import ValidationError

COMMON = {"AutoScalingGroupName", "PolicyName", "PolicyType", "Enabled"}
ADJUSTING = {"AdjustmentType", "MinAdjustmentMagnitude", "MinAdjustmentStep"}
OF_TYPE: Mapping[str, tuple[set[str], str]] = {
    TARGET_TRACKING: (
        {"TargetTrackingConfiguration", "EstimatedInstanceWarmup"},
        "{} are not supported for a TargetTracking policy",
    ),
    STEP: (
        {*ADJUSTING, "StepAdjustments", "MetricAggregationType", "EstimatedInstanceWarmup"},
        "{} is not supported for a StepScaling policy",
    ),
    SIMPLE: ({*ADJUSTING, "ScalingAdjustment", "Cooldown"}, "{} is not supported for a SimpleScaling policy"),
    PREDICTIVE: ({"PredictiveScalingConfiguration"}, "You can't specify {} for policy type: PredictiveScaling"),
}
"""By policy type, the members it takes besides the common ones, and AWS's message for any other."""


def check_members(request: Request, policy_type: str) -> None:
    """Raises ValidationError for members that are another type's."""
    if policy_type not in OF_TYPE:
        raise ValidationError(f"PolicyType must be one of {', '.join(OF_TYPE)}, not '{policy_type}'")
    own, message = OF_TYPE[policy_type]
    for member in request:
        if member not in COMMON | own:
            raise ValidationError(message.format(member))
    if request.get("EstimatedInstanceWarmup", 0) < 0:
        raise ValidationError("EstimatedInstanceWarmup must not be negative; leave it out to use the group's warm-up")
    if request.get("Cooldown", 0) < 0:
        raise ValidationError("Cooldown must not be negative")


PARSERS: Mapping[str, Callable[[Context, AutoScalingGroup, Request], dict[str, Any]]] = {
    TARGET_TRACKING: lambda context, group, request: {"target_tracking": target_tracking(context, group, request)},
    STEP: lambda context, group, request: {"step": step(request)},
    SIMPLE: lambda context, group, request: {"simple": simple(request)},
    PREDICTIVE: lambda context, group, request: {"predictive": predictive(context, group, request)},
}
"""By policy type, the fields of the policy's row that are its own."""
