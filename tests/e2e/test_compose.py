"""`docker compose` alone: what it shows, touches and leaves, and how locked in the containers are."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcontainers.compose import DockerCompose

from tests.blocks import free_block, free_internet
from tests.e2e.conftest import SPEED, free_ports, require_docker, state_directory
from tests.e2e.outside import CHECKOUT, Lab, get, inspect
from tests.eventually import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


class Composed:
    """A lab started by `docker compose up`, without the lab command."""

    def __init__(self, environment: Path) -> None:
        first = free_ports(8)
        self.project = f"labtest-{secrets.token_hex(4)}"
        variables = {
            "COMPOSE_PROJECT_NAME": self.project,
            "LAB_API_PORT": first,
            "LAB_LISTENER_PORT": first + 1,
            "LAB_TLS_PORT": first + 4,
            "LAB_SPEED": SPEED,
            "LAB_STACK_PARAMETERS": f"VpcCidr={free_block()}",
            "LAB_INTERNET": free_internet(),
        }
        environment.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        self.environment = environment
        self.compose = DockerCompose(CHECKOUT, build=True, wait=False, env_file=str(environment))
        self.lab = Lab("docker", {}, first, (first + 1, first + 2), state_directory(), self.project)

    def run(self, *arguments: str) -> str:
        """`docker compose …`, as a person types it."""
        command = ["docker", "compose", "--env-file", str(self.environment), *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    require_docker()
    made = Composed(tmp_path_factory.mktemp("compose") / "env")
    try:
        made.compose.start()
        until(lambda: made.lab.settled(), 120)
        yield made
    finally:
        # Bare: no flags that would take what the lab launched along. That is the janitor's work.
        made.run("down")
    assert until(lambda: not made.lab.left_over(), 60, made.lab.left_over)


def services(composed: Composed) -> dict[str, list[str]]:
    shown = [json.loads(line) for line in composed.run("ps", "--format", "json").splitlines()]
    found: dict[str, list[str]] = {}
    for row in shown:
        found.setdefault(row["Service"], []).append(row["Name"])
    return {name: sorted(names) for name, names in found.items()}


def test_compose_shows_what_the_control_plane_launched(composed: Composed) -> None:
    found = services(composed)
    assert sorted(found) == ["app", "control", "db", "lb"]
    assert found["app"] == composed.lab.settled()
    assert len(found["lb"]) == 2


def test_without_a_port_for_dns_it_comes_up_and_says_so(composed: Composed) -> None:
    """5353 is multicast DNS's port too: only who asks for it gets it, so that `docker compose up` always works."""
    assert "LAB_DNS_PORT" in composed.lab.status()["resolver_problem"]


def test_a_second_up_touches_nothing(composed: Composed) -> None:
    composed.lab.settled()
    before = services(composed)
    started = {name: inspect(name)["State"]["StartedAt"] for names in before.values() for name in names}
    composed.run("up", "--detach")
    assert services(composed) == before
    assert {name: inspect(name)["State"]["StartedAt"] for name in started} == started


def test_compose_kill_is_a_crash_and_the_group_heals(composed: Composed) -> None:
    before = composed.lab.settled()
    composed.run("kill", "app")
    healed = until(lambda: not set(before) & set(composed.lab.settled()) and composed.lab.settled(), 120)
    assert get(composed.lab.ports[0], "/products").status == 200
    assert composed.run("logs", "app")
    assert services(composed)["app"] == healed


def test_the_control_plane_may_be_recreated(composed: Composed) -> None:
    before = composed.lab.settled()
    composed.run("up", "--detach", "--force-recreate", "control")
    until(lambda: composed.lab.status()["load_balancers"][0]["state"] == "active", 60)
    assert composed.lab.settled() == before


def test_containers_are_locked_in(composed: Composed) -> None:
    composed.lab.settled()
    for service, names in services(composed).items():
        for name in names:
            host = inspect(name)["HostConfig"]
            assert host["CapAdd"] in (None, []), name
            assert host["CapDrop"] == ["ALL"], name
            assert not host["Privileged"], name
            assert host["ReadonlyRootfs"], name
            assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]), name
            for bindings in (host["PortBindings"] or {}).values():
                assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}, name
            mounts = inspect(name)["Mounts"]
            if service != "control":
                assert all(mount["Type"] == "volume" for mount in mounts), (name, mounts)
                assert inspect(name)["Config"]["User"] not in ("", "0", "root"), name


def test_instances_have_the_addresses_of_their_subnets_and_no_way_to_the_control_plane(composed: Composed) -> None:
    composed.lab.settled()
    for row in composed.lab.instances():
        assert inspect(row["id"])["HostConfig"]["CapAdd"] is None
        networks = inspect(f"{row['id']}-eni")["NetworkSettings"]["Networks"]
        assert [network["IPAddress"] for network in networks.values()] == [row["address"]]
        third = row["address"].split(".")[2]
        assert third == ("10" if row["zone"].endswith("a") else "11")
