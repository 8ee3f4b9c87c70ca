"""Schema changes: numbered SQL files, each applied once however many instances start at the same time.

The first to take the advisory lock applies what is missing, all in one transaction; the others wait and find it done. A
file that was changed after it was applied is refused, because databases would then differ. Numbers that the database has
and this version of the application does not are left alone: that is a newer version running beside us.
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "migrations"

LOCK = 0x73686F70
"""Key of the advisory lock ("shop" in ASCII); any number that nothing else in the database uses."""


class MigrationFailed(Exception):  # noqa: N818 - the name says what is the case
    """The database refused a migration, or an applied one differs from its file. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The `NNNN_name.sql` files in order of their numbers."""
    found = [Migration(int(path.stem[:4]), path.stem, path.read_text("utf-8")) for path in folder.glob("[0-9]*.sql")]
    return tuple(sorted(found, key=lambda migration: migration.number))


async def apply(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> list[int]:
    """Apply what is missing; the numbers applied by this call. Raises MigrationFailed, and asyncpg's
    errors when the connection breaks."""
    async with _explained(), connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT number, checksum FROM schema_migrations")
        applied = {row["number"]: row["checksum"] for row in rows}
        for migration in migrations:
            if applied.get(migration.number, migration.checksum) != migration.checksum:
                raise MigrationFailed(f"migration {migration.name} was changed after it was applied")
        missing = [migration for migration in migrations if migration.number not in applied]
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    for migration in missing:
        log.warning("applied migration %s", migration.name)
    return [migration.number for migration in missing]


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        raise MigrationFailed(f"the schema cannot be brought up to date: {error}") from error
