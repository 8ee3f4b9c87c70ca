"""What only the process adapter has: folders, pids that lie, a control plane that dies, PostgreSQL from anywhere."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from lab.adapters.process import ProcessCompute, ProcessSettings, sweep
from lab.adapters.process.folder import Folder
from lab.adapters.process.lifecycle import Lifecycle
from lab.adapters.process.processes import Leader, look
from lab.core.compute import MachineSpec, MachineState, Port
from lab.core.errors import Refused
from tests.contract.conftest import process_settings
from tests.contract.test_contract import named
from tests.contract.test_contract_real import query, ready
from tests.contract.worlds import World, ask
from tests.eventually import eventually

pytestmark = pytest.mark.parametrize("world", ["process"], indirect=True)


def settings_of(world: World) -> ProcessSettings:
    assert isinstance(world.compute, ProcessCompute)
    return world.compute.settings


def folder_of(world: World, spec: MachineSpec) -> Folder:
    return Lifecycle(settings_of(world)).folder(spec.id)


def leader_of(world: World, spec: MachineSpec) -> Leader:
    leader = folder_of(world, spec).leader()
    assert leader is not None
    return leader


def variables_of(leader: Leader) -> bytes:
    """The environment of a running process, where one can be seen."""
    path = Path(f"/proc/{leader.pid}/environ")
    return path.read_bytes() if path.exists() else b""


DIES = """
import asyncio, os, sys
from pathlib import Path
from lab.adapters.process import ProcessCompute
from tests.contract.conftest import process_settings
from lab.core.compute import MachineSpec, Port, Role
spec = MachineSpec(sys.argv[2], Role.INSTANCE, "app", "vpc", "a", "10.0.0.1", 1.0, 128, {}, (Port(80),))
asyncio.run(ProcessCompute(process_settings(Path(sys.argv[1]))).launch(spec))
os._exit(9)
"""


async def test_a_machine_outlives_its_control_plane_and_its_death_is_heard_by_the_next(world: World) -> None:
    spec = world.spec()
    command = [sys.executable, "-c", DIES, str(settings_of(world).state_dir), spec.id]
    assert (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == 9
    machine = await named(world, spec.id)
    assert machine is not None
    assert await eventually(lambda: ask(machine, "starts")) == "1"
    async with aclosing(world.compute.changes()) as changes:  # type: ignore[type-var]  # the port says AsyncIterator
        assert await anext(changes) == ""
        os.kill(leader_of(world, spec).pid, signal.SIGKILL)
        assert await anext(changes) == spec.id
    dead = await named(world, spec.id)
    assert dead is not None
    assert (dead.state, dead.exit_code) == (MachineState.STOPPED, None)
    assert (await world.compute.launch(spec)).endpoints == machine.endpoints


async def test_a_pid_that_is_somebody_elses_by_now_is_never_touched(
    world: World, bystander: subprocess.Popen[bytes]
) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.kill(spec.id)
    note = folder_of(world, spec).path / "leader"
    # The last run's pid, as if the numbers had gone round: the bystander has it, and started at another time (field 22).
    stat = f"{bystander.pid} (sleep) S {' '.join(['1'] * 40)}"
    note.write_text(" ".join([str(bystander.pid), note.read_text().split(" ")[1], stat]))
    assert [machine.state for machine in await world.compute.machines()] == [MachineState.STOPPED]
    with pytest.raises(Refused):
        await world.compute.kill(spec.id)
    await world.compute.terminate(spec.id, grace=1)
    assert bystander.poll() is None


async def test_what_outlived_its_leader_is_ended_before_the_machine_starts_again(world: World) -> None:
    spec = replace(world.spec(), image="forks")
    code = (
        "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True)"
    )
    forks = [sys.executable, "-c", f"{code}; time.sleep(60)"]
    compute = ProcessCompute(replace(settings_of(world), commands={"forks": forks}))
    await compute.launch(spec)
    child = int(await eventually(lambda: compute.logs(spec.id, 1)))
    os.kill(leader_of(world, spec).pid, signal.SIGKILL)

    async def stopped() -> bool:
        return [machine.state for machine in await compute.machines()] == [MachineState.STOPPED]

    await eventually(stopped)
    await compute.launch(spec)

    async def gone() -> bool:
        process = look(child)
        return process is None or process.zombie

    await eventually(gone)
    await compute.close()


async def test_a_postgres_whose_postmaster_was_killed_starts_again_at_once(world: World) -> None:
    spec = world.database()
    await world.compute.launch(spec)
    await query(await ready(world, spec), "CREATE TABLE kept AS SELECT 42 AS answer")
    for _ in range(3):
        os.kill(leader_of(world, spec).pid, signal.SIGKILL)

        async def stopped() -> bool:
            machine = await named(world, spec.id)
            return machine is not None and machine.state is MachineState.STOPPED

        await eventually(stopped)
        await world.compute.launch(spec)
        assert await query(await ready(world, spec), "SELECT answer FROM kept") == 42
    assert not list(folder_of(world, spec).data.glob("password"))
    assert b"POSTGRES_PASSWORD" not in variables_of(leader_of(world, spec))


async def test_an_initialisation_cut_short_is_begun_again(world: World) -> None:
    spec = world.database()
    Lifecycle(settings_of(world))._make(folder_of(world, spec), spec)
    left_over = folder_of(world, spec).data / "initialising"
    left_over.mkdir()
    (left_over / "PG_VERSION").write_text("17")
    await world.compute.launch(spec)
    assert await query(await ready(world, spec), "SELECT 1") == 1


async def test_without_postgres_the_answer_says_what_to_install(world: World) -> None:
    environ = {**os.environ, "LAB_PG_BIN": "/nonexistent"}
    compute = ProcessCompute(replace(settings_of(world), environ=environ))
    with pytest.raises(Refused, match="LAB_PG_BIN"):
        await compute.launch(world.database())
    assert await compute.machines() == []


async def test_a_database_without_a_password_is_refused_and_leaves_nothing(world: World) -> None:
    with pytest.raises(Refused, match="POSTGRES_PASSWORD"):
        await world.compute.launch(replace(world.database(), environment={}))
    assert await world.compute.machines() == []


async def test_a_state_directory_that_cannot_be_written_is_refused_by_its_path(world: World, tmp_path: Path) -> None:
    blocked = tmp_path / "file" / "state"
    blocked.parent.write_text("")
    compute = ProcessCompute(process_settings(blocked))
    for call in (compute.launch(world.spec()), compute.machines()):
        with pytest.raises(Refused, match=str(blocked)):
            await call


async def test_secrets_are_for_the_owner_only_and_names_cannot_leave_the_folder(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    assert (folder_of(world, spec).path / "spec.json").stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="machine's name"):
        await world.compute.launch(replace(spec, id="../elsewhere"))


async def test_a_half_made_machine_is_no_machine(world: World) -> None:
    spec = world.spec()
    path = folder_of(world, spec).path
    path.mkdir(parents=True)
    (path / "machine.json").write_text('{"ports": {}}')
    assert await world.compute.machines() == []
    await world.compute.launch(spec)


async def test_a_log_is_set_aside_when_it_is_long_and_its_tail_is_one(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.kill(spec.id)
    log = folder_of(world, spec).log
    log.write_text("x" * 5_000_000 + "\nlast\n")
    await world.compute.launch(spec)

    async def spoken() -> bool:
        return await world.compute.logs(spec.id, 2) == "last\nlistening\n"

    await eventually(spoken)
    assert log.stat().st_size < 1000


async def test_the_sweep_removes_everything(world: World) -> None:
    running, stopped = world.spec(), world.spec()
    for spec in (running, stopped):
        await world.compute.launch(spec)
    await world.compute.kill(stopped.id)
    leader = leader_of(world, running)
    sweep(settings_of(world).state_dir)
    assert not leader.alive
    assert await world.compute.machines() == []
    sweep(settings_of(world).state_dir)


async def test_unpublished_ports_of_two_machines_differ(world: World) -> None:
    machines = [await world.compute.launch(world.spec(ports=(Port(80), Port(81)))) for _ in range(2)]
    assert len({endpoint for machine in machines for endpoint in machine.endpoints.values()}) == 4
