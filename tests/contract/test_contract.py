"""What `lab.control.ports.Compute` promises, asked of every adapter alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import astuple

import pytest

from lab.core.compute import Machine, MachineState, Port, Role
from lab.core.errors import Refused, Unavailable
from tests.contract.worlds import World, free_port
from tests.eventually import eventually


async def named(world: World, machine_id: str) -> Machine | None:
    return next((machine for machine in await world.compute.machines() if machine.id == machine_id), None)


@asynccontextmanager
async def announced(world: World) -> AsyncIterator[set[str]]:
    """The set of ids that `changes` gave so far; it grows while one is inside, and is open before one is."""
    seen: set[str] = set()
    opened = asyncio.Event()

    async def listen() -> None:
        async with aclosing(world.compute.changes()) as changes:  # type: ignore[type-var]  # the port says AsyncIterator
            async for name in changes:
                seen.add(name)
                opened.set()

    listener = asyncio.create_task(listen())
    await asyncio.wait_for(opened.wait(), 20)
    yield seen
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


async def test_a_launched_machine_is_listed_as_it_was_asked_for(world: World) -> None:
    spec = world.spec(ports=(Port(80), Port(81)))
    launched = await world.compute.launch(spec)
    assert launched == await named(world, spec.id)
    assert (launched.id, launched.role, launched.state) == (spec.id, Role.INSTANCE, MachineState.RUNNING)
    assert launched.ready
    assert launched.template_hash == "abc123"
    assert launched.exit_code is None
    assert set(launched.endpoints) == {80, 81}


async def test_launching_a_running_machine_does_nothing(world: World) -> None:
    spec = world.spec()
    first = await world.compute.launch(spec)
    async with announced(world) as seen:
        assert await world.compute.launch(spec) == first
        assert seen == {""}
    assert len(await world.compute.machines()) == 1


async def test_a_killed_machine_stays_stopped_and_is_announced(world: World) -> None:
    spec = world.spec()
    launched = await world.compute.launch(spec)
    async with announced(world) as seen:
        await world.compute.kill(spec.id)

        async def heard() -> bool:
            return spec.id in seen

        await eventually(heard)
        killed = await named(world, spec.id)
    assert killed is not None
    assert (killed.state, killed.ready, killed.exit_code) == (MachineState.STOPPED, False, 137)
    assert killed.endpoints == launched.endpoints


async def test_a_launch_is_announced(world: World) -> None:
    spec = world.spec()
    async with announced(world) as seen:
        await world.compute.launch(spec)

        async def heard() -> bool:
            return spec.id in seen

        await eventually(heard)


async def test_a_stopped_machine_is_launched_again_in_its_place(world: World) -> None:
    spec = world.spec()
    first = await world.compute.launch(spec)
    await world.compute.kill(spec.id)
    assert await world.compute.launch(spec) == first


async def test_a_machine_that_does_not_run_cannot_be_killed(world: World) -> None:
    spec = world.spec()
    with pytest.raises(Refused, match=spec.id):
        await world.compute.kill(spec.id)
    await world.compute.launch(spec)
    await world.compute.kill(spec.id)
    with pytest.raises(Refused, match=spec.id):
        await world.compute.kill(spec.id)


async def test_a_terminated_machine_is_gone(world: World) -> None:
    running, stopped = world.spec(), world.spec()
    for spec in (running, stopped):
        await world.compute.launch(spec)
    await world.compute.kill(stopped.id)
    for spec in (running, stopped, running):  # the last one does nothing
        await world.compute.terminate(spec.id, grace=5)
    assert await world.compute.machines() == []
    with pytest.raises(Refused):
        await world.compute.logs(running.id, 1)


async def test_a_busy_machine_uses_cpu_and_its_network(world: World) -> None:
    spec, stopped = world.spec(), world.spec()
    machine = await world.compute.launch(spec)
    await world.compute.launch(stopped)
    await world.compute.kill(stopped.id)

    async def begun() -> bool:
        await world.busy(machine)
        return True

    names = [spec.id, stopped.id, f"{world.prefix}-unknown"]
    before = await world.compute.stats(names)
    assert set(before) == {spec.id}
    assert before[spec.id].connections is None
    await eventually(begun)

    async def grown() -> bool:
        now, then = (await world.compute.stats(names))[spec.id], before[spec.id]
        if then.traffic is None or now.traffic is None:
            moved = then.traffic is now.traffic  # it can never be told, then
        else:
            moved = all(count > known for count, known in zip(astuple(now.traffic), astuple(then.traffic), strict=True))
        return moved and now.cpu > then.cpu + 0.2 and now.read_at > then.read_at

    await eventually(grown)


async def test_a_frozen_machine_runs_and_says_so(world: World) -> None:
    spec = world.spec()
    machine = await world.compute.launch(spec)
    assert not machine.frozen
    await world.freeze(machine)

    async def frozen() -> bool:
        found = await named(world, spec.id)
        return found is not None and found.frozen and found.state is MachineState.RUNNING

    await eventually(frozen)
    assert set(await world.compute.stats([spec.id])) == {spec.id}
    await world.compute.kill(spec.id)
    dead = await named(world, spec.id)
    assert dead is not None
    assert (dead.state, dead.frozen) == (MachineState.STOPPED, False)


async def test_a_frozen_machine_can_be_terminated(world: World) -> None:
    spec = world.spec()
    await world.freeze(await world.compute.launch(spec))
    await world.compute.terminate(spec.id, grace=0.2)
    assert await world.compute.machines() == []


async def test_logs_are_the_last_lines(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)

    async def spoken() -> str:
        return await world.compute.logs(spec.id, 10)

    assert (await eventually(spoken)).endswith("\n")
    assert len((await world.compute.logs(spec.id, 1)).splitlines()) == 1
    with pytest.raises(Refused, match="i-unknown"):
        await world.compute.logs("i-unknown", 1)


async def test_another_control_plane_adopts_what_runs(world: World) -> None:
    running, stopped = world.spec(), world.spec()
    for spec in (running, stopped):
        await world.compute.launch(spec)
    await world.compute.kill(stopped.id)
    before = {machine.id: machine for machine in await world.compute.machines()}
    heir = world.adapter()
    assert {machine.id: machine for machine in await heir.machines()} == before
    await heir.kill(running.id)
    await heir.launch(running)
    await heir.terminate(stopped.id, grace=1)
    await heir.close()
    assert [machine.id for machine in await world.compute.machines()] == [running.id]


async def test_others_machines_are_not_ours(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    stranger = world.stranger()
    assert await stranger.machines() == []
    await stranger.terminate(spec.id, grace=0)
    with pytest.raises(Refused):
        await stranger.kill(spec.id)
    await stranger.close()
    assert (await named(world, spec.id) or pytest.fail("gone")).state is MachineState.RUNNING


async def test_an_unknown_image_is_refused_and_leaves_nothing(world: World) -> None:
    spec = world.spec(image="no-such-image")
    with pytest.raises(Refused, match="no-such-image"):
        await world.compute.launch(spec)
    assert await world.compute.machines() == []


async def test_a_taken_port_is_refused_and_leaves_nothing(world: World) -> None:
    spec = world.spec(ports=(Port(80, published=world.occupied),))
    with pytest.raises(Refused, match=f"port {world.occupied} on 127.0.0.1 is in use"):
        await world.compute.launch(spec)
    assert await world.compute.machines() == []
    # The same machine comes up when the reason is gone.
    await world.compute.launch(world.spec(ports=(Port(80, published=free_port()),)))


async def test_networks_are_made_and_deleted_as_often_as_one_likes(world: World) -> None:
    await world.compute.ensure_network(world.network)
    spec = world.spec()
    await world.compute.launch(spec)
    with pytest.raises(Unavailable, match=spec.id):
        await world.compute.delete_network(world.network.vpc_id)
    await world.compute.terminate(spec.id, grace=0)
    for _ in range(2):
        await world.compute.delete_network(world.network.vpc_id)


async def test_the_end_of_a_listener_leaves_nothing_behind(world: World) -> None:
    for _ in range(3):
        async with announced(world) as seen:
            assert seen == {""}
