"""Two labs for the whole session, one per mode, each made at its first use and checked to leave nothing behind."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blocks import free_block, free_internet
from tests.e2e.outside import Lab
from tests.eventually import until

SPEED = "40"
"""Faster than the default of 20, so that a group comes home from a scale-out in half a minute."""


def engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


def require_docker() -> None:
    """Skip without an engine, but never in CI: there a missing engine is a failure."""
    if not engine_answers():
        if os.environ.get("CI") or os.environ.get("LAB_REQUIRE_DOCKER"):
            pytest.fail("no Docker engine answers, and CI may not skip the Docker tests")
        pytest.skip("no Docker engine answers")


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports that are free now, below the range of outgoing connections."""
    for _ in range(200):
        first = 21000 + secrets.randbelow(1000) * 10
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


def new_lab(mode: str, state: Path, **environment: str) -> Lab:
    first = free_ports(8)
    owner = f"labtest-{secrets.token_hex(4)}"
    return Lab(
        mode=mode,
        environment={
            "LAB_COMPUTE": mode,
            "LAB_STATE": str(state),
            "LAB_API_PORT": str(first),
            "LAB_LISTENER_PORT": str(first + 1),
            "LAB_TLS_PORT": str(first + 4),
            "LAB_DNS_PORT": str(first + 7),
            "LAB_OWNER": owner,
            "LAB_SPEED": SPEED,
            "LAB_STACK_PARAMETERS": f"VpcCidr={free_block()}",
            "LAB_INTERNET": free_internet(),
            **environment,
        },
        api=first,
        ports=(first + 1, first + 2),
        state=state,
        owner=owner,
    )


def state_directory() -> Path:
    """A path that is not there yet. Not below pytest's own directories: PostgreSQL, which runs as nobody where the tests
    run as root, cannot pass through those."""
    return Path(tempfile.gettempdir()) / f"labtest-{secrets.token_hex(4)}"


def _session(mode: str, state: Path) -> Iterator[Lab]:
    lab = new_lab(mode, state)
    try:
        lab.run("up")
        yield lab
    finally:
        lab.run("down")
    assert until(lambda: not lab.left_over(), 20, lab.left_over)


@pytest.fixture(scope="session")
def process_lab() -> Iterator[Lab]:
    yield from _session("process", state_directory())


@pytest.fixture(scope="session")
def docker_lab() -> Iterator[Lab]:
    require_docker()
    yield from _session("docker", state_directory())


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def lab(request: pytest.FixtureRequest) -> Lab:
    """The lab of the mode, calm: two instances in service and healthy."""
    found: Lab = request.getfixturevalue(f"{request.param}_lab")
    found.settled()
    return found
