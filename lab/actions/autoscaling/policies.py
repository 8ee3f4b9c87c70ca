"""Scaling policies (aws-facts §4). A target tracking policy comes with its alarms and takes them along when it goes; the alarms
of step and simple policies are the user's."""

from dataclasses import replace
from typing import Any

from lab.actions.autoscaling.dependents import drop_belongings
from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.policy_requests import PARSERS, check_members
from lab.actions.autoscaling.policy_shapes import policy_shape
from lab.actions.cloudwatch.alarms import put_alarm
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.adjustment import ADJUSTMENT_TYPES
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.autoscaling.target_tracking import alarms
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.errors import LabError, ValidationError

MOST_POLICIES = 50


@reads(
    "AutoScalingGroupName", "PolicyName", "PolicyType", "AdjustmentType", "MinAdjustmentStep", "MinAdjustmentMagnitude",
    "ScalingAdjustment", "Cooldown", "MetricAggregationType", "StepAdjustments", "EstimatedInstanceWarmup",
    "TargetTrackingConfiguration", "PredictiveScalingConfiguration", "Enabled",
)  # fmt: skip
def put_scaling_policy(context: Context, request: Request) -> Response:
    """A new policy, or another configuration for the one of that name."""
    group = get_group(context, request["AutoScalingGroupName"])
    policy_type, name = request.get("PolicyType", "SimpleScaling"), request["PolicyName"]
    check_members(request, policy_type)
    known = context.store.where(ScalingPolicy, "group", group.name)
    old = next((one for one in known if one.name == name), None)
    if old is None and len(known) >= MOST_POLICIES:
        raise LabError("LimitExceeded", f"{group.name} has {MOST_POLICIES} scaling policies, and may not have more")
    arn = f"scalingPolicy:{context.new_id('uuid')}:autoScalingGroupName/{group.name}:policyName/{name}"
    warmup = request.get("EstimatedInstanceWarmup")
    policy = ScalingPolicy(
        name=name,
        arn=old.arn if old else context.account.arn("autoscaling", arn),
        group=group.name,
        policy_type=policy_type,
        estimated_instance_warmup=None if warmup is None else float(warmup),
        enabled=request.get("Enabled", True),
        **PARSERS[policy_type](context, group, request),
    )
    _check_beside(policy, [one for one in known if one.name != name])
    if old is not None:
        drop_belongings(context, old)
    made = _make_alarms(context, policy)
    context.store.put(replace(policy, alarm_names=tuple(alarm.name for alarm in made)))
    return {
        "PolicyARN": policy.arn,
        "Alarms": [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in made],
    }


@reads("AutoScalingGroupName", "PolicyNames", "PolicyTypes", "MaxRecords", "NextToken")
def describe_policies(context: Context, request: Request) -> Response:
    group, names, types = (request.get(key) for key in ("AutoScalingGroupName", "PolicyNames", "PolicyTypes"))
    return {
        "ScalingPolicies": [
            policy_shape(policy, alarms_of(context, policy))
            for policy in context.store.all(ScalingPolicy)
            if group in (None, policy.group)
            and (not names or policy.name in names or policy.arn in names)
            and (not types or policy.policy_type in types)
        ]
    }


@reads("AutoScalingGroupName", "PolicyName")
def delete_policy(context: Context, request: Request) -> Response:
    """The alarms that invoke a step or simple policy stay, and fail from then on."""
    policy = find_policy(context, request.get("AutoScalingGroupName"), request["PolicyName"])
    drop_belongings(context, policy)
    context.store.delete(ScalingPolicy, policy.arn)
    return {}


@reads()
def describe_adjustment_types(context: Context, request: Request) -> Response:
    return {"AdjustmentTypes": [{"AdjustmentType": name} for name in ADJUSTMENT_TYPES]}


def find_policy(context: Context, group: str | None, name: str) -> ScalingPolicy:
    """By name within the group, or by ARN. Raises ValidationError."""
    for policy in context.store.all(ScalingPolicy):
        if group in (None, policy.group) and name in (policy.arn, policy.name):
            return policy
    raise ValidationError(f"No policy found: there is no scaling policy {name}{f' of {group}' if group else ''}")


def alarms_of(context: Context, policy: ScalingPolicy) -> list[MetricAlarm]:
    """The alarms that invoke the policy."""
    return [alarm for alarm in context.store.all(MetricAlarm) if policy.arn in alarm.alarm_actions]


def _make_alarms(context: Context, policy: ScalingPolicy) -> tuple[MetricAlarm, ...]:
    if policy.target_tracking is None:
        return ()
    uuids = (context.new_id("uuid"), context.new_id("uuid"))
    made = alarms(policy, context.account.arn("cloudwatch", "alarm:"), uuids, context.now)
    for alarm in made:
        put_alarm(context, alarm, created=True)
    return made


def _check_beside(policy: ScalingPolicy, others: list[ScalingPolicy]) -> None:
    """Raises ValidationError for a policy that may not stand beside the group's others."""
    for other in others:
        if _metric(policy) is not None and _metric(policy) == _metric(other):
            raise ValidationError(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed: "
                f"{other.name} has it already"
            )
        if all(one.predictive is not None and one.predictive.scales for one in (policy, other)):
            raise ValidationError(
                f"Only one predictive scaling policy may be in the mode ForecastAndScale, and {other.name} is; choose "
                "ForecastOnly"
            )


def _metric(policy: ScalingPolicy) -> tuple[Any, ...] | None:
    """What tells one target tracking metric from another."""
    tracking = policy.target_tracking
    return None if tracking is None else (tracking.predefined_metric, tracking.resource_label, tracking.customized)
