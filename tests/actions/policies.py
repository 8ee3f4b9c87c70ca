"""Scaling policies as a caller puts them, for tests."""

from typing import Any

import pytest

from lab.core.elbv2.model import LoadBalancer, TargetGroup
from lab.core.errors import LabError
from tests.actions.conftest import Site

CPU: dict[str, Any] = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
STEPS: list[dict[str, Any]] = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 3},
]
STEP: dict[str, Any] = {"PolicyType": "StepScaling", "AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS}
SIMPLE: dict[str, Any] = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1}


def tracking(predefined: dict[str, Any] | None = None, target: float = 50.0, **more: Any) -> dict[str, Any]:
    specification = {"PredefinedMetricSpecification": predefined or CPU}
    return {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {**specification, "TargetValue": target, **more},
    }


def predictive(pair: str = "ASGCPUUtilization", target: float = 40.0, **more: Any) -> dict[str, Any]:
    metrics = {"TargetValue": target, "PredefinedMetricPairSpecification": {"PredefinedMetricType": pair}}
    return {
        "PolicyType": "PredictiveScaling",
        "PredictiveScalingConfiguration": {"MetricSpecifications": [metrics], **more},
    }


def label(site: Site) -> str:
    [balancer], [target_group] = site.aws.store.all(LoadBalancer), site.aws.store.all(TargetGroup)
    return f"{balancer.short_name}/{target_group.short_name}"


def put(site: Site, name: str = "x", **members: Any) -> dict[str, Any]:
    return site.aws("autoscaling", "PutScalingPolicy", AutoScalingGroupName="web", PolicyName=name, **members)


def described(site: Site, name: str = "x") -> dict[str, Any]:
    [found] = site.aws("autoscaling", "DescribePolicies", PolicyNames=[name])["ScalingPolicies"]
    return dict(found)


def refused(site: Site, **members: Any) -> str:
    """The message."""
    with pytest.raises(LabError) as caught:
        put(site, **members)
    return caught.value.message
