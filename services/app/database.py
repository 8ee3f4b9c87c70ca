"""The way to PostgreSQL: connects when first needed, comes back by itself, and fails fast and politely.

Whatever goes wrong outside the statement itself leaves here as `DatabaseUnavailable`, which the edge turns into a 503. Two
ways to run a statement differ in what may be repeated:

* `read`: nothing changes, so when the connection breaks at any moment it is run once more on a fresh connection.
* `write`: it is prepared first. When the connection breaks while preparing, nothing was executed and it is tried once
  more on a fresh connection; when it breaks later nobody knows whether it was executed, and that is said.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.app import schema
from services.app.settings import Database, Settings

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 2.0
"""Seconds for a connection: waiting for a free one, or making a new one."""

COMMAND_TIMEOUT = 5.0
"""Seconds for a statement."""

POOL_SIZE = 5
"""Connections per instance: a small database allows about 80 in all, and the group may grow to ten instances."""

_BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # "connection is closed"
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,  # connected to a primary that is a standby since a failover
    ConnectionError,
)
"""The connection is of no more use; a fresh one may be."""

_AWAY = (
    *_BROKEN,
    asyncpg.OperatorInterventionError,  # starting up, shutting down, cancelled
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,
    TimeoutError,
    OSError,
)
"""The database cannot serve us now."""

Row = Mapping[str, Any]


class DatabaseUnavailable(Exception):  # noqa: N818 - the name says what is the case
    """There is no answer from the database now; the message says why, for the person who reads the 503."""


@asynccontextmanager
async def _unavailable(what: str) -> AsyncIterator[None]:
    try:
        yield
    except schema.MigrationFailed as error:
        raise DatabaseUnavailable(str(error)) from error
    except _AWAY as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise DatabaseUnavailable(f"{what}: {reason}") from error


class Shop:
    """The pool, its state and the one attempt to connect that may be under way; created once per process."""

    def __init__(self, settings: Settings, steps: Sequence[schema.Migration]) -> None:
        self._settings = settings
        self._steps = steps
        self._pool: asyncpg.Pool | None = None
        self._connecting: asyncio.Task[asyncpg.Pool] | None = None
        self._lost = False

    async def read(self, statement: str, *arguments: object) -> list[Row]:
        """Raises DatabaseUnavailable."""
        async with _unavailable("the database cannot be read"):
            pool = await self._ready()
            try:
                return await self._fetch(pool, statement, arguments)
            except _BROKEN as error:
                await self._renew(pool, error)
                return await self._fetch(pool, statement, arguments)

    async def _fetch(self, pool: asyncpg.Pool, statement: str, arguments: Sequence[object]) -> list[Row]:
        async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            rows: list[Row] = await connection.fetch(statement, *arguments)
            self._found()
            return rows

    async def write(self, statement: str, *arguments: object) -> list[Row]:
        """Raises DatabaseUnavailable; its message tells whether the statement may have been executed."""
        async with _unavailable("nothing was written"):
            pool = await self._ready()
            try:
                return await self._execute(pool, statement, arguments)
            except _BROKEN as error:
                await self._renew(pool, error)
                return await self._execute(pool, statement, arguments)

    async def _execute(self, pool: asyncpg.Pool, statement: str, arguments: Sequence[object]) -> list[Row]:
        async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            prepared = await connection.prepare(statement)
            try:
                rows: list[Row] = await prepared.fetch(*arguments)
            except asyncpg.ReadOnlySQLTransactionError:
                raise  # refused before it changed anything
            except _AWAY as error:
                raise DatabaseUnavailable(f"the connection broke, it may or may not be written: {error}") from error
            self._found()
            return rows

    async def ping(self, limit: float) -> None:
        """One statement there and back within `limit` seconds. Raises DatabaseUnavailable."""
        attempt = asyncio.ensure_future(self.read("SELECT 1"))
        done, _ = await asyncio.wait({attempt}, timeout=limit)
        if not done:
            # Not awaited: giving a connection with a cancelled statement back takes as long as the server likes.
            attempt.add_done_callback(_forget)
            attempt.cancel()
            raise DatabaseUnavailable(f"the database did not answer within {limit:g} s")
        attempt.result()

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._pool is not None:
            self._pool.terminate()

    async def _renew(self, pool: asyncpg.Pool, error: Exception) -> None:
        # When one connection broke the idle ones did too: without this the next attempt could get another dead one.
        if not self._lost:
            log.warning("connection to the database lost: %s", error)
        self._lost = True
        await pool.expire_connections()

    def _found(self) -> None:
        if self._lost:
            log.warning("connected to the database again")
        self._lost = False

    async def _ready(self) -> asyncpg.Pool:
        """The pool of a database with all migrations applied. All who come during an attempt share its outcome, so an
        outage costs each request one timeout and not one per request before it."""
        if self._pool is not None:
            return self._pool
        if self._connecting is None:
            if self._settings.database is None:
                raise DatabaseUnavailable(self._settings.no_database)
            self._connecting = asyncio.create_task(self._connect(self._settings.database))
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    def _connected(self, attempt: asyncio.Task[asyncpg.Pool]) -> None:
        self._connecting = None
        if not attempt.cancelled() and attempt.exception() is None:
            self._pool = attempt.result()

    async def _connect(self, database: Database) -> asyncpg.Pool:
        pool = asyncpg.create_pool(
            host=database.host,
            port=database.port,
            database=database.name,
            user=database.user,
            password=database.password,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings={"application_name": "shop"},
        )
        try:
            await pool
            async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
                await schema.apply(connection, self._steps)
        except BaseException:
            pool.terminate()
            raise
        return pool


def _forget(attempt: asyncio.Future[list[Row]]) -> None:
    if not attempt.cancelled():
        attempt.exception()
