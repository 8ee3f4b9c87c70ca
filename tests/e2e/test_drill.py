"""Drills on a running lab: the short form, in both modes, and what it leaves."""

import json
from pathlib import Path

import pytest

from tests.e2e.outside import Lab

pytestmark = pytest.mark.timeout(400)


def test_the_short_form_holds_what_the_readme_promises(lab: Lab, tmp_path: Path) -> None:
    before = lab.group["desired"]
    outcomes = json.loads(lab.run("drill", "run", "short", "--reports", str(tmp_path), "--json", code=None))
    assert [one["drill"]["name"] for one in outcomes] == ["instance-crash", "database-restart", "control-killed"]
    missed = {one["drill"]["name"]: [row for row in one["verdicts"] if not row["held"]] for one in outcomes}
    assert not any(missed.values()), missed
    crash, database, control = outcomes
    assert crash["figures"]["launched"] == 1
    assert crash["victims"][0] not in lab.healthy()
    causes = {row["Description"].rpartition(" ")[0]: row["Cause"] for row in crash["activities"]}
    dead = "in response to an EC2 health check indicating it has been terminated or stopped."
    assert dead in causes["Terminating EC2 instance:"]
    replaced = "an instance was launched in response to an unhealthy instance needing to be replaced."
    assert replaced in causes["Launching a new EC2 instance:"]
    assert database["figures"]["detected"] is not None
    assert control["load"]["scheduled"] > 400
    assert control["activities"] == [], "the fleet was adopted: nothing was launched or killed"
    for one in outcomes:
        [page] = tmp_path.glob(f"{one['drill']['name']}-{lab.mode}-*.html")
        text = page.read_text()
        assert one["drill"]["question"].split("?")[0][:40] in text
        assert "http://" not in text.replace("http://127.0.0.1", "").replace("http://www.w3.org", "")
    pages = sorted(str(path) for path in tmp_path.glob("*.json"))
    assert "all as expected" in lab.run("drill", "compare", pages[0], pages[1])
    lab.settled(before)


def test_a_drill_that_cannot_be_is_refused_before_anything_is_done(process_lab: Lab, tmp_path: Path) -> None:
    process_lab.settled()
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\nquestion: y\nexpect: { lost: 1 }\n")
    assert "not a share" in process_lab.run("drill", "run", str(bad), code=1)
    assert "there is no drill nothing" in process_lab.run("drill", "run", "nothing", code=2)
    assert "instance-crash" in process_lab.run("drill", "list")
    assert json.loads(process_lab.run("drill", "schema"))["title"] == "File"
