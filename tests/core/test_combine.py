"""Several policies of one group (asg:as-scale-based-on-demand; aws-facts §4.1)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.combine import Others, Outcome, decide
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.autoscaling.wish import Wish
from tests.core.rows import NOW, breach, group, policy, simple_policy, step_policy

TRACKING, STEP = policy("cpu"), step_policy(name="step")


def wants(capacity: int, of: ScalingPolicy = STEP, **more: Any) -> Wish:
    return Wish(of, breach(80.0, alarm=f"{of.name}-alarm"), 80.0, capacity, **more)


def decided(
    current: int,
    invoked: Wish,
    *others: Wish,
    unready: dict[str, str] | None = None,
    floor: tuple[str, int] | None = None,
    **more: Any,
) -> Outcome:
    return decide(group(desired_capacity=current, **more), invoked, Others(others, unready, floor), NOW, "d")


SQS = policy("sqs", "ASGAverageNetworkIn")


@pytest.mark.parametrize(
    ("current", "invoked", "others", "desired", "winner"),
    [
        # Out: the largest capacity wins. One wants one instance more, the other two (asg:as-scale-based-on-demand).
        (1, wants(2, TRACKING), [wants(3, SQS)], 3, "sqs"),
        (1, wants(3, SQS), [wants(2, TRACKING)], 3, "sqs"),
        # In: likewise. One terminates three, another 25 % of eight (asg:as-scale-based-on-demand).
        (8, wants(5), [wants(6, simple_policy())], 6, "simple"),
        (8, wants(6, simple_policy()), [wants(5)], 6, "simple"),
        # Out goes before in.
        (4, wants(2), [wants(5, TRACKING)], 5, "cpu"),
        (4, wants(5, TRACKING), [wants(2)], 5, "cpu"),
        # Whoever is in ALARM and wants to stay prevails over who wants to go in.
        (4, wants(2), [wants(4, TRACKING)], 4, "step"),
        # One that asks for nothing leaves it to the others' own turns to scale in.
        (4, wants(4), [wants(2, TRACKING)], 4, "step"),
        # Alone.
        (4, wants(6), [], 6, "step"),
        (4, wants(2), [], 2, "step"),
        (4, wants(4), [], 4, "step"),
    ],
)
def test_the_largest_capacity_wins(current: int, invoked: Wish, others: list[Wish], desired: int, winner: str) -> None:
    found = decided(current, invoked, *others)
    assert (found.decision.desired, found.winner.policy.name) == (desired, winner)
    assert found.decision.policy == invoked.policy.name


def test_target_tracking_scales_in_when_all_agree() -> None:
    """asg:as-scaling-target-tracking"""
    one = decided(4, wants(2, TRACKING), unready={"sqs": "OK"})
    assert one.decision.desired == 4
    assert one.decision.why == "scale-in waits until all agree, and sqs (its low alarm is OK) does not"
    two = decided(4, wants(2, TRACKING), unready={"sqs": "OK", "net": "INSUFFICIENT_DATA"})
    assert two.decision.why.endswith("sqs (its low alarm is OK) and net (its low alarm is INSUFFICIENT_DATA) do not")
    all_agree = decided(4, wants(2, TRACKING), wants(3, SQS))
    assert (all_agree.decision.desired, all_agree.decision.why) == (3, "sqs asks for 3, and the largest capacity wins")


def test_step_and_simple_policies_scale_in_without_target_tracking() -> None:
    assert decided(4, wants(2), unready={"cpu": "OK"}).decision.desired == 2
    assert decided(4, wants(3, simple_policy()), unready={"cpu": "OK"}).decision.desired == 3


def test_target_tracking_scales_out_without_the_others() -> None:
    assert decided(4, wants(6, TRACKING), unready={"sqs": "OK"}).decision.desired == 6


@pytest.mark.parametrize(("floor", "desired"), [(3, 3), (4, 4), (9, 4), (2, 2), (1, 2)])
def test_a_forecast_holds_the_capacity_up(floor: int, desired: int) -> None:
    found = decided(4, wants(2), floor=("forecast", floor))
    assert found.decision.desired == desired
    if desired > 2:
        assert found.decision.why.startswith(f"the forecast of forecast keeps {desired} instances for this hour")


@pytest.mark.parametrize(
    ("current", "wanted", "bounds", "desired", "why"),
    [
        # asg:as-scale-based-on-demand: a maximum of 3, 2 instances, 3 more wanted; a minimum of 2, 3 instances, 2 less.
        (2, 5, (0, 3), 3, "capped to 3 by the group's maximum of 3"),
        (3, 1, (2, 9), 2, "capped to 2 by the group's minimum of 2"),
        (3, 5, (0, 3), 3, "capped to 3 by the group's maximum of 3"),
        (2, 0, (2, 9), 2, "capped to 2 by the group's minimum of 2"),
        (2, 4, (1, 9), 4, ""),
        (2, 2, (1, 9), 2, "that is what there is already"),
    ],
)
def test_bounds(current: int, wanted: int, bounds: tuple[int, int], desired: int, why: str) -> None:
    found = decided(current, wants(wanted), min_size=bounds[0], max_size=bounds[1]).decision
    assert (found.wanted, found.desired, found.why) == (wanted, desired, why)
    assert (found.minimum, found.maximum) == bounds


def test_a_decision_has_its_inputs() -> None:
    found = decided(2, wants(4, TRACKING, arithmetic="2 warm instances × 80 / 50 = 3.20, rounded up to 4")).decision
    assert (found.kind, found.policy_type) == ("policy", "TargetTrackingScaling")
    assert (found.alarm, found.metric, found.metric_value, found.threshold) == (
        "cpu-alarm",
        "CPUUtilization",
        80.0,
        50.0,
    )
    assert found.reason == "2 warm instances × 80 / 50 = 3.20, rounded up to 4"


def test_what_holds_a_policy_back_is_told() -> None:
    found = decided(2, wants(2, held="1 instance is still warming up, and scale-in waits for that")).decision
    assert found.why == "1 instance is still warming up, and scale-in waits for that"


WISHES = st.builds(
    wants, st.integers(0, 12), st.sampled_from([TRACKING, SQS, STEP, step_policy(name="b"), simple_policy()])
)


@given(
    current=st.integers(0, 12),
    wishes=st.lists(WISHES, min_size=1, max_size=4, unique_by=lambda wish: wish.policy.name),
    unready=st.sampled_from([{}, {"other": "OK"}]),
    floor=st.sampled_from([None, ("forecast", 5)]),
    bounds=st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted),
)
def test_in_whatever_order_they_are_invoked(
    current: int, wishes: list[Wish], unready: dict[str, str], floor: tuple[str, int] | None, bounds: list[int]
) -> None:
    """Out comes to the same capacity whoever is invoked; in never goes below what any of them wants, nor both ways."""
    low, high = bounds
    current = min(max(current, low), high)
    results = []
    for index, invoked in enumerate(wishes):
        others = [*wishes[:index], *wishes[index + 1 :]]
        found = decided(current, invoked, *others, unready=unready, floor=floor, min_size=low, max_size=high).decision
        assert low <= found.desired <= high
        results.append(found.desired)
    largest = max(wish.capacity for wish in wishes)
    if largest > current:
        assert set(results) == {min(largest, high)}
    else:
        assert all(min(max(largest, low), current) <= result <= current for result in results)
