"""A worker: the data plane of one process. Obeys its supervisor's orders, serves requests, says how it stands.

It needs no control plane and no disk: the document and the targets' health come with its first orders, before any listener,
so that it never answers out of ignorance. Knows nothing of the other workers, nor how orders reach it.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping

from lab.core.elbv2.health import REGISTERED, TargetHealth
from services.lb.http2.support import http2_is_available
from services.lb.logs.logs import Logs
from services.lb.node.allowance import Allowance
from services.lb.node.messages import NOTHING, Orders, Status, TargetCounts
from services.lb.routing.table import compile_table
from services.lb.serving.front import compile_fronts
from services.lb.serving.listener import ListeningSocket
from services.lb.serving.plane import Plane
from services.lb.sockets.selector import ServingSelector
from services.lb.targets.target import TargetKey
from services.lb.tls.fronts import compile_tls_fronts

_log = logging.getLogger("lb")


class Worker:
    """`swept` is called about twice a second, as long as all is well. Must be made within the running event loop."""

    def __init__(
        self,
        zone: str,
        selector: ServingSelector,
        allowance: Allowance,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        logs: Logs | None = None,
    ) -> None:
        table, _ = compile_table(NOTHING, None, zone, selector.now, random_bytes)
        self.plane = Plane(selector, table, wall_clock, random_bytes, allowance, logs)
        self.listeners: dict[int, ListeningSocket] = {}
        self.swept: Callable[[], None] = lambda: None
        self._zone = zone
        self._clock = clock
        self._random_bytes = random_bytes
        self._numbers: dict[int, int] = {}  # of the listeners' sockets
        self._unused: dict[int, socket.socket] = {}  # came with orders that were refused
        self._serial = 0
        self._refused = ""
        self._deadline = 0.0
        self._sweeper = asyncio.create_task(self._sweep())

    def obey(self, orders: Orders, sockets: Mapping[int, socket.socket]) -> None:
        """Puts `orders` in force as far as they are news. `sockets` are those of the listeners, by number, that were not
        told before; they are the worker's from now on. What cannot be put in force is refused, and all stays as it was."""
        self._unused.update(sockets)
        listeners = {} if self.plane.draining else orders.listeners
        try:
            if orders.serial != self._serial:
                self._configure(orders, listeners)
            self._know(orders.health)
        except Exception as error:
            _log.exception("configuration %d cannot be put in force", orders.config.generation)
            self._refused = f"a worker cannot put the configuration in force: {error!r}"
            return
        self._refused = ""
        self._close_all_but(listeners)
        self._open(listeners)

    def status(self) -> Status:
        plane = self.plane
        groups = {arn: group.report() for arn, group in plane.table.groups.items()}
        return Status(
            serial=self._serial,
            refused=self._refused,
            counters=plane.counters.metrics(groups.values()),
            groups=groups,
            active_connections=len(plane.clients) + sum(len(target.connections) for target in plane.table.targets()),
            targets={
                target.key: TargetCounts(
                    target.in_flight,
                    target.requests,
                    target.errors,
                    target.bytes_in,
                    target.bytes_out,
                    target.anomalous,
                    target.mitigated,
                )
                for target in plane.table.targets()
                if target.requests or target.in_flight
            },
        )

    def drain(self, seconds: float) -> None:
        """Accept no more, close what is idle, let requests under way end with `Connection: close`; after `seconds` cut.
        Asked again, it takes the earlier end."""
        deadline = self._clock() + seconds
        self._deadline = min(self._deadline, deadline) if self.plane.draining else deadline
        self.plane.draining = True
        self._close_all_but({})
        for client in list(self.plane.clients):
            client.drain()

    async def drained(self) -> None:
        """Until all has ended or the time is up."""
        while self.plane.clients and self._clock() < self._deadline:  # noqa: ASYNC110 - the hot path sets no event for this
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends everything at once: tasks, listeners, connections."""
        self._sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeper
        self._close_all_but({})
        for client in list(self.plane.clients):
            client.abort()
        for target in self.plane.table.targets():
            target.retire(cut=True)
        if self.plane.logs is not None:
            await self.plane.logs.stop()

    def _configure(self, orders: Orders, listeners: Mapping[int, int]) -> None:
        plane = self.plane
        before = plane.table
        config = orders.config
        secure = compile_tls_fronts(config, plane.secure, http2=http2_is_available())
        table, gone = compile_table(config, before, self._zone, plane.selector.now, self._random_bytes)
        fronts = compile_fronts(config, table.listeners)
        self._close_all_but(listeners)  # who came in by a listener that goes is served by the table that has it
        plane.table, plane.fronts, plane.secure = table, fronts, secure
        if plane.logs is not None:
            plane.logs.configure(config)
        self._serial = orders.serial
        for target in gone:
            target.retire(cut=True)
            target.counters.requests += target.requests
        for arn, group in before.groups.items():
            if arn not in table.groups:
                plane.counters.retired.update(group.counters.report(arn, 0).counters)
        for target in table.targets():
            if target.draining:
                target.retire(cut=False)

    def _know(self, health: Mapping[TargetKey, TargetHealth]) -> None:
        for group in self.plane.table.groups.values():
            changed = False
            for target in group.members:
                told = health.get(target.key, REGISTERED)
                if told.state is not target.health.state:
                    target.health = told
                    changed = True
            if changed:
                group.refresh(self.plane.selector.now)

    def _close_all_but(self, wanted: Mapping[int, int]) -> None:
        """Who listens no more has its idle clients leave."""
        for port in [port for port, number in self._numbers.items() if wanted.get(port) != number]:
            del self._numbers[port]
            self.listeners.pop(port).close()
            if port not in wanted:
                for client in [client for client in self.plane.clients if client.port == port]:
                    client.drain()

    def _open(self, wanted: Mapping[int, int]) -> None:
        for port, number in wanted.items():
            if number in self._unused:
                self._numbers[port] = number
                self.listeners[port] = ListeningSocket(self.plane, self._unused.pop(number), port)
        while self._unused:
            self._unused.popitem()[1].close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(0.5, max(0.05, self.plane.table.idle_timeout / 4)))
            try:
                self.plane.stamp()
                self.plane.sweep()
                for listener in self.listeners.values():
                    listener.resume()
            except Exception:
                _log.exception("the sweep failed; it goes on")
            self.swept()
