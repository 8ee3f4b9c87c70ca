import asyncio
from typing import Any

import pytest

from tests.app.client import running


async def test_a_new_instance_is_healthy() -> None:
    async with running() as client:
        assert (await client.get("/health")).status == 200
        assert (await client.get("/faults")).json == {"health": "ok", "delay_ms": 0, "instance_id": "i-0123"}


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
