"""Target tracking: the alarms of a policy and what each of them asks for (aws-facts §4.1)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.available import Capacity, capacity_of, is_warm
from lab.core.autoscaling.policy import ALB_REQUESTS, TargetTracking, warmup
from lab.core.autoscaling.target_tracking import alarms, wish
from lab.core.autoscaling.wish import Wish
from tests.core.rows import NOW, breach, group, member, policy

LABEL = "app/web/50dc6c495c0c9188/targetgroup/shop/73e2d6bc24d8a067"


def wished(side: str, value: float, capacity: Capacity, target: float = 50.0, **more: Any) -> Wish:
    metric = more.pop("metric", "ASGAverageCPUUtilization")
    invoked = breach(value, threshold=target, above=side == "High")
    return wish(policy(metric=metric, target=target), group(**more), invoked, capacity)


@pytest.mark.parametrize(
    ("side", "value", "capacity", "current", "wanted"),
    [
        # Out: in proportion, rounded up (asg:as-scaling-target-tracking: to add 1.5 is to add 2).
        ("High", 80.0, Capacity(2), 2, 4),
        ("High", 87.5, Capacity(2), 2, 4),
        ("High", 51.0, Capacity(2), 2, 3),
        ("High", 100.0, Capacity(4), 4, 8),
        ("High", 60.0, Capacity(10), 10, 12),
        # What still warms up counts as capacity that was asked for (asg:ec2-auto-scaling-default-instance-warmup: breaches
        # that ask for a similar capacity are one scaling activity)…
        ("High", 80.0, Capacity(2, 2), 4, 4),
        # … and a worse breach asks for the difference.
        ("High", 100.0, Capacity(3, 1), 4, 6),
        # Nothing is warm: the metric says nothing.
        ("High", 100.0, Capacity(0, 2), 2, 2),
        # Nothing is there at all: one is asked for, as there is no proportion of nothing.
        ("High", 100.0, Capacity(0), 0, 1),
        ("Low", 0.0, Capacity(0), 0, 0),
        # In: the removal rounded down (to remove 1.5 is to remove 1, 0.5 none).
        ("Low", 31.25, Capacity(4), 4, 3),
        ("Low", 25.0, Capacity(3), 3, 2),
        ("Low", 44.0, Capacity(2), 2, 2),
        ("Low", 5.0, Capacity(4), 4, 1),
        ("Low", 0.0, Capacity(4), 4, 0),
        # Never while an instance warms up, or is yet to be launched.
        ("Low", 5.0, Capacity(3, 1), 4, 4),
        ("Low", 5.0, Capacity(3), 4, 4),
        # What terminates was measured, too, and counts (asg:as-scaling-target-tracking).
        ("Low", 30.0, Capacity(4, terminating=1), 4, 3),
        ("Low", 45.0, Capacity(4, terminating=1), 4, 4),
        # What is yet to be terminated is still there.
        ("Low", 5.0, Capacity(5), 4, 1),
        # No alarm moves against its direction.
        ("High", 10.0, Capacity(4), 4, 4),
        ("Low", 90.0, Capacity(4), 4, 4),
    ],
)
def test_arithmetic(side: str, value: float, capacity: Capacity, current: int, wanted: int) -> None:
    assert wished(side, value, capacity, desired_capacity=current).capacity == wanted


@pytest.mark.parametrize(
    ("capacity", "wanted"),
    [
        (Capacity(2), 3),
        # Requests per target are divided by all targets in service: what warms up has been measured over.
        (Capacity(2, warming=2, warming_in_service=2), 5),
        # A pending instance is no target yet.
        (Capacity(2, warming=2, warming_in_service=0), 4),
        (Capacity(0, warming=2, warming_in_service=2), 4),
        (Capacity(0, warming=2), 4),
    ],
)
def test_requests_per_target_are_reckoned_with_the_targets_in_service(capacity: Capacity, wanted: int) -> None:
    desired = max(2, 4 if capacity.warming else 2)
    found = wished("High", 600.0, capacity, 500.0, desired_capacity=desired, metric=ALB_REQUESTS)
    assert found.capacity == wanted


@pytest.mark.parametrize(
    ("side", "value", "capacity", "arithmetic", "held"),
    [
        ("High", 80.0, Capacity(2), "2 warm instances × 80 / 50 = 3.20, rounded up to 4", ""),
        ("High", 80.26, Capacity(1, 1), "1 warm instance × 80.3 / 50 = 1.61, rounded up to 2", ""),
        ("High", 80.0, Capacity(0, 2), "",
         "no instance is past its warm-up, so the metric says nothing about capacity"),
        ("Low", 5.0, Capacity(1, 1), "", "1 instance is still warming up, and scale-in waits for that"),
        ("Low", 5.0, Capacity(1, 0), "", "1 instance yet to be launched, and scale-in waits for that"),
        ("Low", 20.0, Capacity(2), "2 warm instances × 20 / 50 = 0.80; with the removal rounded down, 1 stays", ""),
        ("Low", 20.0, Capacity(2, terminating=1),
         "2 warm and 1 terminating instances × 20 / 50 = 1.20; with the removal rounded down, 2 stay", ""),
    ],
)  # fmt: skip
def test_a_wish_says_why(side: str, value: float, capacity: Capacity, arithmetic: str, held: str) -> None:
    found = wished(side, value, capacity)
    assert (found.arithmetic, found.held) == (arithmetic, held)


def test_an_alarm_without_a_data_point_asks_for_nothing() -> None:
    found = wish(policy(), group(), breach(), Capacity(2))
    assert (found.capacity, found.value, found.held) == (2, None, "the alarm has no data point to go by")


@given(
    side=st.sampled_from(["High", "Low"]),
    value=st.floats(0, 100),
    capacity=st.builds(Capacity, *[st.integers(0, 50)] * 3),
    current=st.integers(0, 50),
    target=st.floats(1, 100),
)
def test_no_wish_goes_against_its_alarm(
    side: str, value: float, capacity: Capacity, current: int, target: float
) -> None:
    wanted = wished(side, value, capacity, target, desired_capacity=current).capacity
    assert wanted >= current if side == "High" else 0 <= wanted <= current


@given(warm=st.integers(1, 40), value=st.floats(0, 44.9).map(lambda value: round(value, 6)))
def test_scaling_in_leaves_the_metric_at_or_below_the_target(warm: int, value: float) -> None:
    left = wished("Low", value, Capacity(warm), desired_capacity=warm).capacity
    assert warm * value <= left * 50.0 * (1 + 1e-9)


@given(instances=st.integers(1, 1000), target=st.floats(0.001, 1e6), times=st.integers(1, 9))
def test_a_metric_at_n_times_its_target_takes_n_times_the_instances(instances: int, target: float, times: int) -> None:
    """Not one more for the sake of floating point."""
    found = wished("High", target * times, Capacity(instances), target, desired_capacity=instances)
    assert found.capacity == instances * times


def test_the_alarms_are_those_seen_on_real_groups() -> None:
    """aws-facts §4.1 (obs:66073736668)."""
    high, low = alarms(policy(target=60.0), "arn:aws:cloudwatch:alarm:", ("u1", "u2"), NOW)
    assert (high.name, low.name) == ("TargetTracking-web-AlarmHigh-u1", "TargetTracking-web-AlarmLow-u2")
    assert (high.comparison_operator, high.threshold, high.evaluation_periods) == ("GreaterThanThreshold", 60.0, 3)
    assert (low.comparison_operator, low.threshold, low.evaluation_periods) == ("LessThanThreshold", 54.0, 15)
    for alarm in (high, low):
        assert (alarm.period, alarm.datapoints_to_alarm, alarm.treat_missing_data) == (60, None, None)
        assert alarm.alarm_actions == ("arn:policy/cpu",)
        assert alarm.description == "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy arn:policy/cpu."
        assert alarm.metric is not None
        assert alarm.metric.dimensions == (("AutoScalingGroupName", "web"),)


@pytest.mark.parametrize(
    ("metric", "label", "namespace", "name", "statistic", "dimensions"),
    [
        ("ASGAverageCPUUtilization", "", "AWS/EC2", "CPUUtilization", "Average", {"AutoScalingGroupName": "web"}),
        ("ASGAverageNetworkIn", "", "AWS/EC2", "NetworkIn", "Average", {"AutoScalingGroupName": "web"}),
        ("ASGAverageNetworkOut", "", "AWS/EC2", "NetworkOut", "Average", {"AutoScalingGroupName": "web"}),
        (ALB_REQUESTS, LABEL, "AWS/ApplicationELB", "RequestCountPerTarget", "Sum",
         {"LoadBalancer": "app/web/50dc6c495c0c9188", "TargetGroup": "targetgroup/shop/73e2d6bc24d8a067"}),
    ],
)  # fmt: skip
def test_predefined_metrics_are_awss(
    metric: str, label: str, namespace: str, name: str, statistic: str, dimensions: dict[str, str]
) -> None:
    """bc:autoscaling.MetricType; aws-facts §4.1."""
    tracking = TargetTracking(metric, 50.0, resource_label=label)
    for alarm in alarms(replace(policy(), target_tracking=tracking), "arn:", ("1", "2"), NOW):
        assert alarm.metric is not None
        assert (alarm.metric.namespace, alarm.metric.name, alarm.statistic) == (namespace, name, statistic)
        assert dict(alarm.metric.dimensions) == dimensions


def test_without_scale_in_there_is_no_low_alarm() -> None:
    assert len(alarms(policy(disable_scale_in=True), "arn:", ("1", "2"), NOW)) == 1


@pytest.mark.parametrize(
    ("of_policy", "of_group", "wanted"),
    [(None, None, 300.0), (None, 120.0, 120.0), (0.0, 120.0, 0.0), (60.0, None, 60.0)],
)
def test_the_warm_up_is_the_policys_then_the_groups_then_the_cooldown(
    of_policy: float | None, of_group: float | None, wanted: float
) -> None:
    assert warmup(policy(estimated_instance_warmup=of_policy), group(default_instance_warmup=of_group)) == wanted


def test_capacity_tells_warm_warming_and_terminating_apart() -> None:
    members = [
        member("old"),
        member("just-warm", in_service_at=NOW - 300),
        member("new", in_service_at=NOW - 299),
        member("pending", state="Pending", in_service_at=None),
        member("hooked", state="Pending:Wait", in_service_at=None),
        member("going", state="Terminating"),
        member("gone-soon", state="Terminating:Wait"),
        member("aside", state="Standby"),
        member("leaving", state="Detaching"),
        member("kept", state="Terminating:Retained"),
        member("pooled", state="Warmed:Stopped", in_service_at=None),
    ]
    assert capacity_of(members, 300, NOW) == Capacity(2, 3, 2, 1)
    assert [one.instance_id for one in members if is_warm(one, 300, NOW)] == ["i-old", "i-just-warm"]
