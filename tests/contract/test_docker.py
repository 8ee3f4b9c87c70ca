"""What only the Docker adapter has: the control network, a compose project, left-overs, the janitor."""

import asyncio
import contextlib
import dataclasses
import secrets
import shutil
import sysconfig
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.api.client import APIClient
from docker.errors import NotFound

import lab
from lab.adapters.docker import DockerCompute, DockerSettings, sweep
from lab.adapters.docker.spares import container_name
from lab.core.compute import MachineState, Network, Port, Role
from lab.core.ec2.addresses import private_host_name
from lab.core.errors import Refused
from lab.core.vpc.documents import Interface
from lab.core.vpc.firewall import Acl, Firewall
from lab.core.vpc.spares import Spare
from tests.contract.conftest import build, left_of
from tests.contract.worlds import BLOCK, NETWORK, World, ask, free_port
from tests.eventually import eventually

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("world", ["docker"], indirect=True)]


def owner_of(world: World) -> str:
    assert isinstance(world.compute, DockerCompute)
    return world.compute.settings.owner


def run_in(client: APIClient, container: str, code: str) -> str:
    """What a piece of Python prints in a container."""
    command = client.exec_create(container, ["python", "-c", code])
    output: bytes = client.exec_start(command["Id"])
    return output.decode()


GET = "import urllib.request as r; print(r.urlopen('http://{}/variable/LAB_BIND', timeout=5).read().decode())"
ROUTES = "print(open('/proc/net/route').read())"


async def test_a_node_reaches_the_control_plane_its_vpc_and_nothing_else(world: World, engine: APIClient) -> None:
    assert isinstance(world.compute, DockerCompute)
    node, peer, control = world.spec(control=True, role=Role.NODE), world.spec(), world.spec()
    for spec in (node, peer, control):
        machine = await world.compute.launch(spec)
        await eventually(lambda machine=machine: ask(machine, "starts"))  # type: ignore[misc]  # mypy types no defaults
    for _ in range(2):
        await world.compute.attach_control(f"{control.id}-eni")
    assert run_in(engine, node.id, GET.format("control")).strip() == "0.0.0.0"
    assert run_in(engine, node.id, GET.format(peer.address)).strip() == "0.0.0.0"
    networks = engine.inspect_container(f"{peer.id}-eni")["NetworkSettings"]["Networks"]
    assert set(networks) == {f"{owner_of(world)}-vpc-contract"}
    # Both have one way out, through the VPC's router address, where nothing answers: its first, as the kernel writes it.
    for spec in (node, peer):
        ways = [line.split() for line in run_in(engine, spec.id, ROUTES).splitlines()[1:] if line.strip()]
        assert [way[2] for way in ways if way[1] == "00000000"] == [BLOCK[1].packed[::-1].hex().upper()]
    await world.compute.terminate(node.id, 0)
    await world.compute.terminate(control.id, 0)


async def test_a_container_that_was_never_started_is_made_anew(world: World, engine: APIClient) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.terminate(spec.id, 0)
    labels = {
        "lab.owner": owner_of(world),
        "lab.role": "app",
        "lab.ports": "",
        "lab.address": "",
        "lab.template-hash": "",
    }
    engine.create_container("python:3.13-slim", "true", name=spec.id, labels=labels)
    assert [machine.state for machine in await world.compute.machines()] == [MachineState.STOPPED]
    machine = await world.compute.launch(spec)
    assert await eventually(lambda: ask(machine, "starts")) == "1"


async def test_what_is_anothers_is_left_alone(world: World, engine: APIClient) -> None:
    spec = world.spec()
    engine.create_container("python:3.13-slim", "true", name=spec.id)
    try:
        with pytest.raises(Refused, match="already in use"):
            await world.compute.launch(spec)
        await world.compute.terminate(spec.id, 0)
        assert engine.inspect_container(spec.id)["State"]["Status"] == "created"
    finally:
        engine.remove_container(spec.id)
    with pytest.raises(NotFound):
        engine.inspect_volume(f"{spec.id}-data")


async def test_a_taken_address_is_refused_and_leaves_nothing(world: World) -> None:
    first = world.spec()
    await world.compute.launch(first)
    with pytest.raises(Refused, match="address"):
        await world.compute.launch(dataclasses.replace(world.spec(), address=first.address))
    assert [machine.id for machine in await world.compute.machines()] == [first.id]


@pytest.mark.parametrize("block", ["192.0.2.0/25", "203.0.113.0/24", NETWORK.cidr_block])
async def test_a_block_that_is_not_free_is_refused_and_leaves_nothing(
    world: World, engine: APIClient, block: str
) -> None:
    before = left_of(engine, owner_of(world))
    with pytest.raises(Refused, match="overlaps"):
        await world.compute.ensure_network(Network("vpc-other", block, str(block.rsplit(".", 1)[0]) + ".100"))
    assert left_of(engine, owner_of(world)) == before


async def test_a_vpcs_block_cannot_change(world: World) -> None:
    with pytest.raises(Refused, match="cannot change"):
        await world.compute.ensure_network(Network(NETWORK.vpc_id, "10.233.0.0/16", "10.233.255.254"))


@pytest.fixture
async def project(docker_image: str, net_image: str, engine: APIClient) -> AsyncIterator[DockerCompute]:
    name = f"contract-{secrets.token_hex(4)}"
    compute = DockerCompute(DockerSettings(name, project=name, images={"app": docker_image, "net": net_image}))
    yield compute
    await compute.close()
    sweep(name, name)
    assert left_of(engine, name) == []


async def test_container_numbers_are_unique_within_a_service(
    world: World, project: DockerCompute, engine: APIClient
) -> None:
    await project.ensure_network(Network("vpc-project", "10.234.0.0/16", "10.234.255.254"))

    def spec(number: int, role: Role = Role.INSTANCE) -> Any:
        made = world.spec(role=role)
        return dataclasses.replace(made, vpc_id="vpc-project", address=f"10.234.0.{number}")

    def numbers() -> list[tuple[str, str]]:
        entries = engine.containers(
            all=True, filters={"label": f"com.docker.compose.project={project.settings.project}"}
        )
        prefix = "com.docker.compose."
        return sorted((e["Labels"][f"{prefix}service"], e["Labels"][f"{prefix}container-number"]) for e in entries)

    first, second, node = spec(10), spec(11), spec(12, Role.NODE)
    await asyncio.gather(*map(project.launch, (first, second, node)))
    assert numbers() == [("app", "1"), ("app", "2"), ("lb", "1")]
    await project.terminate(first.id, 0)
    await project.launch(spec(13))
    assert len(set(numbers())) == 3


@pytest.fixture(scope="module")
def janitor_image(engine: APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The lab and the Docker SDK on a bare Python, from this checkout and this environment: no network is needed."""
    context = tmp_path_factory.mktemp("janitor")
    site, source = Path(sysconfig.get_path("purelib")), Path(lab.__file__).parent
    for package in ("docker", "requests", "urllib3", "certifi", "idna", "charset_normalizer"):
        shutil.copytree(
            site / package, context / "site" / package, ignore=shutil.ignore_patterns("__pycache__", "*.so")
        )
    shutil.copytree(source, context / "site" / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    (context / "Dockerfile").write_text("FROM python:3.13-slim\nCOPY site /site\nENV PYTHONPATH=/site\n")
    tag = f"lab-janitor-{secrets.token_hex(4)}"
    build(engine, context, tag)
    yield tag
    engine.remove_image(tag, force=True)


async def test_the_janitor_outlives_the_control_plane_and_cleans_up(
    world: World, project: DockerCompute, engine: APIClient, janitor_image: str, docker_image: str
) -> None:
    name = project.settings.owner
    labels = {
        "com.docker.compose.project": name,
        "com.docker.compose.service": "control",
        "com.docker.compose.oneoff": "False",
    }

    def control() -> str:
        made: str = engine.create_container("python:3.13-slim", "true", labels=labels)["Id"]
        return made

    async def said() -> bool:
        return "waiting" in engine.logs(f"{name}-janitor").decode()

    first = control()
    for _ in range(2):
        await project.ensure_janitor(janitor_image)
    janitor = engine.inspect_container(f"{name}-janitor")["Id"]
    await eventually(said)
    await project.ensure_network(Network("vpc-project", "10.234.0.0/16", "10.234.255.254"))
    spec = dataclasses.replace(world.spec(ports=(Port(80),)), vpc_id="vpc-project", address="10.234.0.10")
    await project.launch(spec)
    # A control plane that is replaced is no reason; one that is gone is.
    second = control()
    engine.remove_container(first)
    assert engine.inspect_container(janitor)["State"]["Running"]
    engine.remove_container(second)

    async def gone() -> bool:
        return left_of(engine, name) == []

    await eventually(gone, deadline=60)
    with contextlib.suppress(NotFound):
        assert not engine.inspect_container(janitor)["State"]["Running"]


async def test_a_spare_interface_becomes_the_machines(world: World, engine: APIClient) -> None:
    assert isinstance(world.compute, DockerCompute)
    spec, other = world.spec(), world.spec()
    wanted = {Spare(NETWORK.vpc_id, one.zone, one.address) for one in (spec, other)}
    await world.compute.keep_spares(frozenset({*wanted, Spare("vpc-none", "us-east-1a", "10.0.0.4")}))

    def interface_of(name: str) -> str:
        found: str = engine.inspect_container(name)["Id"]
        return found

    spare = interface_of(container_name(world.compute.settings, NETWORK.vpc_id, spec.address))
    interface = Interface("eni-1", NETWORK.vpc_id, NETWORK.cidr_block, NETWORK.gateway, spec.id, spec.address,
                          private_host_name(spec.address), Firewall(NETWORK.cidr_block, Acl("")))  # fmt: skip
    await world.compute.launch(spec, interface)
    assert interface_of(f"{spec.id}-eni") == spare
    said = run_in(engine, spec.id, "import socket; print(socket.gethostname())").strip()
    assert said == private_host_name(spec.address)
    # Who has its own name and ports cannot take one: it makes way.
    node = dataclasses.replace(other, ports=(Port(80, free_port()),))
    await world.compute.launch(node)
    await world.compute.keep_spares(frozenset())
    left = engine.containers(all=True, filters={"label": [f"lab.owner={owner_of(world)}"]})
    assert not [entry for entry in left if entry["Names"][0].endswith("-spare")]
    assert interface_of(f"{spec.id}-eni") == spare, "a machine's is no spare"


async def test_a_network_goes_with_its_spares(world: World) -> None:
    await world.compute.keep_spares(frozenset({Spare(NETWORK.vpc_id, "us-east-1a", world.spec().address)}))
    await world.compute.delete_network(NETWORK.vpc_id)
    await world.compute.ensure_network(NETWORK)
