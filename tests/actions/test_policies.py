"""Scaling policies: what each type takes, how it is described, what it refuses and in which words."""

from typing import Any

import pytest

from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.cloudwatch.metric import Metric
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.elbv2.model import LoadBalancer, TargetGroup
from tests.actions.conftest import Site
from tests.actions.policies import CPU, SIMPLE, STEP, STEPS, described, label, predictive, put, refused, tracking

# What is put is described.


@pytest.mark.parametrize(
    ("members", "answered"),
    [
        (tracking(DisableScaleIn=True, predefined={"PredefinedMetricType": "ASGAverageNetworkIn"}), {}),
        ({**STEP, "EstimatedInstanceWarmup": 60}, {"MetricAggregationType": "Average"}),
        ({**STEP, "AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2,
          "MetricAggregationType": "Maximum"}, {"MinAdjustmentStep": 2}),
        ({**SIMPLE, "Cooldown": 0, "PolicyType": "SimpleScaling"}, {}),
        ({"AdjustmentType": "ExactCapacity", "ScalingAdjustment": 0}, {"PolicyType": "SimpleScaling"}),
        ({"AdjustmentType": "PercentChangeInCapacity", "ScalingAdjustment": -50, "MinAdjustmentStep": 3},
         {"PolicyType": "SimpleScaling", "MinAdjustmentMagnitude": 3}),
        (predictive(), {}),
        (predictive(Mode="ForecastAndScale", SchedulingBufferTime=0, MaxCapacityBreachBehavior="IncreaseMaxCapacity",
                    MaxCapacityBuffer=0), {}),
    ],
)  # fmt: skip
def test_a_policy_is_described_as_it_was_put(site: Site, members: dict[str, Any], answered: dict[str, Any]) -> None:
    made = put(site, **members, Enabled=False)
    found = described(site)
    if "PredictiveScalingConfiguration" in members:
        members["PredictiveScalingConfiguration"].setdefault("Mode", "ForecastOnly")
    assert {**found, **members, **answered} == found
    assert (found["PolicyARN"], found["Alarms"], found["Enabled"]) == (made["PolicyARN"], made["Alarms"], False)


def test_separate_predefined_load_and_scaling_metrics(site: Site) -> None:
    metrics = {
        "TargetValue": 50.0,
        "PredefinedLoadMetricSpecification": {
            "PredefinedMetricType": "ALBTargetGroupRequestCount",
            "ResourceLabel": label(site),
        },
        "PredefinedScalingMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    }
    put(site, PolicyType="PredictiveScaling", PredictiveScalingConfiguration={"MetricSpecifications": [metrics]})
    assert described(site)["PredictiveScalingConfiguration"]["MetricSpecifications"] == [metrics]


def test_requests_per_target_of_one_of_the_groups_target_groups(site: Site) -> None:
    made = put(site, **tracking({"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label(site)}))
    assert len(made["Alarms"]) == 2
    alarm = site.aws.store.get(MetricAlarm, made["Alarms"][0]["AlarmName"])
    assert alarm is not None
    assert alarm.metric is not None
    [balancer], [target_group] = site.aws.store.all(LoadBalancer), site.aws.store.all(TargetGroup)
    assert dict(alarm.metric.dimensions) == {
        "LoadBalancer": balancer.short_name,
        "TargetGroup": target_group.short_name,
    }


def test_without_scale_in_there_is_one_alarm(site: Site) -> None:
    [alarm] = put(site, **tracking({"PredefinedMetricType": "ASGAverageNetworkOut"}, DisableScaleIn=True))["Alarms"]
    assert "AlarmHigh" in alarm["AlarmName"]


def test_the_alarms_of_a_step_policy_are_those_that_name_it(site: Site) -> None:
    made = put(site, **STEP)
    assert made["Alarms"] == []
    site.aws("cloudwatch", "PutMetricAlarm", AlarmName="busy", MetricName="m", Namespace="n", Statistic="Average",
             Period=60, EvaluationPeriods=1, Threshold=60.0, ComparisonOperator="GreaterThanThreshold",
             AlarmActions=[made["PolicyARN"]])  # fmt: skip
    assert [alarm["AlarmName"] for alarm in described(site)["Alarms"]] == ["busy"]
    site.aws("autoscaling", "DeletePolicy", PolicyName=made["PolicyARN"])
    assert site.aws.store.get(MetricAlarm, "busy") is not None


def test_another_type_takes_the_old_ones_place(site: Site) -> None:
    arn = site.policy
    assert put(site, "cpu", **STEP)["PolicyARN"] == arn
    assert site.aws.store.all(MetricAlarm) == []
    [policy] = site.aws.store.all(ScalingPolicy)
    assert (policy.target_tracking, policy.alarm_names) == (None, ())


def test_adjustment_types(site: Site) -> None:
    answer = site.aws("autoscaling", "DescribeAdjustmentTypes")
    assert answer["AdjustmentTypes"] == [
        {"AdjustmentType": "ChangeInCapacity"},
        {"AdjustmentType": "ExactCapacity"},
        {"AdjustmentType": "PercentChangeInCapacity"},
    ]


STAT: dict[str, Any] = {
    "Metric": {"Namespace": "shop", "MetricName": "Backlog", "Dimensions": [{"Name": "q", "Value": "1"}]},
    "Stat": "Sum",
}
MATH: list[dict[str, Any]] = [
    {"Id": "backlog", "MetricStat": STAT, "ReturnData": False},
    {"Id": "size", "MetricStat": {"Metric": {"Namespace": "AWS/AutoScaling", "MetricName": "GroupInServiceInstances"},
                                  "Stat": "Average", "Period": 60}, "ReturnData": False},
    {"Id": "each", "Expression": "backlog / size", "Label": "backlog per instance"},
]  # fmt: skip
SINGLE: dict[str, Any] = {"Namespace": "shop", "MetricName": "Busy", "Statistic": "Maximum"}


def customized(specification: dict[str, Any], target: float = 10.0) -> dict[str, Any]:
    configuration = {"CustomizedMetricSpecification": specification, "TargetValue": target}
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": configuration}


def test_a_metric_of_the_users_own(site: Site) -> None:
    made = put(
        site, **customized({**SINGLE, "Unit": "Percent", "Period": 30, "Dimensions": [{"Name": "a", "Value": "b"}]})
    )
    high, low = (site.aws.store.get(MetricAlarm, alarm["AlarmName"]) for alarm in made["Alarms"])
    assert high is not None
    assert low is not None
    assert high.metric == low.metric == Metric("shop", "Busy", (("a", "b"),))
    assert (high.statistic, high.unit, high.period, high.threshold, low.threshold) == (
        "Maximum",
        "Percent",
        30,
        10.0,
        9.0,
    )
    assert described(site)["TargetTrackingConfiguration"]["CustomizedMetricSpecification"] == {
        **SINGLE, "Unit": "Percent", "Period": 30, "Dimensions": [{"Name": "a", "Value": "b"}],
    }  # fmt: skip


def test_metric_math(site: Site) -> None:
    made = put(site, **customized({"Metrics": MATH}))
    alarms = site.aws("cloudwatch", "DescribeAlarms", AlarmNames=[alarm["AlarmName"] for alarm in made["Alarms"]])
    for alarm in alarms["MetricAlarms"]:
        assert [one["Id"] for one in alarm["Metrics"]] == ["backlog", "size", "each"]
        assert "MetricName" not in alarm
    found = described(site)["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]["Metrics"]
    assert found[0] == {"Id": "backlog", "MetricStat": {**STAT, "Period": 60}, "ReturnData": False}
    assert found[2] == {**MATH[2], "ReturnData": True}
    assert "Only one TargetTrackingScaling policy" in refused(site, name="y", **customized({"Metrics": MATH}))


# What is refused, in AWS's words (github.com/badmintoncryer/cdk-preflight).


def steps(*bounds: tuple[float | None, float | None], amount: int = 1) -> dict[str, Any]:
    rows = []
    for lower, upper in bounds:
        given = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
        rows.append({**{key: value for key, value in given.items() if value is not None}, "ScalingAdjustment": amount})
    return {**STEP, "StepAdjustments": rows}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (steps((0, 10), (5, None)), "StepAdjustment intervals cannot overlap"),
        (steps((None, 0), (None, 10)), "At most one StepAdjustment may have an unspecified lower bound"),
        (steps((0, None), (10, None)), "At most one StepAdjustment may have an unspecified upper bound"),
        (steps((0, 10), (20, None)), "StepAdjustment intervals cannot have gaps between them: nothing covers 10 to 20"),
        (steps((None, None)), "Both lower and upper bounds of a StepAdjustment cannot be left unspecified"),
        (steps((10, 0), (10, None)), "LowerBound must be less than the UpperBound for StepAdjustment: 10 and 0"),
        (steps((5, 5), (5, None)), "LowerBound must be less than the UpperBound for StepAdjustment: 5 and 5"),
        (steps((1, 2)), "There must be a StepAdjustment with an unspecified upper bound (i.e., upper bound is null) when "
                        "one StepAdjustment has a positive upper bound"),
        (steps((-20, -10), (-10, 0)), "There must be a StepAdjustment with an unspecified lower bound (i.e., lower bound "
                                      "is null) when one StepAdjustment has a negative lower bound"),
        (steps(*((i, i + 1) for i in range(20)), (20, None)), "Your policies can have at most 20 StepAdjustments"),
        ({**STEP, "StepAdjustments": []}, "You should specify at least one StepAdjustment with a StepScaling policy"),
        ({"PolicyType": "StepScaling", "StepAdjustments": STEPS},
         "You must specify an AdjustmentType for policy type: StepScaling"),
        ({**steps((0, None), amount=-1), "AdjustmentType": "ExactCapacity"},
         "The lowest value for ScalingAdjustment parameter is 0 with the specified adjustment type"),
        ({**STEP, "ScalingAdjustment": 1}, "ScalingAdjustment is not supported for a StepScaling policy"),
        ({**STEP, "Cooldown": 1}, "Cooldown is not supported for a StepScaling policy"),
        ({**STEP, "MetricAggregationType": "Median"},
         "MetricAggregationType must be one of Average, Maximum, Minimum, not 'Median'"),
        ({**STEP, "MinAdjustmentMagnitude": 2},
         "MinAdjustmentMagnitude is not supported by the specified adjustment type"),
        ({**STEP, "AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 0},
         "If specified, MinAdjustmentMagnitude must be greater than zero"),
        ({"AdjustmentType": "ChangeInCapacity"}, "Scaling increment must be specified for a SimpleScaling policy"),
        ({"ScalingAdjustment": 1}, "You must specify an AdjustmentType for policy type: SimpleScaling"),
        ({**SIMPLE, "AdjustmentType": "ExactCapacity", "ScalingAdjustment": -1},
         "The lower range for adjustment is 0 with the specified adjustment type"),
        ({**SIMPLE, "AdjustmentType": "Change"}, "AdjustmentType must be one of ChangeInCapacity, ExactCapacity, "
                                                 "PercentChangeInCapacity, not 'Change'"),
        ({**SIMPLE, "EstimatedInstanceWarmup": 1}, "EstimatedInstanceWarmup is not supported for a SimpleScaling policy"),
        ({**SIMPLE, "StepAdjustments": STEPS}, "StepAdjustments is not supported for a SimpleScaling policy"),
        ({**SIMPLE, "Cooldown": -1}, "Cooldown must not be negative"),
        ({**SIMPLE, "PolicyType": "Magic"}, "PolicyType must be one of TargetTrackingScaling, StepScaling, SimpleScaling, "
                                            "PredictiveScaling, not 'Magic'"),
        ({"PolicyType": "TargetTrackingScaling"}, "You should provide a TargetTrackingConfiguration"),
        ({"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": {"TargetValue": 1.0}},
         "You should provide either a CustomizedMetricSpecification or a PredefinedMetricSpecification"),
        (tracking(target=0.0), "Target value must be between 8.51592E-12 and 1.174271E17, not 0.0"),
        (tracking(target=float("nan")), "Target value must be between 8.51592E-12 and 1.174271E17, not nan"),
        (tracking({"PredefinedMetricType": "ALBRequestCountPerTarget"}),
         "Resource label should be specified for predefined metric type ALBRequestCountPerTarget"),
        (tracking({**CPU, "ResourceLabel": "app/a/1/targetgroup/b/2"}),
         "Resource label should not be specified for predefined metric type ASGAverageCPUUtilization"),
        ({**tracking(), "MetricAggregationType": "Average"},
         "MetricAggregationType are not supported for a TargetTracking policy"),
        ({**tracking(), "EstimatedInstanceWarmup": -1},
         "EstimatedInstanceWarmup must not be negative; leave it out to use the group's warm-up"),
        (tracking(), "Only one TargetTrackingScaling policy for a given metric specification is allowed: cpu has it already"),
        (customized({**SINGLE, "Metrics": MATH}),
         "A customized metric specification with 'Metrics' specified cannot have any of ['Dimensions', 'MetricName', "
         "'Namespace', 'Statistic', 'Unit', 'Period'] specified as well"),
        (customized({"MetricName": "m", "Statistic": "Sum"}),
         "Value null at 'targetTrackingConfiguration.customizedMetricSpecification.namespace' failed to satisfy constraint: "
         "Member must not be null"),
        (customized({**SINGLE, "Period": 300}), "A metric period greater than 60 isn't supported"),
        (customized({**SINGLE, "Period": 20}), "A metric period must be one of 10, 30, 60, not 20"),
        (customized({"Metrics": [*MATH, *MATH[:2], *MATH[:2], *MATH[:2], *MATH[:2]]}),
         "Metrics may hold 10 queries at most, not 11"),
        (customized({"Metrics": [{**MATH[0], "Expression": "1"}]}),
         "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive and you have specified both: "
         "backlog"),
        (customized({"Metrics": [{"Id": "a"}]}),
         "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive: a"),
        (customized({"Metrics": [{**MATH[0], "MetricStat": {**STAT, "Period": 10}}, *MATH[1:]]}),
         "All metrics in the alarm should have the same period"),
        (customized({"Metrics": MATH[:2]}), "Exactly one element of the metrics list should return data."),
        ({"PolicyType": "PredictiveScaling"}, "You must specify PredictiveScalingConfiguration"),
        ({"PolicyType": "PredictiveScaling", "PredictiveScalingConfiguration": {"MetricSpecifications": []}},
         "You must specify one metric specification"),
        ({"PolicyType": "PredictiveScaling", "PredictiveScalingConfiguration": {
            "MetricSpecifications": [{"TargetValue": 1.0}]}},
         "A policy must have either one scaling metric and one load metric or one metric pair"),
        (predictive("ALBRequestCount"), "A resource label is required for ALBRequestCount"),
        (predictive(MaxCapacityBuffer=1), "You must not specify max capacity buffer when using HonorMaxCapacity"),
        (predictive(MaxCapacityBreachBehavior="IncreaseMaxCapacity"),
         "You must specify max capacity buffer when using IncreaseMaxCapacity"),
        (predictive(MaxCapacityBreachBehavior="IncreaseMaxCapacity", MaxCapacityBuffer=101),
         "MaxCapacityBuffer must be from 0 to 100 percent, not 101"),
        (predictive(SchedulingBufferTime=3600),
         "SchedulingBufferTime must be from 0 to less than 3600 seconds, not 3600"),
        ({**predictive(), "EstimatedInstanceWarmup": 1},
         "You can't specify EstimatedInstanceWarmup for policy type: PredictiveScaling"),
    ],
)  # fmt: skip
def test_messages(site: Site, members: dict[str, Any], message: str) -> None:
    assert refused(site, **members) == message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("web", "it is the end of the load balancer's ARN and the end of the target group's"),
        ("app/none/1/targetgroup/web/1", "there is no load balancer app/none/1"),
        ("{balancer}/targetgroup/other/1", "targetgroup/other/1 is not attached to web; attach it with"),
    ],
)
def test_a_resource_label_names_what_is_there(site: Site, wrong: str, words: str) -> None:
    [balancer] = site.aws.store.all(LoadBalancer)
    given = wrong.replace("{balancer}", balancer.short_name)
    for members in (
        tracking({"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": given}),
        {
            "PolicyType": "PredictiveScaling",
            "PredictiveScalingConfiguration": {
                "MetricSpecifications": [
                    {
                        "TargetValue": 1.0,
                        "PredefinedMetricPairSpecification": {
                            "PredefinedMetricType": "ALBRequestCount",
                            "ResourceLabel": given,
                        },
                    }
                ]
            },
        },
    ):
        assert words in refused(site, **members)


def test_one_predictive_policy_scales(site: Site) -> None:
    put(site, "one", **predictive(Mode="ForecastAndScale"))
    put(site, "two", **predictive("ASGNetworkIn"))
    assert "only one" in refused(site, name="two", **predictive("ASGNetworkIn", Mode="ForecastAndScale")).lower()
    put(site, "one", **predictive())
    put(site, "two", **predictive("ASGNetworkIn", Mode="ForecastAndScale"))


def test_a_group_has_fifty_policies_at_most(site: Site) -> None:
    """asg:ec2-auto-scaling-quotas"""
    for number in range(49):
        put(site, f"p{number}", **SIMPLE)
    assert site.aws.refusal("autoscaling", "PutScalingPolicy", AutoScalingGroupName="web", PolicyName="more",
                            **SIMPLE) == "LimitExceeded"  # fmt: skip
    put(site, "p0", **STEP)
