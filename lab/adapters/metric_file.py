"""The file of metric data: one row for each stream, one for each of its periods that has data; and the marks."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from lab.core.cloudwatch.distribution import Distribution
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.errors import Refused, Unavailable

Row: TypeAlias = tuple[int, int, int, Statistics]
"""Resolution, number of the period since the epoch, the stream's id, its data."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS streams (id INTEGER PRIMARY KEY, metric TEXT, unit TEXT, UNIQUE (metric, unit));
CREATE TABLE IF NOT EXISTS data (
    resolution INTEGER, period INTEGER, stream INTEGER,
    sample_count REAL, sum REAL, minimum REAL, maximum REAL, distribution BLOB,
    PRIMARY KEY (resolution, period, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (source TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
DROP TABLE IF EXISTS statistics;
"""
"""`statistics` held three hours of an older lab's data."""


class MetricFile:
    """Raises Refused when the file cannot be used. Nothing waits for a lock: the control plane is the only one that writes."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise Refused(f"the metric data in {path} cannot be read ({error}); `lab down` removes it") from error

    def streams(self) -> Iterator[tuple[int, Metric, str]]:
        for stream_id, name, unit in self._database.execute("SELECT id, metric, unit FROM streams"):
            yield stream_id, _metric(name), unit

    def rows(self) -> Iterator[Row]:
        for row in self._database.execute("SELECT * FROM data"):
            resolution, period, stream_id, sample_count, total, minimum, maximum, packed = row
            known = None if packed is None else Distribution((packed,))
            yield resolution, period, stream_id, Statistics(sample_count, total, minimum, maximum, known)

    def marks(self) -> Iterator[tuple[str, str]]:
        yield from self._database.execute("SELECT source, text FROM marks")

    def write(
        self,
        streams: Iterable[tuple[int, Metric, str]],
        rows: Iterable[Row],
        expired: Iterable[tuple[int, int]],
        gone: Iterable[int],
        marks: Iterable[tuple[str, str | None]],
    ) -> None:
        """In one transaction: new streams; their data; forget, by resolution, the periods before one; forget streams; marks,
        of which None is forgotten. Raises Unavailable when the disk does not take it; then nothing is changed."""
        execute, many = self._database.execute, self._database.executemany
        try:
            execute("BEGIN")
            many(
                "INSERT OR REPLACE INTO streams VALUES (?, ?, ?)",
                ((i, _name(metric), unit) for i, metric, unit in streams),
            )
            many("INSERT OR REPLACE INTO data VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_columns, rows))
            many("DELETE FROM data WHERE resolution = ? AND period < ?", expired)
            many("DELETE FROM streams WHERE id = ?", ((stream_id,) for stream_id in gone))
            for source, text in marks:
                if text is None:
                    execute("DELETE FROM marks WHERE source = ?", (source,))
                else:
                    execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (source, text))
            execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                execute("ROLLBACK")
            raise Unavailable(
                f"metric data could not be written: {error}; check the disk of the state directory"
            ) from error

    def close(self) -> None:
        self._database.close()


def _columns(row: Row) -> tuple[object, ...]:
    resolution, period, stream_id, found = row
    packed = None
    if found.distribution is not None:
        [packed] = found.distribution.packed().parts
    return (
        resolution, period, stream_id, found.sample_count, found.sum, found.minimum, found.maximum,
        packed,
    )  # fmt: skip


def _name(metric: Metric) -> str:
    return json.dumps([metric.namespace, metric.name, metric.dimensions])


def _metric(name: str) -> Metric:
    namespace, metric_name, dimensions = json.loads(name)
    return Metric(namespace, metric_name, tuple((str(key), str(value)) for key, value in dimensions))
