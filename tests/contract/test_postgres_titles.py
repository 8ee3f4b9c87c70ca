"""Clients of PostgreSQL by process titles, as its sources write them; `test_contract_real` counts on real servers."""

import pytest

from lab.adapters.postgres import clients


@pytest.mark.parametrize(
    "title",
    [
        "postgres: lab web 10.0.2.3(5432) idle",
        "postgres: lab web 10.0.2.3(5432) idle in transaction",
        "postgres: lab web 10.0.2.3(5432) SELECT",
        "postgres: lab web 10.0.2.3(5432) authentication",
        "postgres: lab web ::1(40312) idle",
        "postgres: lab web db.example(40312)",
        "postgres: lab web [local] idle",
        "postgres: main: lab web 10.0.2.3(5432) idle",
    ],
)
def test_a_backend_is_a_client(title: str) -> None:
    assert clients([title]) == 1


@pytest.mark.parametrize(
    "title",
    [
        "postgres",
        "postgres -D /var/lib/postgresql/data",
        "/usr/lib/postgresql/17/bin/postgres -D /data -c port=5432",
        "postgres: checkpointer ",
        "postgres: background writer ",
        "postgres: walwriter ",
        "postgres: autovacuum launcher ",
        "postgres: autovacuum worker web",
        "postgres: logical replication launcher ",
        "postgres: io worker 0",
        "postgres: parallel worker for PID 4021 ",
        "postgres: walsender replica 10.0.2.4(5432) streaming 0/3000148",
        "postgres: main: walsender replica 10.0.2.4(5432) streaming 0/3000148",
        "postgres: walreceiver streaming 0/3000148",
        "psql -h 10.0.2.3(5432)",
        "pg_isready -q",
        "",
    ],
)
def test_nothing_else_is(title: str) -> None:
    assert clients([title]) == 0
