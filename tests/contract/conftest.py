"""The three worlds of the contract suite, and what Docker needs to be one."""

import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.api.client import APIClient

from lab.adapters.docker import DockerCompute, DockerSettings
from lab.adapters.docker import sweep as sweep_docker
from lab.adapters.docker.client import connect
from lab.adapters.process import ProcessCompute, ProcessSettings
from lab.adapters.process import sweep as sweep_processes
from lab.adapters.process.lifecycle import Lifecycle
from lab.adapters.process.processes import table
from lab.adapters.simulated import SimulatedCompute
from lab.core.compute import Machine
from tests.contract.worlds import INTERNET, NETWORK, World, ask, listening

IMAGE = Path(__file__).parent / "image"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine() -> Iterator[APIClient]:
    """A client of the Docker engine; without one its tests are skipped, except where that would hide a failure."""
    try:
        client = connect(None)
    except Exception as error:  # whatever it is, the answer is the same
        if os.environ.get("CI") or os.environ.get("LAB_REQUIRE_DOCKER"):
            pytest.fail(f"no Docker engine answers: {error}")
        pytest.skip(f"no Docker engine answers: {error}")
    with contextlib.closing(client):
        yield client


def build(client: APIClient, context: Path, tag: str) -> None:
    """Build an image from a folder with a Dockerfile; fails with the builder's last words."""
    output: list[Any] = list(client.build(path=str(context), tag=tag, rm=True, forcerm=True, decode=True))
    errors = [line["error"] for line in output if "error" in line]
    assert not errors, errors


@pytest.fixture(scope="session")
def docker_image(engine: APIClient) -> Iterator[str]:
    tag = f"lab-contract-{secrets.token_hex(4)}"
    build(engine, IMAGE, tag)
    yield tag
    engine.remove_image(tag, force=True)


@pytest.fixture(scope="session")
def net_image(engine: APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of network interfaces, of this checkout."""
    context = tmp_path_factory.mktemp("net")
    shutil.copytree(ROOT / "services" / "net", context / "services" / "net")
    shutil.copy(ROOT / "services" / "__init__.py", context / "services")
    shutil.copy(ROOT / "docker" / "net.Dockerfile", context / "Dockerfile")
    tag = f"lab-net-{secrets.token_hex(4)}"
    build(engine, context, tag)
    yield tag
    engine.remove_image(tag, force=True)


def left_of(client: APIClient, owner: str) -> list[str]:
    """Names of all that Docker has of this owner."""
    filters = {"label": f"lab.owner={owner}"}
    return sorted(
        [
            *(entry["Names"][0] for entry in client.containers(all=True, filters=filters)),
            *(entry["Name"] for entry in client.networks(filters=filters)),
            *(entry["Name"] for entry in client.volumes(filters=filters)["Volumes"] or []),
        ]
    )


@pytest.fixture(scope="session")
def docker_owner(engine: APIClient) -> Iterator[str]:
    """An owner of this session's own. At its end everything is swept, and nothing may be left."""
    owner = f"contract-{secrets.token_hex(4)}"
    yield owner
    for name in (owner, f"{owner}-stranger"):
        sweep_docker(name, None)
        assert left_of(engine, name) == []


@contextlib.contextmanager
def processes_of(state_dir: Path) -> Iterator[None]:
    """Whatever happens, no process is left, nor a zombie of ours."""
    try:
        yield
    finally:
        sweep_processes(state_dir)
        zombies = [process for process in table().values() if process.zombie and process.parent == os.getpid()]
        shutil.rmtree(state_dir)
        assert zombies == []


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """Not pytest's tmp_path: PostgreSQL run by root becomes nobody, who must be able to get there."""
    path = Path(tempfile.mkdtemp(prefix="lab-contract-"))
    with processes_of(path):
        yield path


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is nobody's machine."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def process_settings(state_dir: Path) -> ProcessSettings:
    return ProcessSettings(state_dir, commands={"app": [sys.executable, "-u", str(IMAGE / "server.py")]})


@pytest.fixture(params=["simulated", "process", pytest.param("docker", marks=pytest.mark.docker)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    with listening() as occupied:
        prefix = f"i-{secrets.token_hex(4)}"
        made = _MAKERS[request.param](request, prefix, occupied)
        await made.compute.ensure_network(NETWORK)
        yield made
        for zone in await made.compute.failed_zones():
            await made.compute.recover_zone(zone)
        for machine in await made.compute.machines():
            await made.compute.terminate(machine.id, grace=0)
        await made.compute.close()


def _simulated(request: pytest.FixtureRequest, prefix: str, occupied: int) -> World:
    moments = itertools.count()  # each look at the clock is a moment later

    def make() -> SimulatedCompute:
        return SimulatedCompute(lambda: float(next(moments)), images=frozenset({"app"}), occupied=[occupied])

    async def busy(machine: Machine) -> None:
        compute.set_cpu(machine.id, 1.0)
        compute.set_traffic(machine.id, 1000.0, 2000.0)

    async def freeze(machine: Machine) -> None:
        await compute.pause(machine.id)

    compute = make()
    return World(compute, lambda: compute, make, busy, freeze, NETWORK, prefix, occupied)


def _process(request: pytest.FixtureRequest, prefix: str, occupied: int) -> World:
    settings = process_settings(request.getfixturevalue("state_dir"))
    foreign = ProcessSettings(settings.state_dir / "stranger", settings.commands)

    def make() -> ProcessCompute:
        return ProcessCompute(settings)

    async def freeze(machine: Machine) -> None:
        leader = Lifecycle(settings).folder(machine.id).leader()
        assert leader is not None
        os.killpg(leader.pid, signal.SIGSTOP)

    return World(make(), make, lambda: ProcessCompute(foreign), burn, freeze, NETWORK, prefix, occupied)


def _docker(request: pytest.FixtureRequest, prefix: str, occupied: int) -> World:
    owner: str = request.getfixturevalue("docker_owner")
    images = {name: request.getfixturevalue(f) for name, f in (("app", "docker_image"), ("net", "net_image"))}
    images["postgres"] = "postgres:17"

    def make() -> DockerCompute:
        return DockerCompute(DockerSettings(owner, images=images, internet=INTERNET))

    def stranger() -> DockerCompute:
        return DockerCompute(DockerSettings(f"{owner}-stranger", images=images))

    async def freeze(machine: Machine) -> None:
        engine: APIClient = request.getfixturevalue("engine")
        engine.pause(machine.id)

    return World(make(), make, stranger, burn, freeze, NETWORK, prefix, occupied)


async def burn(machine: Machine) -> None:
    await ask(machine, "burn")


_MAKERS = {"simulated": _simulated, "process": _process, "docker": _docker}
