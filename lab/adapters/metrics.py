"""Metric data: one-minute statistic sets per series, in memory and in SQLite.

A datum is added to the statistic set of its minute at once; `flush` writes the sets that changed. What a crash may lose is
what came since the last flush, a second or so; alarm windows are rebuilt from the rest. Sets older than `KEEP` are dropped.
Marks say how far each source of data has been counted. They are written in the same transaction as the data: so what a crash
loses of the data is counted again, and nothing is counted twice.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from lab.core.cloudwatch.metric import Metric, Statistics, single
from lab.core.errors import Unavailable

MINUTE = 60
KEEP = 3 * 3600.0


class MetricStore:
    """Statistic sets by metric and minute. `path` None keeps them in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self._series: dict[Metric, dict[int, Statistics]] = {}
        self._dirty: set[tuple[Metric, int]] = set()
        self._marks: dict[str, Callable[[], str] | None] = {}
        self._dirty_marks: set[str] = set()
        self._pruned_at = 0.0
        self._database = None if path is None else sqlite3.connect(path, isolation_level=None)
        if self._database is not None:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._load(self._database)

    def put(self, metric: Metric, value: float, timestamp: float) -> None:
        self.put_statistics(metric, single(value), timestamp)

    def put_statistics(self, metric: Metric, statistics: Statistics, timestamp: float) -> None:
        minute = int(timestamp // MINUTE) * MINUTE
        sets = self._series.setdefault(metric, {})
        sets[minute] = sets[minute].plus(statistics) if minute in sets else statistics
        self._dirty.add((metric, minute))

    def mark(self, source: str, text: Callable[[], str] | None) -> None:
        self._marks[source] = text
        self._dirty_marks.add(source)

    def marked(self, source: str) -> str | None:
        text = self._marks.get(source)
        return None if text is None else text()

    def sources(self) -> Iterable[str]:
        return tuple(source for source, text in self._marks.items() if text is not None)

    def metrics(self) -> Iterable[Metric]:
        return tuple(self._series)

    def statistics(self, metric: Metric, start: float, period: int) -> Statistics | None:
        """All data of [start, start + period); None when there is none. Both are multiples of a minute."""
        sets = self._series.get(metric, {})
        found: Statistics | None = None
        for minute in range(int(start), int(start) + period, MINUTE):
            if minute in sets:
                found = sets[minute] if found is None else found.plus(sets[minute])
        return found

    def flush(self, now: float) -> None:
        """Write what changed; forget what is too old. Raises Unavailable when the disk does not take it; nothing is lost."""
        if now - self._pruned_at > KEEP / 6:
            self._prune(now)
        if self._database is not None and (self._dirty or self._dirty_marks):
            try:
                self._write(self._database)
            except sqlite3.Error as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise Unavailable(
                    f"metric data could not be written: {error}; check the disk of the state directory"
                ) from error
        self._dirty.clear()
        self._dirty_marks.clear()

    def _write(self, database: sqlite3.Connection) -> None:
        database.execute("BEGIN")
        for metric, minute in self._dirty:
            found = self._series.get(metric, {}).get(minute)
            if found is not None:
                database.execute(
                    "INSERT OR REPLACE INTO statistics VALUES (?, ?, ?, ?, ?, ?)",
                    (_name(metric), minute, found.sample_count, found.sum, found.minimum, found.maximum),
                )
        for source in self._dirty_marks:
            text = self._marks[source]
            if text is None:
                database.execute("DELETE FROM marks WHERE source = ?", (source,))
            else:
                database.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (source, text()))
        database.execute("COMMIT")

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _prune(self, now: float) -> None:
        self._pruned_at = now
        oldest = now - KEEP
        for metric, sets in list(self._series.items()):
            kept = {minute: found for minute, found in sets.items() if minute >= oldest}
            if kept:
                self._series[metric] = kept
            else:
                del self._series[metric]
        if self._database is not None:
            self._database.execute("DELETE FROM statistics WHERE minute < ?", (oldest,))

    def _load(self, database: sqlite3.Connection) -> None:
        database.execute(
            "CREATE TABLE IF NOT EXISTS statistics (metric TEXT, minute INTEGER, sample_count REAL, sum REAL,"
            " minimum REAL, maximum REAL, PRIMARY KEY (metric, minute))"
        )
        database.execute("CREATE TABLE IF NOT EXISTS marks (source TEXT PRIMARY KEY, text TEXT)")
        for source, text in database.execute("SELECT * FROM marks"):
            self._marks[source] = partial(str, text)
        for name, minute, *values in database.execute("SELECT * FROM statistics ORDER BY minute"):
            self._series.setdefault(_metric(name), {})[minute] = Statistics(*values)


def _name(metric: Metric) -> str:
    return json.dumps([metric.namespace, metric.name, metric.dimensions])


def _metric(name: str) -> Metric:
    namespace, metric_name, dimensions = json.loads(name)
    return Metric(namespace, metric_name, tuple((str(key), str(value)) for key, value in dimensions))
