"""Rows in memory, and in SQLite.

All rows are kept in memory, where every read is answered; SQLite is the journal that survives. A commit is one SQLite
transaction in WAL mode, so `kill -9` loses nothing that was acknowledged (only a power cut may lose the last moment:
synchronous is NORMAL). There is one writer, the control plane, and a file lock to make sure of it.
"""

import os
import sqlite3
import weakref
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from lab.core.errors import Refused, Unavailable
from lab.core.store import R, Row, Store, T

SCHEMA_VERSION = 1

Change = tuple[type[Row], str]
Index = dict[Hashable, dict[str, None]]
"""The keys of the rows whose field has the value, by value; an ordered set of them."""


class ChangeWatch:
    """What `MemoryStore.watch` gives. A store knows it for as long as somebody holds it."""

    def __init__(self, fields: Mapping[type[Row], str]) -> None:
        self._fields = fields
        self._seen: set[tuple[type[Row], Hashable]] = set()

    def note(self, kind: type[Row], *rows: Row | None) -> None:
        field = self._fields.get(kind)
        if field is not None:
            self._seen.update((kind, getattr(row, field)) for row in rows if row is not None)

    def take(self) -> set[tuple[type[Row], Hashable]]:
        seen, self._seen = self._seen, set()
        return seen


class MemoryStore:
    """Rows in memory. `_persist` is where a store that keeps them somewhere hooks in.

    `_positions` numbers the rows in the order of their first put. `_indexes` finds the rows of a class by a field: an index
    is made when it is first asked for, kept by every change, and dropped when a change is undone. `_revisions` counts the
    changes of each class; `_derived` keeps what was made of rows, with the revision it was made of. `_watches` are told of
    each change.
    """

    def __init__(self) -> None:
        self._rows: dict[type[Row], dict[str, Row]] = {}
        self._positions: dict[type[Row], dict[str, int]] = {}
        self._last_position = 0
        self._indexes: dict[type[Row], dict[str, Index]] = {}
        self._revisions: defaultdict[type[Row], int] = defaultdict(int)
        self._derived: dict[Callable[[Store], Any], tuple[int, Any]] = {}
        self._watches: list[weakref.ref[ChangeWatch]] = []
        self._depth = 0
        self._before: dict[Change, tuple[Row, int] | None] = {}

    def get(self, kind: type[R], key: str) -> R | None:
        rows = self._rows.get(kind)
        return None if rows is None else cast("R | None", rows.get(key))

    def all(self, kind: type[R]) -> list[R]:
        return list(cast("dict[str, R]", self._rows.get(kind, {})).values())

    def where(self, kind: type[R], field: str, value: Hashable) -> list[R]:
        found = self._index(kind, field).get(value)
        if not found:
            return []
        rows, positions = self._rows[kind], self._positions[kind]
        keys = found if len(found) == 1 else sorted(found, key=positions.__getitem__)
        return [cast(R, rows[key]) for key in keys]

    def derived(self, make: Callable[[Store], T], *kinds: type[Row]) -> T:
        revision = self.revision(*kinds)
        known = self._derived.get(make)
        if known is None or known[0] != revision:
            known = self._derived[make] = (revision, make(self))
        return cast(T, known[1])

    def revision(self, *kinds: type[Row]) -> int:
        return sum(self._revisions[kind] for kind in kinds)

    def watch(self, fields: Mapping[type[Row], str]) -> ChangeWatch:
        watch = ChangeWatch(fields)
        self._watches = [known for known in self._watches if known() is not None] + [weakref.ref(watch)]
        return watch

    def put(self, row: Row) -> None:
        kind, key = type(row), row.key
        with self.transaction():
            rows, positions = self._rows.setdefault(kind, {}), self._positions.setdefault(kind, {})
            old = rows.get(key)
            self._remember(kind, key, old, row)
            rows[key] = row
            if old is None:
                self._last_position += 1
                positions[key] = self._last_position
            for field, index in self._indexes.get(kind, {}).items():
                _move(index, key, old, row, field)

    def delete(self, kind: type[R], key: str) -> None:
        with self.transaction():
            old = self._rows.get(kind, {}).get(key)
            if old is None:
                return
            self._remember(kind, key, old, None)
            del self._rows[kind][key], self._positions[kind][key]
            for field, index in self._indexes.get(kind, {}).items():
                _move(index, key, old, None, field)

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
                self._before = {}

    def _remember(self, kind: type[Row], key: str, old: Row | None, new: Row | None) -> None:
        self._revisions[kind] += 1
        for known in self._watches:
            watch = known()
            if watch is not None:
                watch.note(kind, old, new)
        if (kind, key) not in self._before:
            self._before[kind, key] = None if old is None else (old, self._positions[kind][key])

    def _undo(self) -> None:
        for (kind, key), before in self._before.items():
            rows, positions = self._rows[kind], self._positions[kind]
            if before is None:
                rows.pop(key, None)
                positions.pop(key, None)
            else:
                rows[key], positions[key] = before
        for kind in {kind for kind, _ in self._before}:
            # Rows that were deleted and are back stand where they stood.
            order = self._positions[kind]
            self._rows[kind] = dict(sorted(self._rows[kind].items(), key=lambda item: order[item[0]]))
            self._indexes.pop(kind, None)
            self._revisions[kind] += 1

    def _index(self, kind: type[Row], field: str) -> Index:
        indexes = self._indexes.setdefault(kind, {})
        if field not in indexes:
            if not hasattr(kind, field):
                raise AttributeError(f"{kind.__name__} has no field {field!r}")
            index = indexes[field] = {}
            for key, row in self._rows.get(kind, {}).items():
                _move(index, key, None, row, field)
        return indexes[field]

    def _persist(self, changes: Mapping[Change, Row | None]) -> None:
        """Make the changes durable: the new row, or None where it was deleted. Raises to have them all undone."""


def _move(index: Index, key: str, old: Row | None, new: Row | None, field: str) -> None:
    """Take the key from where the old row's field put it to where the new one's does. Sets of keys that are empty go."""
    if old is not None:
        value = getattr(old, field)
        if new is not None and getattr(new, field) == value:
            return
        keys = index[value]
        del keys[key]
        if not keys:
            del index[value]
    if new is not None:
        index.setdefault(getattr(new, field), {})[key] = None


class SqliteStore(MemoryStore):
    """Rows in memory with their journal in `path`. `kinds` are the classes that may be stored, by name.

    Raises Refused when the file cannot be used (read-only, another lab's control plane holds it, written by a newer lab).
    """

    def __init__(self, path: Path, kinds: tuple[type[Row], ...]) -> None:
        super().__init__()
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._adapters: dict[type[Row], TypeAdapter[Row]] = {kind: TypeAdapter(kind) for kind in kinds}
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
            self._positions.setdefault(kind, {})[key] = self._last_position = position

    def _persist(self, changes: Mapping[Change, Row | None]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for (kind, key), row in changes.items():
                if row is None:
                    self._database.execute("DELETE FROM rows WHERE kind = ? AND key = ?", (kind.__name__, key))
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                        (kind.__name__, key, self._positions[kind][key], self._adapters[kind].dump_json(row).decode()),
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
