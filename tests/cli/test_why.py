"""`lab why`: decisions as paragraphs."""

from typing import Any

import click

from lab.cli.why import told

ROW: dict[str, Any] = {
    "group": "web",
    "until": 1_700_000_000.0,
    "current": 2,
    "desired": 4,
    "sentences": [
        "The target tracking policy cpu saw CPUUtilization at 80 against a target of 50.",
        "2 warm instances × 80 / 50 = 3.20, rounded up to 4.",
        "The desired capacity goes from 2 to 4.",
    ],
}


def test_a_decision_is_a_headline_and_a_paragraph() -> None:
    assert click.unstyle(told(ROW, 72)).splitlines() == [
        "22:13:20  web  2 → 4",
        "          The target tracking policy cpu saw CPUUtilization at 80",
        "          against a target of 50. 2 warm instances × 80 / 50 = 3.20,",
        "          rounded up to 4. The desired capacity goes from 2 to 4.",
    ]


def test_a_decision_that_changes_nothing_says_so_in_its_headline() -> None:
    assert click.unstyle(told({**ROW, "desired": 2}, 200)).splitlines()[0] == "22:13:20  web  stays at 2"
