"""The shop's one resource. Statements and their shapes are here; how they reach the database is `database`'s affair."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.app.database import Row, Shop

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]

_COLUMNS = "id, name, price_cents, created_at"


class NewProduct(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # PostgreSQL's text has no NUL.
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    price_cents: Annotated[int, Field(strict=True, ge=0, le=100_000_000)]


def routes(shop: Shop, instance_id: str) -> APIRouter:
    router = APIRouter(prefix="/products")

    def product(row: Row) -> dict[str, Any]:
        return {**row, "created_at": row["created_at"].isoformat(), "served_by": instance_id}

    def one(rows: list[Row], product_id: int) -> Row:
        if not rows:
            raise HTTPException(404, f"there is no product {product_id}")
        return rows[0]

    @router.get("")
    async def listing(
        limit: Annotated[int, Query(ge=1, le=500)] = 100, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
    ) -> dict[str, Any]:
        rows = await shop.read(f"SELECT {_COLUMNS} FROM products WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
        items = [{**row, "created_at": row["created_at"].isoformat()} for row in rows]
        return {"products": items, "served_by": instance_id}

    @router.post("", status_code=201)
    async def create(new: NewProduct, response: Response) -> dict[str, Any]:
        rows = await shop.write(
            f"INSERT INTO products (name, price_cents) VALUES ($1, $2) RETURNING {_COLUMNS}", new.name, new.price_cents
        )
        response.headers["Location"] = f"/products/{rows[0]['id']}"
        return product(rows[0])

    @router.get("/{product_id}")
    async def show(product_id: Id) -> dict[str, Any]:
        rows = await shop.read(f"SELECT {_COLUMNS} FROM products WHERE id = $1", product_id)
        return product(one(rows, product_id))

    @router.delete("/{product_id}", status_code=204)
    async def delete(product_id: Id) -> None:
        # Not repeated blindly though HTTP calls it idempotent: the second time would say 404 to whom the first time served.
        one(await shop.write("DELETE FROM products WHERE id = $1 RETURNING id", product_id), product_id)

    return router
