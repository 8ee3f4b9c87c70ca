"""The three policy types on the same real load: three groups, alike but for their policies, side by side in process mode.

What is asserted is order and direction, and what each policy type may not do; how fast this machine is does not matter.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.conftest import new_lab, state_directory
from tests.e2e.outside import Lab
from tests.eventually import until

pytestmark = pytest.mark.timeout(240)

STACK = Path(__file__).with_name("three_policies.yaml")
GROUPS = ("tracking", "step", "simple")
SPEED = "60"
"""A minute of lab time, in which CPU is measured and alarms are evaluated once, is a second."""
COOLDOWN = 180.0
IDLE = 20.0
"""Percent of CPU below which the groups scale in."""
CHANGE = re.compile(r"At (\S+) a monitor alarm (\S+) in state ALARM triggered policy (\S+) "
                    r"changing the desired capacity from (\d+) to (\d+)\.")  # fmt: skip


@dataclass(frozen=True, order=True)
class Change:
    """A change of a group's desired capacity that has activities."""

    at: datetime
    alarm: str
    policy: str
    old: int
    new: int


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = new_lab("process", state_directory(), LAB_STACK=str(STACK), LAB_SPEED=SPEED, COLUMNS="200")
    try:
        lab.run("up")
        yield lab
    finally:
        lab.run("down")
    assert until(lambda: not lab.left_over(), 20, lab.left_over)


def sizes(lab: Lab) -> dict[str, int]:
    return {row["name"]: row["desired"] for row in lab.status()["groups"]}


def activities(lab: Lab, group: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(lab.run("activities", group, "--json", "--last", "100"))["Activities"]
    return found


def changes(lab: Lab, group: str) -> list[Change]:
    """Oldest first."""
    matches = {match.groups() for row in activities(lab, group) if (match := CHANGE.match(row["Cause"]))}
    return sorted(
        Change(datetime.fromisoformat(at), alarm, policy, int(old), int(new)) for at, alarm, policy, old, new in matches
    )


def calm(lab: Lab) -> bool:
    """One instance each, warm and idle: what it took to start them is over."""
    groups = lab.status()["groups"]
    return all(
        row["desired"] == len(row["instances"]) == 1 and row["cpu"] is not None and row["cpu"] < IDLE for row in groups
    )


def test_three_policy_types_on_the_same_load(lab: Lab) -> None:
    until(lambda: calm(lab), 90, lambda: lab.status()["groups"])
    began = datetime.fromtimestamp(lab.status()["now"], UTC)
    # 16 requests of 20 ms a second for each group: more than one instance's quarter of a CPU, less than three times half.
    urls = [f"http://127.0.0.1:{lab.ports[0]}/burn?ms=20&group={name}" for name in GROUPS]
    lab.run("load", *urls, "--rate", "48", "--for", "26s", "--json", code=None)
    grown = sizes(lab)
    assert all(size > 1 for size in grown.values()), grown
    until(lambda: calm(lab), 90, lambda: lab.status()["groups"])

    table = lab.run("activities", "--table", *GROUPS, "--last", "100")
    print(table)
    assert table.split()[:4] == ["at", *GROUPS]
    by_group = {name: [one for one in changes(lab, name) if one.at >= began] for name in GROUPS}
    for name, found in by_group.items():
        assert all(f"{one.old} → {one.new} by policy {one.policy}: " in table for one in found), name
        assert found[0].old == 1, name
        assert [one.new > one.old for one in found] == sorted((one.new > one.old for one in found), reverse=True), name
        assert all(before.new == after.old for before, after in pairwise(found)), name
        assert found[-1].new == 1, name
    tracking, step, simple = (by_group[name] for name in GROUPS)
    assert all(one.alarm.startswith("TargetTracking-tracking-Alarm") for one in tracking)
    # A breach by more than 20 is a step of two; a simple policy knows one, and then waits.
    assert (step[0].old, step[0].new) == (1, 3)
    assert all(abs(one.new - one.old) == 1 for one in simple)
    ends = sorted(datetime.fromisoformat(row["EndTime"]) for row in activities(lab, "simple"))
    for change in simple:
        last = max((end for end in ends if end < change.at), default=None)
        assert last is None or (change.at - last).total_seconds() >= COOLDOWN - 1, (change, last)

    waited = [row for row in decisions(lab, "simple") if row["current"] == row["desired"]]
    assert any("cooldown" in row["why"] or "in progress" in row["why"] for row in waited), waited
    story = lab.run("why", "tracking", "--last", "100")
    assert "The target tracking policy " in story
    assert "against a target of 50." in story
    assert f"1 → {tracking[0].new}" in story


def decisions(lab: Lab, group: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(lab.run("why", group, "--json", "--last", "1000"))["decisions"]
    return found
