"""Scaling policies (aws-facts §4). A target tracking policy comes with its alarms and takes them along when it goes."""

from dataclasses import replace
from typing import Any

from lab.actions.autoscaling.groups import get_group
from lab.actions.cloudwatch.alarms import put_alarm
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.policy import ScalingPolicy, TargetTracking
from lab.core.autoscaling.target_tracking import METRICS, alarms
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.errors import LabError, ValidationError


@reads(
    "AutoScalingGroupName", "PolicyName", "PolicyType", "TargetTrackingConfiguration", "EstimatedInstanceWarmup", "Enabled"
)  # fmt: skip
def put_scaling_policy(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    if request.get("PolicyType", "SimpleScaling") != "TargetTrackingScaling":
        raise LabError(
            "UnsupportedOperation", "the lab supports policies of type TargetTrackingScaling; others are not there yet"
        )
    name = request["PolicyName"]
    known = _find(context, group.name, name)
    arn = (
        known.arn
        if known
        else context.account.arn(
            "autoscaling",
            f"scalingPolicy:{context.new_id('uuid')}:autoScalingGroupName/{group.name}:policyName/{name}",
        )
    )
    warmup = request.get("EstimatedInstanceWarmup")
    policy = ScalingPolicy(
        name=name,
        arn=arn,
        group=group.name,
        policy_type="TargetTrackingScaling",
        target_tracking=_target_tracking(request),
        estimated_instance_warmup=None if warmup is None else float(warmup),
        enabled=request.get("Enabled", True),
    )
    for old in known.alarm_names if known else ():
        context.store.delete(MetricAlarm, old)
    made = alarms(
        policy,
        context.account.arn("cloudwatch", "alarm:"),
        (context.new_id("uuid"), context.new_id("uuid")),
        context.now,
    )
    for alarm in made:
        put_alarm(context, alarm, created=True)
    context.store.put(replace(policy, alarm_names=tuple(alarm.name for alarm in made)))
    return {
        "PolicyARN": arn,
        "Alarms": [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in made],
    }


@reads("AutoScalingGroupName", "PolicyNames", "PolicyTypes", "MaxRecords", "NextToken")
def describe_policies(context: Context, request: Request) -> Response:
    group, names, types = (request.get(key) for key in ("AutoScalingGroupName", "PolicyNames", "PolicyTypes"))
    return {
        "ScalingPolicies": [
            _policy(policy, context)
            for policy in context.store.all(ScalingPolicy)
            if group in (None, policy.group)
            and (not names or policy.name in names or policy.arn in names)
            and (not types or policy.policy_type in types)
        ]
    }


@reads("AutoScalingGroupName", "PolicyName")
def delete_policy(context: Context, request: Request) -> Response:
    policy = _find(context, request.get("AutoScalingGroupName"), request["PolicyName"])
    if policy is None:
        raise ValidationError(f"No policy found: {request['PolicyName']}")
    for name in policy.alarm_names:
        context.store.delete(MetricAlarm, name)
    context.store.delete(ScalingPolicy, policy.arn)
    return {}


def _find(context: Context, group: str | None, name: str) -> ScalingPolicy | None:
    """By name within the group, or by ARN."""
    for policy in context.store.all(ScalingPolicy):
        if policy.arn == name or (policy.name == name and group in (None, policy.group)):
            return policy
    return None


def _target_tracking(request: Request) -> TargetTracking:
    configuration = request.get("TargetTrackingConfiguration")
    if configuration is None:
        raise ValidationError("TargetTrackingConfiguration is required for policies of type TargetTrackingScaling")
    metric = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "")
    if metric not in METRICS:
        raise LabError("UnsupportedOperation", f"the lab tracks {', '.join(METRICS)}; not '{metric}' yet")
    target = float(configuration["TargetValue"])
    if not target > 0:
        raise ValidationError(f"TargetValue must be above 0, not {target}")
    return TargetTracking(metric, target, configuration.get("DisableScaleIn", False))


def _policy(policy: ScalingPolicy, context: Context) -> dict[str, Any]:
    found = [context.store.get(MetricAlarm, name) for name in policy.alarm_names]
    warmup = policy.estimated_instance_warmup
    return {
        "AutoScalingGroupName": policy.group,
        "PolicyName": policy.name,
        "PolicyARN": policy.arn,
        "PolicyType": policy.policy_type,
        "StepAdjustments": [],
        **({} if warmup is None else {"EstimatedInstanceWarmup": int(warmup)}),
        "Alarms": [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in found if alarm is not None],
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": policy.target_tracking.predefined_metric},
            "TargetValue": policy.target_tracking.target_value,
            "DisableScaleIn": policy.target_tracking.disable_scale_in,
        },
        "Enabled": policy.enabled,
    }
