"""Where metric data lies in memory: streams, each in blocks of sixty periods, each period a statistic set.

A stream is one metric in one unit. A block is arrays of numbers, 8 bytes a period as long as one sample comes in each, 32
beyond that: 10 000 instances make many series. How often each value came lies beside the arrays, for those periods only in
which values differ.

    resolution    1 s   60 s   300 s   3600 s
    a block is    1 min 1 h    5 h     60 h
"""

import math
from array import array
from collections.abc import Iterator

from lab.core.cloudwatch.distribution import Distribution
from lab.core.cloudwatch.metric import Statistics

SLOTS = 60
MINUTE = 60
RESOLUTIONS = (1, 60, 300, 3600)


class Block:
    """Sixty periods. `get` and `set` are by slot, 0 to 59; `counts` and its like are None while no period has more than one
    sample."""

    __slots__ = ("counts", "distributions", "maxima", "minima", "sums")

    def __init__(self) -> None:
        self.sums = array("d", (math.nan,)) * SLOTS
        self.counts: array[float] | None = None
        self.minima: array[float] | None = None
        self.maxima: array[float] | None = None
        self.distributions: dict[int, Distribution] = {}

    def get(self, slot: int) -> Statistics | None:
        value = self.sums[slot]
        if math.isnan(value):
            return None
        if self.counts is None or self.minima is None or self.maxima is None:
            return Statistics(1.0, value, value, value)
        distribution = self.distributions.get(slot)
        return Statistics(self.counts[slot], value, self.minima[slot], self.maxima[slot], distribution)

    def set(self, slot: int, found: Statistics) -> None:
        self.sums[slot] = found.sum
        if self.counts is None:
            if found.sample_count == 1.0 and found.minimum == found.maximum == found.sum:
                return
            self.counts = array("d", (1.0,)) * SLOTS
            self.minima, self.maxima = array("d", self.sums), array("d", self.sums)
        assert self.minima is not None
        assert self.maxima is not None
        self.counts[slot], self.minima[slot], self.maxima[slot] = found.sample_count, found.minimum, found.maximum
        if found.distribution is None:
            self.distributions.pop(slot, None)
        else:
            self.distributions[slot] = found.distribution


class Stream:
    """`newest` is the start of the newest period with data, of the finest resolution; `blocks` are by resolution and by
    their number since the epoch."""

    __slots__ = ("blocks", "id", "newest")

    def __init__(self, stream_id: int) -> None:
        self.id = stream_id
        self.newest = -math.inf
        self.blocks: dict[int, dict[int, Block]] = {resolution: {} for resolution in RESOLUTIONS}

    def get(self, resolution: int, period: int) -> Statistics | None:
        """Of the period with this number since the epoch."""
        block = self.blocks[resolution].get(period // SLOTS)
        return None if block is None else block.get(period % SLOTS)

    def set(self, resolution: int, period: int, found: Statistics) -> None:
        blocks = self.blocks[resolution]
        number = period // SLOTS
        if number not in blocks:
            blocks[number] = Block()
        blocks[number].set(period % SLOTS, found)
        self.newest = max(self.newest, float(period * resolution))

    def add(self, resolution: int, period: int, more: Statistics) -> None:
        found = self.get(resolution, period)
        self.set(resolution, period, more if found is None else found.plus(more))

    def within(self, start: float, length: int) -> Iterator[Statistics]:
        """Of every period that begins in [start, start + length). Less than a minute is found in data of one-second
        resolution, a minute and more in that of a minute; what has been rolled up to r seconds only by multiples of r, as
        on AWS (bc:cloudwatch.GetMetricStatistics)."""
        for resolution in RESOLUTIONS[1:] if length % MINUTE == 0 else RESOLUTIONS[:1]:
            blocks = self.blocks[resolution]
            if blocks and length % resolution == 0:
                first, end = math.ceil(start / resolution), math.ceil((start + length) / resolution)
                yield from _between(blocks, first, end)


def _between(blocks: dict[int, Block], first: int, end: int) -> Iterator[Statistics]:
    for number in range(first // SLOTS, (end - 1) // SLOTS + 1):
        block = blocks.get(number)
        if block is None:
            continue
        base = number * SLOTS
        for slot in range(max(first - base, 0), min(end - base, SLOTS)):
            found = block.get(slot)
            if found is not None:
                yield found
