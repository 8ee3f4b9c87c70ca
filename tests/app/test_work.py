import asyncio
import time
from collections.abc import Callable

import pytest

from services.app.work import SLICE, burn
from tests.app.client import running


def ticking(step: float) -> Callable[[], float]:
    """A CPU clock that advances by `step` whenever it is read."""
    now = 0.0

    def read() -> float:
        nonlocal now
        now += step
        return now

    return read


async def test_burning_goes_on_until_the_time_is_used() -> None:
    used = await burn(0.05, ticking(0.001))
    assert 0.05 <= used <= 0.05 + SLICE


async def test_burning_lets_others_run_between_slices() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    neighbour = asyncio.create_task(other())
    await burn(0.05, ticking(0.001))
    neighbour.cancel()
    assert turns >= 5


async def test_burn_uses_the_cpu_of_this_process() -> None:
    async with running() as client:
        before = time.process_time()
        answer = await client.get("/burn?ms=120")
        assert time.process_time() - before >= 0.12
    assert answer.status == 200
    assert answer.json["cpu_ms"] >= 120


async def test_health_is_answered_while_the_cpu_burns() -> None:
    async with running() as client:
        burning = asyncio.create_task(client.get("/burn?ms=300"))
        for _ in range(3):
            assert (await client.get("/health")).status == 200
        assert not burning.done()
        assert (await burning).status == 200


async def test_sleep_waits_without_burning() -> None:
    async with running() as client:
        assert (await client.get("/sleep?ms=1")).json == {"slept_ms": 1, "served_by": "i-0123"}


@pytest.mark.parametrize("path", ["/burn", "/burn?ms=10001", "/burn?ms=-1", "/burn?ms=x", "/sleep?ms=60001"])
async def test_work_is_bounded(path: str) -> None:
    async with running() as client:
        answer = await client.get(path)
    assert answer.status == 422
    assert answer.json["error"].startswith("query.ms: ")
