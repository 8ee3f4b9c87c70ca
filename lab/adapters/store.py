"""Rows in memory, and in SQLite.

All rows are kept in memory, where every read is answered; SQLite is the journal that survives. A commit is one SQLite
transaction in WAL mode, so `kill -9` loses nothing that was acknowledged (only a power cut may lose the last moment:
synchronous is NORMAL). There is one writer, the control plane, and a file lock to make sure of it.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter

from lab.core.errors import Refused, Unavailable
from lab.core.store import R, Row

SCHEMA_VERSION = 1

Change = tuple[type[Row], str]


class MemoryStore:
    """Rows in memory. `_persist` is where a store that keeps them somewhere hooks in."""

    def __init__(self) -> None:
        self._rows: dict[type[Row], dict[str, Row]] = {}
        self._depth = 0
        self._before: dict[Change, Row | None] = {}
        self._orders: dict[type[Row], tuple[str, ...]] = {}

    def get(self, kind: type[R], key: str) -> R | None:
        row = self._rows.get(kind, {}).get(key)
        return row if isinstance(row, kind) else None

    def all(self, kind: type[R]) -> list[R]:
        return [row for row in self._rows.get(kind, {}).values() if isinstance(row, kind)]

    def put(self, row: Row) -> None:
        with self.transaction():
            rows = self._rows.setdefault(type(row), {})
            self._before.setdefault((type(row), row.key), rows.get(row.key))
            rows[row.key] = row

    def delete(self, kind: type[R], key: str) -> None:
        with self.transaction():
            rows = self._rows.setdefault(kind, {})
            if key in rows:
                self._before.setdefault((kind, key), rows[key])
                self._orders.setdefault(kind, tuple(rows))
                del rows[key]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self._before:
                self._persist({change: self._rows[change[0]].get(change[1]) for change in self._before})
        except BaseException:
            if self._depth == 1:
                self._undo()
            raise
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._before, self._orders = {}, {}

    def _undo(self) -> None:
        for (kind, key), row in self._before.items():
            if row is None:
                self._rows[kind].pop(key, None)
            else:
                self._rows[kind][key] = row
        # Rows that were deleted and are back stand where they stood.
        for kind, order in self._orders.items():
            self._rows[kind] = {key: self._rows[kind][key] for key in order if key in self._rows[kind]}

    def _persist(self, changes: Mapping[Change, Row | None]) -> None:
        """Make the changes durable: the new row, or None where it was deleted. Raises to have them all undone."""


class SqliteStore(MemoryStore):
    """Rows in memory with their journal in `path`. `kinds` are the classes that may be stored, by name.

    Raises Refused when the file cannot be used (read-only, another lab's control plane holds it, written by a newer lab).
    """

    def __init__(self, path: Path, kinds: tuple[type[Row], ...]) -> None:
        super().__init__()
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._adapters: dict[type[Row], TypeAdapter[Row]] = {kind: TypeAdapter(kind) for kind in kinds}
        self._position = 0
        self._database = _open(path)
        try:
            self._load(path)
        except sqlite3.Error as error:
            raise Refused(f"the state in {path} cannot be read ({error}); `lab down` removes it") from error

    def close(self) -> None:
        self._database.close()

    def _load(self, path: Path) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise Refused(
                f"{path} was written by a newer lab (schema {version}); use that one, or `lab down` to remove it"
            )
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS rows (kind TEXT, key TEXT, position INTEGER, body TEXT, PRIMARY KEY (kind, key))"
        )
        self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for name, key, position, body in self._database.execute("SELECT * FROM rows ORDER BY position"):
            kind = self._kinds[name]
            self._rows.setdefault(kind, {})[key] = self._adapters[kind].validate_json(body)
            self._position = max(self._position, position)

    def _persist(self, changes: Mapping[Change, Row | None]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for (kind, key), row in changes.items():
                if row is None:
                    self._database.execute("DELETE FROM rows WHERE kind = ? AND key = ?", (kind.__name__, key))
                else:
                    self._position += 1
                    self._database.execute(
                        "INSERT INTO rows VALUES (?, ?, ?, ?) "
                        "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                        (kind.__name__, key, self._position, self._adapters[kind].dump_json(row).decode()),
                    )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise Unavailable(
                f"the state could not be written: {error}; check the disk of the state directory"
            ) from error


def _open(path: Path) -> sqlite3.Connection:
    """The database, for this process alone, readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        database = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        database.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        busy = "locked" in str(error)
        hint = "another control plane uses it" if busy else "make the directory writable, or set LAB_STATE"
        raise Refused(f"the state file {path} cannot be opened ({error}): {hint}") from error
    return database
