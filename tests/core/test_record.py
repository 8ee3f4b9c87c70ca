"""The log of decisions: what is folded, what is forgotten, and how it reads."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.record import KEPT, asked, folded, surplus
from lab.core.autoscaling.story import sentences, why
from tests.core.rows import NOW, group


def decision(at: float = 0.0, current: int = 2, desired: int = 2, **more: Any) -> Decision:
    """`at` is in seconds after NOW."""
    values: dict[str, Any] = {
        "decision_id": f"d{at:g}",
        "group": "web",
        "policy": "cpu",
        "alarm": "TargetTracking-web-AlarmHigh-1",
        "at": NOW + at,
        "metric_value": 80.0,
        "wanted": desired,
        "why": "" if current != desired else "that is what there is already",
        "policy_type": "TargetTrackingScaling",
        "metric": "CPUUtilization",
        "threshold": 50.0,
        "minimum": 1,
        "maximum": 6,
        **more,
    }
    return Decision(current=current, desired=desired, **values)


def log(*decisions: Decision) -> list[Decision]:
    rows: dict[str, Decision] = {}
    for one in decisions:
        row = folded(one, list(rows.values()))
        rows[row.key] = row
    return list(rows.values())


def test_the_same_conclusion_again_is_one_row_with_a_count_and_the_range() -> None:
    [row] = log(*(decision(60.0 * i, metric_value=value) for i, value in enumerate((80.0, 78.0, 85.5, 81.0))))
    assert (row.decision_id, row.at, row.until, row.count) == ("d0", NOW, NOW + 180, 4)
    assert (row.metric_value, row.lowest, row.highest) == (81.0, 78.0, 85.5)


@pytest.mark.parametrize(
    "other",
    [
        {"wanted": 3, "why": "capped to 2 by the group's maximum of 2"},
        {"why": "the policy is disabled"},
        {"policy": "requests"},
        {"alarm": "another"},
        {"kind": "user"},
        {"maximum": 7},
        {"current": 3, "desired": 3},
    ],
    ids=str,
)
def test_what_differs_is_not_folded(other: dict[str, Any]) -> None:
    assert len(log(decision(0), decision(60, **other))) == 2


def test_a_change_of_capacity_is_never_folded() -> None:
    assert len(log(decision(0, 2, 4), decision(60, 2, 4))) == 2


def test_another_policys_rows_in_between_do_not_keep_it_from_being_folded() -> None:
    rows = log(*(decision(60.0 * i + 10 * j, policy=name) for i in range(3) for j, name in enumerate(("cpu", "net"))))
    assert [(row.policy, row.count) for row in rows] == [("cpu", 3), ("net", 3)]


def test_nothing_is_folded_across_a_change_of_capacity() -> None:
    rows = log(decision(0), decision(10, 2, 4, policy="net"), decision(20, 4, 2, policy="net"), decision(60))
    assert [row.count for row in rows] == [1, 1, 1, 1]


def test_nothing_is_folded_across_a_pause() -> None:
    assert len(log(decision(0), decision(301))) == 2
    assert len(log(decision(0, kind="predictive"), decision(3600, kind="predictive"))) == 1


def test_the_oldest_by_their_last_time_go_first() -> None:
    rows = [decision(60.0 * i, 2 + i, 3 + i) for i in range(KEPT)]
    lasting = replace(decision(-60.0), last_at=NOW + 1e6, count=1000)
    assert surplus([lasting, *rows]) == [rows[0]]
    assert surplus(rows) == []


def test_a_users_own_change() -> None:
    made = asked(group(), group(desired_capacity=5), "SetDesiredCapacity", NOW, "d")
    assert sentences(made) == ["A user called SetDesiredCapacity.", "The desired capacity goes from 2 to 5."]
    assert why(made) == "A user called SetDesiredCapacity"


def test_in_one_line_the_arithmetic_comes_first() -> None:
    assert why(decision(desired=4, arithmetic="2 + 2 = 4", why="capped")) == "2 + 2 = 4; capped"


# How it reads.


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (decision(current=2, desired=4, arithmetic="2 warm instances × 80 / 50 = 3.20, rounded up to 4"), [
            "The target tracking policy cpu saw CPUUtilization at 80 against a target of 50.",
            "2 warm instances × 80 / 50 = 3.20, rounded up to 4.",
            "The desired capacity goes from 2 to 4."]),
        (decision(why="1 instance is still warming up, and scale-in waits for that"), [
            "The target tracking policy cpu saw CPUUtilization at 80 against a target of 50.",
            "The desired capacity stays at 2: 1 instance is still warming up, and scale-in waits for that."]),
        (decision(current=4, desired=6, wanted=8, arithmetic="step +20 to +∞: 4 warm + 4 = 8", alarm="busy", policy="out",
                  policy_type="StepScaling", why="capped to 6 by the group's maximum of 6"), [
            "The alarm busy saw CPUUtilization at 80 against a threshold of 50 and called the step policy out.",
            "Step +20 to +∞: 4 warm + 4 = 8.",
            "The desired capacity goes from 4 to 6: capped to 6 by the group's maximum of 6."]),
        (decision(metric_value=None, alarm="busy", policy="one", policy_type="SimpleScaling", threshold=None,
                  why="the process AlarmNotification is suspended"), [
            "The alarm busy called the simple policy one.",
            "The desired capacity stays at 2: the process AlarmNotification is suspended."]),
        (decision(kind="user", alarm="", policy="out", policy_type="StepScaling", current=2, desired=3, metric_value=72.5,
                  threshold=60.0, arithmetic="step 0 to +20: 2 warm + 1 = 3"), [
            "A user executed the step policy out with a value of 72.5 against a threshold of 60.",
            "Step 0 to +20: 2 warm + 1 = 3.",
            "The desired capacity goes from 2 to 3."]),
        (decision(kind="scheduled", policy="morning", metric_value=None, current=2, desired=5,
                  arithmetic="minimum 5, maximum 9"), [
            "The scheduled action morning came due.",
            "Minimum 5, maximum 9.",
            "The desired capacity goes from 2 to 5."]),
        (decision(kind="predictive", policy="daily", metric_value=7200.0, current=2, desired=4,
                  arithmetic="a load of 7200 takes 4 instances at the target"), [
            "The predictive policy daily expects a load of 7200.",
            "A load of 7200 takes 4 instances at the target.",
            "The desired capacity goes from 2 to 4."]),
    ],
)  # fmt: skip
def test_sentences(made: Decision, told: list[str]) -> None:
    assert sentences(made) == told


def test_what_was_so_for_a_while_says_for_how_long() -> None:
    [row] = log(*(decision(60.0 * i, metric_value=80.0 + i) for i in range(3)))
    assert (
        sentences(row)[-1] == "That was so 3 times from 22:13:20 to 22:15:20, CPUUtilization being between 80 and 82."
    )
    [row] = log(*(decision(60.0 * i) for i in range(3)))
    assert sentences(row)[-1] == "That was so 3 times from 22:13:20 to 22:15:20."


def test_a_decision_of_an_older_lab_reads_too() -> None:
    """Its row has no kind, arithmetic or bounds."""
    old = Decision("d", "web", "cpu", "high", NOW, 80.0, 2, 4, 4, "2 warm instances × 80.0 / 50 = 3.20, rounded up")
    assert old.reason == "2 warm instances × 80.0 / 50 = 3.20, rounded up"
    assert sentences(old) == [
        "The alarm high saw its metric at 80 and called the scaling policy cpu.",
        "The desired capacity goes from 2 to 4: 2 warm instances × 80.0 / 50 = 3.20, rounded up.",
    ]
