"""The closed loop in both modes: traffic, ill health, load, scale, the database. Crashes are drills (test_drill)."""

import json

import pytest

from tests.e2e.conftest import SPEED
from tests.e2e.outside import Lab, ask, get, load
from tests.eventually import until

pytestmark = pytest.mark.timeout(400)


def served_by(lab: Lab, port: int, count: int = 6) -> list[tuple[str, str]]:
    answers = [get(port, "/products") for _ in range(count)]
    assert all(answer.status == 200 for answer in answers), answers
    return [(answer.headers["x-instance-id"], answer.headers["x-availability-zone"]) for answer in answers]


def test_both_nodes_answer_from_two_instances_in_two_zones_in_turn(lab: Lab) -> None:
    for port in lab.ports:
        seen = served_by(lab, port)
        assert len({instance for instance, _ in seen}) == 2
        assert {zone for _, zone in seen} == {"us-east-1a", "us-east-1b"}
        assert all(seen[i] != seen[i + 1] for i in range(len(seen) - 1)), "round robin takes turns"


def test_an_instance_that_answers_500_is_taken_out_and_replaced(lab: Lab) -> None:
    sick = lab.healthy()[0]
    # Its grace period is lab time from InService; wait it out as the group does.
    until(lambda: next(row["age"] for row in lab.instances() if row["id"] == sick) > 320, 60)
    lab.run("recover", "health", sick)
    assert "its health check fails" in lab.run("fail", "health", sick)
    until(lambda: sick not in lab.healthy(), 30, lambda: lab.group)
    until(lambda: lab.settled() and sick not in lab.healthy(), 90, lambda: lab.group)
    end = next(row for row in lab.activities() if row["Description"] == f"Terminating EC2 instance: {sick}")
    assert "in response to an ELB system health check failure." in end["Cause"]


def test_who_cannot_be_made_ill_is_told(lab: Lab) -> None:
    assert "InvalidInstanceID.NotFound" in lab.run("fail", "health", "i-00000000000000000", code=1)
    assert "--delay and --grow are of --how slow" in lab.run(
        "fail", "health", lab.healthy()[0], "--delay", "1s", code=2
    )


def test_load_makes_the_group_grow_and_calm_brings_it_home(lab: Lab) -> None:
    alarms = {row["threshold"]: row["name"] for row in lab.status()["alarms"]}
    high, low = alarms[50.0], alarms[45.0]
    with load(lab, "/burn?ms=25", rate=36, seconds=25):
        grown = until(lambda: lab.group["desired"] > 2 and lab.group, 60, lambda: lab.status()["alarms"])
        until(lambda: len(lab.healthy()) > 2, 60, lambda: lab.group)
    decided = [row for row in lab.status()["decisions"] if row["to"] > row["from"] and "CpuPolicy" in row["policy"]]
    assert decided
    assert all("rounded up" in row["why"] for row in decided)
    assert grown["desired"] <= 6
    grew = f"a monitor alarm {high} in state ALARM triggered policy"
    causes = [row["Cause"] for row in lab.activities() if grew in row["Cause"]]
    assert any("changing the desired capacity from 2 to " in cause for cause in causes), causes
    lab.run("speed", "120")
    try:
        with load(lab, "/products", rate=20, seconds=20) as run:
            until(lambda: lab.group["desired"] == 2, 60, lambda: lab.status()["decisions"])
            lab.settled()
    finally:
        assert f"at {SPEED}×" in lab.run("speed", SPEED)
    assert run.failed == 0, run.result
    cause = next(row for row in lab.activities() if row["Description"].startswith("Terminating"))["Cause"]
    assert f"a monitor alarm {low} in state ALARM triggered policy" in cause


def test_the_database_comes_back_with_its_data(lab: Lab) -> None:
    made = ask("POST", lab.ports[0], "/products", {"name": "Survivor", "price_cents": 100})
    assert made.status == 201, made
    identity = json.loads(made.body)["id"]
    [database] = lab.status()["databases"]
    restarts = restarted(lab, database["id"])
    lab.crash(database["machine"])
    until(lambda: restarted(lab, database["id"]) > restarts, 60, lab.status)
    until(lambda: lab.status()["databases"][0]["status"] == "available" and served(lab, identity), 60, lab.status)
    assert get(lab.ports[1], f"/products/{identity}").status == 200


def restarted(lab: Lab, database: str) -> int:
    """How often the database has come back, by RDS's events."""
    path, request = "/lab/aws/rds/DescribeEvents", {"SourceIdentifier": database, "Duration": 20160}
    events = json.loads(ask("POST", lab.api, path, request).body)["Events"]
    return [event["Message"] for event in events].count("DB instance restarted")


def served(lab: Lab, identity: int) -> bool:
    return get(lab.ports[0], f"/products/{identity}").status == 200


def test_the_status_table_and_the_json_show_the_same_instances(lab: Lab) -> None:
    table, body = lab.run("status", "--once"), json.loads(lab.run("status", "--json"))
    for row in body["groups"][0]["instances"]:
        assert row["id"] in table
