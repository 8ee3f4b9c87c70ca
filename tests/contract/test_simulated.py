"""What only the simulation has: scripted boots, CPU and failures."""

import dataclasses

import pytest

from lab.adapters.simulated import SimulatedCompute
from lab.core.compute import MachineSpec, Network, Role, Traffic
from lab.core.errors import Refused, Unavailable

NETWORK = Network("vpc-1", "10.0.0.0/16", "10.0.255.254")
SPEC = MachineSpec("i-1", Role.INSTANCE, "app", "vpc-1", "us-east-1a", "10.0.0.10", 2.0, 128, {}, ())


class Now:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def compute(now: Now) -> SimulatedCompute:
    made = SimulatedCompute(now, boot_seconds=30)
    await made.ensure_network(NETWORK)
    return made


async def test_a_machine_is_ready_when_it_has_booted_and_boots_again_after_a_crash(
    compute: SimulatedCompute, now: Now
) -> None:
    assert not (await compute.launch(SPEC)).ready
    now.seconds = 30
    assert [machine.ready for machine in await compute.machines()] == [True]
    await compute.kill("i-1")
    assert not (await compute.launch(SPEC)).ready


async def test_a_machine_that_is_being_launched_is_not_there_yet(now: Now) -> None:
    compute = SimulatedCompute(now, boot_seconds=30, launch_seconds=10)
    await compute.ensure_network(NETWORK)
    for now.seconds in (0, 9):
        await compute.launch(SPEC)
        assert await compute.machines() == []
        assert (compute.runs("i-1"), await compute.stats(["i-1"])) == (False, {})
    for now.seconds, ready in ((10, False), (39, False), (40, True)):
        assert [machine.ready for machine in await compute.machines()] == [ready]
        assert compute.runs("i-1")


async def test_cpu_is_utilisation_of_its_own_vcpus_over_time(compute: SimulatedCompute, now: Now) -> None:
    await compute.launch(SPEC)
    compute.set_cpu("i-1", 0.25)
    now.seconds = 10
    compute.set_cpu("i-1", 1.0)
    now.seconds = 12
    sample = (await compute.stats(["i-1"]))["i-1"]
    assert (sample.cpu, sample.read_at) == (10 * 0.25 * 2 + 2 * 1.0 * 2, 12)


async def test_traffic_and_clients_are_what_was_set(compute: SimulatedCompute, now: Now) -> None:
    await compute.launch(SPEC)
    await compute.launch(dataclasses.replace(SPEC, id="db-1", role=Role.DATABASE))
    compute.set_traffic("i-1", 1000.0, 300.0)
    compute.set_connections("db-1", 7)
    now.seconds = 10
    stats = await compute.stats(["i-1", "db-1"])
    assert stats["i-1"].traffic == Traffic(10_000, 3_000, 7, 2)
    assert (stats["i-1"].connections, stats["db-1"].connections) == (None, 7)
    await compute.kill("i-1")
    await compute.launch(SPEC)
    assert (await compute.stats(["i-1"]))["i-1"].traffic == Traffic()


@pytest.mark.parametrize("error", [Unavailable("away"), Refused("no")])
async def test_a_launch_fails_once_when_told_to(compute: SimulatedCompute, error: Unavailable | Refused) -> None:
    compute.fail_next_launch(error)
    with pytest.raises(type(error)):
        await compute.launch(SPEC)
    assert await compute.machines() == []
    await compute.launch(SPEC)


async def test_a_machine_needs_its_network(compute: SimulatedCompute) -> None:
    with pytest.raises(Refused, match="vpc-2"):
        await compute.launch(dataclasses.replace(SPEC, vpc_id="vpc-2"))
