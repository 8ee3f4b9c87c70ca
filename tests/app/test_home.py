from dataclasses import replace

import pytest

from tests.app.client import MACHINE, running


async def test_the_front_page_says_who_serves_it() -> None:
    async with running() as client:
        await client.get("/health")
        answer = await client.get("/")
    facts = answer.json
    assert facts.pop("uptime") >= 0
    assert facts == {
        "instance_id": "i-0123",
        "availability_zone": "eu-west-1a",
        "private_ip": "10.0.1.5",
        "launch_template_version": "3",
        "app_version": "unknown",
        "requests": 2,
    }


async def test_a_browser_gets_a_page_that_asks_nobody_else() -> None:
    machine = replace(MACHINE, private_ip="<b>&")
    async with running(machine=machine) as client:
        answer = await client.get("/", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    text = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept"
    assert "i-0123" in text
    assert "&lt;b&gt;&amp;" in text
    assert "<b>&" not in text
    assert "://" not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/products", 405),
        ("GET", "/products", 503),
        ("GET", "/products/0", 422),
    ],
)
async def test_every_answer_carries_the_instance(method: str, path: str, status: int) -> None:
    async with running() as client:
        answer = await client.call(method, path)
    assert answer.status == status
    assert answer.headers["x-instance-id"] == "i-0123"
    assert answer.headers["x-availability-zone"] == "eu-west-1a"
    assert answer.json["instance_id"] == "i-0123"
