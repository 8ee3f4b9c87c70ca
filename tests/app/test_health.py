import asyncio
from typing import Any

import pytest

from services.app.faults import Fault, Faults
from services.app.settings import Settings
from tests.app.client import running


async def test_a_new_instance_is_healthy() -> None:
    async with running() as client:
        assert (await client.get("/health")).status == 200
        told = (await client.get("/faults")).json
        assert told == {"health": "ok", "scope": "health", "delay_ms": 0, "grow_ms": 0, "instance_id": "i-0123"}


async def test_a_fault_makes_health_fail_until_it_is_taken_back() -> None:
    async with running() as client:
        assert (await client.post("/faults", {"health": "fail"})).json["health"] == "fail"
        answer = await client.get("/health")
        assert (answer.status, answer.json["instance_id"]) == (503, "i-0123")
        assert (await client.delete("/faults")).json["health"] == "ok"
        assert (await client.get("/health")).status == 200


@pytest.mark.parametrize(
    ("fault", "then", "status"),
    [
        ({"health": "hang"}, {"health": "ok"}, 200),
        ({"health": "hang"}, {"health": "fail"}, 503),
        ({"health": "slow", "delay_ms": 60_000}, {"health": "ok"}, 200),
    ],
)
async def test_whoever_waits_is_answered_when_the_fault_changes(fault: Any, then: Any, status: int) -> None:
    async with running() as client:
        await client.post("/faults", fault)
        asking = asyncio.create_task(client.get("/health"))
        done, _ = await asyncio.wait({asking}, timeout=0.1)
        assert not done
        assert (await client.get("/")).status == 200
        await client.post("/faults", then)
        assert (await asyncio.wait_for(asking, 10)).status == status


async def test_a_slow_instance_answers_in_the_end() -> None:
    async with running() as client:
        await client.post("/faults", {"health": "slow", "delay_ms": 1})
        assert (await asyncio.wait_for(client.get("/health"), 10)).status == 200


@pytest.mark.parametrize(
    "fault", [{"health": "odd"}, {"health": "slow", "delay_ms": -1}, {"delay_ms": 60_001}, {"helth": "fail"}, [], b"{"]
)
async def test_an_unknown_fault_is_refused(fault: Any) -> None:
    async with running() as client:
        answer = await client.post("/faults", fault)
        assert answer.status == 422
        assert answer.json["error"]
        assert (await client.get("/faults")).json["health"] == "ok"


async def test_deep_health_says_why_without_a_database() -> None:
    async with running() as client:
        answer = await client.get("/health/deep")
    assert answer.status == 503
    assert "no database is configured" in answer.json["error"]


async def test_a_fault_for_another_instance_is_refused() -> None:
    async with running() as client:
        answer = await client.post("/faults?instance=i-9", {"health": "fail"})
        assert (answer.status, answer.json["error"]) == (409, "this is i-0123, not i-9; nothing was changed")
        assert (await client.get("/health")).status == 200
        assert (await client.post("/faults?instance=i-0123", {"health": "fail"})).status == 200
        assert (await client.get("/health")).status == 503


async def test_a_fault_of_everything_is_taken_back_at_its_own_path() -> None:
    async with running() as client:
        await client.post("/faults", {"health": "fail", "scope": "all"})
        answer = await client.get("/")
        assert (answer.status, answer.json["error"], answer.headers["x-instance-id"]) == (
            500,
            "a fault was set",
            "i-0123",
        )
        assert (await client.get("/health")).status == 503
        await client.delete("/faults")
        assert (await client.get("/")).status == 200


async def test_what_hangs_is_an_error_when_the_fault_is_over_and_what_is_slow_goes_on() -> None:
    async with running() as client:
        for fault, status in (({"health": "hang"}, 500), ({"health": "slow", "delay_ms": 60_000}, 200)):
            await client.post("/faults", {**fault, "scope": "all"})
            asking = asyncio.create_task(client.get("/"))
            done, _ = await asyncio.wait({asking}, timeout=0.1)
            assert not done
            await client.delete("/faults")
            assert (await asyncio.wait_for(asking, 10)).status == status


def test_a_leak_makes_it_slower_each_second() -> None:
    now = [100.0]
    faults = Faults(Fault(health="slow", delay_ms=50, grow_ms=200), lambda: now[0])
    assert faults.delay == 0.05
    now[0] += 4
    assert faults.delay == 0.85
    faults.switch(Fault(health="slow", grow_ms=200))
    assert faults.delay == 0.0


async def test_a_bad_build_is_unwell_from_the_beginning() -> None:
    async with running(Settings(unwell=True)) as client:
        assert (await client.get("/health")).status == 503
        assert (await client.get("/")).status == 200
