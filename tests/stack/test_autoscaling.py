"""The types of Auto Scaling policies and scheduled actions over the actions themselves, and what a template may not say."""

import json
from typing import Any

import pytest

from lab.core.autoscaling.scheduled import ScheduledAction
from lab.stack.check import problems_of
from lab.stack.resolve import Setting
from lab.stack.resources import TYPES
from lab.stack.resources.base import DONE, Work, differing
from tests.actions.aws import Aws
from tests.stack.fakes import ZONES

POLICY, ACTION = "AWS::AutoScaling::ScalingPolicy", "AWS::AutoScaling::ScheduledAction"
GROUP = {"AutoScalingGroupName": "web"}
PAIR = {"TargetValue": 40.0, "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ASGCPUUtilization"}}


class Site:
    """An AWS with a group."""

    def __init__(self) -> None:
        self.aws = Aws()
        vpc = self.aws.vpc()
        self.aws.group(self.aws.launch_template(), self.aws.subnet(vpc, 1))

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return self.aws(service, operation, **request)

    def create(self, kind: str, **properties: Any) -> str:
        return TYPES[kind].create(Work(self.call, GROUP | properties, name="stack-name"))

    def update(self, kind: str, physical_id: str, old: dict[str, Any], **new: Any) -> None:
        before, after = GROUP | old, GROUP | new
        TYPES[kind].update(Work(self.call, after, "", physical_id, before, differing(before, after)))

    def delete(self, kind: str, physical_id: str) -> None:
        assert TYPES[kind].delete(Work(self.call, GROUP, physical_id=physical_id)) == DONE

    def policies(self) -> list[dict[str, Any]]:
        return list(self.aws("autoscaling", "DescribePolicies")["ScalingPolicies"])


@pytest.fixture
def site() -> Site:
    return Site()


SIMPLE = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1, "Cooldown": 60}
STEP = {
    "PolicyType": "StepScaling",
    "AdjustmentType": "PercentChangeInCapacity",
    "MinAdjustmentMagnitude": 2,
    "MetricAggregationType": "Maximum",
    "EstimatedInstanceWarmup": 30,
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 25}],
}
PREDICTIVE = {
    "PolicyType": "PredictiveScaling",
    "PredictiveScalingConfiguration": {"MetricSpecifications": [PAIR], "Mode": "ForecastAndScale"},
}


@pytest.mark.parametrize("properties", [SIMPLE, STEP, PREDICTIVE], ids=["simple", "step", "predictive"])
def test_a_policy_of_each_type(site: Site, properties: dict[str, Any]) -> None:
    arn = site.create(POLICY, **properties)
    [found] = site.policies()
    assert {**found, **properties} == found
    assert found["PolicyARN"] == arn
    site.delete(POLICY, arn)
    assert site.policies() == []


def test_a_policy_may_become_one_of_another_type(site: Site) -> None:
    arn = site.create(POLICY, **SIMPLE)
    site.update(POLICY, arn, SIMPLE, **STEP)
    [found] = site.policies()
    assert (found["PolicyARN"], found["PolicyType"]) == (arn, "StepScaling")


def test_a_scheduled_action(site: Site) -> None:
    old = {"Recurrence": "0 8 * * 1-5", "TimeZone": "Europe/Berlin", "MinSize": 1}
    name = site.create(ACTION, **old)
    site.update(ACTION, name, old, StartTime="2023-12-24T12:00:00Z", DesiredCapacity=2)
    [action] = site.aws.store.all(ScheduledAction)
    assert (action.name, action.recurrence, action.desired_capacity, action.min_size) == (name, "", 2, None)
    assert TYPES[ACTION].attributes["ScheduledActionName"](site.call, name, {}) == name
    site.delete(ACTION, name)
    assert site.aws.store.all(ScheduledAction) == []
    site.delete(ACTION, name)


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        (POLICY, {}, "a policy of type SimpleScaling needs AdjustmentType and ScalingAdjustment"),
        (POLICY, {"PolicyType": "StepScaling", "AdjustmentType": "ExactCapacity"},
         "a policy of type StepScaling needs StepAdjustments"),
        (POLICY, {**SIMPLE, "EstimatedInstanceWarmup": 30}, "a policy of type SimpleScaling does not take Esti"),
        (POLICY, {**STEP, "ScalingAdjustment": 1, "Cooldown": 1},
         "a policy of type StepScaling does not take Cooldown and ScalingAdjustment"),
        (POLICY, {**PREDICTIVE, "EstimatedInstanceWarmup": 1},
         "a policy of type PredictiveScaling does not take EstimatedInstanceWarmup"),
        (POLICY, {"PolicyType": "TargetTrackingScaling"},
         "a policy of type TargetTrackingScaling needs TargetTrackingConfiguration"),
        (POLICY, {"PolicyType": "PredictiveScaling", "PredictiveScalingConfiguration": {"MetricSpecifications": [
            {**PAIR, "CustomizedLoadMetricSpecification": {}}]}},
         "the lab does not support AWS::AutoScaling::ScalingPolicy CustomizedLoadMetricSpecification yet"),
        (POLICY, {**PREDICTIVE, "PolicyType": "Predictive"}, "did you mean PredictiveScaling?"),
        (ACTION, {"MinSize": 1}, "a scheduled action needs StartTime or Recurrence"),
        (ACTION, {"Recurrence": "0 8 * * *"}, "a scheduled action needs one of DesiredCapacity, MaxSize and MinSize"),
        (ACTION, {"Recurrence": "0 8 * * *", "MinSize": "few"}, "Value of property MinSize must be of type Integer"),
    ],
)  # fmt: skip
def test_what_a_template_may_not_say(kind: str, properties: dict[str, Any], said: str) -> None:
    template = {"Resources": {"It": {"Type": kind, "Properties": {**GROUP, **properties}}}}
    found = [str(one) for one in problems_of(json.dumps(template), {}, Setting("us-east-1", "1", ZONES))]
    assert any(said in one for one in found), found


@pytest.mark.parametrize("properties", [SIMPLE, STEP, PREDICTIVE], ids=["simple", "step", "predictive"])
def test_what_a_template_may_say(properties: dict[str, Any]) -> None:
    template = {"Resources": {"It": {"Type": POLICY, "Properties": {**GROUP, **properties}}}}
    assert problems_of(json.dumps(template), {}, Setting("us-east-1", "1", ZONES)) == []
