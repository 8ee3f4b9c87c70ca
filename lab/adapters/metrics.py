"""Metric data: statistic sets by metric, unit and period, in memory and in a file.

A datum is added to the statistic set of its minute at once, and with one-second resolution to that of its second; `flush`
writes the sets that changed. What a crash may lose is what came since the last flush, a second or so. Marks say how far each
source of data has been counted, and are written in the same transaction: what a crash loses is counted again, nothing twice.

Data grows coarser with age, as on AWS: what is older than `RETENTION` says is merged into the sets of the next coarser
resolution, in the same transaction in which it is forgotten. A series with one sample a minute comes to 60 KB at most, however
long the lab runs.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from lab.adapters.metric_blocks import RESOLUTIONS, SLOTS, Stream
from lab.adapters.metric_file import MetricFile
from lab.core.cloudwatch.metric import Metric, Statistics, single, total
from lab.core.cloudwatch.retention import MINUTE, RETENTION

NO_UNIT = "None"


class MetricStore:
    """`path` None keeps the data in memory only. `retention` is by resolution: 1, 60, 300 and 3600 seconds."""

    def __init__(self, path: Path | None = None, retention: Mapping[int, float] = RETENTION) -> None:
        self._retention = retention
        self._streams: dict[Metric, dict[str, Stream]] = {}
        self._dirty: set[tuple[Stream, int, int]] = set()
        self._new: list[tuple[int, Metric, str]] = []
        self._gone: list[int] = []
        self._marks: dict[str, Callable[[], str] | None] = {}
        self._remarked: set[str] = set()
        self._horizons = dict.fromkeys(RESOLUTIONS, 0)
        """By resolution, the number of the oldest block that is kept."""
        self._oldest = dict.fromkeys(RESOLUTIONS, math.inf)
        """By resolution, a number that no block there is is below: what has nothing too old need not be gone through."""
        self._expired: dict[int, int] = {}
        """By resolution, the first period that is kept, where the file does not know it yet."""
        self._file = None if path is None else MetricFile(path)
        self._next_id = 1
        if self._file is not None:
            self._load(self._file)

    # What comes.

    def put(self, metric: Metric, value: float, timestamp: float, *, resolution: int = MINUTE, unit: str = "") -> None:
        self.put_statistics(metric, single(value), timestamp, resolution=resolution, unit=unit)

    def put_statistics(
        self, metric: Metric, statistics: Statistics, timestamp: float, *, resolution: int = MINUTE, unit: str = ""
    ) -> None:
        stream = self._stream(metric, unit or NO_UNIT)
        if resolution < MINUTE and self._keeps(1, timestamp):
            self._add(stream, 1, timestamp, statistics)
        for coarser in RESOLUTIONS[1:]:
            if self._keeps(coarser, timestamp):
                self._add(stream, coarser, timestamp, statistics)
                return

    def _stream(self, metric: Metric, unit: str) -> Stream:
        units = self._streams.setdefault(metric, {})
        if unit not in units:
            units[unit] = Stream(self._next_id)
            self._new.append((self._next_id, metric, unit))
            self._next_id += 1
        return units[unit]

    def _keeps(self, resolution: int, timestamp: float) -> bool:
        return timestamp // (resolution * SLOTS) >= self._horizons[resolution]

    def _add(self, stream: Stream, resolution: int, timestamp: float, more: Statistics) -> None:
        period = int(timestamp // resolution)
        stream.add(resolution, period, more)
        self._oldest[resolution] = min(self._oldest[resolution], period // SLOTS)
        self._dirty.add((stream, resolution, period))

    def mark(self, source: str, text: Callable[[], str] | None) -> None:
        self._marks[source] = text
        self._remarked.add(source)

    # What is asked.

    def marked(self, source: str) -> str | None:
        text = self._marks.get(source)
        return None if text is None else text()

    def sources(self) -> Sequence[str]:
        return tuple(source for source, text in self._marks.items() if text is not None)

    def metrics(self) -> Sequence[Metric]:
        return tuple(self._streams)

    def units(self, metric: Metric) -> Sequence[str]:
        """The units in which there is data of a metric."""
        return tuple(self._streams.get(metric, ()))

    def streams(self, metric: Metric) -> Sequence[Stream]:
        return tuple(self._streams.get(metric, {}).values())

    def newest(self, metric: Metric) -> float:
        """The start of the newest period with data, minus infinity when there is none."""
        return max((stream.newest for stream in self.streams(metric)), default=-math.inf)

    def statistics(self, metric: Metric, start: float, period: int, unit: str = "") -> Statistics | None:
        """All data of [start, start + period), of one unit or of all; None when there is none."""
        units = self._streams.get(metric)
        if units is None or (period < MINUTE and not self._keeps(1, start)):
            return None
        streams = [units[unit]] if unit in units else [] if unit else units.values()
        return total(found for stream in streams for found in stream.within(start, period))

    # What is kept.

    def flush(self, now: float) -> None:
        """Write what changed; roll up and forget what is too old. Raises Unavailable when the disk does not take it; nothing
        is lost."""
        self._age(now)
        for stream, resolution, period in self._dirty:
            _pack(stream, resolution, period)
        marks = {source: self.marked(source) for source in self._remarked} if self._file is not None else {}
        if self._file is not None and (self._dirty or self._expired or marks):
            self._file.write(self._new, self._changed(), self._expired.items(), self._gone, marks.items())
        self._marks = {source: text for source, text in self._marks.items() if text is not None}
        for done in (self._new, self._gone, self._expired, self._dirty, self._remarked):
            done.clear()

    def _changed(self) -> Iterable[tuple[int, int, int, Statistics]]:
        for stream, resolution, period in self._dirty:
            found = stream.get(resolution, period)
            if found is not None:
                yield resolution, period, stream.id, found

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _age(self, now: float) -> None:
        """Moves what is too old into the next coarser sets."""
        for resolution, coarser in itertools.zip_longest(RESOLUTIONS, RESOLUTIONS[1:]):
            horizon = int((now - self._retention[resolution]) // (resolution * SLOTS))
            if horizon > self._horizons[resolution]:
                self._horizons[resolution] = horizon
                if self._oldest[resolution] < horizon:
                    self._expired[resolution] = horizon * SLOTS
                    # The minutes have what the seconds have.
                    self._roll_up(resolution, horizon, None if resolution < MINUTE else coarser)

    def _roll_up(self, resolution: int, horizon: int, coarser: int | None) -> None:
        for metric in self.metrics():
            for stream in self.streams(metric):
                for begin, found in stream.expire(resolution, horizon):
                    if coarser is not None:
                        self._add(stream, coarser, begin, found)
            self._forget_empty(metric)
        left = (number for metric in self._streams for one in self.streams(metric) for number in one.blocks[resolution])
        self._oldest[resolution] = min(left, default=math.inf)

    def _forget_empty(self, metric: Metric) -> None:
        units = self._streams[metric]
        for unit, stream in list(units.items()):
            if not any(stream.blocks.values()):
                del units[unit]
                self._gone.append(stream.id)
        if not units:
            del self._streams[metric]

    def _load(self, file: MetricFile) -> None:
        streams = {}
        for stream_id, metric, unit in file.streams():
            streams[stream_id] = self._streams.setdefault(metric, {})[unit] = Stream(stream_id)
            self._next_id = max(self._next_id, stream_id + 1)
        for source, text in file.marks():
            self._marks[source] = partial(str, text)
        for resolution, period, stream_id, found in file.rows():
            streams[stream_id].set(resolution, period, found)
            self._oldest[resolution] = min(self._oldest[resolution], period // SLOTS)


def _pack(stream: Stream, resolution: int, period: int) -> None:
    """Let the distribution of the period take little room."""
    block = stream.blocks[resolution].get(period // SLOTS)
    if block is not None:
        found = block.distributions.get(period % SLOTS)
        if found is not None:
            block.distributions[period % SLOTS] = found.packed()
