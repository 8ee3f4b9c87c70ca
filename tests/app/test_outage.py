"""The database crashes, is away and comes back; the application was never restarted."""

import asyncio

import pytest

from services.app.settings import Database
from tests.app.client import Answer, Client, running
from tests.app.postgres import Postgres
from tests.eventually import eventually

TEAPOT = {"name": "Teapot", "price_cents": 2400}


async def works_again(client: Client) -> Answer:
    return await eventually(lambda: client.get("/products"), lambda answer: answer.status == 200)


async def test_a_crash_costs_503s_and_no_data(database: Database, postgres: Postgres) -> None:
    async with running(database) as client:
        created = await client.post("/products", TEAPOT)
        postgres.kill()
        for answer in (
            await eventually(lambda: client.get("/products"), lambda answer: answer.status != 200),
            await client.post("/products", TEAPOT),
            await client.delete("/products/1"),
            await client.get("/health/deep"),
        ):
            assert answer.status == 503
            assert answer.json["instance_id"] == "i-0123"
            assert "Traceback" not in answer.json["error"]
        assert (await client.get("/health")).status == 200
        postgres.start()
        answer = await works_again(client)
        assert [product["name"] for product in answer.json["products"]].count("Teapot") == 1
        assert (await client.get(created.headers["location"])).json == created.json
        assert (await client.post("/products", TEAPOT)).status == 201
        assert (await client.get("/health/deep")).status == 200


async def test_a_restart_between_two_requests_costs_nothing(database: Database, postgres: Postgres) -> None:
    async with running(database) as client:
        await asyncio.gather(*(client.get("/products") for _ in range(5)))
        postgres.kill()
        postgres.start()
        answers = await asyncio.gather(*(client.get("/products") for _ in range(10)))
        assert {answer.status for answer in answers} == {200}


async def test_connections_cut_by_the_server_cost_nothing(database: Database, postgres: Postgres) -> None:
    async with running(database) as client:
        await asyncio.gather(*(client.get("/products") for _ in range(5)))
        postgres.cut(database.name)
        assert (await client.post("/products", TEAPOT)).status == 201
        postgres.cut(database.name)
        assert (await client.get("/products")).status == 200
        postgres.cut(database.name)
        assert (await client.delete("/products/1")).status == 204


async def test_a_write_that_broke_half_way_is_not_repeated(database: Database, postgres: Postgres) -> None:
    # A sequence is not rolled back: it counts the attempts.
    slow = "BEGIN PERFORM nextval(''attempts''); PERFORM pg_sleep(60); RETURN NEW; END"
    waiting = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database.name}' AND wait_event = 'PgSleep'"
    async with running(database) as client:
        await client.get("/products")
        await postgres.query(database.name, "CREATE SEQUENCE attempts")
        await postgres.query(database.name, f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS '{slow}'")
        await postgres.query(
            database.name, "CREATE TRIGGER slow BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION slow()"
        )
        posting = asyncio.create_task(client.post("/products", TEAPOT))
        rows = await eventually(lambda: postgres.query("postgres", waiting), lambda rows: len(rows) == 1)
        await postgres.query("postgres", f"SELECT pg_terminate_backend({rows[0]['pid']})")
        answer = await asyncio.wait_for(posting, 10)
        assert answer.status == 503
        assert "may or may not be written" in answer.json["error"]
        assert len((await client.get("/products")).json["products"]) == 5
    assert (await postgres.query(database.name, "SELECT last_value FROM attempts"))[0]["last_value"] == 1


async def test_a_standby_is_left_for_the_primary(database: Database, postgres: Postgres) -> None:
    """After a failover, connections may still lead to a server that only reads."""
    async with running(database) as client:
        await client.get("/products")
        await postgres.query("postgres", f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
        postgres.cut(database.name)
        answer = await client.post("/products", TEAPOT)
        assert answer.status == 503
        assert "nothing was written" in answer.json["error"]
        await postgres.query("postgres", f"ALTER DATABASE {database.name} RESET default_transaction_read_only")
        assert (await client.post("/products", TEAPOT)).status == 201


@pytest.mark.parametrize("connected_before", [True, False])
async def test_a_database_that_hangs_is_noticed_by_deep_health(
    database: Database, postgres: Postgres, connected_before: bool
) -> None:
    async with running(database) as client:
        if connected_before:
            await client.get("/products")
        postgres.freeze()
        try:
            # A frozen server still serves the connections it has; it is new ones that hang.
            answer = await asyncio.wait_for(client.get("/health/deep"), 5)
            assert answer.status == (200 if connected_before else 503)
            if not connected_before:
                assert "did not answer within 1 s" in answer.json["error"]
                refused = await asyncio.wait_for(client.get("/products"), 10)
                assert (refused.status, "no answer in time" in refused.json["error"]) == (503, True)
        finally:
            postgres.thaw()
        assert (await works_again(client)).status == 200
