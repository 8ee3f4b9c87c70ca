"""A zone fails and comes back, by the commands a user has: traffic goes on through the other one."""

from collections import Counter

import pytest

from tests.e2e.outside import Lab, load
from tests.eventually import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
RATE, SECONDS = 100, 12
BOUND = 0.03
"""Of the requests, from a client that tries the other node where one cannot be reached (README's promise)."""


def zones(lab: Lab) -> Counter[str]:
    return Counter(row["zone"][-1] for row in lab.instances() if row["target"] == "healthy")


def test_a_zone_fails_under_load_and_comes_back(docker_lab: Lab) -> None:
    lab = docker_lab
    lab.settled()
    home = lab.status()["databases"][0]["zone"][-1]
    other = "b" if home == "a" else "a"
    try:
        with load(lab, "/products", rate=RATE, seconds=SECONDS, failover=True) as run:
            lab.run("fail", "zone", other)
            until(lambda: zones(lab) == {home: 2}, 60, lambda: lab.group)
        assert run.failed <= run.requests * BOUND, run.result
        said = lab.run("up")
        assert f"us-east-1{other} is failed on purpose: `lab recover zone {other}` ends that" in said
    finally:
        lab.run("recover", "zone", other)
    until(lambda: zones(lab) == {"a": 1, "b": 1} and lab.settled(), 120, lambda: lab.group)
    until(lambda: all(node["live"] for node in lab.status()["load_balancers"][0]["nodes"]), 60)
    with load(lab, "/products", rate=RATE, seconds=3) as run:
        pass
    assert run.failed == 0, run.result
