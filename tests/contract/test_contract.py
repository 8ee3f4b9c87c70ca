"""What `lab.control.ports.Compute` promises, asked of every adapter alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import astuple, replace

import pytest

from lab.core.compute import Machine, MachineState, Port, Role
from lab.core.errors import NoCapacity, Refused, Unavailable
from tests.contract.worlds import World, free_port
from tests.eventually import eventually


async def named(world: World, machine_id: str) -> Machine | None:
    return next((machine for machine in await world.compute.machines() if machine.id == machine_id), None)


async def state(world: World, machine_id: str) -> MachineState | None:
    machine = await named(world, machine_id)
    return None if machine is None else machine.state


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


async def test_a_machine_that_was_frozen_from_outside_is_paused(world: World) -> None:
    spec = world.spec()
    await world.freeze(await world.compute.launch(spec))
    await eventually(lambda: state(world, spec.id), lambda now: now is MachineState.PAUSED)
    await world.compute.unpause(spec.id)
    assert await state(world, spec.id) is MachineState.RUNNING


async def test_a_paused_machine_is_neither_ready_nor_launched_again(world: World) -> None:
    spec = world.spec()
    launched = await world.compute.launch(spec)
    for _ in range(2):  # the second does nothing
        await world.compute.pause(spec.id)
    paused = await named(world, spec.id)
    assert paused == replace(launched, state=MachineState.PAUSED, ready=False)
    assert await world.compute.launch(spec) == paused
    assert set(await world.compute.stats([spec.id])) == {spec.id}
    for _ in range(2):
        await world.compute.unpause(spec.id)
    assert await named(world, spec.id) == launched


async def test_pauses_and_their_ends_are_announced(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    async with announced(world) as seen:

        async def heard() -> bool:
            return spec.id in seen

        await world.compute.pause(spec.id)
        await eventually(heard)
        seen.clear()
        await world.compute.unpause(spec.id)
        await eventually(heard)


async def test_a_machine_that_is_stopped_stays_and_is_launched_again_in_its_place(world: World) -> None:
    spec = world.spec()
    first = await world.compute.launch(spec)
    for _ in range(2):  # the second does nothing
        await world.compute.stop(spec.id, grace=5)
        stopped = await named(world, spec.id)
        assert stopped is not None
        assert (stopped.state, stopped.ready, stopped.endpoints) == (MachineState.STOPPED, False, first.endpoints)
    assert await world.compute.launch(spec) == first
    await world.compute.stop(f"{world.prefix}-unknown", grace=5)


@pytest.mark.parametrize("end", ["stop", "kill", "terminate"])
async def test_a_paused_machine_can_be_ended(world: World, end: str) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.pause(spec.id)
    match end:
        case "stop":
            await world.compute.stop(spec.id, grace=5)
        case "kill":
            await world.compute.kill(spec.id)
        case _:
            await world.compute.terminate(spec.id, grace=5)
    ended = await named(world, spec.id)
    if end == "terminate":
        assert ended is None
    else:
        assert ended is not None
        assert (ended.state, ended.exit_code) == (MachineState.STOPPED, 137)


async def test_only_what_runs_can_be_paused(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.kill(spec.id)
    for name in (spec.id, f"{world.prefix}-unknown"):
        with pytest.raises(Refused, match=name):
            await world.compute.pause(name)
        with pytest.raises(Refused, match=name):
            await world.compute.unpause(name)


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
    running, stopped, paused = world.spec(), world.spec(), world.spec()
    for spec in (running, stopped, paused):
        await world.compute.launch(spec)
    await world.compute.kill(stopped.id)
    await world.compute.pause(paused.id)
    before = {machine.id: machine for machine in await world.compute.machines()}
    heir = world.adapter()
    assert {machine.id: machine for machine in await heir.machines()} == before
    await heir.kill(running.id)
    await heir.launch(running)
    await heir.terminate(stopped.id, grace=1)
    await heir.unpause(paused.id)
    await heir.close()
    assert {machine.id: machine.state for machine in await world.compute.machines()} == dict.fromkeys(
        (running.id, paused.id), MachineState.RUNNING
    )


async def test_others_machines_are_not_ours(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    stranger = world.stranger()
    assert await stranger.machines() == []
    await stranger.terminate(spec.id, grace=0)
    await stranger.stop(spec.id, grace=0)
    for act in (stranger.kill, stranger.pause, stranger.unpause):
        with pytest.raises(Refused):
            await act(spec.id)
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


async def test_a_failed_zone_loses_its_machines_and_takes_no_new_ones(world: World) -> None:
    inside, outside = world.spec(zone="us-east-1a"), world.spec(zone="us-east-1b")
    for spec in (inside, outside):
        await world.compute.launch(spec)
    for _ in range(2):
        await world.compute.fail_zone("us-east-1a")
    assert await world.compute.failed_zones() == {"us-east-1a"}
    killed = await named(world, inside.id)
    assert killed is not None
    assert (killed.state, killed.exit_code) == (MachineState.STOPPED, 137)
    assert await state(world, outside.id) is MachineState.RUNNING
    for spec in (inside, world.spec(zone="us-east-1a")):
        with pytest.raises(NoCapacity, match="us-east-1a"):
            await world.compute.launch(spec)
    await world.compute.launch(world.spec(zone="us-east-1b"))


async def test_a_zone_stays_failed_for_the_next_control_plane_until_it_is_recovered(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.fail_zone(spec.zone)
    other = world.adapter()
    try:
        assert await other.failed_zones() == {spec.zone}
        for _ in range(2):
            await other.recover_zone(spec.zone)
    finally:
        if other is not world.compute:
            await other.close()
    assert await world.compute.failed_zones() == frozenset()
    assert await state(world, spec.id) is MachineState.STOPPED
    again = await world.compute.launch(spec)
    assert again.state is MachineState.RUNNING


async def test_a_machine_of_a_failed_zone_can_be_terminated(world: World) -> None:
    spec = world.spec()
    await world.compute.launch(spec)
    await world.compute.fail_zone(spec.zone)
    await world.compute.terminate(spec.id, grace=5)
    assert await named(world, spec.id) is None
