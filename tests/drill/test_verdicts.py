"""Expectations against measures; and the arithmetic of settings."""

import base64
from dataclasses import replace

import click
import pytest

from lab.drill.act import rewritten
from lab.drill.defaults import AWS, Settings, longest, settings_of
from lab.drill.figures import Figures
from lab.drill.model import Act, Drill, Expectation, Load
from lab.drill.verdicts import complete, verdicts
from lab.load.result import Recorder

EXPECT = Expectation(lost=0.01, slow=0.5, times={"replaced": 300.0}, peak=3, replacements=1, refresh="Successful")
DRILL = Drill("mine", "Mine", "What?", Load(), (), EXPECT)
FIGURES = Figures(replaced=299.0, recovered=301.0, peak=3, launched=1, refresh="Successful")


def result(lost: int, of: int) -> Recorder:
    recorder = Recorder()
    recorder.scheduled, recorder.failed, recorder.ok = of, lost, of - lost
    return recorder


def test_each_expectation_is_held_or_missed_by_itself() -> None:
    held = verdicts(DRILL, FIGURES, result(1, 100).result(1.0, 1.0))
    assert [(one.name, one.held) for one in held] == [
        ("lost", True), ("slow", True), ("replaced", True), ("grown to", True), ("new instances", True),
        ("instance refresh", True),
    ]  # fmt: skip
    assert str(held[0]) == "lost: 1 %, expected at most 1 %"
    missed = verdicts(DRILL, Figures(peak=2, launched=2), result(2, 100).result(1.0, 1.0))
    assert [one.held for one in missed] == [False, True, False, False, False, False]
    assert str(missed[2]) == "replaced: not seen, expected within 5 min"


@pytest.mark.parametrize("lacking", [{"replaced": None}, {"peak": 2}, {"launched": 0}, {"refresh": "InProgress"}])
def test_a_drill_goes_on_until_all_was_seen(lacking: dict[str, object]) -> None:
    assert complete(DRILL, FIGURES)
    assert not complete(DRILL, replace(FIGURES, **lacking))  # type: ignore[arg-type]  # fields by name


def test_the_longest_that_checks_take() -> None:
    ours = Settings(interval=10, timeout=5, unhealthy=3, deregistration=30)
    hang, fail = (Act(0, "fault", "instance", {"health": health}) for health in ("hang", "fail"))
    assert longest(hang, ours)["out of rotation"] == 35
    assert longest(fail, ours)["out of rotation"] == 30
    assert longest(hang, AWS)["out of rotation"] == 65
    assert longest(Act(0, "kill", "instance"), AWS) == {"out of rotation, if only checks noticed": 60}
    assert longest(Act(0, "capacity", "4"), AWS) == {"drained": 300}
    assert longest(Act(0, "kill", "control"), AWS) == {}
    group = {
        "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5, "UnhealthyThresholdCount": 3,
    }  # fmt: skip
    assert settings_of(group, {"deregistration_delay.timeout_seconds": "30"}) == ours


def test_a_broken_build_is_the_same_but_for_two_lines() -> None:
    text = "#cloud-config\n        DATABASE_HOST=db\n        APP_VERSION=1\n        MORE=1\n"
    encoded = base64.b64encode(text.encode()).decode()
    broken = base64.b64decode(rewritten(encoded, broken=True)).decode()
    assert broken == text.replace("APP_VERSION=1\n", "APP_VERSION=broken\n        FAULT=fail\n")
    assert "APP_VERSION=next\n" in base64.b64decode(rewritten(encoded, broken=False)).decode()
    with pytest.raises(click.ClickException, match="no APP_VERSION"):
        rewritten(base64.b64encode(b"#!/bin/sh").decode(), broken=True)
