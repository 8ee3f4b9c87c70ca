"""The same short trace for real and on paper: the group takes the same capacities, one after the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SPEED, new_lab, state_directory
from tests.e2e.outside import Lab, load
from tests.eventually import until

pytestmark = pytest.mark.timeout(400)

RATE, SECONDS = 40.0, 25.0
"""Twice what two instances can do: far above the target, and far below it once the load has ended."""
STACK = ["-p", "MaxSize=4"]


@pytest.fixture
def idle_lab() -> Iterator[Lab]:
    lab = new_lab("process", state_directory())
    lab.environment["LAB_STACK_PARAMETERS"] += " MaxSize=4"
    try:
        lab.run("up")
        lab.settled()
        yield lab
    finally:
        lab.run("down")
    assert until(lambda: not lab.left_over(), 20, lab.left_over)


def test_a_simulation_takes_the_capacities_that_the_lab_takes(idle_lab: Lab, tmp_path: Path) -> None:
    calibration = tmp_path / "calibration.json"
    idle_lab.run("calibrate", str(calibration), "--for", "4s")
    idle_lab.settled()
    began = idle_lab.status()["now"]
    with load(idle_lab, "/burn?ms=25", rate=RATE, seconds=SECONDS):
        until(lambda: idle_lab.group["desired"] > 2, 60, lambda: idle_lab.status()["alarms"])
    idle_lab.run("speed", "120")  # the calm that follows is of lab time alone
    until(lambda: idle_lab.group["desired"] == 2, 60, lambda: idle_lab.status()["decisions"])
    real = [row["desired"] for row in decisions(idle_lab) if row["desired"] != row["current"] and row["at"] > began]

    # Lab time runs faster than the wall clock: so many of its seconds the load lasted.
    end = SECONDS * float(SPEED)
    trace = tmp_path / "trace.csv"
    trace.write_text(f"seconds,requests_per_second\n0,{RATE}\n{end},{RATE}\n{end},0\n{end + 3600},0\n")
    report = tmp_path / "report.json"
    idle_lab.run("simulate", str(trace), *STACK, "--calibration", str(calibration), "--json", str(report))
    [group] = json.loads(report.read_text())["runs"][0]["groups"]
    simulated = [row["desired"] for row in group["choices"] if row["desired"] != row["current"]]
    assert simulated == real == [4, 2]


def decisions(lab: Lab) -> list[dict[str, Any]]:
    """Oldest first."""
    found: list[dict[str, Any]] = json.loads(lab.run("why", "--last", "100", "--json"))["decisions"]
    return found[::-1]
