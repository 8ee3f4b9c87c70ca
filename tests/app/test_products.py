import asyncio
from typing import Any

import pytest

from services.app.schema import Migration, load
from services.app.settings import Database
from tests.app.client import running
from tests.app.postgres import Postgres


async def test_the_first_products_are_there(database: Database) -> None:
    async with running(database) as client:
        answer = await client.get("/products")
    assert answer.status == 200
    assert answer.json["served_by"] == "i-0123"
    assert [product["id"] for product in answer.json["products"]] == [1, 2, 3, 4, 5]
    assert answer.json["products"][0]["name"] == "Espresso cup"


async def test_a_product_comes_and_goes(database: Database) -> None:
    async with running(database) as client:
        created = await client.post("/products", {"name": "  Teapot ☕ ", "price_cents": 2400})
        assert created.status == 201
        path = created.headers["location"]
        shown = await client.get(path)
        assert shown.json == created.json
        assert (shown.json["name"], shown.json["price_cents"]) == ("Teapot ☕", 2400)
        assert shown.json["created_at"].startswith("20")
        gone = await client.delete(path)
        assert (gone.status, gone.body) == (204, b"")
        assert (await client.get(path)).status == 404
        again = await client.delete(path)
        assert (again.status, again.json["error"]) == (404, f"there is no product {created.json['id']}")


async def test_the_list_comes_in_pages(database: Database) -> None:
    async with running(database) as client:
        page = await client.get("/products?limit=2&after=2")
    assert [product["id"] for product in page.json["products"]] == [3, 4]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "price_cents": 1}, "name"),
        ({"name": "   ", "price_cents": 1}, "name"),
        ({"name": "x" * 201, "price_cents": 1}, "name"),
        ({"name": "a\0b", "price_cents": 1}, "name"),
        ({"name": 3, "price_cents": 1}, "name"),
        (b'{"name": "\\ud800", "price_cents": 1}', "name"),
        ({"name": "x", "price_cents": -1}, "price_cents"),
        ({"name": "x", "price_cents": 2**31}, "price_cents"),
        ({"name": "x", "price_cents": "1"}, "price_cents"),
        ({"name": "x", "price_cents": 1.5}, "price_cents"),
        ({"name": "x"}, "price_cents"),
        ({"name": "x", "price_cents": 1, "colour": "red"}, "colour"),
        ([], "body"),
        (b"{", "body"),
        (b"", "body"),
    ],
)
async def test_a_product_that_makes_no_sense_is_refused_with_the_field(body: Any, field: str) -> None:
    async with running() as client:
        answer = await client.post("/products", body)
    assert answer.status == 422
    assert field in answer.json["error"]


@pytest.mark.parametrize("path", ["/products?limit=0", "/products?limit=501", "/products/x", f"/products/{2**63}"])
async def test_numbers_have_limits(path: str) -> None:
    async with running() as client:
        assert (await client.get(path)).status == 422


async def test_without_a_database_there_is_a_reason() -> None:
    async with running() as client:
        for answer in (
            await client.get("/products"),
            await client.post("/products", {"name": "x", "price_cents": 1}),
            await client.delete("/products/1"),
        ):
            assert answer.status == 503
            assert "no database is configured" in answer.json["error"]


async def test_instances_that_start_together_migrate_once(database: Database, postgres: Postgres) -> None:
    async with running(database) as a, running(database) as b, running(database) as c:
        answers = await asyncio.gather(*(client.get("/products") for client in (a, b, c) for _ in range(4)))
    assert {answer.status for answer in answers} == {200}
    assert {len(answer.json["products"]) for answer in answers} == {5}
    rows = await postgres.query(database.name, "SELECT number FROM schema_migrations ORDER BY number")
    assert [row["number"] for row in rows] == [step.number for step in load()]


async def test_a_migration_that_was_changed_is_refused(database: Database) -> None:
    async with running(database) as client:
        assert (await client.get("/products")).status == 200
    first, *rest = load()
    changed = [Migration(first.number, first.name, first.sql + "-- edited"), *rest]
    async with running(database, steps=changed) as client:
        answer = await client.get("/products")
    assert answer.status == 503
    assert answer.json["error"] == "migration 0001_products was changed after it was applied"


async def test_a_newer_schema_is_left_alone_and_a_later_step_is_added(database: Database, postgres: Postgres) -> None:
    newer = [*load(), Migration(9001, "9001_stock", "ALTER TABLE products ADD COLUMN stock integer")]
    for steps in (None, newer, None):
        async with running(database, steps=steps) as client:
            assert (await client.get("/products")).status == 200
    rows = await postgres.query(database.name, "SELECT max(number) AS last FROM schema_migrations")
    assert rows[0]["last"] == 9001


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database, postgres: Postgres) -> None:
    async with running(database, steps=[*load(), Migration(3, "0003_odd", "SELECT 1/0")]) as client:
        answer = await client.get("/products")
    assert answer.status == 503
    assert answer.json["error"] == "the schema cannot be brought up to date: division by zero"
    rows = await postgres.query(database.name, "SELECT to_regclass('products') IS NULL AS clean")
    assert rows[0]["clean"]
