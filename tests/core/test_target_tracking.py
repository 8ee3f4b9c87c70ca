"""Target tracking: the alarms of a policy and the arithmetic of a decision (aws-facts §4.1)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.target_tracking import Capacity, alarms, decide, warmup
from tests.core.rows import NOW, group, policy


def decision(side: str, value: float, capacity: Capacity, target: float = 50.0, **more: Any) -> Decision:
    tracking, scaled = policy(target=target), group(**more)
    high, low = alarms(tracking, "arn:", ("1", "2"), NOW)
    return decide(tracking, scaled, high if side == "High" else low, value, capacity, NOW, "d")


@pytest.mark.parametrize(
    ("side", "value", "warm", "warming", "current", "desired"),
    [
        # Out: in proportion, rounded up (asg:as-scaling-target-tracking: to add 1.5 is to add 2).
        ("High", 80.0, 2, 0, 2, 4),
        ("High", 87.5, 2, 0, 2, 4),
        ("High", 51.0, 2, 0, 2, 3),
        ("High", 100.0, 4, 0, 4, 8),
        ("High", 60.0, 10, 0, 10, 12),
        # What still warms up counts as capacity that was asked for.
        ("High", 80.0, 2, 2, 4, 4),
        ("High", 100.0, 3, 1, 4, 6),
        # Nothing is warm: the metric says nothing.
        ("High", 100.0, 0, 2, 2, 2),
        ("Low", 0.0, 0, 0, 0, 0),
        # In: the removal rounded down (to remove 1.5 is to remove 1, 0.5 none).
        ("Low", 30.0, 4, 0, 4, 3),
        ("Low", 25.0, 3, 0, 3, 2),
        ("Low", 44.0, 2, 0, 2, 2),
        ("Low", 5.0, 4, 0, 4, 1),
        ("Low", 0.0, 4, 0, 4, 0),
        # Never while an instance warms up, nor while terminations or launches are under way.
        ("Low", 5.0, 3, 1, 4, 4),
        ("Low", 5.0, 5, 0, 4, 4),
        # No alarm moves against its direction.
        ("High", 10.0, 4, 0, 4, 4),
        ("Low", 90.0, 4, 0, 4, 4),
    ],
)
def test_arithmetic(side: str, value: float, warm: int, warming: int, current: int, desired: int) -> None:
    assert decision(side, value, Capacity(warm, warming), desired_capacity=current).desired == desired


@pytest.mark.parametrize(
    ("side", "value", "bounds", "wanted", "desired"),
    [("High", 100.0, (1, 5), 8, 5), ("Low", 0.0, (2, 9), 0, 2), ("High", 60.0, (1, 9), 5, 5)],
)
def test_caps(side: str, value: float, bounds: tuple[int, int], wanted: int, desired: int) -> None:
    found = decision(side, value, Capacity(4, 0), desired_capacity=4, min_size=bounds[0], max_size=bounds[1])
    assert (found.wanted, found.desired) == (wanted, desired)
    assert ("capped" in found.why) == (wanted != desired)


@pytest.mark.parametrize(
    ("side", "value", "capacity", "why"),
    [
        ("High", 80.0, Capacity(2, 0), "2 warm instances × 80.0 / 50 = 3.20, rounded up"),
        ("High", 80.0, Capacity(0, 2), "no instance is past its warm-up, so the metric says nothing about capacity; no change"),
        ("Low", 5.0, Capacity(1, 1), "1 instances are still warming up; scale-in waits for them; no change"),
        ("Low", 20.0, Capacity(2, 0), "2 warm instances × 20.0 / 50 = 0.80, the removal rounded down"),
    ],
)  # fmt: skip
def test_a_decision_says_why(side: str, value: float, capacity: Capacity, why: str) -> None:
    assert decision(side, value, capacity).why == why


@given(
    side=st.sampled_from(["High", "Low"]),
    value=st.floats(0, 100),
    warm=st.integers(0, 50),
    warming=st.integers(0, 20),
    current=st.integers(0, 50),
    bounds=st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted),
    target=st.floats(1, 100),
)
def test_a_decision_stays_within_the_bounds_and_its_direction(
    side: str, value: float, warm: int, warming: int, current: int, bounds: list[int], target: float
) -> None:
    low, high = bounds
    current = min(max(current, low), high)
    found = decision(
        side, value, Capacity(warm, warming), target, desired_capacity=current, min_size=low, max_size=high
    )
    assert low <= found.desired <= high
    assert found.desired >= current if side == "High" else found.desired <= current


@given(warm=st.integers(1, 40), value=st.floats(0, 44.9).map(lambda value: round(value, 6)))
def test_scaling_in_leaves_the_metric_at_or_below_the_target(warm: int, value: float) -> None:
    left = decision("Low", value, Capacity(warm, 0), desired_capacity=warm).desired
    assert warm * value <= left * 50.0 * (1 + 1e-9)


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
