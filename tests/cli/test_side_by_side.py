"""`lab activities --table`: what several groups did, read from the causes of their activities."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from lab.cli.side_by_side import rows, table
from lab.core.autoscaling import causes

START = 1_700_000_000.0
"""22:13:20"""
DIFFERENCE = causes.DIFFERENCE_LAUNCH.format(old=2, new=3)


def activity(cause: str, what: str = "Launching a new EC2 instance: i-1", status: str = "Successful") -> dict[str, Any]:
    at = causes.at(START + 5, DIFFERENCE)
    return {
        "Description": what,
        "Cause": causes.joined((cause, at)) if cause else at,
        "StartTime": "2023-11-14T22:13:25.123+00:00",
        "StatusCode": status,
    }


def told(*activities: dict[str, Any]) -> list[str]:
    [(minute, cells)] = rows({"web": activities})
    assert minute == "22:13"
    return cells["web"]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (causes.alarm_triggered(START, "busy", "ALARM", "cpu 50", 2, 4), "2 → 4 by policy cpu 50"),
        (causes.policy_executed(START, "out", 2, 4), "2 → 4 by a user, by policy out"),
        (causes.forecast_reached(START, "daily", 2, 4), "2 → 4 by forecast of daily"),
        (causes.schedule_ran(START, 2, 6, 2, 4), "2 → 4 by a scheduled action"),
        (causes.desired_set(START, 2, 4), "2 → 4 by a user"),
        (causes.group_created(START, 4), "0 → 4 by a user"),
        (causes.group_updated(START, 2, 6, 2, 4), "2 → 4 by a user"),
    ],
)
def test_who_changed_a_capacity(cause: str, words: str) -> None:
    assert told(activity(cause)) == [f"{words}: 1 launched"]


def test_activities_of_one_change_are_one_event() -> None:
    cause = causes.alarm_triggered(START, "busy", "ALARM", "cpu", 2, 5)
    found = told(activity(cause), activity(cause), activity(cause, status="PreInService"))
    assert found == ["2 → 5 by policy cpu: 2 launched, 1 under way"]


@pytest.mark.parametrize(
    ("what", "status", "outcome"),
    [
        ("Terminating EC2 instance: i-1", "Successful", "terminated"),
        ("Terminating EC2 instance: i-1", "WaitingForELBConnectionDraining", "under way"),
        ("Launching a new EC2 instance: i-1.  Status Reason: no", "Failed", "failed to launch"),
        ("Launching a new EC2 instance: i-1", "Cancelled", "given up"),
    ],
)
def test_what_it_came_to(what: str, status: str, outcome: str) -> None:
    assert told(activity(causes.desired_set(START, 2, 3), what, status)) == [f"2 → 3 by a user: 1 {outcome}"]


def test_a_replacement_changes_no_capacity() -> None:
    out = activity("", "Terminating EC2 instance: i-1") | {"Cause": causes.at(START, causes.EC2_UNHEALTHY)}
    back = activity("") | {"Cause": causes.at(START, causes.REPLACEMENT)}
    assert told(out, back) == ["replacement: 1 terminated, 1 launched"]


def test_groups_stand_side_by_side_by_the_minute() -> None:
    early = activity(causes.alarm_triggered(START, "a", "ALARM", "cpu", 2, 4))
    late = activity(causes.alarm_triggered(START + 60, "b", "ALARM", "step", 2, 3))
    assert rows({"one": [early], "two": [late]}) == [
        ("22:13", {"one": ["2 → 4 by policy cpu: 1 launched"], "two": []}),
        ("22:14", {"one": [], "two": ["2 → 3 by policy step: 1 launched"]}),
    ]
    out = StringIO()
    Console(file=out, width=100).print(table({"one": [early], "two": [late]}))
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "at     one                              two",
        "22:13  2 → 4 by policy cpu: 1 launched",
        "22:14                                   2 → 3 by policy step: 1 launched",
    ]
