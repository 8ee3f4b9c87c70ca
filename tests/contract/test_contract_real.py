"""The same promises where they can be seen only with programs that run: what a machine serves, keeps, and is given."""

import asyncpg
import pytest

from lab.core.compute import Machine, MachineSpec, MachineState, Port
from lab.core.errors import Refused
from tests.contract.test_contract import announced, named
from tests.contract.worlds import PASSWORD, World, ask, ask_at, free_port
from tests.eventually import eventually

REAL = ["process", pytest.param("docker", marks=pytest.mark.docker)]
pytestmark = pytest.mark.parametrize("world", REAL, indirect=True)


async def answer(machine: Machine, path: str) -> str:
    return await eventually(lambda: ask(machine, path))


async def test_the_endpoint_is_reachable_and_the_machine_was_started_once(world: World) -> None:
    spec = world.spec()
    machine = await world.compute.launch(spec)
    assert await answer(machine, "starts") == "1"
    await world.compute.launch(spec)
    assert await answer(machine, "starts") == "1"


async def test_a_published_port_is_on_the_loopback(world: World) -> None:
    port = free_port()
    await world.compute.launch(world.spec(ports=(Port(80, published=port),)))
    assert await eventually(lambda: ask_at(("127.0.0.1", port), "starts")) == "1"


async def test_data_and_addresses_survive_a_crash(world: World) -> None:
    spec = world.spec(ports=(Port(80, published=free_port()),))
    machine = await world.compute.launch(spec)
    await answer(machine, "starts")
    await world.compute.kill(spec.id)
    again = await world.compute.launch(spec)
    assert again.endpoints == machine.endpoints
    assert await answer(again, "starts") == "2"


async def test_nothing_survives_termination(world: World) -> None:
    spec = world.spec()
    await answer(await world.compute.launch(spec), "starts")
    await world.compute.terminate(spec.id, grace=5)
    assert await answer(await world.compute.launch(spec), "starts") == "1"


async def test_a_machine_that_ends_by_itself_is_noticed(world: World) -> None:
    spec = world.spec()
    async with announced(world) as seen:
        machine = await world.compute.launch(spec)
        await answer(machine, "starts")
        seen.clear()
        with pytest.raises(ConnectionError):
            await ask(machine, "exit/3")

        async def heard() -> bool:
            return spec.id in seen

        await eventually(heard)
    ended = await named(world, spec.id)
    assert ended is not None
    assert (ended.state, ended.exit_code) == (MachineState.STOPPED, 3)


async def test_a_machine_deaf_to_sigterm_is_killed_after_the_grace(world: World) -> None:
    spec = world.spec(environment={"DEAF": "1"})
    await answer(await world.compute.launch(spec), "starts")
    await world.compute.terminate(spec.id, grace=0.2)
    assert await world.compute.machines() == []


async def test_the_environment_says_where_to_listen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    spec = world.spec(environment={"LISTEN": "{bind}:{port:80}", "KEEP": "{data}/x", "OTHER": '{"port": {}}'})
    machine = await world.compute.launch(spec)
    values = {
        name: await answer(machine, f"variable/{name}")
        for name in ("LISTEN", "KEEP", "OTHER", "LAB_BIND", "LAB_PORT_80", "LAB_DATA")
    }
    assert values["LISTEN"] == f"{values['LAB_BIND']}:{values['LAB_PORT_80']}"
    assert values["LAB_PORT_80"] == str(machine.endpoints[80][1])
    assert values["KEEP"] == f"{values['LAB_DATA']}/x"
    assert values["OTHER"] == '{"port": {}}'
    assert await ask(machine, "variable/AWS_SECRET_ACCESS_KEY") == ""


async def test_a_placeholder_for_no_port_of_the_machine_is_refused_and_leaves_nothing(world: World) -> None:
    with pytest.raises(Refused, match=r"\{port:81\}"):
        await world.compute.launch(world.spec(environment={"LISTEN": "{port:81}"}))
    assert await world.compute.machines() == []


async def ready(world: World, spec: MachineSpec) -> Machine:
    async def look() -> Machine | None:
        machine = await named(world, spec.id)
        return machine if machine is not None and machine.ready else None

    machine = await eventually(look, deadline=60)
    assert machine is not None
    return machine


async def query(machine: Machine, statement: str) -> object:
    host, port = machine.endpoints[5432]
    connection = await asyncpg.connect(host=host, port=port, user="lab", password=PASSWORD, database="web", timeout=10)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def counts_its_clients(world: World, machine: Machine) -> None:
    """Two more than without them; and it is the server's own word that they are two."""
    host, port = machine.endpoints[5432]

    async def count(wanted: int) -> bool:
        # An engine looks at a database's health once a second, and that is a client, too, for an instant.
        return (await world.compute.stats([machine.id]))[machine.id].connections == wanted

    await eventually(lambda: count(0))
    pair = [
        await asyncpg.connect(host=host, port=port, user="lab", password=PASSWORD, database="web") for _ in range(2)
    ]
    own_word = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = 'lab'"
    assert await pair[0].fetchval(own_word) == 2
    await eventually(lambda: count(2))
    for connection in pair:
        await connection.close()
    await eventually(lambda: count(0))


async def test_a_database_is_ready_when_it_answers_and_keeps_its_data(world: World) -> None:
    spec = world.database()
    first = await world.compute.launch(spec)
    assert not first.ready
    machine = await ready(world, spec)
    await query(machine, "CREATE TABLE kept AS SELECT 42 AS answer")
    await counts_its_clients(world, machine)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=machine.endpoints[5432][0], port=machine.endpoints[5432][1], user="lab", password="x", database="web"
        )
    await world.compute.kill(spec.id)
    killed = await named(world, spec.id)
    assert killed is not None
    assert not killed.ready
    await world.compute.launch(spec)
    again = await ready(world, spec)
    assert again.endpoints == machine.endpoints
    assert await query(again, "SELECT answer FROM kept") == 42
    await world.compute.terminate(spec.id, grace=10)
    assert await world.compute.machines() == []
