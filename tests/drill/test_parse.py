"""Drill files: what they mean, and what is said of those that mean nothing."""

from pathlib import Path

import pytest

from lab.cli.drill import FOLDER, SHORT, TEMPLATE, shipped
from lab.drill.model import Act, Expectation, Load
from lab.drill.parse import BadDrill, parse, read

TEXT = """
title: A drill
question: What?
load: { path: "/burn?ms=5", amount: 1000, every: 10s, retries: 2, slow: 300ms }
lasts: 1m
within: 1h
modes: [docker]
acts:
  - { at: 9s, capacity: 0 }
  - { at: 2s, fault: { health: slow, scope: all, grow_ms: 100 } }
expect: { lost: 0.5%, replaced: 5m, replacements: 0, peak: 4, refresh: Successful }
"""


def test_a_file_is_a_drill() -> None:
    drill = parse("mine", TEXT)
    assert drill.load == Load("/burn?ms=5", 1000.0, 10.0, 2, 10.0, 0.3)
    fault = {"health": "slow", "scope": "all", "delay_ms": 0, "grow_ms": 100}
    assert drill.acts == (Act(2.0, "fault", "instance", fault), Act(9.0, "capacity", "0"))
    assert drill.expect == Expectation(0.005, None, {"replaced": 300.0}, 4, 0, "Successful")
    assert (drill.lasts, drill.within, drill.modes) == (60.0, 3600.0, ("docker",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("title: A drill", "tilte: A drill"), "tilte: Extra inputs are not permitted"),
        (("lasts: 1m", "lasts: 60"), "lasts: 60 is not a duration: write 500ms, 20s, 5m or 1h"),
        (("lost: 0.5%", "lost: 0.5"), "0.5 is not a share: write 0% to 100%"),
        (("lost: 0.5%", "lost: 150%"), "not a share"),
        (("amount: 1000", "amount: 0"), "a rate is above 0"),
        (("amount: 1000", "amount: saw"), "there is no trace file and no shape 'saw'"),
        (("capacity: 0", "capacity: 0, zone: a"), "an act does one thing: kill, fault, zone, capacity or deploy"),
        (("capacity: 0 }", "kill: everything }"), "acts.0.kill: Input should be 'instance', 'database' or 'control'"),
        (("- { at: 9s, capacity: 0 }", "- { at: 9s }"), "an act does one thing"),
        (('path: "/burn?ms=5"', "path: burn"), "load.path: String should match pattern"),
        (("title: A drill", "title: ["), "not YAML"),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], said: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(BadDrill) as refused:
        parse("mine", TEXT.replace(*change))
    assert said in str(refused.value)


def test_all_that_is_wrong_is_said_at_once_with_the_file() -> None:
    with pytest.raises(BadDrill, match=r"no-such.*cannot be read"):
        read(Path("/no-such/drill.yaml"))
    with pytest.raises(BadDrill) as refused:
        parse("x", "title: 7\nexpect: {}")
    assert "title: " in str(refused.value)
    assert "question: Field required" in str(refused.value)
    with pytest.raises(BadDrill, match="small letters"):
        parse("Not A Name", TEXT)


def test_the_shipped_ones_cover_the_stories() -> None:
    names = [drill.name for drill in shipped()]
    stories = (
        "normal-day surge instance-crash instance-500 instance-hang slow-leak zone-outage database-restart control-killed "
        "bad-deployment thundering-herd scale-in-long-requests retry-storm"
    )
    assert set(stories.split()) <= set(names)
    assert set(SHORT) <= set(names)
    assert all((FOLDER / f"{name}.yaml").exists() for name in names)


def test_the_template_of_a_new_one_is_a_drill() -> None:
    assert parse("mine", TEMPLATE.format(title="Mine")).acts == (Act(4.0, "kill", "instance"),)
