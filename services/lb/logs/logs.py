"""`Logs`: what the node's hot path knows of its logs.

A finished request is one append to a list: `logs.add(entry)`. Between two batches of the selector `flush` turns a slice of
the list into lines; full blocks of lines go to the writer's thread. `tick`, about twice a second, hands over what is there,
and ends files with their interval. Nothing here waits, and everything is bounded: entries over the limit are dropped and
counted.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from lab.core.elbv2.config import LoadBalancerConfig, LogTarget
from services.lb.logs.access import AccessLines
from services.lb.logs.connection import ConnectionLines
from services.lb.logs.entry import ConnectionEntry, Entry, HealthEntry
from services.lb.logs.health import HealthLines
from services.lb.logs.names import Place, end_of, interval_of, place
from services.lb.logs.spool import Spool
from services.lb.logs.writer import Block, Writer

SLICE = 64
QUEUED = 4096
"""Entries that may wait to be formatted."""
BLOCK_BYTES = 64 * 1024
FLUSH_BYTES = 512 * 1024
"""Lines of hostile length end a flush early."""

_log = logging.getLogger("lb")

Lines = AccessLines | ConnectionLines | HealthLines


class Log:
    """One of the three. Its `queue` is the same list for ever, so `queue.append` may be kept."""

    __slots__ = ("_chunks", "_count", "_lines", "_number", "_place", "_size", "_writer", "dropped", "kind", "queue")

    def __init__(self, number: int, kind: str, writer: Writer) -> None:
        """`kind` is how its files' names begin."""
        self.kind = kind
        self.queue: list[Any] = []
        self.dropped = 0
        self._number = number
        self._writer = writer
        self._lines: Lines | None = None
        self._place: Place | None = None
        self._chunks: list[bytes] = []
        self._count = 0
        self._size = 0

    def configure(self, lines: Lines | None, to: Place | None) -> None:
        """From now on render by `lines` and write to `to`; None for both: the log is off."""
        self.flush_all()
        self.turn(to)
        self._lines = lines

    def turn(self, to: Place | None) -> None:
        """Another file from now on."""
        if to != self._place:
            self.hand_over()
            self._writer.give(Block(self._number, None))
            self._place = to

    def flush(self, budget: int) -> None:
        queue = self.queue
        waiting = len(queue)
        if self._lines is None or not waiting:
            queue.clear()
            return
        if waiting > QUEUED:
            self.dropped += waiting - QUEUED
            del queue[QUEUED:]
            waiting = QUEUED
        # A quarter of a backlog, where that is more: it settles at four times what comes with a batch.
        wanted = max(budget, waiting >> 2)
        done = size = 0
        while done < wanted and size < FLUSH_BYTES:
            entries = queue[done : min(wanted, done + SLICE)]
            if not entries:
                break
            done += len(entries)
            size += self._render(entries, self._lines)
        del queue[:done]

    def flush_all(self) -> None:
        while self.queue:
            self.flush(SLICE)

    def _render(self, entries: list[Any], lines: Lines) -> int:
        """How many bytes they became."""
        line = lines.line
        try:
            chunk = b"".join([line(entry) for entry in entries])
        except Exception:
            # A request must not fail because it cannot be logged.
            _log.exception("%d log entries are lost", len(entries))
            self.dropped += len(entries)
            return 0
        self._chunks.append(chunk)
        self._count += len(entries)
        self._size += len(chunk)
        if self._size >= BLOCK_BYTES:
            self.hand_over()
        return len(chunk)

    def hand_over(self) -> None:
        if self._count:
            self._writer.give(Block(self._number, self._place, b"".join(self._chunks), self._count))
            self._chunks.clear()
            self._count = self._size = 0

    def offset(self, seconds: float) -> None:
        if self._lines is not None:
            self._lines.offset = seconds


class Logs:
    """Hot path: `add`, `add_connection` and `add_health` are `list.append`; ask `access`, `connections` and `health_checks`
    first whether that log is on, and make no entry when it is not. `node` is the node's address."""

    def __init__(
        self,
        spool: Spool,
        node: str,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._node = node
        self._clock = clock
        self._wall_clock = wall_clock
        self._writer = Writer(spool, random_bytes)
        self._config: LoadBalancerConfig | None = None
        self._end = 0
        self._access = Log(0, "", self._writer)
        self._connections = Log(1, "conn_log_", self._writer)
        self._health_checks = Log(2, "health_check_log_", self._writer)
        self._all = (self._access, self._connections, self._health_checks)
        self.add: Callable[[Entry], None] = self._access.queue.append
        self.add_connection: Callable[[ConnectionEntry], None] = self._connections.queue.append
        self.add_health: Callable[[HealthEntry], None] = self._health_checks.queue.append
        self.access = self.connections = self.health_checks = False

    @property
    def dropped(self) -> int:
        """Entries that were lost to overload or to the disk."""
        return self._writer.dropped + sum(log.dropped for log in self._all)

    def start(self) -> None:
        """After a fork, if there is one: it starts a thread."""
        self._writer.start()

    def configure(self, config: LoadBalancerConfig) -> None:
        """Log as `config` says from now on; what was logged before goes where it was to go."""
        wall = self._wall_clock()
        offset = wall - self._clock()
        elb, dns_name, node = config.name.encode(), config.dns_name.encode(), self._node.encode()
        attributes = config.attributes
        targets = (attributes.access_logs, attributes.connection_logs, attributes.health_check_logs)
        lines: tuple[Lines, ...] = (
            AccessLines(elb, dns_name, node, offset),
            ConnectionLines(elb, node, offset),
            HealthLines(elb, node, offset),
        )
        self._config = config
        self._end = end_of(wall, interval_of(config))
        for log, target, renderer in zip(self._all, targets, lines, strict=True):
            log.configure(None if target is None else renderer, self._place(log, target))
        self.access = attributes.access_logs is not None
        self.connections = attributes.connection_logs is not None
        self.health_checks = attributes.health_check_logs is not None

    def flush(self, budget: int = SLICE) -> None:
        """Once per batch of the selector. Costs next to nothing when nothing waits."""
        for log in self._all:
            if log.queue:
                log.flush(budget)

    def tick(self) -> None:
        """About twice a second: reads the clocks, hands lines to the disk, ends files whose interval has passed."""
        config = self._config
        if config is None:
            return
        wall = self._wall_clock()
        offset = wall - self._clock()
        end = end_of(wall, interval_of(config))
        turned, self._end = end != self._end, end
        attributes = config.attributes
        targets = (attributes.access_logs, attributes.connection_logs, attributes.health_check_logs)
        for log, target in zip(self._all, targets, strict=True):
            log.offset(offset)
            log.hand_over()
            if turned:
                log.turn(self._place(log, target))

    async def stop(self) -> None:
        """Everything added is on disk and published."""
        for log in self._all:
            log.flush_all()
            log.hand_over()
        await asyncio.to_thread(self._writer.stop)

    def _place(self, log: Log, target: LogTarget | None) -> Place | None:
        if target is None or self._config is None:
            return None
        return place(self._config, target, log.kind, self._end, self._node)
