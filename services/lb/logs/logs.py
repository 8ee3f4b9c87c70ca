"""`Logs`: what the node's hot path knows of its logs.

A finished request is one append to a list: `logs.add(line)`. Between two batches of the selector `flush` puts the lines to
those that wait, and full blocks go to the writer's thread; `tick`, about twice a second, hands over what is there, and ends
files with their interval. Nothing here waits, and everything is bounded: what the writer cannot take is dropped and counted.
"""

import asyncio
import logging
from collections.abc import Callable

from lab.core.elbv2.config import LoadBalancerConfig, LogTarget
from services.lb.logs.access import AccessLines
from services.lb.logs.connection import ConnectionLines
from services.lb.logs.health import HealthLines
from services.lb.logs.names import Place, end_of, interval_of, place
from services.lb.logs.spool import Spool
from services.lb.logs.writer import Block, Writer

BLOCK_BYTES = 64 * 1024

_log = logging.getLogger("lb")


class Log:
    """One of the three. Its `queue` is the same list for ever, so `queue.append` may be kept; it holds the lines of one batch.
    What waits for a block to be full lies in one piece of memory: lines strewn among the connections would leave holes."""

    __slots__ = ("_block", "_count", "_number", "_place", "_used", "_writer", "kind", "queue")

    def __init__(self, number: int, kind: str, writer: Writer) -> None:
        """`kind` is how its files' names begin."""
        self.kind = kind
        self.queue: list[bytes] = []
        self._number = number
        self._writer = writer
        self._place: Place | None = None
        self._block = bytearray()
        self._used = 0
        self._count = 0

    def turn(self, to: Place | None) -> None:
        """From now on write to `to`; None: the log is off."""
        if to != self._place:
            self.hand_over()
            self._writer.give(Block(self._number, None))
            self._place = to

    def gather(self) -> None:
        """After a batch."""
        queue = self.queue
        lines = b"".join(queue)
        count = len(queue)
        queue.clear()
        if self._place is None:
            return
        if self._used + len(lines) > BLOCK_BYTES:
            self.hand_over()
            if len(lines) > BLOCK_BYTES:
                self._writer.give(Block(self._number, self._place, lines, count))
                return
        if not self._block:
            self._block = bytearray(BLOCK_BYTES)
        end = self._used + len(lines)
        self._block[self._used : end] = lines
        self._used = end
        self._count += count

    def hand_over(self) -> None:
        """What there is, full block or not."""
        if self.queue:
            self.gather()
        if self._used and self._place is not None:
            self._writer.give(Block(self._number, self._place, bytes(self._block[: self._used]), self._count))
            self._used = self._count = 0


class Logs:
    """Hot path: `access`, `connections` and `health_checks` make a line of an entry, None where that log is off; `add`,
    `add_connection` and `add_health` take the line, and are `list.append`. `node` is the node's address."""

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
        self.add: Callable[[bytes], None] = self._access.queue.append
        self.add_connection: Callable[[bytes], None] = self._connections.queue.append
        self.add_health: Callable[[bytes], None] = self._health_checks.queue.append
        self.access: AccessLines | None = None
        self.connections: ConnectionLines | None = None
        self.health_checks: HealthLines | None = None
        self._failed = 0

    @property
    def dropped(self) -> int:
        """Lines that were lost to overload or to the disk, and entries that could not be made into one."""
        return self._writer.dropped + self._failed

    def failed(self) -> None:
        """Called where making a line raised: a request must not fail because it cannot be logged."""
        _log.exception("a log entry is lost")
        self._failed += 1

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
        self._config = config
        self._end = end_of(wall, interval_of(config))
        for log, target in zip(self._all, targets, strict=True):
            log.turn(self._place(log, target))
        self.access = None if attributes.access_logs is None else AccessLines(elb, dns_name, node, offset)
        self.connections = None if attributes.connection_logs is None else ConnectionLines(elb, node, offset)
        self.health_checks = None if attributes.health_check_logs is None else HealthLines(elb, node, offset)

    def flush(self) -> None:
        """Once per batch of the selector. Costs next to nothing when nothing has been added."""
        for log in self._all:
            if log.queue:
                log.gather()

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
        for lines in (self.access, self.connections, self.health_checks):
            if lines is not None:
                lines.offset = offset
        for log, target in zip(self._all, targets, strict=True):
            log.hand_over()
            if turned:
                log.turn(self._place(log, target))

    async def stop(self) -> None:
        """Everything added is on disk and published."""
        for log in self._all:
            log.hand_over()
        await asyncio.to_thread(self._writer.stop)

    def _place(self, log: Log, target: LogTarget | None) -> Place | None:
        if target is None or self._config is None:
            return None
        return place(self._config, target, log.kind, self._end, self._node)
